"""Relations of the distances of a comparison to the protocol that its run names."""

import math
from collections.abc import Iterator, Mapping

from fringe.scores.adherence import Following, Judged
from fringe.scores.cells import Cell
from fringe.scores.comparison import Comparison, ProtocolNumber

__all__ = ["judged_distances", "with_protocol"]

_METRICS = {"fid": "FID", "kid": "KID"}


def with_protocol(
    comparison: Comparison, following: Following, models: Mapping[str, str]
) -> Comparison:
    """Return a comparison with the relation of each distance to the protocol.

    Parameters
    ----------
    comparison : Comparison
    following : Following
    models : mapping
        The data set of each model.
    """
    found = list(_numbers(comparison, following, models))
    return comparison.model_copy(update={"protocol_numbers": found})


def _numbers(
    comparison: Comparison, following: Following, models: Mapping[str, str]
) -> Iterator[ProtocolNumber]:
    for one in comparison.networks:
        for model, about in one.models.items():
            cells = {
                "fid": Cell(about.distance.value, math.nan, 1, one.n_real, about.n),
                "kid": Cell(about.kid.value, math.nan, 1, about.n_kid, about.n_kid),
            }
            for metric, cell in cells.items():
                found = following.judge(
                    cell,
                    dataset=models[model],
                    network=one.network,
                    scheme="random",
                    metric="kid_exact" if metric == "kid" else metric,
                )
                yield ProtocolNumber(
                    protocol=found.protocol,
                    model=model,
                    network=one.network,
                    metric=metric,
                    defined=not found.lacking,
                    differs=list(found.differs),
                    told=found.text,
                )


def judged_distances(comparison: Comparison) -> Iterator[Judged]:
    """Yield the relation of each distance of a comparison to the protocol, in words."""
    titles = {one.network: one.title for one in comparison.networks}
    for one in comparison.protocol_numbers:
        label = f"{_METRICS[one.metric]} ({titles[one.network]})"
        yield Judged(one.model, label, one.told)
