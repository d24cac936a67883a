"""The registry of networks, with the facts that are known without loading them.

A new network needs one module with a loader, one entry in ``NETWORKS`` and one line in
docs/networks.md (``tests/recipes/network.yaml``). ``timm:<model>`` is any model of the timm
library. A network outside this package is a "module:function", or a name that an installed package
gives to such a function with an entry point of the group ``fringe.networks``.
"""

from __future__ import annotations

import math
import os
import re
import sys
import warnings
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fringe.devices.choice import open_device
from fringe.errors import FringeError
from fringe.files.regular import fault_at
from fringe.files.steadiness import steady
from fringe.networks import published
from fringe.networks.base import PRECISIONS, FeatureNetwork, NetworkInfo, Precision
from fringe.networks.class_names import tensorflow_classes, torchvision_classes
from fringe.networks.installed import import_module, only_installed, refuse_outside
from fringe.networks.timm_catalogue import class_names, describe, weight_files_of
from fringe.networks.timm_names import family_of, is_timm, read_name, trained_on
from fringe.networks.training import training
from fringe.networks.weight_files import WeightFile, fetch, find, mismatch, weight_folder

if TYPE_CHECKING:
    import torch

__all__ = [
    "family",
    "fetch_weight_file",
    "file_name",
    "is_own_code",
    "is_timm",
    "load_network",
    "network_classes",
    "network_info",
    "network_names",
    "network_titles",
    "network_weight_files",
    "only_installed",
    "stated_title",
    "stated_training",
]


@dataclass(frozen=True)
class _Entry:
    """The registered facts about a network.

    ``loader`` is "module:function". The function takes (weight file or None, device), and before
    these the name of the network if the function loads a family. ``weight_files`` are the published
    weight files of the network. Each of them can be used, and the first is fetched if none exists.
    """

    info: NetworkInfo
    loader: str
    weight_files: tuple[WeightFile, ...] = ()
    is_family: bool = False


def _entry_of(
    title: str,
    feature_dim: int,
    n_classes: int | None,
    giga_macs: float,
    loader: str,
    trained_on: str,
    weight_files: tuple[WeightFile, ...] = (),
    revision: int = 1,
    maps: bool = True,
) -> _Entry:
    info = NetworkInfo(feature_dim, n_classes, revision, maps, trained_on, title, giga_macs)
    return _Entry(info, f"fringe.networks.{loader}", weight_files)


LABELS, IMAGES, LVD = "ImageNet-1k labels", "ImageNet-1k images", "LVD-142M images"

