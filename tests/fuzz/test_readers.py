"""2,000 good files, each damaged at random, are read as something of valid form or refused.

Whatever is found here is found again: variant n of a kind of file depends on the seed and on
nothing else. `tests/hostile/fuzz.py` has the kinds, and what damages them.
"""

from pathlib import Path

import pytest
from tests.hostile.bounds import bounded
from tests.hostile.fuzz import KINDS, attempts

VARIANTS = 2000
SEED = 16
MEMORY = 256 << 20  # bytes beyond those at the start, for files of a few KiB


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
    counts = {said: len(which) for said, which in of_damaged.items()}
    assert sum(counts.values()) == share
    assert set(counts) <= {"read", "refused"}, of_damaged
    assert counts.get("refused"), "not one damage was noticed"
