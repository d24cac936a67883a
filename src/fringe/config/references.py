"""Faults of names in a configuration: wrong references, and names that must differ."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fringe.config.datasets import GRID, Comparison, Dataset, Grid
from fringe.config.messages import Keys, trail
from fringe.config.model import Config
from fringe.config.sources import label_of

__all__ = ["compared_with", "grid_seeds", "reference_faults"]


def reference_faults(
    config: Config, completed: Mapping[str, Any], wrong: Iterable[Keys] = ()
) -> list[str]:
    """Return the faults of names that refer to nothing, or to something unsuitable.

    Parameters
    ----------
    config : Config
        The valid part of the configuration.
    completed : mapping
        The whole configuration. A name in it refers to something, even if its value is wrong.
    wrong : iterable of tuple
        The keys of wrong values, which are not in ``config``. Values that depend on them are not
        checked.
    """
    broken = {keys[0] for keys in wrong if len(keys) == 1 or keys[0] == "controls"}
    sources, datasets = (_names(completed, key) for key in ("sources", "datasets"))
    faults = [*_case_faults(sources)]
    for name, dataset in config.datasets.items():
        if sources:
            faults += _dataset_faults(sources, name, dataset)
        if not broken & {"network", "controls"}:
            faults += _check_faults(config, name, dataset)
    faults += _features_faults(config)
    for name, comparison in config.comparisons.items():
        if datasets:
            faults += _comparison_faults(config, sources, datasets, name, comparison)
    if not broken & {"network", "controls"}:
        faults += _control_faults(config)
    if not any(keys[0] == "datasets" for keys in wrong):
        faults += _resampled_faults(config)
    if "controls" not in broken:
        faults += _asked_network_faults(config)
    return [*faults, *_seed_faults(config), *_label_faults(config)]


def _names(completed: Mapping[str, Any], key: str) -> list[str]:
    """Return the names below a key; none if its value is not a mapping."""
    value = completed.get(key)
    return list(value) if isinstance(value, Mapping) else []


def _case_faults(names: Iterable[str]) -> Iterator[str]:
    """Yield the sources whose folders would be the same on case-insensitive file systems."""
    seen: dict[str, str] = {}
    for name in names:
        before = seen.setdefault(name.casefold(), name)
        if before != name:
            yield (
                f"{trail(('sources', name))}: differs from {trail((before,))} only in case, so "
                "both would have the same folder on some systems; rename one"
            )


def _dataset_faults(sources: Sequence[str], name: str, dataset: Dataset) -> Iterator[str]:
    references = {"real": dataset.real, "generated": dataset.generated}
    references |= {f"snapshots/{i}": source for i, source in enumerate(dataset.snapshots)}
    for key, source in references.items():
        if source not in sources:
            yield (
                f"datasets/{name}/{key}: no source is named {source!r}; "
                f"sources are {', '.join(sorted(sources))}"
            )


def _features_faults(config: Config) -> Iterator[str]:
    """Yield the data sets that need images of a source that has only features."""
    lacking = {name for name, source in config.sources.items() if not source.has_images}
    for name, dataset in config.datasets.items():
        for key, source in (("real", dataset.real), ("generated", dataset.generated)):
            if dataset.resample and source in lacking:
                yield (
                    f"datasets/{name}/{key}: {source} has only features, but tables and figures of "
                    "a data set need images; set `resample: false` and compare the data set "
                    "(`comparisons`), or name a source of images"
                )
        for number, source in enumerate(dataset.snapshots):
            if source in lacking:
                yield (
                    f"datasets/{name}/snapshots/{number}: {source} has only features; name a "
                    "source of images"
                )


def _check_faults(config: Config, name: str, dataset: Dataset) -> Iterator[str]:
    """Yield the networks of checks and published distances in which the run does not measure."""
    distances = dataset.checks.distances if dataset.checks is not None else None
    measured = (config.network, *config.controls)
    for key, networks in (("checks/distances", distances), ("published", dataset.published)):
        for network in networks or ():
            if network not in measured:
                yield (
                    f"datasets/{name}/{key}: {network} is neither `network` nor a control; name "
                    f"one of {', '.join(measured)}"
                )


def _comparison_faults(
    config: Config,
    sources: Sequence[str],
    datasets: Sequence[str],
    name: str,
    comparison: Comparison,
) -> Iterator[str]:
    """Yield the names in a comparison that do not exist, or that cannot be compared."""
    for generator, trainings in comparison.trainings.items():
        for dataset in trainings:
            if dataset not in datasets:
                yield (
                    f"comparisons/{name}/generators/{generator}: no data set is named {dataset!r}; "
                    f"data sets are {', '.join(sorted(datasets))}"
                )
    if comparison.held_out is not None and sources and comparison.held_out not in sources:
        yield (
            f"comparisons/{name}/held_out: no source is named {comparison.held_out!r}; sources are "
            f"{', '.join(sorted(sources))}"
        )
    if not all(dataset in config.datasets for dataset in comparison.datasets):
        return
    compared = [config.datasets[dataset] for dataset in comparison.datasets]
    if comparison.held_out in {dataset.real for dataset in compared}:
        yield (
            f"comparisons/{name}/held_out: {comparison.held_out} are the real images themselves; "
            "name other images, or leave it out"
        )
    for key in ("real", "n_real", "n_generated"):
        values = [getattr(dataset, key) for dataset in compared]
        if len(set(values)) > 1:
            yield (
                f"comparisons/{name}/generators: their data sets differ in `{key}` "
                f"({', '.join(map(str, values))}), so their distances cannot be compared; use "
                "equal values"
            )


def _control_faults(config: Config) -> Iterator[str]:
    if not config.controls and config.resamples:
        yield "controls: none given, but data sets are resampled; name one, such as clip"
    if config.network in config.controls:
        yield f"controls: {config.network} is FID's network; name a different control"
    for name, dataset in config.datasets.items():
        if config.network in dataset.alternatives:
            yield (
                f"datasets/{name}/alternatives: {config.network} is FID's network; name a "
                "different network"
            )


def _resampled_faults(config: Config) -> Iterator[str]:
    """Yield the requested data sets that are not resampled."""
    resampled = [name for name, dataset in config.datasets.items() if dataset.resample]
    if not resampled and not config.comparisons and not config.evaluation.metrics:
        yield (
            "datasets: none is resampled, and there are no comparisons or metrics; remove "
            "`resample: false` from a data set, or name `evaluation/metrics`"
        )
    for key, asked in (
        ("convergence", config.convergence.datasets),
        ("sensitivity", config.sensitivity.datasets),
    ):
        for name in asked or ():
            if name not in resampled:
                yield (
                    f"{key}/datasets: no resampled data set is named {name!r}; resampled data sets "
                    f"are {', '.join(resampled)}"
                )


def _asked_network_faults(config: Config) -> Iterator[str]:
    asked = {"sensitivity/networks": config.sensitivity.networks, "null_spaces": config.null_spaces}
    for key, networks in asked.items():
        for network in networks:
            if network not in config.controls:
                yield (
                    f"{key}: {network} is not a control; the controls are "
                    f"{', '.join(config.controls)}"
                )


def _seed_faults(config: Config) -> Iterator[str]:
    """Yield the seeds of shown images that are not possible for their source."""
    for name, dataset in config.datasets.items():
        source = config.sources.get(dataset.generated)
        if source is None:
            continue
        examples = dataset.examples.seeds if dataset.examples is not None else None
        asked = {"examples/seeds": examples or [], "grid/seed": grid_seeds(dataset.grid)}
        for key, seeds in asked.items():
            if seeds and source.in_files:
                yield (
                    f"datasets/{name}/{key}: {dataset.generated} is a source of files, which "
                    "have no seeds; name `images` by index"
                )
            elif source.seed in seeds:
                yield (
                    f"datasets/{name}/{key}: {source.seed} is the seed of {dataset.generated} "
                    "itself, so its first image is already one of the images; leave the seed out, "
                    "or name `images` by index"
                )


def grid_seeds(grid: Grid | None) -> list[int]:
    """Return the seeds of a grid's images; none if the grid names images by index."""
    if grid is None or grid.seed is None:
        return []
    rows, columns = GRID
    return list(range(grid.seed, grid.seed + rows * columns))


