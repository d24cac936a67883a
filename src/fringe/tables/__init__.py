"""Tables 1, 2 and 3 from tidy scores, next to the paper's numbers."""

from fringe.revisions import TABLES as REVISION
from fringe.tables.build import TABLE_COLUMNS, table1, table2, table3
from fringe.tables.remarks import gamma_remarks, null_space_remarks
from fringe.tables.write import to_html, to_latex, to_markdown, write_table

__all__ = [
    "REVISION",
    "TABLE_COLUMNS",
    "gamma_remarks",
    "null_space_remarks",
    "table1",
    "table2",
    "table3",
    "to_html",
    "to_latex",
    "to_markdown",
    "write_table",
]
