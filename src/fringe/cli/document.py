"""The page of all commands and their options: ``docs/command-line.md`` (`fringe docs`)."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

__all__ = ["describe"]

HEAD = """# The command line

`fringe docs` generates this page from the parser of the command; do not edit it by hand.

`fringe` is in the environment that `make env` makes (`.venv/bin/fringe`), or in any environment in
which the package is installed. Relative paths start from the current folder, and results are
written to its folder `results/`. `fringe COMMAND --help` prints the same text as this page.

The exit status is 0 after success, 1 after a mistake that the message explains, 2 after unknown
options, and otherwise that of Snakemake.
"""


def describe(parser: argparse.ArgumentParser) -> str:
    """Return a page of Markdown with a section for each command of a parser."""
    commands = _commands(parser)
    helps = {action.dest: action.help or "" for action in commands._choices_actions}
    lines = [HEAD, "| command | purpose |", "|---|---|"]
    lines += [
        f"| [`fringe {name}`](#fringe-{name}) | {_cell(_prose(helps[name]))} |" for name in helps
    ]
    for name in helps:
        lines += ["", *_section(name, commands.choices[name], helps[name])]
    return "\n".join(lines) + "\n"


def _commands(
    parser: argparse.ArgumentParser,
) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    return next(one for one in parser._actions if isinstance(one, argparse._SubParsersAction))


def _section(name: str, command: argparse.ArgumentParser, purpose: str) -> Iterator[str]:
    """Yield the lines of a command: its usage, its text, and a table of its arguments."""
    yield f"## fringe {name}"
    yield ""
    yield _sentence(_prose(command.description or purpose))
    actions = [one for one in command._actions if one.help != argparse.SUPPRESS]
    inner = [one for one in actions if isinstance(one, argparse._SubParsersAction)]
    shown = [one for one in actions if one.dest != "help" and one not in inner]
    positional = [one for one in shown if not one.option_strings]
    words = ["fringe", *name.split(), *(_usage(one) for one in positional)]
    options = " [OPTIONS]" if len(shown) > len(positional) else ""
    if not inner:
        yield from ("", "```", " ".join(words) + options, "```")
    if shown:
        yield from ("", "| argument | meaning |", "|---|---|")
        yield from (f"| {_name(one)} | {_cell(_prose(_meaning(one)))} |" for one in shown)
    if command.epilog:
        yield from ("", _prose(command.epilog))
    for commands in inner:
        helps = {action.dest: action.help or "" for action in commands._choices_actions}
        for one, parser in commands.choices.items():
            yield ""
            yield from (
                line.replace("## ", "### ", 1) if line.startswith("## ") else line
                for line in _section(f"{name} {one}", parser, helps.get(one, ""))
            )


def _usage(action: argparse.Action) -> str:
    """Return a positional argument as the usage line shows it."""
    name = _value(action)
    if action.nargs == "?":
        return f"[{name}]"
    if action.nargs == "*":
        return f"[{name} ...]"
    return f"{name} [{name} ...]" if action.nargs == "+" else name


def _name(action: argparse.Action) -> str:
    """Return the first cell of an argument: its names, and the value that it takes."""
    if not action.option_strings:
        return f"`{_cell(_value(action))}`"
    value = "" if action.nargs == 0 else f" {_value(action)}"
    more = " ..." if action.nargs in ("*", "+") else ""
    return ", ".join(f"`{_cell(option + value + more)}`" for option in action.option_strings)


def _value(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper()


def _meaning(action: argparse.Action) -> str:
    """Return the help of an argument, with its default if the help does not state one."""
    text = (action.help or "") % {**vars(action), "prog": "fringe"}
    default = action.default
    states = default is not None and default is not False and default not in ([], "")
    if action.option_strings and states and "default" not in text:
        text += f"{'; ' * bool(text)}default: {default}"
    return text


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "." * (not text.endswith((".", "?")))


def _prose(text: str) -> str:
    """Return a text in one line, without characters that Markdown reads as tags or emphasis."""
    return " ".join(text.split()).replace("<", "&lt;").replace("*", "\\*")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