# Title, features, classes, 10^9 multiply-adds, loader, training, weight files, and whether the
# network has maps.
# Add or increase a revision when the same images would give other features. Multiply-adds are those
# that the networks' authors state (timm and torchvision list them). Those of `untrained` and
# scattering are derived from their speed relative to EfficientNet-Lite0.
NETWORKS = {
    "inception": _entry_of(
        "Inception-V3", 2048, 1008, 5.7, "inception:load", LABELS, published.INCEPTION
    ),
    "inception-clean": _entry_of(
        "Inception-V3, clean-fid's resize",
        2048,
        1008,
        5.7,
        "inception_variants:load_clean",
        LABELS,
        published.INCEPTION,
    ),
    "inception-pytorch-fid": _entry_of(
        "Inception-V3, pytorch-fid's resize",
        2048,
        1008,
        5.7,
        "inception_variants:load_pytorch_fid",
        LABELS,
        published.INCEPTION,
    ),
    "inception-spatial": _entry_of(
        "Inception-V3, spatial",
        2023,
        None,
        3.6,
        "inception_variants:load_spatial",
        LABELS,
        published.INCEPTION,
    ),
    "inception-torchvision": _entry_of(
        "Inception-V3 of torchvision",
        2048,
        1000,
        5.7,
        "inception_torchvision:load",
        LABELS,
        published.INCEPTION_TORCHVISION,
    ),
    "resnet50": _entry_of(
        "ResNet-50", 2048, 1000, 4.1, "resnet50:load", LABELS, published.RESNET50
    ),
    "swav": _entry_of("SwAV", 2048, None, 4.1, "resnet50:load_swav", IMAGES, published.SWAV),
    "clip": _entry_of("CLIP", 512, None, 4.4, "clip:load", "image-text pairs", published.CLIP),
    "clip-l14-336": _entry_of(
        "CLIP ViT-L/14 at 336, projected",
        768,
        None,
        191.0,
        "clip:load_l14_336",
        "image-text pairs",
        published.CLIP_L14_336,
    ),
    "vgg16": _entry_of(
        "VGG-16 of torchvision", 4096, None, 15.5, "vgg16:load", LABELS, published.VGG16, maps=False
    ),
    "vgg16-nvidia": _entry_of(
        "VGG-16 of NVIDIA",
        4096,
        None,
        15.5,
        "vgg16:load_nvidia",
        LABELS,
        published.VGG16_NVIDIA,
        maps=False,
    ),
    "dinov2-b": _entry_of(
        "DINOv2 ViT-B", 768, None, 23.0, "dinov2:load_b", LVD, published.DINOV2_B
    ),
    "dinov2-l": _entry_of(
        "DINOv2 ViT-L", 1024, None, 81.0, "dinov2:load_l", LVD, published.DINOV2_L
    ),
    "dinov2-b-edm2": _entry_of(
        "DINOv2 ViT-B, EDM2's resize",
        768,
        None,
        23.0,
        "dinov2:load_b_edm2",
        LVD,
        published.DINOV2_B,
    ),
    "dinov2-l-edm2": _entry_of(
        "DINOv2 ViT-L, EDM2's resize",
        1024,
        None,
        81.0,
        "dinov2:load_l_edm2",
        LVD,
        published.DINOV2_L,
    ),
    "efficientnet-lite0": _entry_of(
        "EfficientNet-Lite0", 1280, 1000, 0.4, "efficientnet_lite0:load", LABELS
    ),
    "untrained": _entry_of(
        "untrained", 102, None, 0.03, "untrained:load", "random weights", maps=False
    ),
    "scattering": _entry_of(
        "scattering", 32, None, 0.3, "scattering:load", "scale of photographs", maps=False
    ),
    "scattering-aligned": _entry_of(
        "scattering, aligned",
        64,
        None,
        0.3,
        "scattering:load_aligned",
        "scale of photographs",
        maps=False,
    ),
}


# Number of logits -> names of the classes of ILSVRC, in the order of the networks above.
_ORDERS = {1000: torchvision_classes, 1008: tensorflow_classes}


def network_names() -> tuple[str, ...]:
    """Return the names of the networks that are part of Fringe.

    Returns
    -------
    tuple of str
        Without the networks of timm and of other packages.

    Examples
    --------
    >>> from fringe.networks import network_names
    >>> network_names()[:3]
    ('inception', 'inception-clean', 'inception-pytorch-fid')
    """
    return tuple(NETWORKS)


def file_name(network: str) -> str:
    """Return the name of a network in paths, which must not contain the colon of "module:function".

    Parameters
    ----------
    network : str
        Name of a network; see `load_network`.

    Returns
    -------
    str
        The name with every ":" and "@" replaced by ".".

    Examples
    --------
    >>> from fringe.networks import file_name
    >>> file_name("mine:network")
    'mine.network'
    >>> file_name("timm:vit_large_patch16_224.mae@avg")
    'timm.vit_large_patch16_224.mae.avg'
    """
    return network.replace(":", ".").replace("@", ".")


def is_own_code(network: str) -> bool:
    """Return whether a name is a "module:function", the code of a user.

    Parameters
    ----------
    network : str
        Name of a network; see `load_network`.

    Returns
    -------
    bool
        False for networks of Fringe and of timm, and for entry points.

    Examples
    --------
    >>> from fringe.networks import is_own_code
    >>> is_own_code("mine:network"), is_own_code("timm:resnet18.a1_in1k"), is_own_code("clip")
    (True, False, False)
    """
    return ":" in network and not is_timm(network)


