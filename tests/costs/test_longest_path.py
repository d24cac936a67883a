"""Dependencies between jobs."""

from __future__ import annotations

import itertools

from fringe.costs.jobs import Job
from fringe.costs.longest_path import depths, longest_path


def job(name: str, *after: str) -> Job:
    """A job that makes the file ``name`` from the files ``after``."""
    return Job("rule", after, (name,))


def test_longest_path_is_the_longest_of_all_chains() -> None:
    """Compared with all subsets of jobs that are chains."""
    waits = {"a": "", "b": "a", "c": "a", "d": "bc", "e": "", "f": "ed", "g": "e"}
    jobs = [job(name, *after) for name, after in waits.items()]
    seconds = dict(zip([item.name for item in jobs], [3.0, 1, 4, 1, 9, 2, 6], strict=True))

    def is_chain(chain: tuple[Job, ...]) -> bool:
        return all(a.outputs[0] in b.inputs for a, b in itertools.pairwise(chain))

    chains = [
        chain
        for length in range(1, len(jobs) + 1)
        for chain in itertools.permutations(jobs, length)
        if is_chain(chain)
    ]
    expected = max(chains, key=lambda chain: sum(seconds[item.name] for item in chain))
    total, path = longest_path(jobs[::-1], seconds)
    assert path == list(expected)
    assert total == sum(seconds[item.name] for item in expected)
    assert longest_path([], {}) == (0.0, [])


def test_depths_are_lengths_of_chains() -> None:
    jobs = [job("c", "a", "b", "given"), job("b", "a"), job("a"), job("d")]
    assert depths(jobs) == {"a": 0, "b": 1, "c": 2, "d": 0}
