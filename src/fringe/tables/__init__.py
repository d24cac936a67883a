"""Tables 1, 2 and 3 from tidy scores, next to the paper's numbers."""

from fringe.revisions import TABLES as REVISION
from fringe.scores.cells import Cell, datasets_of, relative_change, score_cell, sweep_size
from fringe.scores.convergence import CONVERGENCE_COLUMNS, Convergence, compare_convergence
from fringe.scores.differences import Protocols, differences, read_protocols
from fringe.scores.paper import paper_numbers, paper_rows, paper_value
from fringe.scores.rows import SCORE_COLUMNS, check_scores
from fringe.scores.titles import Titles, is_simulated, metric_title, scheme_mark, title_of
from fringe.tables.build import TABLE_COLUMNS, table1, table2, table3
from fringe.tables.remarks import gamma_remarks, null_space_remarks, released_remarks
from fringe.tables.write import to_html, to_latex, to_markdown, write_table

__all__ = [
    "CONVERGENCE_COLUMNS",
    "REVISION",
    "SCORE_COLUMNS",
    "TABLE_COLUMNS",
    "Cell",
    "Convergence",
    "Protocols",
    "Titles",
    "check_scores",
    "compare_convergence",
    "datasets_of",
    "differences",
    "gamma_remarks",
    "is_simulated",
    "metric_title",
    "null_space_remarks",
    "paper_numbers",
    "paper_rows",
    "paper_value",
    "read_protocols",
    "relative_change",
    "released_remarks",
    "scheme_mark",
    "score_cell",
    "sweep_size",
    "table1",
    "table2",
    "table3",
    "title_of",
    "to_html",
    "to_latex",
    "to_markdown",
    "write_table",
]
