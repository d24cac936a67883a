"""``fringe score``: the metrics of one set of images, in any networks."""

import argparse
import contextlib
import json
import sys
from pathlib import Path

from fringe.cli.options import (
    Commands,
    add_machine,
    add_metrics,
    from_here,
    names_of,
    path,
    positive,
    seed,
    settings_of,
)

__all__ = ["NAMES", "add_to"]

NAMES = ("score",)  # whose options after -- are Snakemake's

DEFAULT = ("fid", "kid", "precision", "recall", "density", "coverage")

AFTER = """A set of images is a ZIP, a folder, tar, Parquet, NPZ, HDF5 or LMDB. SAMPLES may also be
a generator's checkpoint (with --count). A file of features (NPZ, HDF5) stands for its images; then
no network runs. docs/metrics.md defines the metrics. Options after -- are Snakemake's."""


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser("score", help="FID, KID and other metrics of one set of images")
    one.description = (
        "Measures metrics of generated images against real ones, in one network or several. "
        "Everything is kept in results/<name>/, and a second call only does what is new."
    )
    one.epilog = AFTER
    one.add_argument("real", type=path, metavar="REAL", help="real images")
    one.add_argument("samples", type=path, metavar="SAMPLES", help="generated images")
    add_metrics(one, DEFAULT)
    one.add_argument(
        "--network",
        default="inception",
        metavar="NAME,NAME",
        help="networks whose features are compared; default: inception",
    )
    one.add_argument(
        "--count", type=positive, metavar="N", help="generated images; default: all of them"
    )
    one.add_argument(
        "--count-real",
        type=positive,
        metavar="N",
        help="real images; default: all. C_T takes the others as held-out images",
    )
    one.add_argument("--name", help="of the run; default: score-REAL-SAMPLES")
    one.add_argument("--results", type=path, default=Path("results"), metavar="FOLDER")
    one.add_argument(
        "--weights-dir", type=path, metavar="FOLDER", help="of the networks; default: data/weights"
    )
    one.add_argument(
        "--resolution", type=positive, metavar="N", help="crop and resize all images to N x N"
    )
    one.add_argument("--seed", type=seed, default=0)
    one.add_argument(
        "--json", action="store_true", help="print the result as JSON, and all else on stderr"
    )
    add_machine(one)
    one.set_defaults(call=_score, snakemake=[], allow_missing=False)


def _score(options: argparse.Namespace) -> int:
    from fringe.plan import layout
    from fringe.plan.exhibits import ASKED_TABLE
    from fringe.running.comparing import write_config
    from fringe.running.launch import run
    from fringe.running.places import find_profile, find_snakefile
    from fringe.running.planner import Planner
    from fringe.running.scoring import AskedScores, score_config
    from fringe.tables.asked import read_asked_table, scores_as_json, scores_as_text

    asked = AskedScores(
        options.real,
        options.samples,
        names_of(options.metrics, "--metrics"),
        names_of(options.network, "--network"),
        options.name,
        options.count,
        options.count_real,
        options.resolution,
        settings_of(options),
    )
    snakefile = find_snakefile(options.snakefile)
    with contextlib.redirect_stdout(sys.stderr if options.json else sys.stdout):
        written = write_config(score_config(asked), from_here(options.results))
        planner = Planner(
            written,
            snakefile,
            find_profile(options.profile, snakefile),
            options.cores,
            targets=("table_asked",),
        )
        made = run(planner, options.snakemake, options.device, options.gpus)
    if made.status or made.only_shown:
        return made.status
    place = made.folder / layout.table(f"table{ASKED_TABLE}", "csv")
    table = read_asked_table(place)
    if options.json:
        told = scores_as_json(table) | {"seed": options.seed}
        print(json.dumps(told, indent=2, allow_nan=False))
        return 0
    print()
    print(scores_as_text(table))
    print(f"Table: {place.with_suffix('.html')}   CSV: {place}")
    return 0
