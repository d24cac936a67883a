"""Parts of Vega-Lite specifications that several plots share: plain dictionaries.

Texts of users are values of a plot's data and domains of its scales. They are never a part of an
expression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["ZOOM", "Spec", "colour", "dash", "faded", "number", "only", "picked", "plot", "tooltip"]

Spec = dict[str, Any]

ZOOM: Spec = {
    "name": "zoom",
    "select": "interval",
    "bind": "scales",
}
"""Drag to move; double-click to reset. The page zooms with Ctrl and the mouse wheel."""

PICK = "picked"
"""The name of the selection of entries in the legend."""

HEIGHT = 340  # pixels, with axes and legends


def plot(layers: Sequence[Spec], encoding: Mapping[str, Any], height: int = HEIGHT) -> Spec:
    """Return a plot of layers that share an encoding; its legends are included in the height."""
    return {
        "width": "container",
        "height": height,
        "layer": list(layers),
        "encoding": dict(encoding),
    }


def picked(field: str) -> Spec:
    """Return the selection of values of ``field`` by a click on the legend."""
    return {"name": PICK, "select": {"type": "point", "fields": [field]}, "bind": "legend"}


def only(field: str, value: str) -> list[Spec]:
    """Return the transformation that keeps the rows with a value of a field."""
    return [{"filter": {"field": field, "equal": value}}]


def number(field: str, title: str, **scale: Any) -> Spec:
    """Return a channel of a number; ``scale`` are properties of its scale."""
    return {"field": field, "type": "quantitative", "title": title, "scale": scale}


def colour(field: str, title: str, domain: Sequence[str]) -> Spec:
    """Return a channel of colours; the page chooses them."""
    return {
        "field": field,
        "type": "nominal",
        "title": title,
        "scale": {"domain": list(domain)},
        "legend": {"orient": "top", "columns": 2, "labelLimit": 190, "symbolOpacity": 1},
    }


def dash(field: str, title: str, domain: Sequence[str]) -> Spec:
    """Return a channel of dashes of lines."""
    return {
        "field": field,
        "type": "nominal",
        "title": title,
        "scale": {"domain": list(domain)},
        "legend": {
            "orient": "bottom",
            "columns": 2,
            "labelLimit": 190,
            "symbolType": "stroke",
            "symbolSize": 400,
        },
    }


def tooltip(
    texts: Mapping[str, str], values: Mapping[str, str], counts: Mapping[str, str] | None = None
) -> list[Spec]:
    """Return the tooltip of a point: titles by field, for texts, numbers and counts."""
    return [
        *({"field": field, "type": "nominal", "title": title} for field, title in texts.items()),
        *(
            {"field": field, "type": "quantitative", "title": title, "format": ".5~g"}
            for field, title in values.items()
        ),
        *(
            {"field": field, "type": "quantitative", "title": title, "format": ",d"}
            for field, title in (counts or {}).items()
        ),
    ]


def faded(high: float = 1.0) -> Spec:
    """Return the opacity ``high`` for marks picked in the legend; the others almost vanish."""
    return {"condition": {"param": PICK, "value": high}, "value": high / 8}
