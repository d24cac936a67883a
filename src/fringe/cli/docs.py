"""``fringe docs``: write the documents that are made from the code."""

import argparse
from pathlib import Path

from fringe.cli.options import CONFIG, Commands, add_schema
from fringe.files.paths import as_path

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser(
        "docs", help="for developers: write docs/configuration.md and docs/paper.md"
    )
    one.set_defaults(call=_docs)
    one.add_argument("folder", type=as_path, nargs="?", default=Path("docs"), help="default: docs")
    add_schema(one)


def _docs(options: argparse.Namespace) -> int:
    from fringe.config import completion
    from fringe.config.file import read_config
    from fringe.files.atomic import atomic_path
    from fringe.plan import deviations

    schema = completion.load_schema(options.schema)
    paper, faults = completion.complete(read_config(CONFIG), schema)
    completion.raise_faults(faults)
    texts = {
        "configuration.md": completion.describe(schema),
        "paper.md": deviations.describe(paper),
    }
    for name, text in texts.items():
        with atomic_path(options.folder / name) as partial:
            partial.write_text(text, encoding="utf-8")
        print(f"{options.folder / name}: written")
    return 0
