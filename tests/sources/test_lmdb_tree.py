"""The reader of LMDB's pages, compared with LMDB itself."""

import random
from pathlib import Path

import lmdb
import pytest

from fringe.sources.lmdb_tree import Tree


def sizes(rng: random.Random, number: int) -> int:
    """Draw the size of a value: small values, and some values in overflow pages."""
    return rng.choice([0, 1, 100, 2000, 2030, 5000, 30000]) if number < 60 else 30


@pytest.mark.parametrize("kind", ["main", "named", "reversed", "integers"])
@pytest.mark.parametrize("seed", range(4))
def test_results_equal_those_of_lmdb(tmp_path: Path, kind: str, seed: int):
    """Random environments, changed in several transactions; each key, and many missing keys."""
    rng = random.Random(seed)
    integers = kind == "integers"

    def key() -> bytes:
        return rng.randbytes(8 if integers else rng.randrange(1, 60))

    held = {}
    with lmdb.open(str(tmp_path), map_size=1 << 26, max_dbs=1) as environment:
        database = None
        if kind != "main":
            options = {"reverse_key": kind == "reversed", "integerkey": integers}
            database = environment.open_db(b"images", **options)
        for _ in range(rng.randrange(1, 4)):
            with environment.begin(write=True, db=database) as transaction:
                for number in range(rng.choice([1, 30, 500])):
                    new = key(), rng.randbytes(sizes(rng, number))
                    held.update([new])
                    transaction.put(*new)
                for one in rng.sample(sorted(held), len(held) // 3):
                    transaction.delete(one)
                    del held[one]
                for one in rng.sample(sorted(held), len(held) // 4):
                    held[one] = rng.randbytes(sizes(rng, 0))
                    transaction.put(one, held[one])
        with environment.begin(db=database) as transaction:
            tree = Tree(tmp_path / "data.mdb", largest=1 << 20)
            keys = [*map(bytes, transaction.cursor().iternext(values=False))]
            assert [*tree.keys()] == keys
            assert [*tree.last_keys()] == keys[::-1]
            assert tree.entries == len(keys) == len(held)
            assert {one: tree.get(one) for one in keys} == held
            for wanted in [key() for _ in range(100)] + keys[::20]:
                cursor = transaction.cursor()
                first = bytes(cursor.key()) if cursor.set_range(wanted) else None
                assert next(tree.keys(wanted), None) == first
                assert tree.get(wanted) == transaction.get(wanted)
