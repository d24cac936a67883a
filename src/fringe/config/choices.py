"""Pure functions that derive the networks, schemes, counts and images of a run from its config."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fringe.config.datasets import GRID, Comparison, Examples
from fringe.config.model import Config, OwnWeightFile, RunConfig
from fringe.config.references import compared_with, grid_seeds
from fringe.config.sources import (
    AnySource,
    FeaturesSource,
    FilesSource,
    label_of,
    opening_keys,
)
from fringe.errors import FringeError
from fringe.networks import (
    file_name,
    network_classes,
    network_info,
    network_weight_files,
)
from fringe.networks.class_names import find_class, tensorflow_classes
from fringe.networks.training import training
from fringe.networks.weight_files import mismatch
from fringe.scores.asked_metrics import DISTANCES, measured_in, networks_of_their_own

__all__ = [
    "Sources",
    "asked_metrics",
    "asked_networks",
    "asked_of_draws",
    "asked_schemes",
    "asks_classifier",
    "checked_datasets",
    "checked_networks",
    "class_network",
    "convergence_datasets",
    "explained_datasets",
    "explained_images",
    "explaining_networks",
    "given_features",
    "given_weight_file",
    "grid_seed",
    "has_error",
    "illustrated_comparisons",
    "is_rendered",
    "labelled_sources",
    "matching_limit",
    "networks_of_comparison",
    "networks_of_dataset",
    "networks_of_run",
    "networks_of_source",
    "noise_images",
    "optimization_settings",
    "optimized_schemes",
    "own_classifier",
    "own_schemes",
    "pre_logits_schemes",
    "released_schemes",
    "released_steps",
    "repeats",
    "resolve_sizes",
    "scheme_network",
    "schemes",
    "shown_classes",
    "shown_control",
    "shown_images",
    "source_spec",
    "sweep_schemes",
    "trained_on",
    "used_sources",
    "warnings",
]

NOISE_IMAGES = 5000  # enough to show the order of the regions; each scale takes three passes

Sources = dict[str, dict[str, Any]]


def source_spec(config: RunConfig, name: str) -> dict[str, Any]:
    """Return the specification of a source for `fringe.sources.source_from_spec`."""
    source = config.sources[name]
    spec = {"kind": source.kind, **_opening_values(source, opening_keys(source.kind))}
    if label_of(source) == "dataset":
        for real in compared_with(config, name).values():
            # The labels of all images, even if only some images are used.
            about = config.sources.get(real)
            keys = ("path", "follow_links", "select", "ignore", "label_column")
            spec["labels"] = {"kind": "files", "limits": config.limits.plain()}
            spec["labels"] |= _opening_values(about, keys)
    if isinstance(source, FilesSource):
        spec |= {"least": config.least.get(name), "limits": config.limits.plain()}
    if isinstance(source, FeaturesSource):
        networks = networks_of_source(config, name)
        spec |= {"least": config.least.get(name), "networks": networks}
    return spec


def _opening_values(source: AnySource | None, keys: Iterable[str]) -> dict[str, Any]:
    """Return the values of some keys of a source; None for missing values."""
    values = {} if source is None else source.plain()
    return {key: values.get(key) for key in keys}


def is_rendered(config: Config, name: str) -> bool:
    """Return whether the images of a source are rendered, and not read from files."""
    return config.sources[name].is_rendered


def given_features(config: Config) -> list[str]:
    """Return the names of the sources with features of another tool, which have no images."""
    return [name for name, source in config.sources.items() if not source.has_images]


def illustrated_comparisons(config: Config) -> dict[str, Comparison]:
    """Return the comparisons with Figures 7 and 19, which show images of two generators."""
    lacking = set(given_features(config))

    def has_images(dataset: str) -> bool:
        about = config.datasets.get(dataset)  # an unknown name is a separate fault
        return about is None or not lacking & {about.real, about.generated}

    return {
        name: comparison
        for name, comparison in config.comparisons.items()
        if comparison.pair and all(map(has_images, comparison.pair.values()))
    }


def labelled_sources(config: Config) -> set[str]:
    """Return the sources whose labels comparisons use as classes."""
    compared = [
        config.datasets[dataset]
        for comparison in config.comparisons.values()
        if comparison.labels
        for dataset in comparison.datasets
        if dataset in config.datasets
    ]
    return {source for dataset in compared for source in (dataset.real, dataset.generated)}


def used_sources(config: Config) -> list[str]:
    """Return the names of the sources that some data set uses, in the order of the config."""
    used = set()
    for dataset in config.datasets.values():
        used |= {dataset.real, dataset.generated, *dataset.snapshots}
    held_out = (comparison.held_out for comparison in config.comparisons.values())
    used |= {name for name in held_out if name is not None}
    return [name for name in config.sources if name in used]


def class_network(config: Config) -> str:
    """Return the network that predicts classes: its logits and Top-1 classes are used."""
    return config.classifier or config.network


def own_classifier(config: Config) -> str | None:
    """Return the network that predicts classes, or None if it is FID's network."""
    network = class_network(config)
    return None if network == config.network else network


