"""Claims of page heads and footers, compared with pyarrow's metadata of the same files."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fringe.sources.parquet_pages import LargeFooterError, groups, pages

WRITTEN: list[dict[str, Any]] = [
    {},
    {"compression": "zstd", "data_page_version": "2.0"},
    {"use_dictionary": False, "write_page_index": True, "write_page_checksum": True},
    {"compression": "brotli", "data_page_size": 10_000, "write_statistics": ["id"]},
    {"dictionary_pagesize_limit": 20_000, "data_page_size": 10_000},  # from a dictionary to plain
]


@pytest.mark.parametrize("options", WRITTEN)
def test_claims_equal_pyarrows_metadata(tmp_path: Path, options: dict[str, Any]):
    rng = np.random.default_rng(0)
    rows = [{"bytes": rng.bytes(int(rng.integers(9000))), "path": "x" * i} for i in range(300)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    path = tmp_path / "a.parquet"
    table = pa.table({"image": pa.array(rows, kind), "id": [None, 1, 2] * 100})
    pq.write_table(table, path, row_group_size=130, **options)
    metadata = pq.ParquetFile(path).metadata
    with path.open("rb") as file:
        found = groups(file, most=200)
        assert len(found) == 3
        for number, group in enumerate(found):
            expected = metadata.row_group(number)
            assert group.rows == expected.num_rows
            for column, chunk in enumerate(group.chunks):
                about = expected.column(column)
                assert chunk.begin == (about.dictionary_page_offset or about.data_page_offset)
                assert (chunk.size, chunk.values) == (about.total_compressed_size, about.num_values)
                held = [*pages(file, chunk.begin, chunk.size)]
                assert sum(page.values for page in held) == chunk.values
                unpacked = sum(page.unpacked for page in held)
                heads = about.total_uncompressed_size - unpacked  # which pyarrow counts too
                assert 10 * len(held) < heads < 30_000 * len(held)
        # The footer itself, a schema of five, three groups of three columns with a struct in each.
        with pytest.raises(LargeFooterError):
            groups(file, most=1 + 5 + 3 * (1 + 3 * 2) - 1)
