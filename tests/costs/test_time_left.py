"""Remaining time of a run, by a clock that the tests set."""

from __future__ import annotations

import pytest

from fringe.costs.jobs import Job
from fringe.costs.prediction import Estimate
from fringe.costs.time_left import TimeLeft
from fringe.costs.work import Work


def planned(
    rule: str, name: str, seconds: float, *after: str, threads: int = 1, gpus: int = 0
) -> Estimate:
    """A job that makes the file ``name`` from the files ``after``."""
    job = Job(rule, after, (name,), threads=threads, gpus=gpus)
    return Estimate(job, Work(), seconds, "assumed", "cuda" if gpus else "cpu")


def test_no_time_is_known_until_jobs_have_ended() -> None:
    time_left = TimeLeft([planned("a", "a1", 20), planned("a", "a2", 20)], cores=1)
    assert time_left.left(0) is None
    time_left.begin("a1", 0)
    assert time_left.left(100) is None
    time_left.end("a1", 100)
    assert time_left.left(100) == pytest.approx(100), "five times the predicted time"


def test_a_short_job_is_not_enough_for_a_prediction() -> None:
    time_left = TimeLeft([planned("a", "a1", 4), planned("b", "b1", 4000)], cores=1)
    time_left.begin("a1", 0)
    time_left.end("a1", 8)
    assert time_left.left(8) is None


def test_each_rule_is_corrected_by_its_own_jobs() -> None:
    jobs = [planned("a", f"a{n}", 10) for n in range(3)]
    jobs += [planned("b", f"b{n}", 10) for n in range(3)] + [planned("c", "c0", 10)]
    time_left = TimeLeft(jobs, cores=1)
    time_left.begin("a0", 0)
    time_left.end("a0", 10)
    time_left.begin("b0", 10)
    time_left.end("b0", 40)
    # Two jobs of 10 s, two of 30 s, and one of a rule that has not run: (10 + 30) / 20 x 10 s.
    assert time_left.left(40) == pytest.approx(2 * 10 + 2 * 30 + 20)


def test_a_running_job_counts_with_its_remaining_time() -> None:
    time_left = TimeLeft([planned("a", "a1", 40), planned("a", "a2", 40)], cores=1)
    time_left.begin("a1", 0)
    time_left.end("a1", 40)
    time_left.begin("a2", 40)
    assert time_left.left(70) == pytest.approx(10)
    assert time_left.left(72) == pytest.approx(8), "the time decreases between two computations"
    assert time_left.left(140) == pytest.approx(10), "overdue: a tenth of the 100 s so far"


def test_the_longest_chain_is_a_lower_bound() -> None:
    jobs = [planned("a", "a", 40), planned("b", "b", 30, "a"), planned("b", "c", 30, "b")]
    jobs += [planned("b", f"d{n}", 10) for n in range(6)]
    for cores, seconds in ((1, 120), (2, 60), (100, 60)):
        time_left = TimeLeft(jobs, cores=cores)
        time_left.begin("a", 0)
        time_left.end("a", 40)
        assert time_left.left(40) == pytest.approx(seconds), cores


def test_threads_gpus_and_places_are_lower_bounds() -> None:
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


def test_jobs_that_wait_for_a_failed_job_do_not_count() -> None:
    jobs = [planned("a", "a", 40), planned("b", "b", 40), planned("b", "c", 40, "b")]
    time_left = TimeLeft([*jobs, planned("b", "d", 40, "c"), planned("b", "e", 5)], cores=1)
    time_left.begin("a", 0)
    time_left.end("a", 40)
    time_left.begin("b", 40)
    time_left.fail("b")
    assert time_left.left(50) == pytest.approx(5)
    time_left.begin("b", 60)  # a second attempt
    assert time_left.left(60) == pytest.approx(40 + 40 + 40 + 5)


def test_times_of_jobs_in_a_group_are_not_used() -> None:
    """All jobs of a group end when the group ends."""
    time_left = TimeLeft([planned("a", "a1", 20), planned("a", "a2", 20)], cores=1)
    time_left.begin("a1", 0)
    time_left.end("a1", 300, in_group=True)
    assert time_left.left(300) is None


def test_jobs_that_were_not_planned_are_ignored() -> None:
    time_left = TimeLeft([planned("a", "a1", 20)], cores=1)
    time_left.begin("other", 0)
    time_left.end("other", 300)
    time_left.fail("another")
    assert time_left.left(300) is None
