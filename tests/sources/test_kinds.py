"""Kinds of sources are the same in specifications and in configurations."""

from __future__ import annotations

from typing import get_args

import pytest

from fringe.config.sources import SECTIONS, opening_keys
from fringe.sources.kinds import KINDS
from fringe.sources.photos import SMALLEST_SIDE

# Keys of specifications that a run adds: the number of images, the limits, the real images whose
# labels a generator follows, and the networks whose features are used.
ADDED = {"least", "limits", "labels", "networks"}


def test_every_kind_has_a_section_and_an_opener() -> None:
    assert set(KINDS) - set(SECTIONS) == set(), (
        "KINDS in src/fringe/sources/kinds.py has these kinds, and the configuration does not: add "
        "a section of each to `Source` in src/fringe/config/sources.py"
    )
    assert set(SECTIONS) - set(KINDS) == set(), (
        "`Source` in src/fringe/config/sources.py has sections of these kinds, and nothing opens "
        "them: add each to KINDS in src/fringe/sources/kinds.py"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_keys_of_a_kind_equal_those_of_its_section(kind: str) -> None:
    keys = KINDS[kind].keys
    assert [key for key in keys if key not in ADDED] == opening_keys(kind)
    for key, field in SECTIONS[kind].model_fields.items():
        if key in keys and field.default is None:
            assert keys[key][1], f"{key} is optional"
        elif key in keys and field.is_required():
            assert not keys[key][1], f"{key} is required"


@pytest.mark.parametrize("kind", SECTIONS)
def test_a_section_describes_its_kind(kind: str) -> None:
    text = SECTIONS[kind].model_fields["kind"].description or ""
    assert text.startswith(f"`{kind}`: "), "`kind` in the section is described by `<kind>`: <text>"


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_that_make_images_have_a_speed(kind: str) -> None:
    speed = KINDS[kind].pixels_per_second
    assert (speed is not None) == SECTIONS[kind].is_rendered, (
        "a kind whose images are made says `pixels_per_second` in src/fringe/sources/kinds.py and "
        "`is_rendered = True` in src/fringe/config/sources.py"
    )
    assert speed is None or (set(speed) == {"cpu", "cuda"} and min(speed.values()) > 0)


def test_the_framings_of_a_configuration_equal_those_of_the_photographs() -> None:
    assert get_args(SECTIONS["photos"].model_fields["framing"].annotation) == (*SMALLEST_SIDE,)


def test_images_of_trained_generators_are_rendered() -> None:
    for kind, section in SECTIONS.items():
        assert section.is_rendered or not section.is_trained, kind
        assert section.in_files == (kind == "files")
