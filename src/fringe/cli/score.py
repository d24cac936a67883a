"""``fringe score``: metrics of one set of images, in one or several networks."""

import argparse
import contextlib
import json
import sys

from fringe.cli.options import (
    Commands,
    add_metrics,
    add_own_run,
    add_protocol,
    from_here,
    metrics_of,
    names_of,
    path,
    positive,
    settings_of,
)

__all__ = ["NAMES", "add_to"]

NAMES = ("score",)  # commands with options of Snakemake after --

DEFAULT = ("fid", "kid", "precision", "recall", "density", "coverage")

AFTER = """A set of images is a ZIP file, a folder, or a tar, Parquet, NPZ, HDF5 or LMDB file.
SAMPLES may also be a generator's checkpoint (with --count). A file of features (NPZ, HDF5) replaces
images; then no network runs. docs/metrics.md defines the metrics. Options after -- are options of
Snakemake."""


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    one = commands.add_parser(
        "score", help="measure FID, KID and other metrics of one set of images"
    )
    one.description = (
        "Measures metrics of generated images against real images, in one or several networks. All "
        "results are stored in results/<name>/, and a second call computes only what is new."
    )
    one.epilog = AFTER
    one.add_argument("real", type=path, metavar="REAL", help="real images")
    one.add_argument("samples", type=path, metavar="SAMPLES", help="generated images")
    add_protocol(one)
    add_metrics(one, None, f"the protocol's, otherwise {','.join(DEFAULT)}")
    one.add_argument(
        "--network",
        metavar="NAME,NAME",
        help="networks whose features are compared; default: the protocol's, otherwise inception",
    )
    one.add_argument(
        "--count",
        type=positive,
        metavar="N",
        help="number of generated images; default: the protocol's number, otherwise all",
    )
    one.add_argument(
        "--count-real",
        type=positive,
        metavar="N",
        help="number of real images; default: the protocol's number, otherwise all. C_T uses the "
        "other real images as held-out images",
    )
    add_own_run(one, "score-REAL-SAMPLES")
    one.set_defaults(call=_score, snakemake=[], allow_missing=False)


def _score(options: argparse.Namespace) -> int:
    from fringe.config.file import read_config
    from fringe.plan import layout
    from fringe.plan.exhibit_params import table_asked
    from fringe.plan.exhibits import ASKED_TABLE
    from fringe.running.comparing import write_config
    from fringe.running.launch import run
    from fringe.running.opening import open_run
    from fringe.running.places import find_profile, find_snakefile
    from fringe.running.planner import Planner
    from fringe.running.scoring import AskedScores, score_config
    from fringe.scores.adherence import read_following
    from fringe.tables.asked import read_asked_table, scores_as_json, scores_as_text
    from fringe.texts import restored

    asked = AskedScores(
        options.real,
        options.samples,
        _metrics(options),
        _networks(options),
        options.name,
        options.count,
        options.count_real,
        options.resolution,
        settings_of(options),
        options.protocol,
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
    follows = restored(table_asked(open_run(read_config(written), [written]))).get("follows")
    following = read_following(follows)
    place = made.folder / layout.table(f"table{ASKED_TABLE}", "csv")
    table = read_asked_table(place)
    if options.json:
        content = scores_as_json(table, following) | {"seed": options.seed}
        print(json.dumps(content, indent=2, allow_nan=False))
        return 0
    print()
    print(scores_as_text(table, following))
    print(f"Table: {place.with_suffix('.html')}   CSV: {place}")
    return 0


def _metrics(options: argparse.Namespace) -> list[str]:
    """Return the metrics in the options, otherwise the metrics of the protocol."""
    from fringe.scores.named_protocols import named_protocol

    if options.metrics is not None:
        return metrics_of(options.metrics)
    supplied = named_protocol(options.protocol).defaults if options.protocol else {}
    return list(supplied.get("evaluation", {}).get("metrics", DEFAULT))


def _networks(options: argparse.Namespace) -> list[str]:
    """Return the networks in the options, otherwise the networks of the protocol's FID or KID.

    Networks of single metrics, such as the network of sFID, are added with their metrics.
    """
    from fringe.scores.named_protocols import named_protocol

    if options.network is not None:
        return names_of(options.network, "--network")
    if options.protocol is None:
        return ["inception"]
    about = named_protocol(options.protocol)
    defined = {one.network for one in about.numbers}
    controls = about.defaults.get("controls", ())
    return [about.defaults["network"], *(name for name in controls if name in defined)]
