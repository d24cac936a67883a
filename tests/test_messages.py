"""Messages of the library: commands and jobs show all, other programs only warnings."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from fringe.messages import show_messages

SAY = """
import logging
from fringe.messages import show_messages
{first}
logger = logging.getLogger("fringe.some.module")
logger.debug("a detail")
logger.info("a step")
logger.warning("a doubt\\n  and more")
logger.error("a failure")
"""


def said(first: str) -> list[str]:
    """Return the output of a program that starts with a line of Python."""
    code = SAY.format(first=first)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_commands_and_jobs_see_all_but_details() -> None:
    shown = ["a step", "warning: a doubt", "  and more", "error: a failure"]
    assert said("show_messages()") == shown
    assert said("show_messages(); show_messages()") == shown


def test_a_program_that_uses_the_library_sees_only_warnings() -> None:
    assert said("") == ["a doubt", "  and more", "a failure"]


def test_a_program_may_show_messages_in_its_own_way() -> None:
    lines = said("logging.basicConfig(level=logging.DEBUG, format='%(name)s | %(message)s')")
    assert lines[:2] == ["fringe.some.module | a detail", "fringe.some.module | a step"]


def test_a_write_error_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job whose log is on a full disk must not continue silently."""

    class Full:
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

        def flush(self) -> None:
            pass

    show_messages()
    monkeypatch.setattr(sys, "stderr", Full())
    with pytest.raises(OSError, match="No space left"):
        logging.getLogger("fringe.some.module").info("a step")
