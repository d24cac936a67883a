"""Which controls may judge: controls that do not share FID's labels and trained no generator."""

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
    """Return whether a control may judge a difference in FID's network ``main``.

    A control does not judge if it was trained on labels of ImageNet. It does not judge either if a
    generator was trained with the control, with a network of the same family
    (`fringe.networks.family`), or with a network that was trained on the same labels.

    Parameters
    ----------
    network, main : str
        Names of the control and of FID's network. The training of a network that Fringe does not
        know is unknown.
    trained_with : sequence of str
        Networks that a generator was trained with.
    trained_on : str, optional
        One of `fringe.networks.training.TRAININGS`; by default the training that the network
        states.
    title : str, optional

    Examples
    --------
    >>> witness("clip", "inception").judges
    True
    >>> witness("resnet50", "inception").reason
    "it was trained on ImageNet's images and labels, as FID's network was"
    >>> witness("clip", "inception", trained_with=["clip"]).reason
    'a generator was trained with it'
    """
    stated = trained_on or stated_training(network)
    reason = ""
    if network == main:
        reason = "it is FID's own network"
    elif not training(stated).judges:
        reason = f"it was {training(stated).phrase}"
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
    """Return a control together with its measured power.

    Examples
    --------
    >>> power = Power(
    ...     doses=[], floor=4.0, n=100, n_floor=500, sees="would have seen ...", has_power=True
    ... )
    >>> with_power(witness("clip", "inception"), power).has_power
    True
    """
    seen = {"doses": power.doses, "sees": power.sees, "has_power": power.has_power}
    return found.model_copy(update=seen)
