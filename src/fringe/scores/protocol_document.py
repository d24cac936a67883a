"""The document of all protocols that a run can follow: docs/protocols.md (`fringe docs`)."""

from collections.abc import Iterator

import yaml

from fringe.scores.adherence import asked_title
from fringe.scores.named_protocols import PROTOCOL_NAMES, Defined, NamedProtocol, named_protocol

__all__ = ["describe_protocols"]

_INTRODUCTION = """# Protocols

Made from `src/fringe/scores/named_protocols.yaml` by `fringe docs`; do not edit by hand.

A distance compares with a published one only where both were measured alike. `protocol: NAME` in
a configuration, and `--protocol NAME` of `fringe compare`, `audit` and `score`, see to that:

* Keys that the configuration leaves out take the values of the protocol: network (which has its own
  resize and weights), controls, metrics, counts, subsets and neighbours. A key that you write wins.
* Notes under tables, the verdict, the page's chapter Deviations and the JSON of these commands say
  of each number which protocol it follows and what in it deviates, such as
  `FID (Inception-V3): protocol adm, except 10,000 generated images (adm: 50,000)`. What was
  measured is compared, whether you wrote a key or a default supplied it.
* A number that the protocol does not define says so. Only `paper` has resampled images.

What a source does not fix cannot differ, and is left out here. Fringe does not look at some things:
how your images were cropped and resized before it read them, whether they passed through a lossy
format (all of these tools expect PNG or arrays), and how a sampler made them. Where the `count` of
a source takes the first of its files (`order: file`), "all" means these.

All protocols take features in float32 and divide the covariance by n - 1, as Fringe does.
"""


def describe_protocols() -> str:
    """Return the document as Markdown: what each protocol fixes, with the source of each fact.

    Examples
    --------
    >>> describe_protocols().startswith("# Protocols")
    True
    """
    parts = [_INTRODUCTION]
    for name in PROTOCOL_NAMES:
        parts += _described(named_protocol(name))
    return "\n".join(parts)


def _described(one: NamedProtocol) -> Iterator[str]:
    yield f"## `{one.name}`: {one.title}\n\n{one.about} Source: {one.source}.\n"
    if one.labels:
        yield f"Classes of a conditional generator: {one.labels}.\n"
    defaults = yaml.safe_dump({"protocol": one.name, **one.defaults}, sort_keys=False).strip()
    yield f"`protocol: {one.name}` stands for\n\n```yaml\n{defaults}\n```\n"
    yield "| metric | network | real | generated | fixed besides | Fringe otherwise | source |"
    yield "|---|---|---|---|---|---|---|"
    for number in one.numbers:
        cells = (
            ", ".join(map(asked_title, number.metrics)),
            f"`{number.network}`" if number.network else "",
            _count(number.real, number.most),
            _count(number.generated, number.most),
            _fixed(number),
            _otherwise(number),
            number.source,
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _count(count: int | str | None, most: bool) -> str:
    if count is None or count == "all":
        return count or ""
    return f"{count:,} at most" if most else f"{count:,}"


def _fixed(number: Defined) -> str:
    told = [
        number.resize and f"resize: {number.resize}",
        number.weights and f"weights: {number.weights}",
        number.statistics,
        f"{number.kid_subsets} subsets of {number.kid_subset_size:,}" if number.kid_subsets else "",
        f"k = {number.k}" if number.k else "",
    ]
    return "; ".join(filter(None, told))


def _otherwise(number: Defined) -> str:
    if number.draws == "least":
        return "the mean of draws, not the least of several"
    return number.otherwise.partition(" (")[0]
