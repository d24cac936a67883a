"""The paper's protocol for each of its data sets, and what differs from it.

Sources: Section 3 and Appendices A, D and E of the paper; where the text is silent and the released
code is not, the code. What neither says is None here and cannot differ; `docs/paper.md` lists it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fringe.scores.cells import Cell
from fringe.scores.protocol import PUBLISHED, Optimizer, Protocol, plain_name

__all__ = ["PAPER", "Protocols", "differences", "elsewhere", "paper_scheme", "read_protocols"]

Protocols = Mapping[str, Protocol]
"""By data set what its numbers were measured with; of a data set that it lacks nothing is known."""

# The weights of networks are not listed: of each the published ones count, in whichever file.
_COMMON = Protocol(
    real="files",
    resolution=(256, 256),
    truncation=1.0,
    noise="const",
    seed=0,
    candidates=250_000,
    network="inception",
    precision="float32",
    sampling="with_replacement",
    optimizers={
        "prelogits": Optimizer("released", 100_000, 10.0),
        "logits": Optimizer("released", 100_000, 5.0),
    },
    kid_subsets=100,
    kid_subset_size=1000,
    recall_k=3,
)

PAPER: Protocols = {
    # FFHQ has 70,000 images, at 256 x 256 in the paper's ZIP. No other generator was published, and
    # this one without a digest, so it is known by its name.
    "ffhq": replace(
        _COMMON, real_total=70_000, fitting="", generator="ffhq-fid50k_5.30-snapshot-022608"
    ),
    "ffhqfastgan": replace(_COMMON, real_total=70_000, fitting="", noise=None),
    "lsuncat": _COMMON,
    "lsuncar": _COMMON,
    "lsunplaces": _COMMON,
    "afhqv2dog": replace(_COMMON, resolution=(512, 512), real_total=4678, candidates=25_000),
}
"""By data set (see `plain_name`) what the paper's numbers were measured with."""


def read_protocols(plain: Mapping[str, Mapping[str, Any]]) -> dict[str, Protocol]:
    """Return protocols by data set from what a job's params hold."""
    return {name: Protocol.from_plain(one) for name, one in plain.items()}


def paper_scheme(scheme: str) -> str:
    """Return what the paper calls a scheme: its prelogits are those of the released algorithm."""
    return "prelogits" if scheme == "prelogits-released" else scheme


def differences(
    ours: Protocol | None,
    dataset: str,
    cell: Cell,
    counts: tuple[int | None, int],
    *,
    network: str,
    scheme: str,
    metric: str,
) -> tuple[str, ...]:
    """Return what a number differs in from the paper's, in short words; () if protocols agree.

    Parameters
    ----------
    ours : Protocol, optional
        What it was measured with; if that is unknown, just this is returned.
    dataset : str
        Its name, which is the paper's own.
    cell : Cell
        The number itself, with the numbers of images that it was measured with.
    counts : (int or None, int)
        Real and generated images behind the paper's number; None stands for all real images.
    network, scheme, metric : str
        What was measured.
    """
    if ours is None:
        return ("what ours was measured with is unknown",)
    theirs = PAPER.get(plain_name(dataset))
    if theirs is None:
        return ("what the paper's was measured with is unknown",)
    n_real = ours.real_total if counts[0] is None else counts[0]
    found = [*_counts(cell, n_real, counts), *_real(ours, theirs, network)]
    found += _generator(ours, theirs)
    return (*found, *_measured(ours, theirs, network, scheme, metric))


def elsewhere(
    ours: Protocol,
    cell: Cell,
    counts: tuple[int, int],
    *,
    network: str,
    scheme: str,
    metric: str,
) -> tuple[str, ...]:
    """Return what a number differs in from the paper's protocol, for a data set of its own.

    The paper has no images and no generator of that data set, so these cannot differ. Parameters
    are those of `differences`.
    """
    found = _counts(cell, counts[0], counts)
    return (*found, *_measured(ours, _COMMON, network, scheme, metric))


