"""Generator of docs/protocols.md, which describes all named protocols (`fringe docs`)."""

from collections.abc import Iterator

import yaml

from fringe.scores.adherence import asked_title
from fringe.scores.named_protocols import PROTOCOL_NAMES, Defined, NamedProtocol, named_protocol

__all__ = ["describe_protocols"]

_INTRODUCTION = """# Protocols

Generated from `src/fringe/scores/named_protocols.yaml` by `fringe docs`; do not edit by hand.

A distance can be compared with a published distance only if both were measured in the same way.
`protocol: NAME` in a configuration, and `--protocol NAME` of `fringe compare`, `audit` and `score`,
have these effects:

* The protocol sets the default values of these keys: network (which has its own resize and
  weights), controls, metrics, numbers of images, subsets and neighbours. A key in your
  configuration overrides the protocol.
* Notes under tables, the verdict, the page's chapter Deviations and the JSON of these commands
  state for each number whether it follows the protocol and what deviates, such as
  `FID (Inception-V3): protocol adm, except 10,000 generated images (adm: 50,000)`. The measured
  values are compared, no matter whether they come from your configuration or from a default.
* If the protocol does not define a number, the notes say so. Only `paper` has resampled images.

A fact that a source does not fix cannot differ and is not listed here. Fringe does not check how
your images were cropped and resized before Fringe read them, whether they were stored in a lossy
format (all of these tools expect PNG or arrays), and how a sampler generated them. If the `count`
of a source uses only the first of its files (`order: file`), "all" means these files.

All protocols use features in float32 and divide the covariance by n - 1, as Fringe does.
"""


def describe_protocols() -> str:
    """Return the document as Markdown: the facts that each protocol fixes, and their sources.

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
    yield f"`protocol: {one.name}` sets these defaults:\n\n```yaml\n{defaults}\n```\n"
    yield "| metric | network | real | generated | also fixed | Fringe differs | source |"
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
    facts = [
        number.resize and f"resize: {number.resize}",
        number.weights and f"weights: {number.weights}",
        number.statistics,
        f"{number.kid_subsets} subsets of {number.kid_subset_size:,}" if number.kid_subsets else "",
        f"k = {number.k}" if number.k else "",
    ]
    return "; ".join(filter(None, facts))


def _otherwise(number: Defined) -> str:
    if number.draws == "least":
        return "the mean of draws, not the smallest of several"
    return number.otherwise.partition(" (")[0]
