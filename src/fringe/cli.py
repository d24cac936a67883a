"""The command fringe: data sets, checkpoints and statistics in and out of others' formats.

Each subcommand is one call of the library. What a user can mend ends with one message on standard
error and exit status 1; the study itself is run by Snakemake.
"""

import argparse
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from fringe import __version__
from fringe.errors import FringeError
from fringe.files.paths import as_path
from fringe.files.regular import fault_at
from fringe.networks import network_names
from fringe.sources.limits import Limits

__all__ = ["main"]

CONFIG = Path("config/config.yaml")  # in the repository: the paper


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the subcommand that ``arguments`` (by default those of the process) name.

    Returns
    -------
    int
        The exit status: 0, or 1 after a `FringeError`. Arguments that cannot be understood end
        the process with status 2, as argparse does.
    """
    options = _parser().parse_args(arguments)
    try:
        if not options.force and "output" in options and options.output.exists():
            raise FringeError(f"{options.output}: is there already; name another, or add --force")
        message: str = options.run(options)
    except (FringeError, OSError) as error:
        print(f"fringe: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("fringe: stopped", file=sys.stderr)
        return 130
    print(message)
    return 0


def _refuse_others(path: Path) -> None:
    """Raise unless ``path`` is an HDF5 file, before anything calls it a damaged one of a run."""
    import h5py

    if fault := fault_at(path):
        raise FringeError(fault)
    if not h5py.is_hdf5(path):
        raise FringeError(f"{path}: is no HDF5 file; give features or statistics of a run")


def export_statistics(options: argparse.Namespace) -> str:
    """Write mean and covariance as pytorch-fid reads them."""
    from fringe.evaluation.statistics import gaussian_of, load_gaussian
    from fringe.exchange import write_statistics
    from fringe.features import open_features
    from fringe.files.hdf5 import open_h5

    _refuse_others(options.input)
    with open_h5(options.input) as file:
        is_statistics = "covariance" in file
    if is_statistics:
        if options.space or options.count:
            raise FringeError(
                f"{options.input}: holds statistics, whose space and count are settled; leave out "
                "--space and --count, or give the features"
            )
        gaussian, n = load_gaussian(options.input)
        images = f"{n} images"
    else:
        features = open_features(options.input)
        n = len(features) if options.count is None else options.count
        images = f"{n} images" if n == len(features) else f"the first {n} of {len(features)} images"
        gaussian = gaussian_of(features, options.space or "features", stop=n)
    write_statistics(options.output, gaussian)
    return f"{options.output}: mu and sigma of {images}, {gaussian.dim} dimensions"


def export_features(options: argparse.Namespace) -> str:
    """Write features, and logits where there are any, as arrays."""
    from fringe.exchange import write_features
    from fringe.features import open_features

    _refuse_others(options.input)
    file = open_features(options.input)
    logits = file.read("logits") if "logits" in file.spaces else None
    write_features(options.output, file.read(), logits)
    return f"{options.output}: {' and '.join(file.spaces)} of {len(file)} images"


def prepare(options: argparse.Namespace) -> str:
    """Crop and resize raw images into a ZIP."""
    from fringe.sources.prepare import prepare

    crop = f"wide {options.wide}" if options.wide else "center"
    if options.resolution is None and not options.wide:
        raise FringeError("prepare: no size is given; add --resolution R, or --wide WxH")
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
            limits=Limits(options.limit_pixels, options.limit_bytes),
        )
    except FringeError as error:
        raise FringeError(_in_options(str(error))) from error
    told = f"{options.output}: {n} images"
    if options.count is None:
        return told
    if options.order == "file":
        return f"{told}, the first in the order of the files"
    return f"{told}, chosen at random with seed {options.seed}"


def _in_options(message: str) -> str:
    """Return a message with keys of a configuration as options."""
    message = message.replace("`limits/", "`--limit-")
    keys = "|".join(("select", "ignore", "order", "count", "follow_links", "strict", "resolution"))
    return re.sub(f"`({keys})(?:: ([^`]+))?`", _option, message)


def _option(found: re.Match[str]) -> str:
    import yaml

    name = f"--{found[1].replace('_', '-')}"
    value = yaml.safe_load(found[2] or "true")
    if value is True:
        return f"`{name}`"
    values = value if isinstance(value, list) else [value]
    return f"`{' '.join(f'{name} {shlex.quote(str(one))}' for one in values)}`"


def convert(options: argparse.Namespace) -> str:
    """Write a generator's checkpoint as safetensors."""
    from fringe.generators import convert

    if options.output.suffix != ".safetensors":
        raise FringeError(f"{options.output}: must end in .safetensors; rename it")
    convert(options.input, options.output)
    return f"{options.output}: converted"


def fetch(options: argparse.Namespace) -> str:
    """Download and verify the weights of a network, or the file of a source."""
    from fringe.networks import fetch_weights

    if options.config is not None or options.name not in network_names():
        from fringe.running.staging import fetch_named

        return fetch_named(options.name, options.config or CONFIG, options.schema)
    path = fetch_weights(options.name, options.weights_dir)
    return f"{options.name}: brings its own weights" if path is None else str(path)


