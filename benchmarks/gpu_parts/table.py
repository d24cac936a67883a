"""The table of all rows, in Markdown, CSV and JSON, and the rates for `fringe estimate`."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from fringe.costs.measured_rates import default_rates
from gpu_parts.machine import headline
from gpu_parts.rows import Row

__all__ = ["markdown", "missing_rates", "rates", "write"]

HEAD = ("part", "what", "configuration", "figure", "unit", "ratio", "to", "remark")


def rates(rows: Sequence[Row]) -> dict[str, float]:
    """Return the rates that were measured, by name."""
    return {row.rate: row.figure for row in rows if row.rate and row.figure is not None}


def missing_rates(rows: Sequence[Row], device: str) -> list[Row]:
    """Return a row for each rate that an estimate uses for the device but no part measured."""
    found = rates(rows)
    return [
        Row("rates", f"rate {name}", failure="not measured", rate=name)
        for name in default_rates(device)
        if name not in found
    ]


def markdown(rows: Sequence[Row], about: dict[str, Any], form: str) -> str:
    """Return the table; the machine is its first line."""
    lines = [headline(about, form), "", _line(HEAD), _line("---" for _ in HEAD)]
    for row in rows:
        figure = row.failure or f"{row.figure:.4g}"
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        lines.append(
            _line(
                (
                    row.part,
                    row.name,
                    row.configuration,
                    figure,
                    row.unit,
                    ratio,
                    row.rival,
                    row.remark,
                )
            )
        )
    return "\n".join(lines)


def _line(cells: Any) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def write(folder: Path, rows: Sequence[Row], about: dict[str, Any], form: str) -> None:
    """Write `results.md`, `.csv` and `.json`, and `rates.json` if no rate is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text(markdown(rows, about, form) + "\n")
    with (folder / "results.csv").open("w", newline="") as file:
        header = {"form": form, **about}
        writer = csv.DictWriter(file, [*(field.name for field in fields(Row)), *header])
        writer.writeheader()
        writer.writerows({**asdict(row), **header} for row in rows)
    content = {"form": form, **about, "rows": [asdict(row) for row in rows]}
    (folder / "results.json").write_text(json.dumps(content, indent=1) + "\n")
    found, device = rates(rows), about["device"]
    path = folder / "rates.json"
    path.unlink(missing_ok=True)
    if set(found) == set(default_rates(device)):
        # The format of `fringe.costs.measured_rates.read_rates`.
        measured = {"device": device, "machine": about["machine"], "rates": found}
        path.write_text(json.dumps(measured, indent=1) + "\n")
