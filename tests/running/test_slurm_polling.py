"""The patched executor plugin: status of jobs when SLURM does not answer, and its waits."""

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
    """A module with the plugin's names, which can be changed, and answers set by a test."""
    module = types.ModuleType("plugin")

    class Executor(RemoteExecutor):
        def __init__(self) -> None:
            self._next_seconds_between_status_checks = None

        cancel_jobs = check_active_jobs = run_job = None  # type: ignore[assignment]

    async def query_job_status(command: Any, logger: Any) -> tuple[Any, Any]:
        return command

    module.Executor, module.query_job_status = Executor, query_job_status  # type: ignore[attr-defined]
    slurm_polling.patch(module)
    slurm_polling.patch(module)  # a second patch changes nothing
    return module


def test_jobs_are_kept_while_slurm_does_not_answer(patched: Any) -> None:
    log = Log()
    answers = [({"1": "RUNNING"}, 0.1), (None, None), (None, None), ({}, 0.2), (None, None)]
    heard = [asyncio.run(patched.query_job_status(answer, log)) for answer in answers]
    assert heard == [({"1": "RUNNING"}, 0.1), ({}, 0.0), ({}, 0.0), ({}, 0.2), ({}, 0.0)]
    assert len(log) == 2, "one warning for each interruption"


def test_a_job_that_slurm_no_longer_lists_has_ended(patched: Any) -> None:
    """Snakemake then checks the job's files."""
    answers = [{"1": "RUNNING", "2": "RUNNING"}, *({"2": "RUNNING"} for _ in range(6))]
    heard = [asyncio.run(patched.query_job_status((answer, 0.1), Log()))[0] for answer in answers]
    assert [states.get("1") for states in heard[1:]] == [None] * 4 + ["UNKNOWN"] * 2
    assert all(states["2"] == "RUNNING" for states in heard)


def test_the_wait_between_checks_is_limited(patched: Any) -> None:
    executor = patched.Executor()
    executor.next_seconds_between_status_checks = 10
    assert executor.next_seconds_between_status_checks == 10
    executor.next_seconds_between_status_checks = 180
    assert executor.next_seconds_between_status_checks == slurm_polling.LONGEST


def test_another_version_of_the_plugin_is_not_patched(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(slurm_polling, "version", lambda name: "2.9.1")
    other = types.ModuleType("plugin")  # has none of the names, so patching would raise
    slurm_polling.patch(other)
    slurm_polling.patch(other)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "snakemake_executor_plugin_slurm has version 2.9.1" in record.message
    assert f"snakemake-executor-plugin-slurm=={slurm_polling.VERSION}" in record.message


def test_the_installed_plugin_has_the_patched_names() -> None:
    assert version(slurm_polling.PLUGIN) == slurm_polling.VERSION, "can a patch be removed?"
    assert asyncio.iscoroutinefunction(plugin.query_job_status)
    assert issubclass(plugin.Executor, RemoteExecutor)
    assert plugin.__name__ == slurm_polling.PLUGIN