def networks_of_run(config: Config) -> list[str]:
    """Return the networks that a run needs: FID's network, the controls, then other networks."""
    named = [network for network, _ in _named_networks(config)]
    return list(dict.fromkeys(named))


def _named_networks(config: Config) -> Iterable[tuple[str, str]]:
    """Yield each network with the key that names it."""
    yield config.network, "network"
    for network in config.controls:
        yield network, "controls"
    if config.classifier is not None:
        yield config.classifier, "classifier"
    for name, dataset in config.datasets.items():
        for network in dataset.alternatives:
            yield network, f"datasets/{name}/alternatives"
    if illustrated_comparisons(config):
        yield config.evaluation.precision_recall.network, "evaluation/precision_recall/network"
    for network in networks_of_their_own(config.evaluation.metrics):
        yield network, "evaluation/metrics"


def asked_networks(config: Config) -> list[str]:
    """Return the networks in which the metrics of `evaluation/metrics` are measured."""
    metrics = config.evaluation.metrics
    named = dict.fromkeys([config.network, *config.controls, *networks_of_their_own(metrics)])
    return [network for network in named if asked_metrics(config, network)]


def asked_metrics(config: Config, network: str) -> list[str]:
    """Return the metrics of `evaluation/metrics` that are measured in a network."""
    n_classes = network_info(network).n_classes
    return [one for one in config.evaluation.metrics if measured_in(one, network, n_classes)]


def asked_of_draws(config: Config, network: str) -> list[str]:
    """Return the metrics of `asked_metrics` without Fréchet distances, which have another rule."""
    return [one for one in asked_metrics(config, network) if one not in DISTANCES]


def asks_classifier(config: Config, name: str, network: str) -> bool:
    """Return whether the metrics of a data set compute logits from a network's features.

    The Inception Score of TensorFlow's Inception uses logits without bias, but the stored logits
    have a bias. Logits of another tool are used unchanged.
    """
    generated = config.sources[config.datasets[name].generated]
    return (
        "inception_score" in asked_metrics(config, network)
        and network_info(network).n_classes == len(tensorflow_classes())
        and generated.has_images
    )


def asked_schemes(config: Config, name: str) -> list[str]:
    """Return the schemes of a data set in which `evaluation/metrics` are measured."""
    return config.evaluation.metric_schemes if config.datasets[name].resample else ["random"]


def trained_on(config: Config, network: str) -> str | None:
    """Return the training of a network, one of `training.TRAININGS`; None if it is not stated.

    The training of a network with an unpublished weight file is not known.
    """
    if network in config.weights:
        path, sha256 = given_weight_file(config.weights[network])
        if sha256 is not None and mismatch(path, sha256, network_weight_files(network)):
            return None
    return network_info(network).trained_on


def _judges(config: Config) -> list[str]:
    """Return the controls that may judge a decrease of FID, in order."""
    return [name for name in config.controls if training(trained_on(config, name)).judges]


def shown_control(config: Config) -> str:
    """Return the control that figures show: the last judge, otherwise the last control."""
    return (_judges(config) or config.controls)[-1]


def warnings(config: Config) -> list[str]:
    """Return warnings about results that a completed configuration without faults omits."""
    illustrated = illustrated_comparisons(config)
    lacking = [
        name for name, one in config.comparisons.items() if one.pair and name not in illustrated
    ]
    found = [
        f"comparisons/{name}: Figures 7 and 19 are omitted, because they show images and a source "
        "of the comparison has only features"
        for name in lacking
    ]
    if _judges(config) or not config.resamples:
        return found
    return [
        *found,
        f"controls: none of {', '.join(config.controls)} can judge, because each was trained on "
        "ImageNet's labels, so the verdict cannot state a share of FID; add a control that was not "
        "trained on these labels, such as clip or untrained",
    ]


def networks_of_dataset(config: Config, name: str) -> list[str]:
    """Return the networks that extract features of a data set's real and generated images."""
    dataset = config.datasets[name]
    wanted = [config.network]
    compared = [one for one in config.comparisons.values() if name in one.datasets]
    if dataset.resample or compared:
        wanted += config.controls
    elif config.controls:
        wanted.append(shown_control(config))
    if dataset.resample or not all(one.labels for one in compared):
        wanted.append(class_network(config))
    wanted += dataset.alternatives
    illustrated = illustrated_comparisons(config).values()
    if any(name in comparison.pair.values() for comparison in illustrated):
        wanted.append(config.evaluation.precision_recall.network)
    wanted += asked_networks(config)
    return list(dict.fromkeys(wanted))


