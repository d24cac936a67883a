"""Snakemake followed while it runs: its events, and what it and its jobs print to stderr."""

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

# Snakemake's logger of this name writes one event a line, in JSON, to the file descriptor that
# this variable names (src/snakemake_logger_plugin_fringe).
LOGGER_OPTIONS = ("--logger", "fringe")
DESCRIPTOR = "FRINGE_EVENTS"


class Follower(Protocol):
    """What is told of events and lines, and now and then that time has passed."""

    def event(self, event: Mapping[str, Any]) -> None:
        """Take an event of Snakemake's."""

    def text(self, line: str) -> None:
        """Take a line that Snakemake or a job has written to stderr."""

    def tick(self) -> None:
        """Take note that time has passed."""


class Followed(NamedTuple):
    """A process, and the ends of the pipes where its events and its stderr are read."""

    process: subprocess.Popen[bytes]
    events: IO[bytes]
    stderr: IO[bytes]


def start(command: Sequence[str], environment: Mapping[str, str]) -> Followed:
    """Start Snakemake, called with `LOGGER_OPTIONS`."""
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
    """Tell a follower all that happens until the process has ended.

    A process that Snakemake has left behind may keep the pipes open, and is not waited for.
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
            # A job prints its error before Snakemake reports it, so what was printed is read last.
            happened = [*events.new(has_ended)]
            for line in texts.new(has_ended):
                follower.text(line)
            for line in happened:
                with suppress(ValueError):  # cut short: Snakemake was killed
                    follower.event(json.loads(line))
            for lines in (events, texts):
                if lines.is_closed and lines.file in selector.get_map():
                    selector.unregister(lines.file)
            follower.tick()


class _Lines:
    """The lines of a pipe, as far as they have been written."""

    def __init__(self, file: IO[bytes]) -> None:
        os.set_blocking(file.fileno(), False)
        self.file = file
        self.is_closed = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def new(self, is_last: bool) -> Iterator[str]:
        """Yield the lines since the last call; the last time, also one that does not end."""
        with suppress(BlockingIOError):
            while not self.is_closed:
                part = os.read(self.file.fileno(), 65536)
                self.is_closed = not part
                *lines, self._rest = (self._rest + self._decoder.decode(part)).split("\n")
                yield from lines
        if (is_last or self.is_closed) and self._rest:
            last, self._rest = self._rest, ""
            yield last
