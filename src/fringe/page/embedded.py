"""The data that the page's scripts read: JSON with long arrays as base64."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from fringe.page.content import Curve, ExplorerView
from fringe.scores.explorer import Explorer
from fringe.texts import escaped

__all__ = ["curve_data", "embedded_json", "explorer_data"]


def embedded_json(value: Any) -> Markup:
    """Return JSON for a script element; nothing in it can end the element.

    >>> print(embedded_json({"title": "</script>"}))
    {"title":"\\u003c/script>"}
    """
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def curve_data(curve: Curve) -> Markup:
    """Return the data of one plot for its script; the rows are in the link to its CSV."""
    return embedded_json({"title": curve.title, "caption": curve.caption, "spec": curve.spec})


def explorer_data(view: ExplorerView) -> Markup:
    """Return the data of one view for the explorer's script."""
    explorer = view.explorer
    table = explorer.class_table
    classes = table and {
        "numbers": _array(table.numbers, "<i4"),
        "names": [escaped(name) for name in table.names],
        "shares": _array(table.shares, "<f8"),
        "contributions": _array(table.contributions, "<f8"),
    }
    sprites = explorer.sprites
    return embedded_json(
        {
            "key": view.key,
            "title": escaped(view.title),
            "groups": [escaped(name) for name in explorer.groups],
            "models": [escaped(name) for name in explorer.models],
            "group": _array(explorer.group, "|i1"),
            "index": _array(_numbers(explorer), "<f8"),
            "sampled": _array(explorer.sampled, "|u1"),
            "classes": _array(explorer.classes, "<i4"),
            "probabilities": _array(explorer.probabilities, "<f4"),
            "weight": _array(explorer.weight, "<f4"),
            "influence": _array(explorer.influence, "<f4"),
            "nearest": _array(explorer.nearest, "<f4"),
            "maps": _array(explorer.maps, "|u1"),
            "mapRanges": _array(explorer.map_ranges, "<f4"),
            "sprites": {
                "pictures": [base64.b64encode(one).decode() for one in sprites.pictures],
                "size": sprites.size,
                "rows": sprites.rows,
                "columns": sprites.columns,
            },
            "classTable": classes,
            "network": escaped(explorer.network),
            "counts": [escaped(text) for text in explorer.counts],
            "seed": explorer.seed,
        }
    )


def _numbers(explorer: Explorer) -> NDArray[np.float64]:
    """Return the numbers of the images; JavaScript's integers are exact up to 2 to the 53."""
    numbers = np.asarray(explorer.index)
    if numbers.size and numbers.max() >= 2**53:
        raise ValueError("the number of an image is too large for JavaScript")
    return numbers.astype(np.float64)


def _array(values: NDArray[Any] | None, kind: str) -> dict[str, Any] | None:
    """Return an array for JSON: its type, its shape, and its bytes, little-endian."""
    if values is None:
        return None
    array = np.ascontiguousarray(values, dtype=np.dtype(kind))
    return {
        "type": array.dtype.name,
        "shape": list(array.shape),
        "data": base64.b64encode(array.tobytes()).decode(),
    }