def networks_of_comparison(config: Config) -> list[str]:
    """Return the networks in which generators are compared: FID's, and the controls."""
    return [config.network, *config.controls]


def networks_of_source(config: Config, source: str) -> list[str]:
    """Return the networks that extract features of a source's images."""
    wanted: list[str] = []
    for name, dataset in config.datasets.items():
        if source in (dataset.real, dataset.generated):
            wanted += networks_of_dataset(config, name)
        if source in dataset.snapshots:
            wanted += [config.network, class_network(config)]
    if any(source == comparison.held_out for comparison in config.comparisons.values()):
        wanted += networks_of_comparison(config)
    return list(dict.fromkeys(wanted))


def given_weight_file(given: str | OwnWeightFile) -> tuple[Path, str | None]:
    """Return the path and the stated digest of an entry of `weights`; None without a digest."""
    if isinstance(given, str):
        return Path(given), None
    return Path(given.path), given.sha256.lower()


def schemes(config: Config) -> list[str]:
    """Return the names of all sampling schemes of a run."""
    return [
        *("random", "matched", "random-filled", "prelogits", "logits"),
        *released_schemes(config),
        *sweep_schemes(config),
        *own_schemes(config),
    ]


def own_schemes(config: Config) -> dict[str, str]:
    """Return the control of each scheme whose weights are optimized in a control's features."""
    return {f"own-{file_name(network)}": network for network in config.null_spaces}


def scheme_network(config: Config, scheme: str) -> str:
    """Return the network whose FID the weights of a scheme are optimized for."""
    return own_schemes(config).get(scheme, config.network)


def optimized_schemes(config: Config) -> list[str]:
    """Return the schemes with optimized weights in pre-logits or logits, without sweeps."""
    return ["prelogits", "logits", "prelogits-released", *own_schemes(config)]


def released_schemes(config: Config) -> list[str]:
    """Return the names of the schemes whose weights the released algorithm optimizes."""
    wanted = config.optimization.released.steps > 0
    return ["prelogits-released"] if wanted else []


def pre_logits_schemes(config: Config) -> list[str]:
    """Return the schemes with weights in pre-logits: the released algorithm's scheme, then ours."""
    return [*released_schemes(config), "prelogits"]


def released_steps(config: Config, sources: Sources) -> dict[str, Any]:
    """Return the settings of a run's released weights; {} if the run has no released weights.

    Keys: ``steps``, ``learning_rate``, and ``candidates`` (the number of candidates by data set).
    """
    if not released_schemes(config):
        return {}
    asked = config.optimization.released
    counts = {
        name: sources[dataset.generated]["count"]
        for name, dataset in config.datasets.items()
        if dataset.resample
    }
    return {
        "steps": asked.steps,
        "learning_rate": asked.learning_rate,
        "candidates": counts,
    }


def optimization_settings(config: Config, scheme: str) -> dict[str, Any]:
    """Return the settings of the configuration for optimizing the weights of ``scheme``."""
    settings = config.optimization.plain()
    released = settings.pop("released")
    if scheme not in released_schemes(config):
        return settings
    return {"method": "released", **released}


def sweep_schemes(config: Config) -> list[str]:
    """Return the names of the Top-N and Middle-N schemes."""
    asked = {"top": config.schemes.top, "middle": config.schemes.middle}
    return [f"{mode}{n}" for mode, numbers in asked.items() for n in numbers]


def has_error(scheme: str) -> bool:
    """Return whether the FID of a scheme is measured with a standard error.

    The FID of Top-N and Middle-N is shown only with the spread of its repeats.
    """
    return not scheme.startswith(("top", "middle"))


def repeats(config: Config, scheme: str) -> int:
    """Return the number of draws of ``scheme`` that the tables and figures of a run need."""
    asked = config.evaluation.repeats
    readers: dict[str, tuple[int, ...]] = {
        "random": (asked.table1, asked.table2, asked.table3, asked.sweep, asked.recall),
        "matched": (asked.table1,),
        "random-filled": (asked.table1,),
        "prelogits": (asked.table2, asked.table3),
        "logits": (asked.table2,),
        "prelogits-released": (asked.table2, asked.table3),
        **dict.fromkeys(own_schemes(config), (asked.table2,)),
    }
    shown = max(readers.get(scheme, (asked.sweep,)))
    measured = config.evaluation.metrics and scheme in ("random", *config.evaluation.metric_schemes)
    return max(shown, asked.metrics) if measured else shown


