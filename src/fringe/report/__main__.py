"""``python -m fringe.report results/<run>``: where the report is, and the head of the tables."""

import sys

from fringe.errors import FringeError
from fringe.files.paths import as_path
from fringe.report.left_out import left_out_line
from fringe.report.self_check import self_check_line
from fringe.report.verdicts import summary

if __name__ == "__main__":
    try:
        folder = as_path(sys.argv[1])
        print(f"\n{summary([folder / 'tables' / f'table{n}.md' for n in (1, 2)])}")
        for name in ("report.html", "verdict.md"):
            if not (folder / name).is_file():
                raise FringeError(f"{folder / name}: missing; run the workflow again")
    except FringeError as error:
        sys.exit(f"error: {error}")
    if line := left_out_line(folder / "left_out.md"):
        print(f"{line} Why, and how to get them: {folder / 'left_out.md'}")
    if line := self_check_line(folder / "self_check.md"):
        print(f"Self-check: {line}")
    print(f"Report: {folder / 'report.html'}   Verdict: {folder / 'verdict.md'}")
