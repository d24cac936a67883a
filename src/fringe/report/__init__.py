"""What the tables say, in words."""

from fringe.report.verdict import Change, Verdict, summary, verdict

__all__ = ["Change", "Verdict", "summary", "verdict"]
