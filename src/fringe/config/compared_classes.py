"""Where a comparison has the classes of its images from, and what is wrong with that."""

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

_NAMED = 6  # classes that a message names
_HOW = (
    "give a ZIP or folder with labels in `dataset.json`, a folder for each class, a tar with a "
    "`.cls` for each sample, an NPZ with `arr_1` or `labels`, an HDF5 file with `labels`, Parquet "
    "with a column `label`, or a generator with a `label`"
)


def compared_sources(config: Config, comparison: Comparison) -> list[str]:
    """Return the sources of a comparison, each once: real images, then generated ones."""
    compared = [config.datasets[dataset] for dataset in comparison.datasets]
    reals = [dataset.real for dataset in compared]
    return list(dict.fromkeys([*reals, *(dataset.generated for dataset in compared)]))


def takes_labels(config: Config, comparison: Comparison, sources: Sources) -> bool:
    """Return whether the classes of a comparison are labels that its sources state.

    If the comparison does not say, they are where all sources are features that came with labels.
    """
    if comparison.labels is not None:
        return comparison.labels
    found = [sources[name] for name in compared_sources(config, comparison)]
    return all("features" in about and about["labels"] is not None for about in found)


def takes_top1(config: Config, comparison: Comparison, sources: Sources) -> bool:
    """Return whether the classes of a comparison are Top-1 classes of a network.

    That is the network that counts classes (`class_network`). Otherwise they are labels, or they
    are not known: the network is not a classifier, or features of another tool came without logits.
    Nothing is said of the class histogram then.
    """
    if takes_labels(config, comparison, sources):
        return False
    if network_info(class_network(config)).n_classes is None:
        return False
    found = [sources[name] for name in compared_sources(config, comparison)]
    return all(about["logits"] for about in found if "features" in about)


def needs_classifier(config: Config) -> bool:
    """Return whether Top-1 classes are asked for."""
    return config.resamples or any(one.labels is False for one in config.comparisons.values())


def compared_class_faults(config: Config, sources: Sources) -> Iterable[str]:
    """Yield what is wrong with the classes that comparisons take."""
    for name, comparison in config.comparisons.items():
        used = compared_sources(config, comparison)
        if comparison.labels:
            yield from _label_faults(name, used, sources)
        elif comparison.labels is False:
            yield from _logit_faults(name, used, sources, class_network(config))


def _logit_faults(name: str, used: Sequence[str], sources: Sources, network: str) -> Iterable[str]:
    """Yield the features without logits, of which Top-1 classes would be taken."""
    for source in used:
        about = sources[source]
        if "features" in about and not about["logits"]:
            yield (
                f"sources/{source}: holds no logits of {network}, and comparison {name} takes "
                f"Top-1 classes; add an array `logits`, or `labels` to each of {', '.join(used)}; "
                f"or drop comparisons/{name}/labels: then nothing is said of the class histogram"
            )


def _label_faults(name: str, used: Sequence[str], sources: Sources) -> Iterable[str]:
    """Yield the sources without labels, and those whose classes are not those of real images."""
    lacking = [source for source in used if sources[source]["labels"] is None]
    for source in lacking:
        yield (
            f"sources/{source}: states no class of its images, and comparison {name} takes labels "
            f"as classes; {_HOW}; or take Top-1 classes (drop comparisons/{name}/labels)"
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
    """Yield the fault of a source whose classes are others than those of the real images."""
    if found.names is not None and of_real.names is not None:
        unknown = found.names - of_real.names
        if unknown:
            yield (
                f"sources/{source}: has images in {_told(unknown)}, and no real image ({real}) is "
                f"of such a class; real images have {_told(of_real.names)}: rename the classes, or "
                "leave their images out"
            )
    elif _is_only_named(found) or _is_only_named(of_real):
        named, numbered = (source, real) if _is_only_named(found) else (real, source)
        yield (
            f"sources/{source}: classes of {named} are names of folders, and those of {numbered} "
            "are numbers, so nobody knows which of them are the same; give both labels of one kind"
        )
    elif (
        found.numbers is not None
        and of_real.numbers is not None
        and found.numbers.isdisjoint(of_real.numbers)
    ):
        yield (
            f"sources/{source}: has the classes {_told(found.numbers)}, and real images ({real}) "
            f"have {_told(of_real.numbers)}, so no class is in both; give both labels of one kind"
        )


def _is_only_named(labels: KnownLabels) -> bool:
    return labels.names is not None and labels.numbers is None


def _told(classes: Iterable[str] | Iterable[int]) -> str:
    """Return the first classes in words."""
    found = sorted(classes)
    rest = len(found) - _NAMED
    told = ", ".join(map(str, found[:_NAMED]))
    return f"{told} and {rest} more" if rest > 0 else told
