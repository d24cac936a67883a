"""What the patched executor plugin hears when SLURM does not answer, and how long it waits."""

from __future__ import annotations

import asyncio
import types
from importlib.metadata import version
from typing import Any

import pytest
import snakemake_executor_plugin_slurm as plugin
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

from fringe.running import slurm_polling


class Log(list[str]):
    warning = list.append


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The plugin's own names in a module that may be changed, and answers that a test gives."""
    module = types.ModuleType("plugin")

    class Executor(RemoteExecutor):
        def __init__(self) -> None:
            self._next_seconds_between_status_checks = None

        cancel_jobs = check_active_jobs = run_job = None  # type: ignore[assignment]

    async def query_job_status(command: Any, logger: Any) -> tuple[Any, Any]:
        return command

    module.Executor, module.query_job_status = Executor, query_job_status  # type: ignore[attr-defined]
    slurm_polling.patch(module)
    slurm_polling.patch(module)  # changes nothing more
    return module


def test_jobs_are_kept_while_slurm_is_away(patched: Any) -> None:
    log = Log()
    answers = [({"1": "RUNNING"}, 0.1), (None, None), (None, None), ({}, 0.2), (None, None)]
    heard = [asyncio.run(patched.query_job_status(answer, log)) for answer in answers]
    assert heard == [({"1": "RUNNING"}, 0.1), ({}, 0.0), ({}, 0.0), ({}, 0.2), ({}, 0.0)]
    assert len(log) == 2, "once for each time that it was away"


def test_a_job_that_slurm_has_forgotten_has_ended(patched: Any) -> None:
    """Its files tell how: Snakemake looks for them."""
    answers = [{"1": "RUNNING", "2": "RUNNING"}, *({"2": "RUNNING"} for _ in range(6))]
    heard = [asyncio.run(patched.query_job_status((answer, 0.1), Log()))[0] for answer in answers]
    assert [states.get("1") for states in heard[1:]] == [None] * 4 + ["UNKNOWN"] * 2
    assert all(states["2"] == "RUNNING" for states in heard)


def test_questions_are_never_further_apart(patched: Any) -> None:
    executor = patched.Executor()
    executor.next_seconds_between_status_checks = 10
    assert executor.next_seconds_between_status_checks == 10
    executor.next_seconds_between_status_checks = 180
    assert executor.next_seconds_between_status_checks == slurm_polling.LONGEST


def test_another_version_of_the_plugin_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(slurm_polling, "version", lambda name: "2.9.1")
    other = types.ModuleType("plugin")  # has none of the names, so a patch would raise
    slurm_polling.patch(other)
    slurm_polling.patch(other)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "snakemake_executor_plugin_slurm has version 2.9.1" in record.message
    assert f"snakemake-executor-plugin-slurm=={slurm_polling.VERSION}" in record.message


def test_the_installed_plugin_has_what_is_patched() -> None:
    assert version(slurm_polling.PLUGIN) == slurm_polling.VERSION, "look whether a patch can go"
    assert asyncio.iscoroutinefunction(plugin.query_job_status)
    assert issubclass(plugin.Executor, RemoteExecutor)
    assert plugin.__name__ == slurm_polling.PLUGIN