def stated_training(network: str) -> str | None:
    """Return the training that follows from a network's name, without loading anything.

    Parameters
    ----------
    network : str
        Name of a network; see `load_network`.

    Returns
    -------
    str or None
        One of `fringe.networks.training.TRAININGS`; None for a "module:function", or if unknown.

    Examples
    --------
    >>> from fringe.networks import stated_training
    >>> stated_training("clip"), stated_training("mine:network")
    ('image-text pairs', None)
    """
    if is_timm(network):
        return trained_on(read_name(network).model)
    return NETWORKS[network].info.trained_on if network in NETWORKS else None


def stated_title(network: str) -> str:
    """Return the title that follows from a network's name; otherwise the name itself.

    Parameters
    ----------
    network : str
        Name of a network; see `load_network`.

    Returns
    -------
    str
        The name itself for a "module:function" and an entry point.

    Examples
    --------
    >>> from fringe.networks import stated_title
    >>> stated_title("dinov2-l"), stated_title("mine:network")
    ('DINOv2 ViT-L', 'mine:network')
    """
    if is_timm(network):
        return read_name(network).title
    title = NETWORKS[network].info.title if network in NETWORKS else None
    return title or network


def family(network: str) -> str:
    """Return the family of a network; networks of one family are likely to see the same.

    Parameters
    ----------
    network : str
        Name of a network; see `load_network`.

    Returns
    -------
    str
        The name up to the first "-", the module of a "module:function", or the family in the name
        of a timm model.

    Examples
    --------
    >>> from fringe.networks import family
    >>> family("dinov2-l"), family("timm:vit_large_patch14_dinov2.lvd142m"), family("mine:network")
    ('dinov2', 'dinov2', 'mine')
    """
    if is_timm(network):
        return family_of(network)
    return network.partition(":" if ":" in network else "-")[0]


def network_info(name: str) -> NetworkInfo:
    """Return the `NetworkInfo` of a network, without loading the network.

    For a network of Fringe, nothing is imported, and in particular not PyTorch. For a
    "module:function", the module is imported, and the attribute ``info`` of the function is
    returned. For a model of timm, timm is imported the first time, and the result is cached.

    Parameters
    ----------
    name : str
        Name of a network; see `load_network`.

    Returns
    -------
    NetworkInfo
        Sizes, revision, training, title and multiply-adds of the network.

    Raises
    ------
    FringeError
        If the network does not exist, or its function has no valid ``info``.

    Examples
    --------
    >>> from fringe.networks import network_info
    >>> info = network_info("inception")
    >>> info.feature_dim, info.n_classes, info.trained_on
    (2048, 1008, 'ImageNet-1k labels')
    """
    return _entry(name).info


def network_titles(names: Iterable[str] = NETWORKS) -> dict[str, str]:
    """Return the titles of networks by name, without those that have no title.

    Parameters
    ----------
    names : iterable of str
        Names of networks; by default those of Fringe.

    Returns
    -------
    dict of str to str
        Names to titles.

    Raises
    ------
    FringeError
        If a network does not exist.

    Examples
    --------
    >>> from fringe.networks import network_titles
    >>> network_titles(["clip", "swav"])
    {'clip': 'CLIP', 'swav': 'SwAV'}
    """
    found = {name: network_info(name).title for name in names}
    return {name: title for name, title in found.items() if title is not None}


def network_classes(name: str) -> tuple[str, ...] | None:
    """Return the names of a network's classes by number, without loading the network or PyTorch.

    Parameters
    ----------
    name : str
        Name of a network; see `load_network`.

    Returns
    -------
    tuple of str, or None
        None for a network without classes, and for a "module:function" whose function has no
        attribute ``class_names``.

    Raises
    ------
    FringeError
        If the network does not exist, or its numbers of classes and of names differ.

    Examples
    --------
    >>> from fringe.networks import network_classes
    >>> network_classes("resnet50")[:2], network_classes("clip")
    (('tench', 'goldfish'), None)
    """
    entry = _entry(name)
    n_classes = entry.info.n_classes
    if name in NETWORKS:
        return None if n_classes is None else _ORDERS[n_classes]()
    if is_timm(name):
        return class_names(describe(name))
    names = getattr(_function(entry.loader), "class_names", None)
    if names is not None and len(names) != n_classes:
        raise FringeError(
            f"network {name!r}: its function has {len(names)} `class_names`, but `info` says "
            f"{n_classes} classes; correct one of them"
        )
    return None if names is None else tuple(names)


