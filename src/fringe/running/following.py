"""Reader of a running Snakemake: its events, and the lines that it and its jobs print to stderr."""

from __future__ import annotations

import codecs
import json
import os
import selectors
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import IO, Any, NamedTuple, Protocol

from fringe.progress import MOVING

__all__ = ["LOGGER_OPTIONS", "Followed", "Follower", "follow", "start"]

# Snakemake's logger `fringe` writes one JSON event per line to the file descriptor whose number is
# in this environment variable (src/snakemake_logger_plugin_fringe).
LOGGER_OPTIONS = ("--logger", "fringe")
DESCRIPTOR = "FRINGE_EVENTS"


class Follower(Protocol):
    """Receiver of events and lines, called also when only time has passed."""

    def event(self, event: Mapping[str, Any]) -> None:
        """Receive an event of Snakemake."""

    def text(self, line: str) -> None:
        """Receive a line that Snakemake or a job has written to stderr."""

    def tick(self) -> None:
        """Note that time has passed."""


class Followed(NamedTuple):
    """A process, and the reading ends of the pipes for its events and its stderr."""

    process: subprocess.Popen[bytes]
    events: IO[bytes]
    stderr: IO[bytes]


def start(command: Sequence[str], environment: Mapping[str, str]) -> Followed:
    """Start Snakemake. ``command`` must include `LOGGER_OPTIONS`."""
    read, write = os.pipe()
    try:
        process = subprocess.Popen(
            command,
            env={**environment, DESCRIPTOR: str(write)},
            pass_fds=[write],
            stderr=subprocess.PIPE,
        )
    except BaseException:
        os.close(read)
        raise
    finally:
        os.close(write)
    assert process.stderr is not None
    return Followed(process, os.fdopen(read, "rb", 0), process.stderr)


def follow(followed: Followed, follower: Follower) -> None:
    """Pass all events and lines to a follower until the process has ended.

    The function does not wait for processes that Snakemake has left behind, although they may keep
    the pipes open.
    """
    events, texts = _Lines(followed.events), _Lines(followed.stderr)
    with followed.events, followed.stderr, selectors.DefaultSelector() as selector:
        for lines in (events, texts):
            selector.register(lines.file, selectors.EVENT_READ)
        has_ended = False
        while not has_ended:
            has_ended = followed.process.poll() is not None
            if selector.get_map():
                selector.select(0 if has_ended else MOVING)
            else:
                with suppress(subprocess.TimeoutExpired):
                    followed.process.wait(MOVING)
            # A job prints its error before Snakemake reports the error. Events are read first and
            # passed on last, so that the printed error is always passed on before its event.
            happened = [*events.new(has_ended)]
            for line in texts.new(has_ended):
                follower.text(line)
            for line in happened:
                with suppress(ValueError):  # truncated, because Snakemake was killed
                    follower.event(json.loads(line))
            for lines in (events, texts):
                if lines.is_closed and lines.file in selector.get_map():
                    selector.unregister(lines.file)
            follower.tick()


class _Lines:
    """Lines that have been written to a pipe so far."""

    def __init__(self, file: IO[bytes]) -> None:
        os.set_blocking(file.fileno(), False)
        self.file = file
        self.is_closed = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def new(self, is_last: bool) -> Iterator[str]:
        """Yield the lines since the last call. The last call also yields an unfinished line."""
        with suppress(BlockingIOError):
            while not self.is_closed:
                part = os.read(self.file.fileno(), 65536)
                self.is_closed = not part
                *lines, self._rest = (self._rest + self._decoder.decode(part)).split("\n")
                yield from lines
        if (is_last or self.is_closed) and self._rest:
            last, self._rest = self._rest, ""
            yield last
