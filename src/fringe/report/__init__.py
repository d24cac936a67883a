"""What the tables say, in words, and what the run cost."""

from fringe.report.cost import write_cost
from fringe.report.sensitivity import sensitivity_sentences
from fringe.report.verdict import Change, Verdict, summary, verdict
from fringe.report.write import write_verdicts

__all__ = [
    "Change",
    "Verdict",
    "sensitivity_sentences",
    "summary",
    "verdict",
    "write_cost",
    "write_verdicts",
]
