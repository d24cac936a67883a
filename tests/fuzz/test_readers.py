"""2,000 valid files, each damaged at random, are refused or read as valid data.

Results are reproducible: variant n of a kind of file depends only on the seed.
`tests/hostile/fuzz.py` has the kinds of files and of damage.
"""

from pathlib import Path

import pytest
from tests.hostile.bounds import bounded
from tests.hostile.fuzz import KINDS, attempts

VARIANTS = 2000
SEED = 16
MEMORY = 256 << 20  # bytes more than at the start, for files of a few KiB


@pytest.mark.parametrize("number", range(len(KINDS)), ids=[kind.name for kind in KINDS])
def test_damaged_files_are_read_or_refused(number: int, tmp_path: Path) -> None:
    kind = KINDS[number]
    good = tmp_path / "good"
    (good / kind.name).parent.mkdir(parents=True)
    kind.write(good / kind.name)
    share = -(-VARIANTS // len(KINDS))
    found = bounded(attempts, number, tmp_path, SEED, 0, share, seconds=900, memory=MEMORY)
    trying = tmp_path / "trying"
    assert found.kind == "value", f"{found} at variant {trying.read_text()}"
    of_good, of_damaged = found.result
    assert of_good == "read"
    counts = {outcome: len(variants) for outcome, variants in of_damaged.items()}
    assert sum(counts.values()) == share
    assert set(counts) <= {"read", "refused"}, of_damaged
    assert counts.get("refused"), "no damage was refused"
