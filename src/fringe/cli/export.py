"""``fringe export``: write features and statistics as files of other tools."""

import argparse
from pathlib import Path

from fringe.cli.options import Commands, add_force, path, positive, refuse_overwriting
from fringe.errors import FringeError
from fringe.files.regular import fault_at

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    export = commands.add_parser("export", help="write features or statistics for other tools")
    kinds = export.add_subparsers(required=True, metavar="WHAT")
    one = kinds.add_parser("statistics", help="write mu and sigma in the format of pytorch-fid")
    one.set_defaults(call=_export_statistics)
    one.add_argument("input", type=path, metavar="IN.h5", help="features or statistics of a run")
    one.add_argument("output", type=path, metavar="OUT.npz")
    one.add_argument("--space", choices=["features", "logits"], help="default: features")
    one.add_argument(
        "--count",
        type=positive,
        help="use only the first COUNT images of the file; their order is random if the run used "
        "only part of the images",
    )
    add_force(one)
    one = kinds.add_parser("features", help="write features and logits as arrays")
    one.set_defaults(call=_export_features)
    one.add_argument("input", type=path, metavar="FEATURES.h5")
    one.add_argument("output", type=path, metavar="OUT.npz")
    add_force(one)


def _export_statistics(options: argparse.Namespace) -> int:
    """Write mean and covariance in the format of pytorch-fid."""
    from fringe.evaluation.statistics import gaussian_of, load_gaussian
    from fringe.exchange import write_statistics
    from fringe.features import open_features
    from fringe.files.hdf5 import open_h5

    refuse_overwriting(options)
    _refuse_others(options.input)
    with open_h5(options.input) as file:
        is_statistics = "covariance" in file
    if is_statistics:
        if options.space or options.count:
            raise FringeError(
                f"{options.input}: contains statistics, whose space and count are fixed; omit "
                "--space and --count, or give a file of features"
            )
        gaussian, n = load_gaussian(options.input)
        images = f"{n} images"
    else:
        features = open_features(options.input)
        n = len(features) if options.count is None else options.count
        images = f"{n} images" if n == len(features) else f"the first {n} of {len(features)} images"
        gaussian = gaussian_of(features, options.space or "features", stop=n)
    write_statistics(options.output, gaussian)
    print(f"{options.output}: mu and sigma of {images}, {gaussian.dim} dimensions")
    return 0


def _export_features(options: argparse.Namespace) -> int:
    """Write features, and logits if the file has them, as arrays."""
    from fringe.exchange import write_features
    from fringe.features import open_features

    refuse_overwriting(options)
    _refuse_others(options.input)
    file = open_features(options.input)
    logits = file.read("logits") if "logits" in file.spaces else None
    write_features(options.output, file.read(), logits, file.attributes.get("network", ""))
    print(f"{options.output}: {' and '.join(file.spaces)} of {len(file)} images")
    return 0


def _refuse_others(path: Path) -> None:
    """Raise unless ``path`` is an HDF5 file, which later readers would report as damaged."""
    import h5py

    if fault := fault_at(path):
        raise FringeError(fault)
    if not h5py.is_hdf5(path):
        raise FringeError(f"{path}: not an HDF5 file; give features or statistics of a run")
