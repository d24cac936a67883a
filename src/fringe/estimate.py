"""Former module of ``fringe estimate`` and ``fringe cost``, kept for one release."""

import sys

from fringe.cli import main

__all__ = ["moved"]


def moved(arguments: list[str]) -> list[str]:
    """Return the arguments of ``fringe`` for the arguments of ``python -m fringe.estimate``."""
    command = "cost" if any(one.startswith("--actual") for one in arguments) else "estimate"
    given = (one.removeprefix("--configfile").removeprefix("--actual") for one in arguments)
    return [command, *(one.removeprefix("=") for one in given if one)]


if __name__ == "__main__":
    now = moved(sys.argv[1:])
    print(f"python -m fringe.estimate is now: fringe {' '.join(now)}", file=sys.stderr)
    sys.exit(main(now))
