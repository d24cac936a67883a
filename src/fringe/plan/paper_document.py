"""The document of the paper's exhibits: ``docs/paper.md`` (`fringe docs`).

For each table and figure, the document says what the exhibit shows, which files it has, and where
Fringe differs from the paper or had to choose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fringe.config.model import Config
from fringe.plan.captions import figure_caption, table_caption
from fringe.plan.deviations import Deviation, deviations, exhibit_title
from fringe.plan.exhibits import Exhibit, exhibits, in_paper_order

__all__ = ["describe_paper"]

HEAD = """# Fringe and the paper

`fringe docs` generates this page from `src/fringe/plan/deviations.yaml`, the captions of the
figures and `config/config.yaml`; do not edit it by hand. The values are those of
`config/config.yaml`. The page Deviations of a run has the values of that run.

The first part lists the tables and figures. Snakemake makes each file by its path. The second part
lists each choice: what the paper says, what its released code does, what Fringe does, and why. If
neither the paper nor its code states something, no number can deviate in it. Such an entry is a
choice of Fringe.
"""


def describe_paper(config: Config) -> str:
    """Return the document in Markdown, with the data sets and values of a configuration."""
    every = deviations(config)
    groups = _groups(config)
    lines = [HEAD, "## Tables and figures", "", "| exhibit | files in `results/paper/` |"]
    lines.append("|---|---|")
    for group in groups:
        title = exhibit_title(group[0].name)
        files = " ".join(f"`{place}`" for place in _places(group))
        lines.append(f"| [{title}](#{_anchor(title)}) | {files} |")
    for group in groups:
        lines += ["", *_section(config, group, every)]
    own = [one for one in every if "verdict" in one.exhibits]
    lines += ["", "### The verdict", "", "The verdict (`verdict.md`) is not in the paper."]
    lines += [f"It depends on these choices: {_links(own)}.", "", "## Choices and differences"]
    for one in every:
        lines += ["", *_entry(one)]
    return "\n".join(lines) + "\n"


def _groups(config: Config) -> list[list[Exhibit]]:
    """Return the exhibits of each number; a figure of several data sets has one for each."""
    groups: dict[str, list[Exhibit]] = {}
    for one in in_paper_order(exhibits(config)):
        groups.setdefault(one.name, []).append(one)
    return list(groups.values())


def _section(config: Config, group: Sequence[Exhibit], every: Sequence[Deviation]) -> Iterator[str]:
    """Yield the lines about one table or figure."""
    first = group[0]
    yield f"### {exhibit_title(first.name)}"
    yield ""
    if first.kind == "Table":
        yield table_caption(config, first.number)
    else:
        yield figure_caption(config, first).text
    shown = first.shows or tuple(one.title for one in group)
    facts = []
    if any(shown):
        label = "Shows" if first.shows else "One for each of"
        facts.append(f"* {label}: {', '.join(shown)}.")
    if first.name == "figure13":
        facts.append("* Figure 14 of the paper is this figure for another data set.")
    choices = [one for one in every if first.name in one.exhibits]
    if choices:
        facts.append(f"* Choices and differences: {_links(choices)}.")
    if facts:
        yield from ("", *facts)


def _entry(one: Deviation) -> Iterator[str]:
    """Yield the lines about one choice."""
    yield f"### {one.topic}"
    yield ""
    for label, text in (
        ("The paper", one.paper),
        ("The released code", one.code),
        ("Fringe", one.ours),
        ("Why", one.why),
        ("Exhibits", f"{', '.join(exhibit_title(name) for name in one.exhibits)}."),
    ):
        yield f"* **{label}:** {' '.join(text.split())}"


def _places(group: Sequence[Exhibit]) -> list[str]:
    """Return the files of an exhibit, with ``<name>`` where each data set has its own."""
    first = group[0]
    if not first.of:
        return first.places
    return [place.replace(f"-{first.of}.", "-<name>.") for place in first.places]


def _links(found: Sequence[Deviation]) -> str:
    return ", ".join(f"[{one.topic}](#{_anchor(one.topic)})" for one in found)


def _anchor(title: str) -> str:
    """Return the anchor that GitHub and MkDocs give a heading."""
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_")
    return kept.strip().replace(" ", "-")
