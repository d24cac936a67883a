"""``fringe convert``: write a generator's checkpoint as safetensors."""

import argparse

from fringe.cli.options import Commands, add_force, path, refuse_overwriting
from fringe.errors import FringeError

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser("convert", help="convert a generator's pickle to safetensors")
    one.description = (
        "Reads the network pickle of a generator without running code in it. Writes the weights "
        "and settings as safetensors, which a run reads as `kind: generator`."
    )
    one.set_defaults(call=_convert)
    one.add_argument("input", type=path, metavar="IN.pkl")
    one.add_argument("output", type=path, metavar="OUT.safetensors")
    add_force(one)


def _convert(options: argparse.Namespace) -> int:
    from fringe.generators import convert

    refuse_overwriting(options)
    if options.output.suffix != ".safetensors":
        raise FringeError(f"{options.output}: must end in .safetensors; give such a name")
    convert(options.input, options.output)
    print(f"{options.output}: converted")
    return 0
