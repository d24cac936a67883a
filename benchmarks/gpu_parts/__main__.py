"""One part in a separate process: python -m gpu_parts PART FORM DEVICE [WEIGHTS] ROWS."""

import sys
from pathlib import Path

from gpu_parts import PARTS, machine
from gpu_parts.rows import Report
from gpu_parts.sizes import SIZES


def main() -> None:
    part, form, device, *weights, rows = sys.argv[1:]
    machine.set_up(device)
    report = Report(part, Path(rows))
    PARTS[part].measure(SIZES[form], device, report, Path(weights[0]) if weights else None)


main()