def compared_with(config: Config, generator: str) -> dict[str, str]:
    """Return the source of real images of each data set that uses a generator."""
    return {
        name: dataset.real
        for name, dataset in config.datasets.items()
        if generator in (dataset.generated, *dataset.snapshots)
    }


def _label_faults(config: Config) -> Iterator[str]:
    for name, source in config.sources.items():
        if label_of(source) != "dataset":
            continue
        reals = compared_with(config, name)
        if len(set(reals.values())) > 1:
            listed = ", ".join(f"{real} in {dataset}" for dataset, real in reals.items())
            yield (
                f"sources/{name}/label: `dataset` would mean the labels of several sources "
                f"({listed}); add one generator source for each of them, with the same path"
            )
        if not reals and any(name == dataset.real for dataset in config.datasets.values()):
            yield (
                f"sources/{name}/label: `dataset` means the labels of real images, but no data set "
                f"compares {name} with real images; write a class, `balanced` or `uniform`"
            )
        for real in dict.fromkeys(reals.values()):
            if real in config.sources and not config.sources[real].in_files:
                why = "are not in files" if config.sources[real].has_images else "are missing"
                yield (
                    f"sources/{name}/label: `dataset` means the labels of {real}, whose images "
                    f"{why} and have no labels; write a class, `balanced` or `uniform`"
                )
