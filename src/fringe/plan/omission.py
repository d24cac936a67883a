"""A run without the files that are not there: what it leaves out, and what that costs.

Only what is *absent* may be left out. A file that is there but cannot be read, or has another
digest than the configuration states, is a fault in any case.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from fringe.config import choices
from fringe.config.model import Config, RunConfig
from fringe.config.snapshots import LEAST, expand_snapshots, files_of
from fringe.config.sources import AnySource, FileSource, origin_of
from fringe.errors import FringeError
from fringe.plan.exhibits import Loss, exhibits, lost, tell
from fringe.sources import is_there

__all__ = [
    "Omission",
    "Resolved",
    "absent",
    "describe_omissions",
    "leave_out",
    "obtain",
    "omissions",
    "summarize",
    "without_absent",
]

FETCHING = "`fringe stage my.yaml` fetches the files that have a `url`."
ADVICE = (
    f"{FETCHING} To run all that can be run without the files that are not there, add "
    "`--allow-missing` to the command (to make, `ALLOW_MISSING=1`; to Snakemake, `--config "
    "missing=skip`), or write `missing: skip` in the configuration."
)
NOTHING_LEFT = f"{FETCHING} Without the files that are not there, no data set would be left to run."


@dataclass(frozen=True)
class Omission:
    """A file that is not there.

    Parameters
    ----------
    key : str
        What of the configuration is left out: ``sources/<name>``, or ``datasets/<name>/region``.
    path : str
        Where the file is expected.
    costs : str
        The exhibits that need it, as text.
    origin : str
        How to get it, as the configuration says; "" where it does not.
    """

    key: str
    path: str
    costs: str
    origin: str


def absent(config: Config) -> dict[str, str]:
    """Return the paths of a completed config at which nothing is, by what needs them.

    Looked at are the sources that data sets use, with their published statistics, and masks.
    """
    found = {}
    for name in choices.used_sources(config):
        source = config.sources[name]
        if isinstance(source, FileSource) and not (files_of(source) or is_there(source.path)):
            found[f"sources/{name}"] = source.path
    for name, dataset in config.datasets.items():
        region = dataset.region
        if isinstance(region, str) and not is_there(region):
            found[f"datasets/{name}/region"] = region
    return found


def leave_out(config: RunConfig, keys: Collection[str]) -> RunConfig:
    """Return a completed config without ``keys`` (of `absent`) and all that cannot be without them.

    Data sets go with their real or generated images. Snapshots go one by one, and all of them where
    fewer than 3 would be left. Comparisons go with one of their data sets; a data set that is only
    there to be compared goes with its last comparison. Other lists of data sets follow, and what is
    said of networks that nothing asks for any more.
    """
    gone = {key.removeprefix("sources/") for key in keys if key.startswith("sources/")}
    datasets = {}
    for name, dataset in config.datasets.items():
        if gone & {dataset.real, dataset.generated}:
            continue
        left = [one for one in dataset.snapshots if one not in gone]
        kept = left if len(left) >= min(LEAST, len(dataset.snapshots)) else []
        region = None if f"datasets/{name}/region" in keys else dataset.region
        datasets[name] = dataset.model_copy(update={"snapshots": kept, "region": region})
    comparisons = {
        name: comparison
        for name, comparison in config.comparisons.items()
        if set(comparison.datasets) <= datasets.keys() and comparison.held_out not in gone
    }
    compared = {one for comparison in comparisons.values() for one in comparison.datasets}
    datasets = {
        name: dataset
        for name, dataset in datasets.items()
        if dataset.resample or name in compared or not _is_compared(config, name)
    }
    listed = {
        key: section.model_copy(
            update={"datasets": [one for one in section.datasets if one in datasets]}
        )
        for key, section in (
            ("convergence", config.convergence),
            ("sensitivity", config.sensitivity),
        )
        if section.datasets is not None
    }
    sources = {name: one for name, one in config.sources.items() if name not in gone}
    reduced = config.model_copy(
        update={"sources": sources, "datasets": datasets, "comparisons": comparisons, **listed}
    )
    return _without_idle_networks(config, reduced)


def _is_compared(config: Config, dataset: str) -> bool:
    return any(dataset in one.datasets for one in config.comparisons.values())


def _without_idle_networks(config: Config, reduced: RunConfig) -> RunConfig:
    """Drop weights and statistics of networks that only what was left out asked for."""
    idle = set(choices.networks_of_run(config)) - set(choices.networks_of_run(reduced))
    sources = {
        name: source.model_copy(update={"statistics": _others(source.statistics, idle)})
        for name, source in reduced.sources.items()
    }
    return reduced.model_copy(
        update={"sources": sources, "weights": _others(reduced.weights, idle)}
    )


def _others(by_network: Mapping[str, Any], idle: Collection[str]) -> dict[str, Any]:
    return {network: value for network, value in by_network.items() if network not in idle}


@dataclass(frozen=True)
class Resolved:
    """A completed config as far as its files are there.

    Parameters
    ----------
    config : RunConfig
        With a source for each snapshot; with ``missing: skip`` without what is absent, and with
        ``left_out`` (`describe_omissions`) if that is anything.
    faults : list of str
        What is wrong with its snapshots, or that nothing would be left.
    omissions : list of Omission
        What is absent and was not left out.
    advice : str
        How to fetch it, and how to run without it if that is possible; "" if nothing is absent.
    """

    config: RunConfig
    faults: Sequence[str] = ()
    omissions: Sequence[Omission] = ()
    advice: str = ""

    def explain(self, fault: str) -> str:
        """Return a fault, with what it costs and how to fix it if it is about an absent file."""
        for one in self.omissions:
            if fault.startswith(f"{one.key}: "):
                origin = one.origin or "the configuration does not say; add a `note` to the source"
                costs = one.costs or "nothing that the run shows"
                return f"{fault}\n      costs: {costs}\n      get it: {origin}"
        return fault


def without_absent(config: RunConfig, known: Sequence[str] = ()) -> Resolved:
    """Return a completed config, with or without what is absent as its key ``missing`` says.

    Names in a config with faults that are ``known`` already may refer to nothing. Such a config
    stays as it is.
    """
    try:
        return _resolve(config)
    except FringeError:
        return Resolved(config)  # an unknown network, which is a fault of its own
    except KeyError:
        if not known:
            raise
        return Resolved(config)


def _resolve(config: RunConfig) -> Resolved:
    expanded, faults = expand_snapshots(config)
    gone = absent(expanded)
    if not gone:
        return Resolved(expanded, faults)
    reduced = leave_out(expanded, gone)
    if config.missing == "skip" and reduced.resamples:
        left_out = describe_omissions(expanded, gone)
        return Resolved(reduced.model_copy(update={"left_out": left_out}), faults)
    if config.missing == "skip":
        faults = [*faults, "missing: without the files that are not there, no data set is left"]
    return Resolved(
        expanded, faults, omissions(expanded, gone), ADVICE if reduced.resamples else NOTHING_LEFT
    )


def omissions(config: RunConfig, gone: Mapping[str, str]) -> list[Omission]:
    """Return what each absent file costs if it is the only one, and how to get it.

    ``gone`` is `absent`'s.
    """
    whole = exhibits(config)
    found = []
    for key, path in gone.items():
        costs = tell(lost(whole, exhibits(leave_out(config, [key]))))
        section, name, *_ = key.split("/")
        origin = obtain(config.sources[name]) if section == "sources" else ""
        found.append(Omission(key, path, costs, origin))
    return found


def obtain(source: AnySource) -> str:
    """Return how to get a source's file, from what the configuration says of it; "" if nothing."""
    return origin_of(source) if isinstance(source, FileSource) else ""