def network_weight_files(name: str) -> tuple[WeightFile, ...]:
    """Return the published weight files of a network, each of which can be used.

    Parameters
    ----------
    name : str
        Name of a network; see `load_network`.

    Returns
    -------
    tuple of WeightFile
        Empty for a network that needs no weight file. The first file is fetched if none exists.

    Raises
    ------
    FringeError
        If the network does not exist.

    Examples
    --------
    >>> from fringe.networks import network_weight_files
    >>> [file.name for file in network_weight_files("vgg16")], network_weight_files("untrained")
    (['vgg16-397923af.pth'], ())
    """
    return _entry(name).weight_files


def fetch_weight_file(name: str, folder: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the path of a network's weight file in ``folder``, and download it if it is missing.

    Parameters
    ----------
    name : str
        Name of the network; see `load_network`.
    folder : path, optional
        Folder of weight files; by default ``$FRINGE_WEIGHTS``, or ``~/.cache/fringe/weights`` if
        that variable is not set.

    Returns
    -------
    Path or None
        None for a network that needs no weight file.

    Raises
    ------
    FringeError
        If the network does not exist, no address answers, or the file is not the published one.

    Examples
    --------
    >>> from fringe.networks import fetch_weight_file
    >>> fetch_weight_file("vgg16", "data/weights")  # doctest: +SKIP
    PosixPath('data/weights/vgg16-397923af.pth')
    >>> fetch_weight_file("untrained") is None
    True
    """
    files = network_weight_files(name)
    if not files:
        return None
    place = weight_folder() if folder is None else Path(folder)
    found = find(files, place)
    return fetch(files[0] if found is None else found[0], place, name)


def load_network(
    name: str,
    weight_file: str | os.PathLike[str] | None = None,
    device: str | torch.device = "cpu",
    *,
    precision: Precision = "float32",
) -> FeatureNetwork:
    """Return the network with this ``name``, ready to compute on ``device``.

    Parameters
    ----------
    name : str
        One of `network_names`; ``timm:<model>`` (`fringe.networks.timm_names`); an entry point of
        the group ``fringe.networks``; or "module:function" for a network of your own. Such a
        function takes ``(weight_file: Path | None, device: torch.device)`` and returns a
        `FeatureNetwork`. It has an attribute ``info``, a `NetworkInfo` or a tuple of its values:
        ``(feature_dim, n_classes or None, revision)``, then optionally ``maps``, ``trained_on``,
        ``title`` and ``giga_macs``. An optional attribute ``class_names`` lists the names of its
        classes, which are then known before the network is loaded.
    weight_file : path, optional
        A local weight file. A file that was not published for this network is used with a warning.
        By default, the file of `fetch_weight_file` is used, which is downloaded if it is missing.
    device : str or torch.device
        "cpu", "cuda", "cuda:1", ...
    precision : {"float32", "tf32", "bfloat16"}
        See `FeatureNetwork`.

    Returns
    -------
    FeatureNetwork
        The network, to be called with uint8 images (N, 3, H, W).

    Raises
    ------
    FringeError
        If the network, the device or the precision does not exist, or the weight file cannot be
        downloaded or read.

    Examples
    --------
    >>> import torch
    >>> from fringe.networks import load_network
    >>> network = load_network("scattering")
    >>> images = torch.zeros(2, 3, 64, 64, dtype=torch.uint8)
    >>> activations = network(images)
    >>> tuple(activations.features.shape), activations.features.dtype
    ((2, 32), torch.float32)
    """
    entry = _entry(name)
    if precision not in PRECISIONS:
        raise FringeError(f"unknown precision {precision!r}; choose one of {', '.join(PRECISIONS)}")
    path = None if weight_file is None else Path(weight_file)
    if path is not None and (fault := fault_at(path)):
        raise FringeError(f"no such weight file for network {name!r}: {fault}")
    place = open_device(device)
    if path is None:
        path = fetch_weight_file(name)
    # So that the digest of the network belongs to the loaded content.
    with nullcontext() if path is None else steady(path):
        load = _function(entry.loader)
        network: FeatureNetwork = load(name, path, place) if entry.is_family else load(path, place)
    classes = None if network.class_names is None else len(network.class_names)
    if (network.feature_dim, classes) != entry.info[:2]:
        raise FringeError(
            f"network {name!r} has {network.feature_dim} features and {classes} classes, "
            f"but is registered with {entry.info[0]} and {entry.info[1]}; correct its `info`"
        )
    if name not in NETWORKS and network_classes(name) not in (None, network.class_names):
        raise FringeError(
            f"network {name!r} has class names that differ from the `class_names` of its function; "
            "make them equal"
        )
    if path is not None and mismatch(path, network.weight_file_sha256, entry.weight_files):
        warnings.warn(
            f"{path}: not a weight file that was published for network {name!r} (SHA-256 "
            f"{network.weight_file_sha256}): its features are not comparable with published ones",
            stacklevel=2,
        )
    return network if precision == "float32" else replace(network, precision=precision)


def _entry(name: str) -> _Entry:
    if name in NETWORKS:
        return NETWORKS[name]
    if is_timm(name):
        return _entry_of_timm(name)
    installed = _installed(tuple(sys.path))
    reference = installed.get(name, name)
    if name in installed and not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name, re.ASCII):
        raise FringeError(
            f"network {name!r}: a package gives a network this name, but names of files contain "
            "the name, which may only have letters, digits, -, _ and .; write "
            f"{reference!r}"
        )
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", reference, re.ASCII):
        names = [*NETWORKS, *installed]
        near = get_close_matches(name.lower(), names, 3)
        similar = f"similar names: {', '.join(near)}; " if near else ""
        raise FringeError(
            f"unknown network {name!r}; {similar}the networks are {', '.join(names)}, "
            '"timm:<model>", or "module:function" for a network of your own'
        )
    refuse_outside(f"network {name!r}", reference)
    try:
        info = NetworkInfo(*_function(reference).info)
    except (AttributeError, TypeError) as error:
        raise FringeError(
            f"network {name!r}: its function needs an attribute "
            f"`info = (feature_dim, n_classes or None, revision)` ({error})"
        ) from error
    try:
        training(info.trained_on)
    except FringeError as error:
        raise FringeError(f"network {name!r}: the fifth value of its `info`: {error}") from None
    title, macs = info.title, info.giga_macs
    if title is not None and not (isinstance(title, str) and title.strip()):
        raise FringeError(
            f"network {name!r}: the sixth value of its `info`: {title!r} is not a title; give a "
            "short text, or None"
        )
    is_number = isinstance(macs, (int, float)) and not isinstance(macs, bool)
    if macs is not None and not (is_number and 0 < macs < math.inf):
        raise FringeError(
            f"network {name!r}: the seventh value of its `info`: {macs!r} is not a number of 10^9 "
            "multiply-adds for an image; give a number above 0, or None"
        )
    return _Entry(info, reference)


def _entry_of_timm(name: str) -> _Entry:
    refuse_outside(f"network {name!r}", name)
    about = describe(name)
    info = NetworkInfo(
        about.feature_dim,
        about.n_classes,
        1,
        about.maps,
        about.trained_on,
        read_name(name).title,
        about.giga_macs,
    )
    return _Entry(
        info, "fringe.networks.timm_networks:load", weight_files_of(about), is_family=True
    )


@lru_cache(maxsize=1)
def _installed(paths: tuple[str, ...]) -> dict[str, str]:
    """Return the networks of installed packages; cached because planning calls this often."""
    return {point.name: point.value for point in entry_points(group="fringe.networks")}


def _function(reference: str) -> Any:
    module, _, function = reference.partition(":")
    try:
        return getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise FringeError(
            f"network {reference!r} cannot be imported ({error}); install its package, put its "
            "file in the working folder, or put its folder on PYTHONPATH"
        ) from error