def matching_limit(config: Config, name: str, count: int) -> int:
    """Return the maximum number of images that Top-1 matching uses, including the candidates.

    ``name`` is a data set with ``count`` candidates. A source of files cannot make more images.
    """
    if not is_rendered(config, config.datasets[name].generated):
        return count
    return max(count, round(config.matching.limit * count))


def convergence_datasets(config: Config) -> list[str]:
    """Return the data sets on which the released optimization is compared with ours."""
    if not config.convergence.steps or config.optimization.method == "reference":
        return []
    asked = config.convergence.datasets
    return _resampled(config)[:1] if asked is None else list(asked)


def _resampled(config: Config) -> list[str]:
    return [name for name, dataset in config.datasets.items() if dataset.resample]


def checked_datasets(config: Config) -> list[str]:
    """Return the data sets with numbers of the released code for comparison."""
    return [
        name
        for name, dataset in config.datasets.items()
        if dataset.resample and dataset.checks is not None
    ]


def checked_networks(config: Config, name: str) -> list[str]:
    """Return the networks in which a data set has numbers of the released code, FID's first."""
    checks = config.datasets[name].checks
    distances = checks.distances if checks is not None else None
    return list(dict.fromkeys([config.network, *(distances or {})]))


def explained_datasets(config: Config) -> list[str]:
    """Return the data sets with sensitivity maps."""
    has_maps = network_info(config.network).maps
    asked = config.sensitivity.datasets
    if asked is None:
        return _resampled(config) if has_maps else []
    return list(asked)


def explaining_networks(config: Config) -> list[str]:
    """Return the networks with sensitivity maps, FID's network first."""
    return [config.network, *config.sensitivity.networks]


def explained_images(config: Config, name: str) -> int:
    """Return the number of a data set's generated images with sensitivity maps."""
    asked = config.sensitivity.images
    return config.datasets[name].n_generated if asked is None else asked


def noise_images(config: Config, name: str) -> int:
    """Return the number of a data set's generated images to which noise is added."""
    asked = config.sensitivity.noise.images
    return min(explained_images(config, name), NOISE_IMAGES) if asked is None else asked


def shown_images(config: Config, name: str, shown: str) -> dict[str, list[int]]:
    """Return the ``images`` or ``seeds`` of the ``examples`` or the ``grid`` of a data set."""
    dataset = config.datasets[name]
    given = dataset.grid if shown == "grid" else dataset.examples
    seeds = given.seeds if isinstance(given, Examples) else grid_seeds(given)
    if seeds:
        return {"seeds": list(seeds)}
    few = GRID[0] * GRID[1] if shown == "grid" else 6
    first = list(range(min(few, explained_images(config, name))))
    return {"images": first if given is None or given.images is None else list(given.images)}


def grid_seed(config: Config) -> int:
    """Return the seed of the images that are drawn at random for figures."""
    asked = config.figures.seed
    return config.seed if asked is None else asked


def shown_classes(config: Config, name: str) -> int | list[int]:
    """Return the classes of a data set whose mean images and maps are shown.

    Returns
    -------
    int or list of int
        The number of most frequent classes, or the numbers of the named classes.

    Raises
    ------
    FringeError
        If a class is unknown, ambiguous, or named twice; see `find_class`.
    """
    key, wanted = _classes(config, name)
    if isinstance(wanted, int):
        return wanted
    network = class_network(config)
    names = network_classes(network)
    if names is None:
        named = [each for each in wanted if isinstance(each, str)]
        if named:
            raise FringeError(
                f"{key}: the class names of {network} are not known before it is loaded; give its "
                f"function an attribute `class_names`, or write the number of {named[0]!r}"
            )
        names = tuple(map(str, range(network_info(network).n_classes or 0)))
    numbers: dict[int, str | int] = {}
    for each in wanted:
        try:
            number = find_class(each, names)
        except FringeError as error:
            raise FringeError(f"{key}: {network}: {error}") from None
        if number in numbers:
            raise FringeError(
                f"{key}: {numbers[number]!r} and {each!r} are the same class, {number} "
                f"({names[number]}); remove one of the two"
            )
        numbers[number] = each
    return list(numbers)


def _classes(config: Config, name: str) -> tuple[str, int | list[str | int]]:
    """Return the key that selects the shown classes of a data set, and its value."""
    own = config.datasets[name].classes
    if own is not None:
        return f"datasets/{name}/classes", own
    return "sensitivity/classes", config.sensitivity.classes


def resolve_sizes(
    pairs: Iterable[Sequence[int | str]], real: int, generated: int
) -> list[tuple[int, int]]:
    """Return pairs of counts with ``all`` replaced by the lengths of the two sources."""
    return [(real if a == "all" else int(a), generated if b == "all" else int(b)) for a, b in pairs]
