"""What a part tells: one row for each figure."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from fringe.costs.measured_rates import default_rates
from fringe.costs.rates import MACHINES

__all__ = ["Report", "Row", "read_rows"]


@dataclass(frozen=True)
class Row:
    """A figure, or a failure in its place.

    ``ratio`` is to the figure of ``rival`` in the same run; above 1 is better than the rival.
    ``rate`` names the rate of an estimate that the figure is.
    """

    part: str
    name: str
    configuration: str = ""
    figure: float | None = None
    unit: str = ""
    ratio: float | None = None
    rival: str = ""
    remark: str = ""
    rate: str = ""
    failure: str = ""

    @property
    def failed(self) -> bool:
        return bool(self.failure)

    def __str__(self) -> str:
        if self.failed:
            return f"{self.name}: {self.failure}"
        told = f"{self.name}: {self.figure:.4g} {self.unit}"
        if self.ratio is not None:
            told += f", {self.ratio:.3f} of {self.rival}"
        return told + (f" ({self.remark})" if self.remark else "")


class Report:
    """Takes the rows of a part and writes each to a file at once, a line of JSON."""

    def __init__(self, part: str, path: Path) -> None:
        self.part, self.path = part, path

    def __call__(self, name: str, **about: object) -> None:
        row = Row(self.part, name, **about)  # type: ignore[arg-type]
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(row)) + "\n")

    def rate(
        self, name: str, figure: float, unit: str, device: str, configuration: str, remark: str = ""
    ) -> None:
        """Write a rate of an estimate next to its default for the device."""
        default = default_rates(device)[name]  # type: ignore[arg-type]
        self(
            f"rate {name}",
            configuration=configuration,
            figure=figure,
            unit=unit,
            ratio=figure / default,
            rival=f"the default, {default:.3g} ({MACHINES[device]})",  # type: ignore[index]
            remark=remark,
            rate=name,
        )

    def attempt(self, name: str, call: Callable[[], None]) -> None:
        """Make one measurement; if it fails, a row says why, and the part goes on."""
        try:
            call()
        except Exception as error:  # of compilers, of drivers, of memory: all are told
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            self(name, failure=f"failed: {type(error).__name__}: {reason[:300]}")


def read_rows(path: Path) -> list[Row]:
    """Return the rows in a file; a last line that was cut short is left out."""
    rows = []
    for line in path.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            rows.append(Row(**json.loads(line)))
    return rows
