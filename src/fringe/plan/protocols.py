"""Settings of the measurements of each data set, and a description of its images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fringe.config.choices import own_classifier, schemes
from fringe.config.model import Config
from fringe.config.sources import (
    AnySource,
    CropsSource,
    DiffusersSource,
    FilesSource,
    GeneratorSource,
    PythonSource,
    label_of,
)
from fringe.networks import (
    network_weight_files,
)
from fringe.networks.weight_files import mismatch
from fringe.scores.protocol import PUBLISHED, Optimizer, Protocol, describe_label

__all__ = ["chosen_images", "protocol"]

MADE_BY_NETWORKS = (GeneratorSource, DiffusersSource, PythonSource)


def _fitting(source: AnySource) -> str:
    """Return how a source's images are cropped and resized, or "" if they are not changed."""
    if isinstance(source, CropsSource):
        return "center, lanczos"
    if isinstance(source, FilesSource) and (source.resolution or source.crop):
        return f"{source.crop or 'center'}, {source.filter or 'lanczos'}"
    return ""


def _named(source: AnySource) -> str:
    """Return the name of a source's generator, or the kind of another source."""
    if isinstance(source, GeneratorSource):
        return Path(source.path).stem
    if isinstance(source, DiffusersSource):
        return Path(source.path).name
    return source.function if isinstance(source, PythonSource) else source.kind


def protocol(
    config: Config,
    sources: Mapping[str, Mapping[str, Any]],
    weight_files: Mapping[str, Mapping[str, str]],
    name: str,
    generated: str | None = None,
) -> Protocol:
    """Return the settings of the measurements of the data set ``name``.

    Parameters
    ----------
    config, sources
        As returned by `fringe.running.opening.check`.
    weight_files
        As returned by `fringe.plan.weight_files.locate_weight_files`.
    name : str
        The data set.
    generated : str, optional
        A source that replaces the data set's generated images, such as a snapshot.
    """
    dataset = config.datasets[name]
    real = config.sources[dataset.real]
    source = generated or dataset.generated
    about = config.sources[source]
    generator = about if isinstance(about, GeneratorSource) else None
    height, width = sources[dataset.real]["resolution"]
    evaluation = config.evaluation
    return Protocol(
        real=real.kind,
        real_total=sources[dataset.real]["count"],
        resolution=(height, width),
        fitting=_fitting(real),
        statistics={network: given.count for network, given in real.statistics.items()},
        generator=_named(about),
        truncation=generator.truncation if generator else None,
        noise=generator.noise if generator else None,
        seed=about.seed if isinstance(about, MADE_BY_NETWORKS) else None,
        label=label_of(about),
        candidates=sources[source]["count"],
        network=config.network,
        weights={
            network: PUBLISHED
            if not mismatch(Path(file["path"]), file["identity"], network_weight_files(network))
            else file["identity"][:8]
            for network, file in weight_files.items()
        },
        precision=config.extraction.precision,
        sampling=evaluation.sampling,
        optimizers=_optimizers(config),
        kid_subsets=evaluation.kid_subsets,
        kid_subset_size=evaluation.kid_subset_size,
        recall_k=evaluation.precision_recall.k,
        classifier=own_classifier(config),
    )


def chosen_images(config: Config, sources: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """Return a description of the images in files and of the classes of the data set ``name``.

    The result is "" if all images are generated, and not by a conditional generator.

    Parameters
    ----------
    config, sources
        As returned by `fringe.running.opening.check`.
    name : str
        The data set.
    """
    dataset = config.datasets[name]
    sentences = []
    for side, name_of_source in (("Real", dataset.real), ("Generated", dataset.generated)):
        asked, found = config.sources[name_of_source], sources[name_of_source]
        if isinstance(asked, FilesSource):
            n = dataset.n_real if side == "Real" else found["count"]
            sentences.append(f"{side} images: {_choice(asked, found, n)}.")
    label = label_of(config.sources[dataset.generated])
    if label is not None:
        sentences.append(f"Classes of generated images: {describe_label(label)}.")
    return " ".join(sentences)


def _choice(asked: FilesSource, found: Mapping[str, Any], n: int) -> str:
    """Return a description of the ``n`` used images of a source, and of files left out."""
    text = _used(asked, found, n)
    if left_out := found["left_out"]:
        text += f" (`select` and `ignore` leave out {left_out})"
    return text


def _used(asked: FilesSource, found: Mapping[str, Any], n: int) -> str:
    """Return a description of the first ``n`` images of a source of files."""
    held, count = found["drawn_from"], found["count"]
    if held is not None and n < held:
        return f"{n:,} of {held:,}, chosen at random with seed {asked.seed}"
    if held is not None:
        return f"all {n:,}, in random order with seed {asked.seed}"
    if n < count:
        return f"the first {n:,} of {count:,} in the order of their files"
    is_first = asked.count is not None and asked.order == "file"
    return f"the first {n:,} in the order of their files" if is_first else f"all {n:,}"


def _optimizers(config: Config) -> dict[str, Optimizer]:
    """Return the optimizers of the weights in pre-logits and logits, as in the paper's tables."""
    asked = config.optimization
    found = {}
    for scheme in schemes(config):
        if not scheme.startswith(("prelogits", "logits")):
            continue
        if scheme == "prelogits-released":
            released = asked.released
            found[scheme] = Optimizer("released", released.steps, float(released.learning_rate))
        elif asked.method == "reference":
            rate = 10.0 if scheme == "prelogits" else 5.0
            found[scheme] = Optimizer("released", asked.evaluations, rate)
        else:
            found[scheme] = Optimizer("optimal")
    return found