def stage(options: argparse.Namespace) -> str:
    """Fetch what a run needs and has an address, and look for all else."""
    from fringe.running.staging import explain, folders_outside, stage, table

    found = stage(options.config, options.schema, options.allow_missing)
    print(table(found), end="\n\n")
    states = {item.state for item in found}
    if "missing" in states:
        raise FringeError(explain(found))
    outside = ",".join(folders_outside(found))
    binding = f'\nTo a container: --apptainer-args="--bind {outside}"' if outside else ""
    if "left out" in states:
        return f"{explain(found)}\nEverything else that {options.config} names is there.{binding}"
    return f"Everything that {options.config} names is there.{binding}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("fringe", description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--version", action="version", version=f"fringe {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    export = commands.add_parser("export", help="features and statistics for other tools")
    kinds = export.add_subparsers(required=True, metavar="WHAT")
    one = kinds.add_parser("statistics", help="mu and sigma, as pytorch-fid reads them")
    one.set_defaults(run=export_statistics)
    one.add_argument("input", type=as_path, metavar="IN.h5", help="features or statistics of a run")
    one.add_argument("output", type=as_path, metavar="OUT.npz")
    one.add_argument("--space", choices=["features", "logits"], help="default: features")
    one.add_argument(
        "--count",
        type=_positive,
        help="use only the first COUNT images of the file; their order is random where the run "
        "took fewer than all",
    )
    one = kinds.add_parser("features", help="features and logits as arrays")
    one.set_defaults(run=export_features)
    one.add_argument("input", type=as_path, metavar="FEATURES.h5")
    one.add_argument("output", type=as_path, metavar="OUT.npz")

    one = commands.add_parser("prepare", help="crop and resize raw images into a ZIP")
    one.set_defaults(run=prepare)
    one.add_argument("source", metavar="SRC", help="any data set that fringe reads")
    one.add_argument("output", type=as_path, metavar="OUT.zip")
    one.add_argument("--resolution", type=_positive, metavar="R", help="height and width, pixels")
    one.add_argument(
        "--wide",
        metavar="WxH",
        help="crop to these proportions and fill up with black (LSUN Car: 512x384); by default the "
        "centred square is taken",
    )
    one.add_argument("--filter", choices=["lanczos", "box"], default="lanczos")
    one.add_argument("--count", type=_positive, help="how many images to take; default: all")
    one.add_argument(
        "--order",
        choices=["random", "file"],
        default="random",
        help="which images --count takes: chosen at random, the default, or the first in the order "
        "of the files, which often are sorted by class",
    )
    one.add_argument("--seed", type=_seed, default=0, help="of the random choice; default: 0")
    one.add_argument("--workers", type=_positive, default=1, help="threads; default: 1")
    one.add_argument(
        "--follow-links",
        action="store_true",
        help="follow symbolic links that lead out of a folder of images",
    )
    one.add_argument(
        "--strict", action="store_true", help="refuse damaged JPEGs, which are counted otherwise"
    )
    one.add_argument(
        "--select",
        action="append",
        metavar="PATTERN",
        help="take images whose path or name fits, such as '*.jpg' or 'train/*'; may be repeated",
    )
    one.add_argument(
        "--ignore",
        action="append",
        metavar="PATTERN",
        help="leave out images whose path or name fits, such as '*.heic'; may be repeated",
    )
    for what, default in ("pixels", Limits.pixels), ("bytes", Limits.bytes):
        one.add_argument(
            f"--limit-{what}",
            type=_positive,
            default=default,
            metavar="N",
            help=f"`limits/{what}` of the configuration; default: {default:,}",
        )

    one = commands.add_parser("convert", help="a generator's pickle to safetensors")
    one.set_defaults(run=convert)
    one.add_argument("input", type=as_path, metavar="IN.pkl")
    one.add_argument("output", type=as_path, metavar="OUT.safetensors")

    one = commands.add_parser("fetch", help="download and verify a network's weights or a source")
    one.description = f"Networks: {', '.join(network_names())}."
    one.set_defaults(run=fetch)
    one.add_argument("name", metavar="NETWORK|SOURCE")
    one.add_argument(
        "--weights-dir",
        type=as_path,
        default=Path("data/weights"),
        help="where weights are looked for, and put; default: data/weights, as in a run",
    )
    one.add_argument(
        "--config",
        type=as_path,
        metavar="CONFIG.yaml",
        help=f"the configuration that names the source; default: {CONFIG}",
    )
    _add_schema(one)

    one = commands.add_parser("stage", help="fetch what a run needs, and look for all else")
    one.set_defaults(run=stage)
    one.add_argument("config", type=as_path, metavar="CONFIG.yaml")
    one.add_argument(
        "--allow-missing",
        action="store_true",
        help="leave out what needs files that are not there, as `missing: skip` does",
    )
    _add_schema(one)
    for command in (*kinds.choices.values(), *commands.choices.values()):
        if command.prog.split()[-1] not in ("export", "fetch", "stage"):
            command.add_argument("--force", action="store_true", help="write over what is there")
    parser.set_defaults(force=False)
    return parser


def _add_schema(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--schema",
        type=as_path,
        default=Path("config/schema.yaml"),
        help="of configurations; default: config/schema.yaml, as in the repository",
    )


def _seed(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 up")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
