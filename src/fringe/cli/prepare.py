"""``fringe prepare``: crop and resize raw images into a ZIP."""

import argparse
import re
import shlex

from fringe.cli.options import Commands, add_force, path, positive, refuse_overwriting, seed
from fringe.errors import FringeError
from fringe.sources.limits import Limits

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser("prepare", help="crop and resize raw images into a ZIP file")
    one.description = (
        "Crops and resizes every image of a data set, and writes the images as PNG to a ZIP file, "
        "which a run reads as `kind: files`."
    )
    one.set_defaults(call=_prepare)
    one.add_argument("source", metavar="SRC", help="any data set that Fringe can read")
    one.add_argument("output", type=path, metavar="OUT.zip")
    one.add_argument("--resolution", type=positive, metavar="R", help="height and width in pixels")
    one.add_argument(
        "--wide",
        metavar="WxH",
        help="crop to these proportions and pad with black (LSUN Car: 512x384); default: crop to "
        "the centred square",
    )
    one.add_argument("--filter", choices=["lanczos", "box"], default="lanczos")
    one.add_argument("--count", type=positive, help="number of images to use; default: all")
    one.add_argument(
        "--order",
        choices=["random", "file"],
        default="random",
        help="which images --count selects: random images (the default), or the first images in "
        "the order of the files, which are often sorted by class",
    )
    one.add_argument("--seed", type=seed, default=0, help="seed of the random choice; default: 0")
    one.add_argument("--workers", type=positive, default=1, help="number of threads; default: 1")
    one.add_argument(
        "--follow-links",
        action="store_true",
        help="follow symbolic links that lead out of a folder of images",
    )
    one.add_argument(
        "--strict",
        action="store_true",
        help="refuse damaged JPEG images; default: decode and count them",
    )
    one.add_argument(
        "--select",
        action="append",
        metavar="PATTERN",
        help="use only images whose path or name matches, such as '*.jpg' or 'train/*'; may be "
        "repeated",
    )
    one.add_argument(
        "--ignore",
        action="append",
        metavar="PATTERN",
        help="leave out images whose path or name matches, such as '*.heic'; may be repeated",
    )
    one.add_argument(
        "--label-column",
        metavar="NAME",
        help="Parquet column with the class of each image; default: label",
    )
    one.add_argument(
        "--no-labels",
        action="store_true",
        help="write no classes; default: write the classes in the data set, or of its folders",
    )
    for what, default in ("pixels", Limits.pixels), ("bytes", Limits.bytes):
        one.add_argument(
            f"--limit-{what}",
            type=positive,
            default=default,
            metavar="N",
            help=f"`limits/{what}` of the configuration; default: {default:,}",
        )
    add_force(one)


def _prepare(options: argparse.Namespace) -> int:
    from fringe.sources.prepare import prepare

    refuse_overwriting(options)
    crop = f"wide {options.wide}" if options.wide else "center"
    if options.resolution is None and not options.wide:
        raise FringeError("prepare: no size is given; add --resolution R or --wide WxH")
    try:
        n = prepare(
            options.source,
            options.output,
            options.resolution,
            crop=crop,
            filter=options.filter,
            count=options.count,
            order=options.order,
            seed=options.seed,
            workers=options.workers,
            follow_links=options.follow_links,
            strict=options.strict,
            select=options.select,
            ignore=options.ignore,
            label_column=options.label_column,
            labels=not options.no_labels,
            limits=Limits(options.limit_pixels, options.limit_bytes),
        )
    except FringeError as error:
        raise FringeError(_in_options(str(error))) from error
    which = ""
    if options.count is not None and options.order == "file":
        which = ", the first in the order of the files"
    elif options.count is not None:
        which = f", chosen at random with seed {options.seed}"
    print(f"{options.output}: {n} images{which}")
    return 0


def _in_options(message: str) -> str:
    """Return a message with the keys of a configuration replaced by options."""
    message = message.replace("`limits/", "`--limit-")
    keys = "|".join(
        (
            "select",
            "ignore",
            "order",
            "count",
            "follow_links",
            "strict",
            "resolution",
            "label_column",
        )
    )
    return re.sub(f"`({keys})(?:: ([^`]+))?`", _option, message)


def _option(found: re.Match[str]) -> str:
    import yaml

    name = f"--{found[1].replace('_', '-')}"
    value = yaml.safe_load(found[2] or "true")
    if value is True:
        return f"`{name}`"
    values = value if isinstance(value, list) else [value]
    return f"`{' '.join(f'{name} {shlex.quote(str(one))}' for one in values)}`"
