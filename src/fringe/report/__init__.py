"""What the tables say, in words."""

from fringe.report.verdict import Change, Verdict, summary, verdict
from fringe.report.write import write_verdicts

__all__ = ["Change", "Verdict", "summary", "verdict", "write_verdicts"]
