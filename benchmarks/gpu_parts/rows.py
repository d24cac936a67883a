"""The output of a part: one row for each figure."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from fringe.costs.measured_rates import default_rates
from fringe.costs.rates import MACHINES

__all__ = ["Report", "Row", "read_rows"]


@dataclass(frozen=True)
class Row:
    """A figure, or a failure instead of the figure.

    ``ratio`` is relative to the figure of ``rival`` in the same run; above 1 is better than the
    rival. ``rate`` is the name of the rate in an estimate, if the figure is a rate.
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
        text = f"{self.name}: {self.figure:.4g} {self.unit}"
        if self.ratio is not None:
            text += f", {self.ratio:.3f} of {self.rival}"
        return text + (f" ({self.remark})" if self.remark else "")


class Report:
    """Writes each row of a part to a file at once, as a line of JSON."""

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
        """Make one measurement; if it fails, a row states the reason, and the part continues."""
        try:
            call()
        except Exception as error:  # errors of compilers, drivers and memory are all reported
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            self(name, failure=f"failed: {type(error).__name__}: {reason[:300]}")


def read_rows(path: Path) -> list[Row]:
    """Return the rows in a file, without an incomplete last line."""
    rows = []
    for line in path.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            rows.append(Row(**json.loads(line)))
    return rows
