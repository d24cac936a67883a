"""What the numbers of each data set are measured with, and which images stand for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fringe.config.choices import Config, schemes
from fringe.config.completion import items
from fringe.config.sources import SECTIONS
from fringe.networks import (
    network_weights,
)
from fringe.networks.weight_files import mismatch
from fringe.scores.protocol import PUBLISHED, Optimizer, Protocol, told_label

__all__ = ["chosen_images", "protocol"]


def _fitting(source: Config) -> str:
    """Return how a source's images are cropped and resized; "" where they are taken as they are."""
    if "resolution" not in source and "crop" not in source:
        return ""
    return f"{source.get('crop', 'center')}, {source.get('filter', 'lanczos')}"


def protocol(
    config: Config,
    sources: Mapping[str, Mapping[str, Any]],
    weights: Mapping[str, Mapping[str, str]],
    name: str,
    generated: str | None = None,
) -> Protocol:
    """Return what the numbers of the data set ``name`` are measured with.

    Parameters
    ----------
    config, sources
        `check`'s.
    weights
        `locate_weights`'s.
    name : str
        Of a data set.
    generated : str, optional
        A source in place of the data set's generated images, such as a snapshot.
    """
    dataset = config["datasets"][name]
    real = config["sources"][dataset["real"]]
    source = generated or dataset["generated"]
    about = config["sources"][source]
    trained = SECTIONS[about["kind"]].is_trained
    height, width = sources[dataset["real"]]["resolution"]
    evaluation = config["evaluation"]
    return Protocol(
        real=real["kind"],
        real_total=sources[dataset["real"]]["count"],
        resolution=(height, width),
        fitting=_fitting(real),
        statistics={network: given["count"] for network, given in items(real, "statistics")},
        generator=Path(about["path"]).stem if trained else about["kind"],
        truncation=about["truncation"] if trained else None,
        noise=about["noise"] if trained else None,
        seed=about["seed"] if trained else None,
        label=about.get("label") if trained else None,
        candidates=sources[source]["count"],
        network=config["network"],
        weights={
            network: PUBLISHED
            if not mismatch(Path(file["path"]), file["identity"], network_weights(network))
            else file["identity"][:8]
            for network, file in weights.items()
        },
        precision=config["extraction"]["precision"],
        sampling=evaluation["sampling"],
        optimizers=_optimizers(config),
        kid_subsets=evaluation["kid_subsets"],
        kid_subset_size=evaluation["kid_subset_size"],
        recall_k=evaluation["precision_recall"]["k"],
    )


def chosen_images(config: Config, sources: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """Return in words which images of files, and which classes, stand for the data set ``name``.

    It is "" if all images are made, and by no generator that is asked for classes.

    Parameters
    ----------
    config, sources
        `check`'s.
    name : str
        Of a data set.
    """
    dataset = config["datasets"][name]
    counts = {"real": dataset["n_real"], "generated": sources[dataset["generated"]]["count"]}
    told = [
        f"{side.capitalize()} images: {_choice(config, sources, dataset[side], n)}."
        for side, n in counts.items()
        if SECTIONS[config["sources"][dataset[side]]["kind"]].in_files
    ]
    label = config["sources"][dataset["generated"]].get("label")
    if label is not None:
        told.append(f"Classes of generated images: {told_label(label)}.")
    return " ".join(told)


def _choice(config: Config, sources: Mapping[str, Mapping[str, Any]], source: str, n: int) -> str:
    """Return which ``n`` images of a source of files are used, and which files do not count."""
    told = _used(config["sources"][source], sources[source], n)
    if left_out := sources[source]["left_out"]:
        told += f" (`select` and `ignore` leave out {left_out})"
    return told


def _used(asked: Mapping[str, Any], found: Mapping[str, Any], n: int) -> str:
    """Return which ``n`` images of a source of files are the first ones that it gives."""
    held, count = found["drawn_from"], found["count"]
    if held is not None and n < held:
        return f"{n:,} of {held:,}, chosen at random with seed {asked['seed']}"
    if held is not None:
        return f"all {n:,}, in random order with seed {asked['seed']}"
    if n < count:
        return f"the first {n:,} of {count:,} in the order of their files"
    is_first = "count" in asked and asked["order"] == "file"
    return f"the first {n:,} in the order of their files" if is_first else f"all {n:,}"


def _optimizers(config: Config) -> dict[str, Optimizer]:
    """Return how weights in pre-logits and logits are found, of which the paper prints numbers."""
    asked = config["optimization"]
    found = {}
    for scheme in schemes(config):
        if not scheme.startswith(("prelogits", "logits")):
            continue
        if scheme == "prelogits-released":
            steps, rate = (asked["released"][key] for key in ("steps", "learning_rate"))
            found[scheme] = Optimizer("released", steps, float(rate))
        elif asked["method"] == "reference":
            rate = 10.0 if scheme == "prelogits" else 5.0
            found[scheme] = Optimizer("released", asked["evaluations"], rate)
        else:
            found[scheme] = Optimizer("optimal")
    return found
