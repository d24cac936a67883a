"""Tables 1, 2 and 3 with the paper's numbers, and the table of other metrics."""

from fringe.revisions import TABLES as REVISION
from fringe.tables.asked import ASKED_COLUMNS, asked_table, read_asked_table
from fringe.tables.build import TABLE_COLUMNS, table1, table2, table3
from fringe.tables.protocol_remarks import judged_rows, table_protocol_notes
from fringe.tables.remarks import gamma_remarks, null_space_remarks
from fringe.tables.write import to_html, to_latex, to_markdown, write_asked_table, write_table

__all__ = [
    "ASKED_COLUMNS",
    "REVISION",
    "TABLE_COLUMNS",
    "asked_table",
    "gamma_remarks",
    "judged_rows",
    "null_space_remarks",
    "read_asked_table",
    "table1",
    "table2",
    "table3",
    "table_protocol_notes",
    "to_html",
    "to_latex",
    "to_markdown",
    "write_asked_table",
    "write_table",
]
