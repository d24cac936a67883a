"""``fringe docs``: write the documents that are generated from the code."""

import argparse
from pathlib import Path

from fringe.cli.options import CONFIG, Commands, path
from fringe.errors import FringeError

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser(
        "docs", help="for developers: write the documents that are generated from the code"
    )
    one.set_defaults(call=_docs)
    one.add_argument(
        "folder",
        type=path,
        nargs="?",
        default=Path(),
        help="folder of the repository; default: the current folder",
    )


def _docs(options: argparse.Namespace) -> int:
    from fringe.cli import document as commands
    from fringe.config import completion, document
    from fringe.files.atomic import atomic_path
    from fringe.plan import paper_document
    from fringe.scores.comparison import comparison_schema
    from fringe.scores.protocol_document import describe_protocols
    from fringe.sources import catalogue_texts

    if not (options.folder / CONFIG).is_file():
        raise FringeError(
            f"{options.folder}: has no {CONFIG}, so it is not the repository; name the folder of "
            "the repository"
        )
    paper = completion.complete_file(options.folder / CONFIG)
    texts = {
        "config/schema.json": document.json_schema(),
        "docs/command-line.md": commands.describe(options.parser),
        "docs/catalogue.md": catalogue_texts.describe(),
        "docs/comparison.schema.json": comparison_schema(),
        "docs/configuration.md": document.describe(),
        "docs/paper.md": paper_document.describe_paper(paper),
        "docs/protocols.md": describe_protocols(),
    }
    for name, text in texts.items():
        with atomic_path(options.folder / name) as partial:
            partial.write_text(text, encoding="utf-8")
        print(f"{options.folder / name}: written")
    return 0
