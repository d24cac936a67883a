"""The answer for a comparison: whether a lower distance is real, with all its tables."""

from __future__ import annotations

from collections.abc import Sequence

from fringe.page.anchors import anchor
from fringe.page.content import Answer, Link, Number, Picture, Row, Table
from fringe.page.numbers import estimate_number
from fringe.report.comparison import (
    comparison_protocol_notes,
    comparison_tables,
    ranking_line,
)
from fringe.scores.comparison import Comparison, Estimate, ModelDistances, NetworkDistances
from fringe.scores.headlines import BELOW_FLOOR, headline
from fringe.scores.numbers import format_value

__all__ = ["comparison_answer"]

_KID = 1000  # KID is shown times this factor in all exhibits
_COVERS = "The interval covers the random choice of the real and the generated images."


def comparison_answer(
    name: str,
    comparison: Comparison,
    *,
    pictures: Sequence[Picture] = (),
    links: Sequence[Link] = (),
) -> Answer:
    """Return the answer for one comparison, or for the audit of one model.

    Parameters
    ----------
    name : str
        The name of the comparison in the configuration.
    comparison : Comparison
        The result.
    pictures : sequence of Picture
        Images of the models, side by side.
    links : sequence of Link
    """
    return Answer(
        key=anchor("comparison", name),
        title=comparison.name,
        kind="comparison",
        question=_question(comparison),
        word="; ".join(dict.fromkeys(one.word for one in comparison.verdicts)),
        sentence=_sentence(comparison),
        table=_small_table(comparison),
        pictures=tuple(pictures),
        doubts=tuple(comparison.limits),
        details=(
            *(f"{one.subject}: {one.word}. {one.sentence}" for one in comparison.verdicts),
            *comparison_protocol_notes(comparison),
        ),
        tables=tuple(_plain_table(title, rows) for title, rows in comparison_tables(comparison)),
        links=tuple(links),
    )


def _question(comparison: Comparison) -> str:
    baseline, *models = comparison.models
    if not models:
        return f"Is the FID of {baseline} real, or is most of it class histogram?"
    if len(models) == 1:
        return f"Is {models[0]} better than {baseline}, or only closer in its classes?"
    return (
        f"Which of {', '.join(models[:-1])} and {models[-1]} is better than {baseline}, and which "
        "is only closer in its classes?"
    )


def _sentence(comparison: Comparison) -> str:
    """Return the answer in one sentence, with the number that it is based on and its interval."""
    main = comparison.main
    if len(comparison.models) > 2:
        baseline = comparison.models[0]
        best = next(model for model in comparison.ranking if model != baseline)
        found = main.difference(best, baseline).distance
        return (
            f"From the lowest FID to the highest: {ranking_line(comparison)}. The difference of "
            f"FID, {best} minus {baseline}, is {format_value(found.value)} ({_interval(found)})."
        )
    verdict = comparison.verdict
    text = headline(verdict, main.title)
    if verdict.baseline:
        found = main.difference(verdict.model, verdict.baseline).distance
        return f"{text}: the difference of FID is {format_value(found.value)} ({_interval(found)})."
    about = main.models[verdict.model]
    if verdict.word == "too close to call" and (about.below_floor or about.infinity.value <= 0):
        text = BELOW_FLOOR
    text = f"{text}: FID is {format_value(about.distance.value)} ({_interval(about.distance)})"
    for one in comparison.histogram_shares:
        if one.model == verdict.model:
            share = f"{format_value(one.share.value)} of this distance ({_interval(one.share)})"
            by = f" by {one.classified_by}" if one.classified_by else ""
            text += f", and {share} is due to the class histogram{by}"
    return f"{text}."


def _interval(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return f"interval unknown: {found.note}"
    return f"95 % interval {format_value(found.low)} to {format_value(found.high)}"


def _small_table(comparison: Comparison) -> Table:
    """Return the table of distance, KID and FDr in FID's network, and distances in controls."""
    main, *controls = comparison.networks
    head = ["", "FID", "KID ×10³", "FDr"]
    for found in controls:
        head += [f"FID ({found.title})", f"FDr ({found.title})"]
    rows = []
    cells: list[Number | str]
    for model in comparison.models:
        about = main.models[model]
        kid = estimate_number(about.kid, _kid_counts(main, about), main.seed, scale=_KID)
        cells = [_distance(main, model), kid, _ratio(main, model)]
        for found in controls:
            cells += [_distance(found, model), _ratio(found, model)]
        rows.append(Row(model, tuple(cells)))
    cells = [_floor(main), "", ""]
    for found in controls:
        cells += [_floor(found), ""]
    rows.append(Row("floor: other real images", tuple(cells), "note"))
    return Table(
        caption=(
            f"{comparison.name}: distances to the real images. "
            + (
                "The verdict is based on differences. Their errors are smaller than the errors "
                "shown here, because all models are compared with the same real images."
                if len(comparison.models) > 1
                else ""
            )
        ).strip(),
        head=tuple(head),
        rows=tuple(rows),
        notes=(
            "±: one standard error. FID is a Fréchet distance. Without a name in parentheses, "
            f"features are from {main.title}.",
            "FDr: the distance divided by the floor. The floor is the distance of other real "
            "images, for the same number of images.",
        ),
    )


def _counts(found: NetworkDistances, n: int) -> str:
    return f"{found.n_real:,} real and {n:,} generated images."


def _kid_counts(found: NetworkDistances, about: ModelDistances) -> str:
    return f"All pairs of {about.n_kid:,} real and {about.n_kid:,} generated images."


def _distance(found: NetworkDistances, model: str) -> Number:
    about = found.models[model]
    counts = _counts(found, about.n)
    if len(about.each) > 1:
        counts += f" Mean of {len(about.each)} trainings."
    return estimate_number(about.distance, counts, found.seed, covers=_COVERS)


def _ratio(found: NetworkDistances, model: str) -> Number:
    about = found.models[model]
    counts = (
        f"Distance and floor are of {found.floor.n:,} images each."
        + " The model is nearer to the real images than other real images are." * about.below_floor
    )
    return estimate_number(about.floor_ratio, counts, found.seed)


def _floor(found: NetworkDistances) -> Number:
    kind = "held-out real images" if found.floor.held_out else "two halves of the real images"
    counts = f"Between {kind}, {found.floor.n:,} images each."
    return estimate_number(found.floor.distance, counts, found.seed)


def _plain_table(title: str, rows: Sequence[Sequence[str]]) -> Table:
    """Return a table of texts; the first row is its head."""
    head, *others = rows
    return Table(
        caption=title,
        head=tuple(head),
        rows=tuple(Row(row[0], tuple(row[1:])) for row in others),
    )
