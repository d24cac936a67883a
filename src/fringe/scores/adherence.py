"""Comparison of a number with the protocol that its run names: follows, deviates, or not defined.

A run that names no protocol has no `Following`; its numbers are not compared with a protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from fringe.scores.asked_metrics import ASKED
from fringe.scores.cells import Cell
from fringe.scores.differences import PAPER, Protocols, differences, elsewhere, read_protocols
from fringe.scores.named_protocols import Defined, NamedProtocol, named_protocol
from fringe.scores.protocol import PUBLISHED, Protocol, plain_name
from fringe.scores.titles import METRICS, without_factor

__all__ = [
    "Adherence",
    "Following",
    "Judged",
    "asked_title",
    "protocol_notes",
    "read_following",
]

_UNKNOWN = "the protocol is unknown"

_AS_MADE = ("random", "random-filled")
"""Schemes that do not resample: images are drawn at random from the generator's images."""

_DENSITY_K = 5
"""The nearest neighbour of density and coverage, which is not configurable (`fringe.metrics`)."""

_PAPER_COUNTS = {"afhqv2dog": (4678, 4678)}
"""Numbers of real and generated images in the paper, where they differ from 50,000."""


def asked_title(metric: str) -> str:
    """Return the display name of a metric, including the metrics of `evaluation/metrics`.

    >>> asked_title("sfid"), asked_title("kid"), asked_title("rbf_kid")
    ('sFID', 'KID', 'RBF-KID')
    """
    return ASKED[metric].title if metric in ASKED else METRICS[metric].title


@dataclass(frozen=True)
class Adherence:
    """The relation of a number to a protocol.

    Attributes
    ----------
    protocol : str
        The name of the protocol.
    lacking : str
        Why the protocol does not define the number, as the end of a sentence that begins with "the
        protocol"; "" if the protocol defines the number.
    differs : tuple of str
        A short description of each deviation; () if nothing deviates.
    """

    protocol: str
    lacking: str = ""
    differs: tuple[str, ...] = ()

    @property
    def follows(self) -> bool:
        """Whether the protocol defines the number and nothing deviates."""
        return not self.lacking and not self.differs

    @property
    def text(self) -> str:
        """The relation in words.

        >>> Adherence("adm", differs=("10,000 generated images (adm: 50,000)",)).text
        'protocol adm, except 10,000 generated images (adm: 50,000)'
        """
        if self.lacking:
            return f"not defined by protocol {self.protocol}, which {self.lacking}"
        if self.differs:
            return f"protocol {self.protocol}, except {'; '.join(self.differs)}"
        return f"protocol {self.protocol}"


@dataclass(frozen=True)
class Following:
    """The protocol that a run names, and the protocols of the run's own measurements.

    Attributes
    ----------
    protocol : str
        One of `fringe.scores.named_protocols.PROTOCOL_NAMES`.
    measured : mapping of data set to Protocol
    parts : mapping of data set to (int, int)
        For data sets that use only some of the real images in their files: the number of used
        images, and the number of images in the files.
    """

    protocol: str
    measured: Protocols
    parts: Mapping[str, tuple[int, int]]

    def judge(
        self, cell: Cell, *, dataset: str, network: str, scheme: str, metric: str
    ) -> Adherence:
        """Return the relation of a number to the protocol.

        Parameters
        ----------
        cell : Cell
            The number, and the numbers of images that it was measured with.
        dataset, network, scheme, metric : str
            What was measured. "sfid" is the same metric as "fid" in the spatial features.
        """
        about = named_protocol(self.protocol)
        name = _plain_metric(metric, network)
        ours = self.measured.get(dataset)
        defined = about.defines(name, network)
        lacking = _lacking(about, defined, ours, name, network, scheme)
        if lacking:
            return Adherence(self.protocol, lacking)
        if ours is None:
            return Adherence(self.protocol, differs=(_UNKNOWN,))
        # KID of all pairs has no subsets that could differ.
        exact = metric == "kid_exact"
        checked = metric if exact else name
        differs: list[str] = []
        if self.protocol == "paper":
            differs += _from_paper(ours, dataset, cell, network, scheme, checked)
        else:
            if defined is None:  # the run's FID network is not the network of the protocol
                others = about.networks_of(name)
                differs.append(f"features of {network} ({about.name}: {_listed(others)})")
                defined = about.defines(name, others[0])
            assert defined is not None
            differs += _differing(about, defined, ours, cell, network, checked)
        if exact and defined is not None and defined.kid_subsets is not None:
            theirs = f"{defined.kid_subsets:,} subsets of {defined.kid_subset_size:,} images"
            differs.append(f"all pairs of images ({about.name}: {theirs})")
        differs += self._part(dataset, defined)
        return Adherence(self.protocol, differs=tuple(differs))

    def _part(self, dataset: str, defined: Defined | None) -> Iterator[str]:
        if dataset in self.parts and defined is not None and defined.real == "all":
            part, whole = self.parts[dataset]
            yield f"{part:,} of {whole:,} real images ({self.protocol}: all)"


def read_following(plain: Mapping[str, Any] | None) -> Following | None:
    """Return the `Following` in a job's params; None if the run names no protocol."""
    if not plain:
        return None
    parts = {name: (part[0], part[1]) for name, part in plain.get("parts", {}).items()}
    return Following(plain["protocol"], read_protocols(plain["measured"]), parts)


