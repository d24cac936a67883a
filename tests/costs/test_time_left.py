"""The time that a run will still take, by a clock that the tests move."""

from __future__ import annotations

import pytest

from fringe.costs.jobs import Job
from fringe.costs.prediction import Estimate
from fringe.costs.time_left import TimeLeft
from fringe.costs.work import Work


def planned(
    rule: str, name: str, seconds: float, *after: str, threads: int = 1, gpus: int = 0
) -> Estimate:
    """A job that makes a file of its name from files of the names ``after``."""
    job = Job(rule, after, (name,), threads=threads, gpus=gpus)
    return Estimate(job, Work(), seconds, "assumed", "cuda" if gpus else "cpu")


def test_nothing_is_known_until_something_has_ended() -> None:
    time_left = TimeLeft([planned("a", "a1", 20), planned("a", "a2", 20)], cores=1)
    assert time_left.left(0) is None
    time_left.begin("a1", 0)
    assert time_left.left(100) is None
    time_left.end("a1", 100)
    assert time_left.left(100) == pytest.approx(100), "five times as long as predicted"


def test_a_short_job_says_nothing_of_a_long_one() -> None:
    time_left = TimeLeft([planned("a", "a1", 4), planned("b", "b1", 4000)], cores=1)
    time_left.begin("a1", 0)
    time_left.end("a1", 8)
    assert time_left.left(8) is None


def test_rules_are_corrected_each_by_their_own_jobs() -> None:
    jobs = [planned("a", f"a{n}", 10) for n in range(3)]
    jobs += [planned("b", f"b{n}", 10) for n in range(3)] + [planned("c", "c0", 10)]
    time_left = TimeLeft(jobs, cores=1)
    time_left.begin("a0", 0)
    time_left.end("a0", 10)
    time_left.begin("b0", 10)
    time_left.end("b0", 40)
    # Two of 10 s, two of 30 s, and one of a rule that has not run: (10 + 30) / 20 of 10 s.
    assert time_left.left(40) == pytest.approx(2 * 10 + 2 * 30 + 20)


def test_a_job_that_runs_counts_with_the_rest_of_its_time() -> None:
    time_left = TimeLeft([planned("a", "a1", 40), planned("a", "a2", 40)], cores=1)
    time_left.begin("a1", 0)
    time_left.end("a1", 40)
    time_left.begin("a2", 40)
    assert time_left.left(70) == pytest.approx(10)
    assert time_left.left(72) == pytest.approx(8), "it moves between two computations"
    assert time_left.left(140) == pytest.approx(10), "overdue: a tenth of the 100 s so far"


def test_the_longest_chain_bounds_the_time_that_cores_share() -> None:
    jobs = [planned("a", "a", 40), planned("b", "b", 30, "a"), planned("b", "c", 30, "b")]
    jobs += [planned("b", f"d{n}", 10) for n in range(6)]
    for cores, seconds in ((1, 120), (2, 60), (100, 60)):
        time_left = TimeLeft(jobs, cores=cores)
        time_left.begin("a", 0)
        time_left.end("a", 40)
        assert time_left.left(40) == pytest.approx(seconds), cores


def test_threads_gpus_and_places_bound_it_too() -> None:
    first = planned("a", "a", 40)
    for rest, bound, seconds in (
        (planned("b", "b", 30, threads=4), {"cores": 8}, 8 * 30 * 4 / 8),
        (planned("b", "b", 30, threads=99), {"cores": 8}, 8 * 30),
        (planned("b", "b", 30, gpus=1), {"cores": 100, "gpus": 2}, 8 * 30 / 2),
        (planned("b", "b", 30, threads=4), {"jobs": 4}, 8 * 30 / 4),
        (planned("b", "b", 30, threads=4), {"jobs": None}, 30),
    ):
        several = [
            planned("b", f"b{n}", 30, threads=rest.job.threads, gpus=rest.job.gpus)
            for n in range(8)
        ]
        time_left = TimeLeft([first, *several], **bound)
        time_left.begin("a", 0)
        time_left.end("a", 40)
        assert time_left.left(40) == pytest.approx(seconds), bound


def test_what_waits_for_a_failed_job_will_not_be_made() -> None:
    jobs = [planned("a", "a", 40), planned("b", "b", 40), planned("b", "c", 40, "b")]
    time_left = TimeLeft([*jobs, planned("b", "d", 40, "c"), planned("b", "e", 5)], cores=1)
    time_left.begin("a", 0)
    time_left.end("a", 40)
    time_left.begin("b", 40)
    time_left.fail("b")
    assert time_left.left(50) == pytest.approx(5)
    time_left.begin("b", 60)  # a second try
    assert time_left.left(60) == pytest.approx(40 + 40 + 40 + 5)


def test_jobs_of_a_group_say_nothing_of_what_a_job_takes() -> None:
    """All of them end when the group ends."""
    time_left = TimeLeft([planned("a", "a1", 20), planned("a", "a2", 20)], cores=1)
    time_left.begin("a1", 0)
    time_left.end("a1", 300, in_group=True)
    assert time_left.left(300) is None


def test_jobs_that_were_not_planned_say_nothing() -> None:
    time_left = TimeLeft([planned("a", "a1", 20)], cores=1)
    time_left.begin("other", 0)
    time_left.end("other", 300)
    time_left.fail("another")
    assert time_left.left(300) is None
