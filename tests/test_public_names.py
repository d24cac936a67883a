"""The public names of the library: each has an example, and all examples run."""

from __future__ import annotations

import dataclasses
import doctest
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

ROOMS = ["comparison", "generators", "metrics", "networks", "resampling", "sensitivity", "sources"]
FACES = [f"fringe.{room}" for room in ROOMS]


def public(face: str) -> Iterator[tuple[str, Any]]:
    """Yield the name and the object of each function and class in ``__all__`` of a package."""
    module = importlib.import_module(face)
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isfunction(value) or inspect.isclass(value):
            yield name, value


def example(value: Any) -> str:
    """Return the section Examples of a docstring; "" if the docstring has none."""
    found = re.search(r"^Examples\n-{8}\n((?:.*\n?)*)", inspect.getdoc(value) or "", re.MULTILINE)
    return found[1] if found and ">>>" in found[1] else ""


def is_record(value: Any) -> bool:
    """Return whether an object is a class of plain values, a protocol or an exception."""
    return inspect.isclass(value) and (
        dataclasses.is_dataclass(value)
        or hasattr(value, "_fields")
        or getattr(value, "_is_protocol", False)
        or issubclass(value, (BaseModel, Exception))
    )


@pytest.mark.parametrize("face", FACES)
def test_every_public_function_and_class_has_an_example(face: str) -> None:
    """A record needs none; another name may be in the example of a name of its package."""
    objects = dict(public(face))
    texts = {name: example(value) for name, value in objects.items()}
    missing = [
        name
        for name, value in objects.items()
        if not texts[name]
        and not is_record(value)
        and not any(re.search(rf"\b{name}\(", text) for text in texts.values())
    ]
    assert missing == []


def modules() -> list[str]:
    """Return the modules that define the public names."""
    return sorted({value.__module__ for face in FACES for _, value in public(face)})


@pytest.mark.parametrize("name", modules())
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(sys.modules[name], optionflags=doctest.ELLIPSIS).failed == 0


def test_every_public_name_is_on_the_site() -> None:
    """Each package has a page, which shows what ``__all__`` lists."""
    folder = Path(__file__).parents[1] / "docs" / "reference"
    for face in FACES:
        page = (folder / f"{face.removeprefix('fringe.')}.md").read_text()
        assert f"\n::: {face}\n" in page