def _plain_metric(metric: str, network: str) -> str:
    """Return the name of a metric in protocols."""
    if metric == "fid" and network == "inception-spatial":
        return "sfid"
    return "kid" if metric == "kid_exact" else without_factor(metric)


def _lacking(
    about: NamedProtocol,
    defined: Defined | None,
    ours: Protocol | None,
    metric: str,
    network: str,
    scheme: str,
) -> str:
    """Return why a protocol does not define a number; "" if the protocol defines it.

    In the run's FID network, a metric that the protocol defines in other networks is a deviation,
    not an undefined number.
    """
    if about.name != "paper" and scheme not in _AS_MADE:
        return "does not resample images"
    if defined is not None:
        return ""
    others = about.networks_of(metric)
    if not others:
        return "does not have this metric"
    if ours is not None and network == ours.network:
        return ""
    return f"has this metric only in {_listed(others)}"


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _differing(
    about: NamedProtocol,
    defined: Defined,
    ours: Protocol,
    cell: Cell,
    network: str,
    metric: str,
) -> Iterator[str]:
    """Yield the deviations of a number that the protocol defines."""
    name = about.name
    yield from _weights_and_precision(ours, network)
    yield from _counts(name, defined, ours, cell, network)
    if metric == "kid":
        subsets, theirs = ((one.kid_subsets, one.kid_subset_size) for one in (ours, defined))
        if None not in theirs and subsets != theirs:
            yield (
                f"{subsets[0]:,} KID subsets of {subsets[1]:,} images ({name}: {theirs[0]:,} of "
                f"{theirs[1]:,})"
            )
    k = _DENSITY_K if metric in ("density", "coverage") else ours.recall_k
    if defined.k is not None and k != defined.k:
        yield f"k = {k} ({name}: {defined.k})"
    if about.labels and ours.label is not None and ours.label != about.labels:
        yield f"labels: {ours.label} ({name}: {about.labels})"
    if defined.draws == "least":
        mine = f"the mean of {cell.repeats} draws" if cell.repeats > 1 else "one evaluation"
        yield f"{mine} ({name}: the smallest of several)"
    if defined.otherwise:
        yield defined.otherwise


def _weights_and_precision(ours: Protocol, network: str) -> Iterator[str]:
    identity = ours.weights.get(network, PUBLISHED)
    if identity != PUBLISHED:
        yield f"other weights of {network} ({identity})"
    if ours.precision != "float32":
        yield f"features in {ours.precision}"


def _counts(name: str, defined: Defined, ours: Protocol, cell: Cell, network: str) -> Iterator[str]:
    """Yield the numbers of images that deviate. Published statistics have their own number."""
    have = (ours.statistics.get(network, ours.real_total), ours.candidates)
    pairs = zip(
        ("real", "generated"),
        (cell.n_real, cell.n_generated),
        (defined.real, defined.generated),
        have,
        strict=True,
    )
    for side, mine, asked, whole in pairs:
        if asked is None or whole is None:
            continue
        if asked == "all":
            if mine != whole:
                yield f"{mine:,} of {whole:,} {side} images ({name}: all)"
            continue
        theirs = min(asked, whole) if defined.most else asked
        if mine != theirs:
            most = " at most" if defined.most else ""
            yield f"{mine:,} {side} images ({name}: {asked:,}{most})"


def _from_paper(
    ours: Protocol,
    dataset: str,
    cell: Cell,
    network: str,
    scheme: str,
    metric: str,
) -> tuple[str, ...]:
    """Return the deviations from the paper, whose protocol has details for its own data sets."""
    counts = _PAPER_COUNTS.get(plain_name(dataset), (50_000, 50_000))
    drawn = "random" if scheme in _AS_MADE else scheme
    asked = {"network": network, "scheme": drawn, "metric": metric}
    if plain_name(dataset) in PAPER:
        return differences(ours, dataset, cell, counts, **asked)
    return elsewhere(ours, cell, counts, **asked)


class Judged(NamedTuple):
    """The relation of one number to a protocol, in words.

    Attributes
    ----------
    of : str
        The display name of the data set or model.
    label : str
        The number, such as "FID (CLIP)".
    text : str
        The relation to the protocol: `Adherence.text`.
    """

    of: str
    label: str
    text: str


def protocol_notes(found: Iterable[Judged]) -> list[str]:
    """Return sentences on which numbers of each data set follow the protocol and which deviate.

    Numbers with the same text share a sentence, and so do data sets.

    >>> alike = "protocol adm"
    >>> protocol_notes([Judged("Cats", "FID", alike), Judged("Cats", "sFID", alike)])
    ['Cats: FID, sFID: protocol adm.']
    """
    labels: dict[str, dict[str, list[str]]] = {}
    for one in found:
        labels.setdefault(one.of, {}).setdefault(one.text, []).append(one.label)
    names: dict[str, list[str]] = {}
    for of, by_text in labels.items():
        parts = [f"{', '.join(dict.fromkeys(some))}: {text}" for text, some in by_text.items()]
        names.setdefault(". ".join(parts), []).append(of)
    return [f"{', '.join(some)}: {text}." for text, some in names.items()]
