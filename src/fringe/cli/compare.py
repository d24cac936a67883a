"""``fringe compare`` and ``fringe audit``: is a lower FID real?"""

import argparse
import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fringe.cli.options import (
    Commands,
    add_metrics,
    add_own_run,
    add_protocol,
    from_here,
    metrics_of,
    path,
    positive,
    settings_of,
)
from fringe.errors import FringeError

__all__ = ["NAMES", "add_to"]

NAMES = ("compare", "audit")  # commands with options of Snakemake after --

AFTER = """A set of images is a ZIP file, a folder, or a tar, Parquet, NPZ, HDF5 or LMDB file. A
model may also be a generator's checkpoint (with --count, and --label if the generator is
conditional), or NAME=a1.zip,a2.zip for several trainings of the model. A file of features (NPZ,
HDF5) replaces images; then no network runs. Put all files before the options, because --controls,
--label and --trained-with take every name that follows them. Options after -- are options of
Snakemake."""


def add_to(commands: Commands) -> None:
    """Add the commands to the parser."""
    one = commands.add_parser(
        "compare", help="test whether model B is better than model A, or only closer in its classes"
    )
    one.description = (
        "Compares models with the same real images: distances with error bars, the part of the "
        "difference that is due to the class histogram, distances in control networks, and a "
        "verdict. The first model is the baseline. All results are stored in results/<name>/, and "
        "a second call computes only what is new."
    )
    one.epilog = AFTER
    one.add_argument("real", type=path, metavar="REAL", help="real images")
    one.add_argument(
        "models", nargs="+", metavar="[NAME=]MODEL", help="two or more models, the baseline first"
    )
    _add_options(one, least=2)
    one = commands.add_parser(
        "audit", help="measure which part of one model's FID is due to the class histogram"
    )
    one.description = (
        "Compares one model with real images: FID with its error bar and its floor, and the part "
        "of FID that is due to the class histogram."
    )
    one.epilog = AFTER
    one.add_argument("real", type=path, metavar="REAL", help="real images")
    one.add_argument("models", nargs=1, metavar="[NAME=]SAMPLES", help="generated images")
    _add_options(one, least=1)


def _add_options(one: argparse.ArgumentParser, least: int) -> None:
    add_protocol(one)
    one.add_argument(
        "--network", help="network of FID; default: the protocol's, otherwise inception"
    )
    one.add_argument(
        "--classifier",
        metavar="NETWORK",
        help="network whose Top-1 classes are counted; default: the network of FID",
    )
    one.add_argument(
        "--controls",
        nargs="*",
        metavar="NETWORK",
        help="control networks for the verdict; default: the protocol's, otherwise clip",
    )
    one.add_argument(
        "--count",
        type=positive,
        metavar="N",
        help="number of images of each model; default: the number of the smallest model",
    )
    one.add_argument(
        "--count-real", type=positive, metavar="N", help="number of real images; default: all"
    )
    one.add_argument(
        "--held-out", type=path, metavar="REAL2", help="held-out real images, for the floor"
    )
    one.add_argument(
        "--trained-with",
        nargs="+",
        default=[],
        metavar="NETWORK",
        help="networks that a generator was trained with; the verdict does not use them",
    )
    one.add_argument(
        "--labels",
        action="store_true",
        help="use labels in the files or names of folders as classes; default: Top-1 classes",
    )
    one.add_argument(
        "--label",
        nargs="+",
        type=_label,
        default=[],
        metavar="RULE",
        help="classes of which conditional generators make images: a number, balanced, uniform or "
        "dataset; with several values, each generator counts as one model per value",
    )
    add_metrics(one)
    add_own_run(one, "compare-REAL")
    one.set_defaults(call=_compare, least=least, snakemake=[], allow_missing=False)


def _compare(options: argparse.Namespace) -> int:
    from fringe.plan import layout
    from fringe.plan.exhibits import ASKED_TABLE
    from fringe.report.comparison import comparison_lines
    from fringe.running.comparing import Asked, comparison_config, write_config
    from fringe.running.launch import run
    from fringe.running.places import find_profile, find_snakefile
    from fringe.running.planner import Planner
    from fringe.scores.comparison import read_comparison
    from fringe.scores.named_protocols import named_protocol

    supplied = named_protocol(options.protocol).defaults if options.protocol else {}
    asked = Asked(
        options.real,
        _models(options.models, options.least if len(options.label) < 2 else 1),
        options.network or supplied.get("network", "inception"),
        _controls(options, supplied),
        options.name,
        options.count,
        options.count_real,
        options.held_out,
        options.trained_with,
        options.resolution,
        settings_of(options),
        options.labels,
        options.label,
        options.classifier,
        metrics_of(options.metrics) if options.metrics else (),
        options.protocol,
    )
    snakefile = find_snakefile(options.snakefile)
    with contextlib.redirect_stdout(sys.stderr if options.json else sys.stdout):
        written = write_config(comparison_config(asked), from_here(options.results))
        planner = Planner(
            written,
            snakefile,
            find_profile(options.profile, snakefile),
            options.cores,
            targets=("comparisons", *(["table_asked"] if asked.metrics else []), "write_index"),
        )
        made = run(planner, options.snakemake, options.device, options.gpus)
    if made.status or made.only_shown:
        return made.status
    judged = made.folder / layout.judged(asked.comparison, "json")
    if options.json:
        print(judged.read_text(encoding="utf-8"), end="")
        return 0
    print()
    print("\n".join(comparison_lines(read_comparison(judged))))
    if asked.metrics:
        print(f"Metrics: {made.folder / layout.table(f'table{ASKED_TABLE}', 'html')}")
    print(f"Page: {made.folder / layout.INDEX}   JSON: {judged}")
    return 0


def _label(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _controls(options: argparse.Namespace, supplied: Mapping[str, Any]) -> list[str]:
    """Return the controls in the options, or the protocol's controls except ``--network``."""
    if options.controls is not None:
        return list(options.controls)
    found: list[str] = supplied.get("controls", ["clip"])
    return [name for name in found if name != options.network]


def _exists(text: str) -> bool:
    """Return whether a file or folder exists; also accepts a long list of paths as its name."""
    return os.path.exists(text)  # noqa: PTH110 - `Path.exists` raises for long names


def _models(given: Sequence[str], least: int) -> dict[str, list[Path]]:
    """Return the trainings of each model by its name, from ``NAME=a.zip,b.zip`` or a path."""
    if len(given) < least:
        raise FringeError(
            f"models: a comparison needs two models, but {len(given)} is given; name another "
            "model, or call `fringe audit` for one model"
        )
    found: dict[str, list[Path]] = {}
    for text in given:
        name, equals, paths = text.partition("=")
        if not equals or _exists(text):
            name, paths = Path(text).resolve().name.partition(".")[0], text
        listed = [paths] if _exists(paths) else paths.split(",")
        if not name or not all(listed):
            raise FringeError(f"{text!r}: write a path, NAME=PATH or NAME=PATH,PATH,...")
        trainings = [path(one) for one in listed]
        if name in found:
            hint = f"give this model another name: {name}-2={paths}"
            if {one.resolve() for one in trainings} & {one.resolve() for one in found[name]}:
                hint = "both are the same file, so name another file"
            raise FringeError(f"{text}: another model has the name {name}; {hint}")
        found[name] = trainings
    return found
