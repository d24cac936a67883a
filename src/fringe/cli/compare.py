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

NAMES = ("compare", "audit")  # whose options after -- are Snakemake's

AFTER = """A set of images is a ZIP, a folder, tar, Parquet, NPZ, HDF5 or LMDB. A model may also be
a generator's checkpoint (with --count, and --label if it is conditional), or
NAME=a1.zip,a2.zip for several trainings of it. A file of features (NPZ, HDF5) stands for its
images; then no network runs. Name all files first: --controls, --label and --trained-with take
every name that follows them. Options after -- are Snakemake's."""


def add_to(commands: Commands) -> None:
    """Add the commands to the parser."""
    one = commands.add_parser(
        "compare", help="is model B better than model A, or only nearer in its classes?"
    )
    one.description = (
        "Compares models against the same real images: distances with error bars, how much of the "
        "difference is class histogram, what control networks say, and a verdict. The first model "
        "is the baseline. Everything is kept in results/<name>/, and a second call only does what "
        "is new."
    )
    one.epilog = AFTER
    one.add_argument("real", type=path, metavar="REAL", help="real images")
    one.add_argument("models", nargs="+", metavar="[NAME=]MODEL", help="two or more, A first")
    _add_options(one, least=2)
    one = commands.add_parser("audit", help="how much of one model's FID is class histogram?")
    one.description = (
        "Measures one model against real images: FID with its error bar and its floor, and how "
        "much of FID is class histogram."
    )
    one.epilog = AFTER
    one.add_argument("real", type=path, metavar="REAL", help="real images")
    one.add_argument("models", nargs=1, metavar="[NAME=]SAMPLES", help="generated images")
    _add_options(one, least=1)


def _add_options(one: argparse.ArgumentParser, least: int) -> None:
    add_protocol(one)
    one.add_argument(
        "--network", help="FID's network; default: that of the protocol, otherwise inception"
    )
    one.add_argument(
        "--classifier",
        metavar="NETWORK",
        help="network whose Top-1 classes are counted; default: FID's network",
    )
    one.add_argument(
        "--controls",
        nargs="*",
        metavar="NETWORK",
        help="networks that judge; default: those of the protocol, otherwise clip",
    )
    one.add_argument(
        "--count", type=positive, metavar="N", help="images of each model; default: of the smallest"
    )
    one.add_argument(
        "--count-real", type=positive, metavar="N", help="real images; default: all of them"
    )
    one.add_argument(
        "--held-out", type=path, metavar="REAL2", help="other real images, for the floor"
    )
    one.add_argument(
        "--trained-with",
        nargs="+",
        default=[],
        metavar="NETWORK",
        help="networks that a generator was trained with: they do not judge",
    )
    one.add_argument(
        "--labels",
        action="store_true",
        help="classes are labels in the files, or names of folders; default: Top-1 classes",
    )
    one.add_argument(
        "--label",
        nargs="+",
        type=_label,
        default=[],
        metavar="RULE",
        help="classes that conditional generators are asked for: a number, balanced, uniform or "
        "dataset; with several, each generator is compared with itself by all of them",
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
    """Return the controls that are asked for, or else those of the protocol that differ."""
    if options.controls is not None:
        return list(options.controls)
    found: list[str] = supplied.get("controls", ["clip"])
    return [name for name in found if name != options.network]


def _is_there(text: str) -> bool:
    """Return whether a file or folder has this name; a long list of paths is the name of none."""
    return os.path.exists(text)  # noqa: PTH110 - `Path.exists` raises for long names


def _models(given: Sequence[str], least: int) -> dict[str, list[Path]]:
    """Return the trainings of each model by its name: ``NAME=a.zip,b.zip``, or a path."""
    if len(given) < least:
        raise FringeError(
            f"models: {len(given)} is given, and a comparison needs two; name another, or call "
            "`fringe audit` for one"
        )
    found: dict[str, list[Path]] = {}
    for text in given:
        name, equals, paths = text.partition("=")
        if not equals or _is_there(text):
            name, paths = Path(text).resolve().name.partition(".")[0], text
        listed = [paths] if _is_there(paths) else paths.split(",")
        if not name or not all(listed):
            raise FringeError(f"{text!r}: expected a path, or NAME=PATH, or NAME=PATH,PATH,...")
        trainings = [path(one) for one in listed]
        if name in found:
            hint = f"give this one another name: {name}-2={paths}"
            if {one.resolve() for one in trainings} & {one.resolve() for one in found[name]}:
                hint = "it is the same file, and a comparison with itself says nothing"
            raise FringeError(f"{text}: a model is named {name} already; {hint}")
        found[name] = trainings
    return found
