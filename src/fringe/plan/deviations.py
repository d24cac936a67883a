"""List of the differences between a run and the paper, and of choices that the paper leaves open.

``deviations.yaml`` contains the list. `fringe.plan.paper_document` makes ``docs/paper.md`` from the
list. The report's page, the notes of figures and tables and the captions also come from the list.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, reduce
from importlib.resources import files
from typing import Any

import yaml

from fringe.config.choices import networks_of_run
from fringe.config.model import Config
from fringe.scores.protocol import plain_name

__all__ = ["Deviation", "applying", "choices", "deviations", "exhibit_title"]

TEXTS = ("topic", "short", "paper", "code", "ours", "why")


@dataclass(frozen=True)
class Deviation:
    """One entry of the list.

    ``exhibits`` are names such as "table1" or "figure10a". The entry applies to a run with one of
    ``networks`` and one of ``datasets`` (any, if empty) and with the values in ``when``, which are
    given by the paths of their keys. The texts describe the ``paper``, the released ``code``,
    Fringe (``ours``), and the reason (``why``). ``short`` is for notes.
    """

    topic: str
    exhibits: tuple[str, ...]
    short: str
    paper: str
    code: str
    ours: str
    why: str
    networks: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    when: Mapping[str, Any] = field(default_factory=dict)

    def to_plain(self) -> dict[str, str]:
        """Return the texts on the report's page, in a form that a job's params can contain."""
        texts = ("topic", "paper", "code", "ours", "why")
        return {"exhibits": _titles(self.exhibits)} | {name: getattr(self, name) for name in texts}


@cache
def _listed() -> tuple[Deviation, ...]:
    text = files("fringe.plan").joinpath("deviations.yaml").read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = yaml.safe_load(text)
    for entry in entries:
        for name in ("exhibits", "networks", "datasets"):
            entry[name] = tuple(entry.get(name, ()))
    return tuple(Deviation(**entry) for entry in entries)


def deviations(config: Config) -> list[Deviation]:
    """Return the whole list, with texts filled in from a completed configuration."""
    return [
        replace(one, **{name: getattr(one, name).format_map(dict(config)) for name in TEXTS})
        for one in _listed()
    ]


def applying(config: Config, exhibits: Iterable[str]) -> list[Deviation]:
    """Return the entries that apply to a run's networks, data sets, settings and ``exhibits``."""
    shown, networks = set(exhibits), set(networks_of_run(config))
    datasets = {plain_name(name) for name in config.datasets}
    return [
        replace(one, exhibits=tuple(name for name in one.exhibits if name in shown))
        for one in deviations(config)
        if shown.intersection(one.exhibits)
        and (not one.networks or networks.intersection(one.networks))
        and (not one.datasets or datasets.intersection(one.datasets))
        and all(_value(config, key) == value for key, value in one.when.items())
    ]


def choices(config: Config) -> dict[str, str]:
    """Return a sentence with the applying entries for each exhibit, for its note or caption."""
    exhibits = sorted({name for one in _listed() for name in one.exhibits}, key=_order)
    sentences = {}
    for name in exhibits:
        found = "; ".join(one.short for one in applying(config, [name]))
        sentences[name] = (
            f"Choices that the paper leaves open or makes differently (docs/paper.md): {found}."
            * bool(found)
        )
    return sentences


def exhibit_title(exhibit: str) -> str:
    """Return the title of an exhibit, such as "Figure 10a" for "figure10a"."""
    for kind in ("table", "figure"):
        if exhibit.startswith(kind):
            return f"{kind.capitalize()} {exhibit.removeprefix(kind)}"
    return exhibit.capitalize()


def _titles(exhibits: Iterable[str]) -> str:
    return ", ".join(exhibit_title(name) for name in sorted(exhibits, key=_order))


def _order(exhibit: str) -> tuple[int, int, str]:
    """Return a sort key: tables before figures, by number, and Fringe's own exhibits last."""
    kind = 0 if exhibit.startswith("table") else 1 if exhibit.startswith("figure") else 2
    digits = "".join(letter for letter in exhibit if letter.isdigit())
    ours = "S" in exhibit
    return kind, 1000 * ours + int(digits or 0), exhibit


def _value(config: Config, path: str) -> Any:
    return reduce(getattr, path.split("/"), config)
