"""Entry point of ``python -m fringe``, which runs the command ``fringe``."""

import sys

from fringe.cli import main

if __name__ == "__main__":
    sys.exit(main())
