"""``fringe convert``: write a generator's checkpoint as safetensors."""

import argparse

from fringe.cli.options import Commands, add_force, refuse_overwriting
from fringe.errors import FringeError
from fringe.files.paths import as_path

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser("convert", help="a generator's pickle to safetensors")
    one.set_defaults(call=_convert)
    one.add_argument("input", type=as_path, metavar="IN.pkl")
    one.add_argument("output", type=as_path, metavar="OUT.safetensors")
    add_force(one)


def _convert(options: argparse.Namespace) -> int:
    from fringe.generators import convert

    refuse_overwriting(options)
    if options.output.suffix != ".safetensors":
        raise FringeError(f"{options.output}: must end in .safetensors; rename it")
    convert(options.input, options.output)
    print(f"{options.output}: converted")
    return 0
