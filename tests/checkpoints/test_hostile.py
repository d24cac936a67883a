"""Hostile and damaged files: each is refused or inert, and none of their code runs.

A child process with 2 GiB of memory in addition to its packages reads every file. It records
everything that is executed, imported or written (`tests/checkpoints/child.py`).
"""

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.checkpoints.assembly import (
    call,
    floats,
    legacy,
    name,
    nested,
    reference,
    saved,
    tensor,
    value,
    whole,
)
from tests.checkpoints.hostile import (
    GROUPS,
    INERT_GROUPS,
    RECORD,
    Cases,
    good_files,
    shared_values,
)
from tests.hostile.bounds import unmeasured

from fringe.checkpoints import read_pickle, read_state
from fringe.errors import FringeError

CHILD = Path(__file__).with_name("child.py")


def child(mode: str, folder: Path, *options: int) -> dict[str, Any]:
    """Run the child process on a folder, with a limit of minutes."""
    if sys.platform != "linux":
        pytest.skip("the limits of the child process need Linux")
    if not (folder / "good").exists():
        good_files(folder / "good")
    command = [sys.executable, str(CHILD), mode, str(folder)]
    finished = subprocess.run(
        [*command, *map(str, options)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env=unmeasured(),
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return json.loads(finished.stdout)


@pytest.fixture(scope="module")
def cases() -> dict[str, Cases]:
    """Return the files of each group."""
    return {group: made() for group, made in (GROUPS | INERT_GROUPS).items()}


@pytest.fixture(scope="module")
def found(
    cases: dict[str, Cases], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    """Return the outcomes of reading every file in one child process."""
    folder = tmp_path_factory.mktemp("hostile")
    for group, files in cases.items():
        for file, (content, _) in files.items():
            (folder / f"{group}-{file}").write_bytes(content)
    for file, content in shared_values().items():
        (folder / file).write_bytes(content)
    results = child("files", folder)
    assert not (folder / "executed").exists()
    return results


def test_the_assembled_files_are_read_if_they_are_harmless(tmp_path: Path) -> None:
    """Otherwise the hostile files could be refused only because of bad assembly."""
    assert pickle.loads(whole(call("builtins", "eval", "6 * 7"))) == 42
    state = b"}" + value("a") + tensor(reference(4), 0, (2, 2), (2, 1)) + b"s"
    inner = nested(legacy(reference(4), ("0", floats(4))))
    (tmp_path / "zip.pt").write_bytes(saved(state))
    (tmp_path / "legacy.pt").write_bytes(legacy(state, ("0", floats(4))))
    (tmp_path / "plain.pkl").write_bytes(
        whole(b"}" + value("a") + tensor(inner, 0, (4,), (1,)) + b"s")
    )
    for file in "zip.pt", "legacy.pt":
        assert torch.load(tmp_path / file, weights_only=True)["a"].tolist() == [[0, 0], [0, 0]]
        assert read_state(tmp_path / file)["a"].tolist() == [[0, 0], [0, 0]]
    assert read_state(tmp_path / "plain.pkl")["a"].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("group", GROUPS)
def test_hostile_and_damaged_files_are_refused(
    cases: dict[str, Cases], found: dict[str, list[str]], group: str
) -> None:
    wrong = {}
    for file, (_, reason) in cases[group].items():
        results = found[f"{group}-{file}"]
        refused = all(result.startswith("refused: ") for result in results)
        if not refused or not any(reason in result for result in results):
            wrong[file] = reason, results
    assert not wrong


@pytest.mark.parametrize("group", INERT_GROUPS)
def test_unknown_objects_are_inert_and_never_tensors(
    cases: dict[str, Cases], found: dict[str, list[str]], group: str
) -> None:
    wrong = {}
    for file, (_, reason) in cases[group].items():
        results = as_pickle, as_state = found[f"{group}-{file}"]
        inert = as_pickle == "read" or as_pickle.startswith("refused: ")
        if file.endswith("plain.pkl"):
            inert = as_pickle == "read"
        named = any(reason in result for result in results)
        if not (inert and named and as_state.startswith("refused: ")):
            wrong[file] = reason, results
    assert not wrong


def test_shared_values_take_time_in_proportion_to_the_file(found: dict[str, list[str]]) -> None:
    assert found["lists.pkl"][0] == found["modules.pkl"][0] == found["loop.pkl"][0] == "read"
    assert "contains a list" in found["lists.pkl"][1]
    assert "steps" in found["modules.pkl"][1]
    assert "contain themselves" in found["loop.pkl"][1]
    assert "far larger" in found["tensors.pt"][1]


def test_attributes_with_special_names_are_plain_entries(tmp_path: Path) -> None:
    names = ["__class__", "__dict__", "__setstate__", "__reduce__", "__del__", "state", "module"]
    state = value(dict.fromkeys(names, "os.system"))
    (tmp_path / "a.pkl").write_bytes(whole(RECORD + state + b"b"))
    record = read_pickle(tmp_path / "a.pkl")
    assert (record.module, record.class_name) == ("torch.nn.modules.linear", "Linear")
    assert record.state == dict.fromkeys(names, "os.system")
    (tmp_path / "b.pkl").write_bytes(
        whole(name("collections", "OrderedDict") + b")R" + state + b"b")
    )
    assert read_pickle(tmp_path / "b.pkl") == {}


@pytest.mark.parametrize("read", [read_pickle, read_state])
def test_missing_files_and_folders_are_refused(tmp_path: Path, read: Any) -> None:
    with pytest.raises(FringeError, match="is a folder, not a file; correct the path"):
        read(tmp_path)
    with pytest.raises(FringeError, match="absent: does not exist; correct the path"):
        read(tmp_path / "absent")
