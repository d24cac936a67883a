"""Which controls may judge: those that neither share FID's labels nor trained a generator."""

from __future__ import annotations

from collections.abc import Sequence

from fringe.comparison.power import Power
from fringe.networks import family, stated_title, stated_training
from fringe.networks.training import training
from fringe.scores.comparison import Witness

__all__ = ["with_power", "witness"]


def witness(
    network: str,
    main: str,
    trained_with: Sequence[str] = (),
    *,
    trained_on: str | None = None,
    title: str | None = None,
) -> Witness:
    """Return whether a control may judge what FID's network ``main`` says.

    It does not judge if it was trained on labels of ImageNet, if a generator was trained with it,
    with a network of its family (`fringe.networks.family`), or with one that was trained on the
    same labels.

    Parameters
    ----------
    network, main : str
        Names of networks; those that Fringe does not know have stated no training.
    trained_with : sequence of str
        Networks that a generator was trained with.
    trained_on : str, optional
        One of `fringe.networks.training.TRAININGS`; by default what the network states.
    title : str, optional
    """
    stated = trained_on or stated_training(network)
    reason = ""
    if network == main:
        reason = "it is FID's own network"
    elif not training(stated).judges:
        reason = f"it was {training(stated).told}"
        if not training(stated_training(main)).judges:
            reason += ", as FID's network was"
    for other in trained_with:
        if reason:
            break
        if network == other:
            reason = "a generator was trained with it"
        elif family(network) == family(other):
            reason = f"a generator was trained with {other}, a network of its family"
        elif "labels" in (stated or "") and stated == stated_training(other):
            reason = f"a generator was trained with {other}, which knows the same labels"
    return Witness(
        network=network,
        title=title or stated_title(network),
        judges=not reason,
        reason=reason,
        trained_on=stated,
    )


def with_power(found: Witness, power: Power) -> Witness:
    """Return a control together with what it sees of distorted real images."""
    seen = {"doses": power.doses, "sees": power.sees, "has_power": power.has_power}
    return found.model_copy(update=seen)
