"""The cache that all runs in a folder of results share, with several writers."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from fringe.errors import FringeError
from fringe.files import steadiness
from fringe.sources import memory as module
from fringe.sources.digests import file_digests, remembered
from fringe.sources.memory import Memory


def test_entries_are_stored_by_group(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "new" / "memory")
    assert memory.read("a") == {}
    memory.add("a", {"x": "1", "y": "2"})
    memory.add("b", {"x": "3"})
    memory.add("a", {"y": "4", "z\udcff": "5"})
    assert memory.read("a") == {"x": "1", "y": "4", "z\udcff": "5"}
    assert Memory(memory.folder).read("b") == {"x": "3"}
    assert len(list(memory.folder.glob("*/*"))) == 2


def _add(folder: Path, writer: int) -> None:
    for number in range(10):
        Memory(folder).add("a", {f"{writer} {number}": str(number)})


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_simultaneous_writers_lose_no_entries(tmp_path: Path) -> None:
    writers = [
        multiprocessing.get_context("fork").Process(target=_add, args=(tmp_path, writer))
        for writer in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    kept = Memory(tmp_path).read("a")
    assert kept == {
        f"{writer} {number}": str(number) for writer in range(4) for number in range(10)
    }


def test_a_file_that_another_process_joins_is_read_from_the_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory(tmp_path)
    memory.add("a", {"x": "1"})
    module._read.clear()
    read = module._content

    def joined_meanwhile(path: Path) -> dict[str, str]:
        monkeypatch.setattr(module, "_content", read)
        memory.add("a", {"y": "2"})
        return read(path)

    monkeypatch.setattr(module, "_content", joined_meanwhile)
    assert memory.read("a") == {"x": "1", "y": "2"}


def test_damaged_files_are_ignored(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.add("a", {"x": "1"})
    (path,) = tmp_path.glob("*/*")
    for text in ("{", "[]", "{}", '{"entries": []}'):
        path.write_text(text)
        assert memory.read("a") == {}
    memory.add("a", {"y": "2"})
    assert memory.read("a") == {"y": "2"}
    assert not path.exists()


def test_the_message_for_an_unwritable_folder_names_it(tmp_path: Path) -> None:
    (tmp_path / "memory").touch()
    with pytest.raises(FringeError, match=r"memory/.*json: cannot be written"):
        Memory(tmp_path / "memory").add("a", {"x": "1"})


def test_all_runs_share_cached_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    paths, cache = [tmp_path / "a", tmp_path / "b"], tmp_path / "results/.fingerprints"
    expected = [hashlib.sha256(name).hexdigest() for name in (b"a", b"b")]
    assert file_digests(paths, cache) == expected
    monkeypatch.setattr("fringe.sources.digests._sha256", lambda _: pytest.fail("read again"))
    assert file_digests(paths[::-1], cache) == expected[::-1]


def test_entries_of_earlier_versions_are_used(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_text("large")
    about = path.stat()
    state = f"{about.st_size}:{about.st_mtime_ns}:{about.st_ctime_ns}"
    old = tmp_path / "results" / "mine" / "fingerprints.json"
    old.parent.mkdir(parents=True)
    old.write_text(json.dumps({f"{path}:{state}": "hash", f"images of {path}:{state}": "index"}))
    (tmp_path / "results" / "other").mkdir()
    (tmp_path / "results" / "other" / "fingerprints.json").write_text("{ damaged")
    cache = tmp_path / "results" / ".fingerprints"
    assert file_digests([path], cache) == ["hash"]
    old.unlink()
    module._earlier.cache_clear()
    assert file_digests([path], cache) == ["hash"]

    def learn(path: Path) -> str:
        return "learnt"

    assert remembered([path], cache, "images of ", learn) == ["learnt"]
    path.write_text("other")
    assert file_digests([path], cache) == [hashlib.sha256(b"other").hexdigest()]


def test_questions_and_file_names_are_not_confused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    assert remembered([path], tmp_path / "memory", "what ", lambda _: "answer") == ["answer"]
    (tmp_path / "what a").touch()
    assert remembered([tmp_path / "what a"], tmp_path / "memory", "", lambda _: "b") == ["b"]
    assert remembered([path], tmp_path / "memory", "what ", lambda _: "c") == ["answer"]


def test_a_file_is_cached_if_its_clock_step_ends_without_a_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(files: Iterable[os.stat_result]) -> None:
        time.sleep(2 * steadiness.STEP)
        steadiness.wait_until_settled(files)

    monkeypatch.setattr("fringe.sources.digests.wait_until_settled", wait)
    path = tmp_path / "a"
    path.touch()
    assert remembered([path], tmp_path / "memory", "", lambda _: "1") == ["1"]
    assert remembered([path], tmp_path / "memory", "", lambda _: "2") == ["1"]


def test_results_before_an_interruption_are_saved(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(3)]
    for path in paths:
        path.touch()

    def learn(path: Path) -> str:
        if path.name == "2":
            raise KeyboardInterrupt
        return path.name

    with pytest.raises(KeyboardInterrupt):
        remembered(paths, tmp_path / "memory", "", learn)
    asked: list[str] = []
    assert remembered(
        paths, tmp_path / "memory", "", lambda path: asked.append(path.name) or "new"
    ) == ["0", "1", "new"]
    assert asked == ["2"]
