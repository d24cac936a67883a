"""The paper's protocol for each of its data sets, and deviations from this protocol.

Sources: Section 3 and Appendices A, D and E of the paper, and the released code for facts that the
text does not state. A fact that neither states is None here and cannot differ; `docs/paper.md`
lists these facts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fringe.scores.cells import Cell
from fringe.scores.protocol import PUBLISHED, Optimizer, Protocol, plain_name

__all__ = ["PAPER", "Protocols", "differences", "elsewhere", "paper_scheme", "read_protocols"]

Protocols = Mapping[str, Protocol]
"""The protocol of each data set's numbers; the protocol of a missing data set is unknown."""

# Weight files of networks are not listed: the paper used the published weights of each network.
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
    # FFHQ has 70,000 images, at 256 x 256 in the paper's ZIP. This generator is the only published
    # one. It was published without a digest, so it is identified by its name.
    "ffhq": replace(
        _COMMON, real_total=70_000, fitting="", generator="ffhq-fid50k_5.30-snapshot-022608"
    ),
    "ffhqfastgan": replace(_COMMON, real_total=70_000, fitting="", noise=None),
    "lsuncat": _COMMON,
    "lsuncar": _COMMON,
    "lsunplaces": _COMMON,
    "afhqv2dog": replace(_COMMON, resolution=(512, 512), real_total=4678, candidates=25_000),
}
"""The protocol of the paper's numbers, by data set (see `plain_name`)."""


def read_protocols(plain: Mapping[str, Mapping[str, Any]]) -> dict[str, Protocol]:
    """Return protocols by data set from a job's params."""
    return {name: Protocol.from_plain(one) for name, one in plain.items()}


def paper_scheme(scheme: str) -> str:
    """Return the paper's name of a scheme: its "prelogits" use the released algorithm."""
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
    """Return short descriptions of deviations from the paper's number; () if protocols agree.

    Parameters
    ----------
    ours : Protocol, optional
        The protocol of our number; if it is unknown, the result says only that.
    dataset : str
        The name of the data set in the paper.
    cell : Cell
        Our number, and the numbers of images that it was measured with.
    counts : (int or None, int)
        Numbers of real and generated images of the paper's number; None means all real images.
    network, scheme, metric : str
        What was measured.
    """
    if ours is None:
        return ("our protocol is unknown",)
    theirs = PAPER.get(plain_name(dataset))
    if theirs is None:
        return ("the paper's protocol is unknown",)
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
    """Return deviations from the paper's protocol for a data set that is not in the paper.

    The paper has no images and no generator of that data set, so these cannot differ. For the
    parameters see `differences`.
    """
    found = _counts(cell, counts[0], counts)
    return (*found, *_measured(ours, _COMMON, network, scheme, metric))


def _measured(
    ours: Protocol, theirs: Protocol, network: str, scheme: str, metric: str
) -> Iterator[str]:
    """Yield deviations in networks, resampling and metric, which do not depend on the images."""
    yield from _networks(ours, theirs, network, scheme)
    if scheme not in ("random", "matched"):
        yield from _resampling(ours, theirs, scheme)
    # The paper does not state the subsets of RBF-KID, so they cannot differ.
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
    """Yield deviations in the network that measures, and in the network that resamples."""
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
