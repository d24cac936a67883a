"""Omission of missing files from a run, and the results that are lost with them.

Only *absent* files may be left out. A file that exists but cannot be read, or whose digest differs
from the configuration, is always a fault.
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
from fringe.plan.exhibits import Loss, describe_losses, exhibits, lost
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
    f"{FETCHING} To run everything that does not need the missing files, add `--allow-missing` to "
    "the command (`ALLOW_MISSING=1` to make, `--config missing=skip` to Snakemake), or write "
    "`missing: skip` in the configuration."
)
NOTHING_LEFT = f"{FETCHING} Without the missing files, no data set would be left to run."


@dataclass(frozen=True)
class Omission:
    """A missing file.

    Parameters
    ----------
    key : str
        The key of the configuration that is left out: ``sources/<name>`` or
        ``datasets/<name>/region``.
    path : str
        The path at which the file is expected.
    costs : str
        The exhibits that need the file, as text.
    origin : str
        How to get the file, according to the configuration; "" if the configuration does not say.
    """

    key: str
    path: str
    costs: str
    origin: str


def absent(config: Config) -> dict[str, str]:
    """Return the paths of a completed config that do not exist, by the keys that name them.

    The sources that data sets use and the masks are checked.
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
    """Return a completed config without ``keys`` (of `absent`) and everything that needs them.

    A data set is left out if its real or generated images are. Snapshots are left out one by one,
    or all together if fewer than 3 would be left. A comparison is left out if one of its data sets
    is. A data set that is only compared is left out if all its comparisons are. Other lists of data
    sets, and settings of networks that are no longer used, are reduced accordingly.
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
    """Remove weight files and statistics of networks that only the omitted parts used."""
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
    """A completed config in which missing files are left out or listed.

    Parameters
    ----------
    config : RunConfig
        The config with a source for each snapshot. With ``missing: skip``, absent files are left
        out, and ``left_out`` describes them (`describe_omissions`).
    faults : list of str
        Faults of the snapshots, or the fault that nothing would be left.
    omissions : list of Omission
        Absent files that were not left out.
    advice : str
        How to fetch these files, and how to run without them if possible; "" if no file is absent.
    """

    config: RunConfig
    faults: Sequence[str] = ()
    omissions: Sequence[Omission] = ()
    advice: str = ""

    def explain(self, fault: str) -> str:
        """Return a fault; for an absent file, with the lost exhibits and how to get the file."""
        for one in self.omissions:
            if fault.startswith(f"{one.key}: "):
                origin = one.origin or "the configuration does not say; add a `note` to the source"
                costs = one.costs or "no table or figure"
                return f"{fault}\n      needed for: {costs}\n      source: {origin}"
        return fault


def without_absent(config: RunConfig, known: Sequence[str] = ()) -> Resolved:
    """Return a completed config; its key ``missing`` says whether absent files are left out.

    In a config with ``known`` faults, names may refer to nothing. Such a config is returned
    unchanged.
    """
    try:
        return _resolve(config)
    except FringeError:
        return Resolved(config)  # an unknown network, which is reported separately
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
        faults = [*faults, "missing: without the missing files, no data set is left"]
    return Resolved(
        expanded, faults, omissions(expanded, gone), ADVICE if reduced.resamples else NOTHING_LEFT
    )


def omissions(config: RunConfig, gone: Mapping[str, str]) -> list[Omission]:
    """Return the exhibits that each absent file costs on its own, and how to get the file.

    ``gone`` is the result of `absent`.
    """
    whole = exhibits(config)
    found = []
    for key, path in gone.items():
        costs = describe_losses(lost(whole, exhibits(leave_out(config, [key]))))
        section, name, *_ = key.split("/")
        origin = obtain(config.sources[name]) if section == "sources" else ""
        found.append(Omission(key, path, costs, origin))
    return found


def obtain(source: AnySource) -> str:
    """Return how to get a source's file according to the configuration, or ""."""
    return origin_of(source) if isinstance(source, FileSource) else ""


def describe_omissions(
    config: RunConfig, gone: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    """Return the ``files`` and ``exhibits`` that a run leaves out, as plain values.

    ``files`` are the fields of `Omission`. An entry of ``exhibits`` has the text ``what``, and
    ``because``, the keys of the missing files. Exhibits with the same reason are in one entry.
    """
    whole = exhibits(config)
    single = {key: lost(whole, exhibits(leave_out(config, [key]))) for key in gone}
    together: dict[tuple[str, ...], list[Loss]] = {}
    for loss in lost(whole, exhibits(leave_out(config, gone))):
        for part in loss.parts or [""]:
            one = replace(loss, parts=(part,) if part else ())
            together.setdefault((part or loss.exhibit.title, *_causes(one, single)), []).append(one)
    return {
        "files": [asdict(one) for one in omissions(config, gone)],
        "exhibits": [
            {"what": describe_losses(losses), "because": because}
            for (_, *because), losses in together.items()
        ],
    }


def summarize(left_out: Mapping[str, Any]) -> str:
    """Return the result of `describe_omissions` as one line."""
    files = len(left_out["files"])
    head = "1 file is missing" if files == 1 else f"{files} files are missing"
    listed = "; ".join(one["what"] for one in left_out["exhibits"])
    return f"{head}. Left out: {listed or 'no table or figure'}."


def _causes(loss: Loss, single: Mapping[str, Sequence[Loss]]) -> list[str]:
    """Return the keys of the absent files that cause ``loss``.

    ``single`` contains the losses by each absent file on its own.
    """
    stem = loss.exhibit.stem
    touching = {
        key: [one for one in losses if one.exhibit.stem == stem] for key, losses in single.items()
    }
    exact = [
        key
        for key, found in touching.items()
        if any(not one.parts or set(one.parts) & set(loss.parts) for one in found)
    ]
    return exact or [key for key, found in touching.items() if found]
