"""Pages and sentences about the results of a run, its cost and its missing files."""

from fringe.report.comparison import comparison_lines, write_comparison
from fringe.report.cost import write_cost
from fringe.report.left_out import left_out_line, write_left_out
from fringe.report.self_check import self_check_line, write_self_check
from fringe.report.sensitivity import sensitivity_sentences
from fringe.report.verdicts import Change, Verdict, summary, verdict
from fringe.report.write import write_deviations, write_verdicts

__all__ = [
    "Change",
    "Verdict",
    "comparison_lines",
    "left_out_line",
    "self_check_line",
    "sensitivity_sentences",
    "summary",
    "verdict",
    "write_comparison",
    "write_cost",
    "write_deviations",
    "write_left_out",
    "write_self_check",
    "write_verdicts",
]