def describe_omissions(
    config: RunConfig, gone: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """Return what a run leaves out, as plain values: ``files`` and ``exhibits``.

    ``files`` are `Omission`s. Of ``exhibits`` each has ``what`` is left out, as text, and the keys
    ``because`` of which; what goes for the same reason stands together.
    """
    whole = exhibits(config)
    alone = {key: lost(whole, exhibits(leave_out(config, [key]))) for key in gone}
    together: dict[tuple[str, ...], list[Loss]] = {}
    for loss in lost(whole, exhibits(leave_out(config, gone))):
        for part in loss.parts or [""]:
            one = replace(loss, parts=(part,) if part else ())
            together.setdefault((part or loss.exhibit.title, *_causes(one, alone)), []).append(one)
    return {
        "files": [asdict(one) for one in omissions(config, gone)],
        "exhibits": [
            {"what": tell(losses), "because": because} for (_, *because), losses in together.items()
        ],
    }


def summarize(left_out: Mapping[str, Any]) -> str:
    """Return in a line what `describe_omissions` describes."""
    files = len(left_out["files"])
    head = "1 file is not there" if files == 1 else f"{files} files are not there"
    told = "; ".join(one["what"] for one in left_out["exhibits"])
    return f"{head}. Left out: {told or 'nothing that is shown'}."


def _causes(loss: Loss, alone: Mapping[str, Sequence[Loss]]) -> list[str]:
    """Return the absent files that cost ``loss``: any that touch its exhibit."""
    stem = loss.exhibit.stem
    touching = {
        key: [one for one in losses if one.exhibit.stem == stem] for key, losses in alone.items()
    }
    exact = [
        key
        for key, found in touching.items()
        if any(not one.parts or set(one.parts) & set(loss.parts) for one in found)
    ]
    return exact or [key for key, found in touching.items() if found]
