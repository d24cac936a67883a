"""The origin of the classes of a comparison's images, and faults of these classes."""

from collections.abc import Iterable, Sequence

from fringe.config.choices import Sources, class_network
from fringe.config.datasets import Comparison
from fringe.config.model import Config
from fringe.networks import network_info
from fringe.sources.class_labels import KnownLabels

__all__ = [
    "compared_class_faults",
    "compared_sources",
    "needs_classifier",
    "takes_labels",
    "takes_top1",
]

_NAMED = 6  # number of classes that a message names
_HOW = (
    "give a ZIP or folder with labels in `dataset.json`, a folder for each class, a tar with a "
    "`.cls` for each sample, an NPZ with `arr_1` or `labels`, an HDF5 file with `labels`, Parquet "
    "with a column `label`, or a generator with a `label`"
)


def compared_sources(config: Config, comparison: Comparison) -> list[str]:
    """Return the sources of a comparison without duplicates: real images, then generated images."""
    compared = [config.datasets[dataset] for dataset in comparison.datasets]
    reals = [dataset.real for dataset in compared]
    return list(dict.fromkeys([*reals, *(dataset.generated for dataset in compared)]))


def takes_labels(config: Config, comparison: Comparison, sources: Sources) -> bool:
    """Return whether the classes of a comparison are labels that its sources state.

    By default, they are labels if all sources are features that came with labels.
    """
    if comparison.labels is not None:
        return comparison.labels
    found = [sources[name] for name in compared_sources(config, comparison)]
    return all("features" in about and about["labels"] is not None for about in found)


def takes_top1(config: Config, comparison: Comparison, sources: Sources) -> bool:
    """Return whether the classes of a comparison are Top-1 classes of `class_network`.

    Otherwise the classes are labels, or they are not known, because the network is not a classifier
    or because features of another tool came without logits. If they are not known, the class
    histogram is not examined.
    """
    if takes_labels(config, comparison, sources):
        return False
    if network_info(class_network(config)).n_classes is None:
        return False
    found = [sources[name] for name in compared_sources(config, comparison)]
    return all(about["logits"] for about in found if "features" in about)


def needs_classifier(config: Config) -> bool:
    """Return whether a run needs Top-1 classes."""
    return config.resamples or any(one.labels is False for one in config.comparisons.values())


def compared_class_faults(config: Config, sources: Sources) -> Iterable[str]:
    """Yield the faults of the classes that comparisons use."""
    for name, comparison in config.comparisons.items():
        used = compared_sources(config, comparison)
        if comparison.labels:
            yield from _label_faults(name, used, sources)
        elif comparison.labels is False:
            yield from _logit_faults(name, used, sources, class_network(config))


def _logit_faults(name: str, used: Sequence[str], sources: Sources, network: str) -> Iterable[str]:
    """Yield the faults of features without logits, which Top-1 classes need."""
    for source in used:
        about = sources[source]
        if "features" in about and not about["logits"]:
            yield (
                f"sources/{source}: holds no logits of {network}, but comparison {name} uses "
                f"Top-1 classes; add an array `logits`, or `labels` to each of {', '.join(used)}; "
                f"or drop comparisons/{name}/labels (the class histogram is then not examined)"
            )


def _label_faults(name: str, used: Sequence[str], sources: Sources) -> Iterable[str]:
    """Yield the faults of sources without labels, and of classes that real images do not have."""
    lacking = [source for source in used if sources[source]["labels"] is None]
    for source in lacking:
        yield (
            f"sources/{source}: states no classes of its images, but comparison {name} uses labels "
            f"as classes; {_HOW}; or use Top-1 classes (drop comparisons/{name}/labels)"
        )
    real, *models = used
    if real in lacking:
        return
    of_real: KnownLabels = sources[real]["labels"]
    for source in models:
        if source not in lacking:
            yield from _other_classes(source, sources[source]["labels"], real, of_real)


def _other_classes(
    source: str, found: KnownLabels, real: str, of_real: KnownLabels
) -> Iterable[str]:
    """Yield the fault of a source whose classes differ from the classes of the real images."""
    if found.names is not None and of_real.names is not None:
        unknown = found.names - of_real.names
        if unknown:
            yield (
                f"sources/{source}: has the classes {_enumerated(unknown)}, which real images "
                f"({real}) do not have; real images have {_enumerated(of_real.names)}; rename the "
                "classes, or remove their images"
            )
    elif _is_only_named(found) or _is_only_named(of_real):
        named, numbered = (source, real) if _is_only_named(found) else (real, source)
        yield (
            f"sources/{source}: classes of {named} are names of folders, but classes of {numbered} "
            "are numbers, so they cannot be matched; give both labels of the same kind"
        )
    elif (
        found.numbers is not None
        and of_real.numbers is not None
        and found.numbers.isdisjoint(of_real.numbers)
    ):
        yield (
            f"sources/{source}: has the classes {_enumerated(found.numbers)}, but real images "
            f"({real}) have {_enumerated(of_real.numbers)}, so they have no class in common; give "
            "both labels of the same kind"
        )


def _is_only_named(labels: KnownLabels) -> bool:
    return labels.names is not None and labels.numbers is None


def _enumerated(classes: Iterable[str] | Iterable[int]) -> str:
    """Return the first classes in words, and the number of the other classes."""
    found = sorted(classes)
    rest = len(found) - _NAMED
    text = ", ".join(map(str, found[:_NAMED]))
    return f"{text} and {rest} more" if rest > 0 else text
