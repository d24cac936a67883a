"""A verdict in words: the result, the reasons, and the limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fringe.comparison.verdict import Judge, Ruling
from fringe.scores.comparison import (
    Composition,
    Difference,
    Estimate,
    HistogramShare,
    NetworkDistances,
    Price,
    VerdictWord,
    Witness,
)
from fringe.scores.headlines import ANSWERS, AUDITS, BELOW_FLOOR
from fringe.scores.numbers import format_percent, format_value

__all__ = ["audit_sentence", "limits_of", "sentence"]

FEW = 10  # images for each dimension; with fewer images, the bias is not small


def sentence(
    ruling: Ruling,
    distances: NetworkDistances,
    difference: Difference,
    composition: Composition | None,
    judges: Sequence[Judge],
    price: Price | None,
) -> str:
    """Return the verdict on a model against the baseline, with its numbers."""
    model, baseline = difference.model, difference.baseline
    title = distances.title
    answer = ANSWERS[ruling.word].format(model=model, baseline=baseline, network=title)
    said = [
        f"{answer}.",
        f"{title}: {format_value(distances.models[baseline].distance.value)} for {baseline}, "
        f"{format_value(distances.models[model].distance.value)} for {model}, difference "
        f"{_with_interval(difference.distance, '95 % interval ')}.",
    ]
    if composition is not None:
        said.append(_parts(composition))
    said += [_of_judge(judge, ruling) for judge in judges]
    if price is not None:
        said.append(_of_price(price))
    return " ".join(said)


def _parts(composition: Composition) -> str:
    said = (
        f"{_histogram(composition)}: {_with_error(composition.composition)}; "
        f"images within classes: {_with_error(composition.within)}"
    )
    if composition.support is not None:
        said += f"; classes that only one model has: {_with_error(composition.support)}"
    return said + "."


def _histogram(found: Composition | HistogramShare) -> str:
    """Return the name of the class histogram, with its network if that is not FID's network."""
    return f"Class histogram by {found.classified_by}" if found.classified_by else "Class histogram"


def _of_judge(judge: Judge, ruling: Ruling) -> str:
    found = judge.difference
    change = f"{judge.title}: {_with_interval(found.distance)}, {_percent(found.relative.value)}"
    if judge in ruling.following:
        return f"{change}, which follows."
    if judge in ruling.contradicting:
        return f"{change}, which contradicts."
    if not judge.has_power:
        return f"{change}: no evidence, because {judge.title} has no power."
    if not found.distance.sign:
        return f"{change}: no significant change."
    return f"{change}, which does not follow."


def _of_price(price: Price) -> str:
    if not price.reached:
        return (
            f"No reweighting of {price.baseline}'s own images was found that reaches "
            f"{price.model}'s distance; the lowest was {format_value(price.distance)}."
        )
    said = (
        f"{price.baseline} reaches {price.model}'s distance by drawing its own images unequally "
        f"(effective sample size {100 * price.effective_share:.0f}%)"
    )
    reactions = [
        f"{one.network} then changes by {_percent(one.relative)}, while {price.model} changes it "
        f"by {_percent(one.relative_of_model)}"
        for one in price.reactions
    ]
    return "; ".join([said, *reactions]) + "."


def audit_sentence(
    model: str, distances: NetworkDistances, share: HistogramShare | None
) -> tuple[VerdictWord, str]:
    """Return the verdict of an audit and its sentence: is much of a distance class histogram?

    ``class histogram``: at least half of the distance of infinitely many images. ``real``: less
    than half. ``too close to call``: half is within the interval, or the distance is below the
    floor. ``no witness``: the classes are not known.
    """
    about = distances.models[model]
    said = (
        f"{distances.title}: {format_value(about.distance.value)} "
        f"(95 % interval {_interval(about.distance, format_value)}) for {model}, "
        f"{format_value(about.infinity.value)} for infinitely many images, "
        f"{about.floor_ratio.value:.1f} times the floor."
    )
    if share is None:
        return "no witness", f"{said} {AUDITS['no witness']}."
    whole = about.infinity.value
    said += f" {_histogram(share)}: {_with_interval(share.share)}"
    if not whole > 0 or about.below_floor or share.share.low is None or share.share.high is None:
        return "too close to call", f"{said}. {BELOW_FLOOR}."
    said += f", {_percent(share.share.value / whole).lstrip('+')} of {format_value(whole)}."
    if share.share.low >= whole / 2:
        return "class histogram", f"{AUDITS['class histogram']}. {said}"
    if share.share.high < whole / 2:
        return "real", f"{AUDITS['real']}. {said}"
    return "too close to call", f"{AUDITS['too close to call']}. {said}"


def limits_of(
    distances: NetworkDistances,
    composition: Composition | HistogramShare | None,
    witnesses: Sequence[Witness],
    models: Sequence[str],
) -> list[str]:
    """Return the limits of the verdict: the facts that it does not cover."""
    covered = "Standard errors (±) and 95 % intervals cover the luck of the images"
    if any(len(distances.models[model].each) == 1 for model in models):
        found = [
            f"{covered} only. Another training of the same model changes FID about three times as "
            "much; give several trainings to cover that."
        ]
    else:
        found = [f"{covered} and of the trainings."]
    if not distances.floor.held_out:
        found.append("The floor is the distance between two halves of the real images.")
    n = min(about.n for about in distances.models.values())
    if min(n, distances.n_real) < FEW * distances.dim:
        found.append(
            f"{n} generated and {distances.n_real} real images are few for {distances.dim} "
            "dimensions: distances are too large, nearly equally for all models."
        )
    if composition is None:
        found.append("Classes are not known, so the class histogram is not examined.")
    elif composition.classified_by:
        found.append(
            f"Classes are the Top-1 classes of {composition.classified_by}, and FID is measured "
            f"with {distances.title}."
        )
    elif not composition.given:
        found.append(
            f"Classes are the Top-1 classes of {distances.title}, which FID is measured with."
        )
    if composition is not None and composition.lacking:
        found.append(
            f"Number of classes that only one set has and that are not reweighted: "
            f"{composition.lacking}."
        )
    found += [
        f"{model} is below the floor: it is nearer to the real images than other real images are."
        for model in models
        if distances.models[model].below_floor
    ]
    for one in witnesses:
        if not one.judges:
            found.append(f"{one.title} does not judge: {one.reason}.")
        elif one.has_power is None:
            found.append(f"The power of {one.title} was not measured.")
        elif not one.has_power:
            found.append(
                f"If {one.title} does not move, that says nothing, because {one.title} misses "
                f"small changes: it {one.sees}."
            )
    return found


def _with_interval(found: Estimate, what: str = "") -> str:
    if found.low is None or found.high is None:
        return _signed(found.value)
    return f"{_signed(found.value)} ({what}{_interval(found, _signed)})"


def _interval(found: Estimate, formatted: Callable[[float], str]) -> str:
    if found.low is None or found.high is None:
        return found.note
    return f"{formatted(found.low)} to {formatted(found.high)}"


def _with_error(found: Estimate) -> str:
    if found.error is None:
        return _signed(found.value)
    text = format_value(found.value, found.error)
    return text if found.value < 0 else f"+{text}"


def _signed(value: float) -> str:
    text = format_value(value)
    return text if value < 0 else f"+{text}"


def _percent(share: float) -> str:
    return format_percent(share)