def _measured(
    ours: Protocol, theirs: Protocol, network: str, scheme: str, metric: str
) -> Iterator[str]:
    """Yield what is unlike in networks, resampling and metric, whatever the images are."""
    yield from _networks(ours, theirs, network, scheme)
    if scheme not in ("random", "matched"):
        yield from _resampling(ours, theirs, scheme)
    # Of RBF-KID's subsets the paper says nothing, so they cannot differ.
    if metric == "kid":
        subsets, theirs_too = ((one.kid_subsets, one.kid_subset_size) for one in (ours, theirs))
        if subsets != theirs_too:
            yield f"{subsets[0]:,} KID subsets of {subsets[1]:,} images"
    if metric == "recall" and ours.recall_k != theirs.recall_k:
        yield f"recall with k = {ours.recall_k}"


def _counts(cell: Cell, n_real: int | None, counts: tuple[int | None, int]) -> Iterator[str]:
    if (cell.n_real, cell.n_generated) != (n_real, counts[1]):
        real = "all" if counts[0] is None else f"{counts[0]:,}"
        yield (f"{cell.n_real:,} + {cell.n_generated:,} images (the paper: {real} + {counts[1]:,})")


def _real(ours: Protocol, theirs: Protocol, network: str) -> Iterator[str]:
    if ours.real != theirs.real:
        yield f"real images of kind {ours.real}"
    if theirs.real_total not in (None, ours.real_total):
        yield f"a set of {ours.real_total:,} real images (the paper: {theirs.real_total:,})"
    if theirs.fitting not in (None, ours.fitting):
        yield f"real images fitted here ({ours.fitting})"
    if ours.resolution != theirs.resolution:
        height, width = ours.resolution or (0, 0)
        yield f"{width} x {height} pixels"
    if network in ours.statistics:
        yield f"published statistics of {ours.statistics[network]:,} real images"


def _generator(ours: Protocol, theirs: Protocol) -> Iterator[str]:
    if theirs.generator is None or ours.generator != theirs.generator:
        yield "generator not the paper's"
        return
    if ours.truncation != theirs.truncation:
        yield f"truncation {ours.truncation:g}"
    if ours.noise != theirs.noise:
        yield f"noise inputs: {ours.noise}"
    if ours.seed != theirs.seed:
        yield f"latents of seed {ours.seed}"
    if ours.label != theirs.label:
        yield f"label {ours.label}"


def _networks(ours: Protocol, theirs: Protocol, network: str, scheme: str) -> Iterator[str]:
    """Yield what is unlike in the network that measures, and in the one that resamples."""
    if scheme != "random" and ours.network != theirs.network:
        yield f"resampled in {ours.network}"
    by_weights = scheme in ("random", "prelogits", "prelogits-released")
    if ours.classifier != theirs.classifier and not by_weights:
        yield f"classes by {ours.classifier}"
    used = [network] if scheme == "random" or ours.network is None else [network, ours.network]
    for name in dict.fromkeys(used):
        identity = ours.weights.get(name, PUBLISHED)
        if identity != PUBLISHED:
            yield f"other weights of {name} ({identity})"
    if ours.precision != theirs.precision:
        yield f"features in {ours.precision}"


def _resampling(ours: Protocol, theirs: Protocol, scheme: str) -> Iterator[str]:
    if ours.candidates != theirs.candidates:
        yield f"{ours.candidates:,} candidates (the paper: {theirs.candidates:,})"
    if ours.sampling != theirs.sampling:
        yield f"sampling {str(ours.sampling).replace('_', ' ')}"
    mine, released = ours.optimizers.get(scheme), theirs.optimizers.get(paper_scheme(scheme))
    if released is None or mine == released:
        return
    if mine is None:
        yield "how the weights were optimized is unknown"
        return
    if mine.algorithm != released.algorithm:
        yield "weights optimized to the end, not by the released steps"
        return
    if mine.steps != released.steps:
        yield f"{mine.steps:,} released steps (the paper: {released.steps:,})"
    if mine.learning_rate != released.learning_rate:
        yield f"step size {mine.learning_rate:g} (the paper: {released.learning_rate:g})"
