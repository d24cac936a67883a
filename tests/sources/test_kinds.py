"""Kinds of sources are the same in specifications and in configurations."""

from __future__ import annotations

import pytest

from fringe.config.sources import SECTIONS, opening_keys
from fringe.sources.kinds import KINDS

# Keys of specifications that a run adds: how many images are taken, what may be decoded at once,
# and the real images whose labels a generator follows.
ADDED = {"least", "limits", "labels"}


def test_every_kind_has_a_section_and_an_opener() -> None:
    assert list(SECTIONS) == list(KINDS), "add the kind to config/sources.py and sources/kinds.py"


@pytest.mark.parametrize("kind", KINDS)
def test_the_keys_of_a_kind_are_those_of_its_section(kind: str) -> None:
    keys = KINDS[kind].keys
    assert [key for key in keys if key not in ADDED] == opening_keys(kind)
    for key, field in SECTIONS[kind].model_fields.items():
        if key in keys and field.default is None:
            assert keys[key][1], f"{key} may be left out"
        elif key in keys and field.is_required():
            assert not keys[key][1], f"{key} may not be left out"


def test_what_is_trained_is_rendered() -> None:
    for kind, section in SECTIONS.items():
        assert section.is_rendered or not section.is_trained, kind
        assert section.in_files == (kind == "files")
