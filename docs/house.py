"""Draw the map of the house, docs/house.svg, from the layers in pyproject.toml.

``python docs/house.py`` writes the file; a test keeps it up to date.
"""

from __future__ import annotations

import tomllib
from html import escape
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
WIDTH, ROW, LEFT = 860, 40, 330

# The floors of the house in groups, from the top down: a name, what its rooms do, and a color.
GROUPS = (
    ("Commands", "what a user calls", "#dbe7f6", {"__main__", "cli"}),
    ("Around a run", "start, page, report", "#dff0e3", {"page", "running", "report"}),
    ("A run", "its settings, files and cost", "#fdf0d5", {"costs", "plan", "config"}),
    ("Exhibits", "drawn from scores only", "#f6e0ea", {"figures", "tables"}),
    (
        "Science",
        "measures; knows no workflow",
        "#e7e3f6",
        {
            *("evaluation", "comparison", "explorer", "scores", "sensitivity", "features"),
            *("exchange", "sources", "generators", "networks", "resampling", "metrics"),
        },
    ),
    (
        "Ground",
        "files, devices, errors",
        "#ececec",
        {
            *("checkpoints", "devices", "files", "progress", "errors", "texts", "seeds"),
            *("revisions", "messages"),
        },
    ),
)


def draw() -> str:
    """Return the SVG."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    height = ROW * len(layers) + 60
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="14">',
        "<title>The rooms of src/fringe by floor</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        '<text x="20" y="26" fill="#444">A room imports only rooms on lower floors. '
        "Rooms on one floor do not import each other.</text>",
    ]
    shown = set()
    for place, layer in enumerate(layers):
        y = 44 + ROW * place
        rooms = layer.split(" | ")
        width = (WIDTH - LEFT - 20) / len(rooms)
        for number, room in enumerate(rooms):
            name, what, color = _group(room)
            if name not in shown:
                shown.add(name)
                parts.append(
                    f'<text x="60" y="{y + 23}"><tspan font-weight="bold">{name}</tspan>'
                    f'<tspan fill="#555"> {escape(what)}</tspan></text>'
                )
            x = LEFT + number * width
            parts.append(
                f'<rect x="{x:.0f}" y="{y}" width="{width - 8:.0f}" height="{ROW - 8}" rx="4" '
                f'fill="{color}" stroke="#999"/>'
                f'<text x="{x + width / 2 - 4:.0f}" y="{y + 21}" text-anchor="middle">{room}</text>'
            )
        parts.append(f'<text x="20" y="{y + 23}" fill="#888">{len(layers) - place}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _group(room: str) -> tuple[str, str, str]:
    return next((name, what, color) for name, what, color, rooms in GROUPS if room in rooms)


if __name__ == "__main__":
    (REPOSITORY / "docs/house.svg").write_text(draw())
