"""Models of the timm library as networks: ``timm:<model>``.

Features are the result of timm's ``forward_head(..., pre_logits=True)``: the class token, the mean
of patch tokens or of maps, or the result of attention pooling, depending on the model. ``@token``
and ``@avg`` select timm's other pooling of the same normalized tokens. ``@projected`` selects the
output of a head that is not a classifier. The logits of a classifier are the output of its head.
Images are prepared as in the model's configuration (`fringe.networks.timm_pixels`).

The weight file is a safetensors file, which timm reads: a file of timm on the Hugging Face hub, or
another file with the same names of tensors. No other format is read, so nothing is executed.

The parts of an image that a model uses can be shown if features are computed from maps or patch
tokens. If features are exactly the mean of these, they are the maps of the network. Otherwise, the
network is split there. The attention of the last block computes the features of a class token. So a
plain vision transformer is split before that attention, as in `fringe.networks.tokens`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fringe.checkpoints import kind_of
from fringe.errors import FringeError
from fringe.networks.base import Activations, FeatureNetwork
from fringe.networks.cpu_batches import by_parts
from fringe.networks.pooling import pooled
from fringe.networks.timm_catalogue import TimmModel, class_names, describe, timm_version
from fringe.networks.timm_endings import built, chosen, ending_of
from fringe.networks.timm_names import read_name
from fringe.networks.timm_pixels import preparation
from fringe.networks.weight_files import sha256_of

__all__ = ["load"]

# Images at a time on a CPU: few enough for their maps to stay in its cache; 1 for a large model.
CPU_IMAGES = 4
LARGE = 15  # 10^9 multiply-adds for an image


def load(name: str, weight_file: Path | None, device: torch.device) -> FeatureNetwork:
    """Return a model of timm; see ``fringe.networks.load_network``.

    Raises
    ------
    FringeError
        If timm is not installed or does not have the model, or the file is not a safetensors file
        or does not contain the model's weights.
    """
    about, parts = describe(name), read_name(name)
    if weight_file is None:
        raise FringeError(
            f"network {name!r}: the Hugging Face hub has no weight file of {about.model} for timm; "
            f"name a file in the configuration: `weights: {{{name}: <file>.safetensors}}`"
        )
    digest = sha256_of(weight_file, name)
    model = _filled(about, weight_file, name)
    chosen(model, parts.choice, name)
    prepare = preparation(_data_config(model), name)
    is_projected = parts.choice == "projected"
    ending = ending_of(model, about.last)
    linear = None if about.n_classes is None or is_projected else _linear_head(model, about)
    has_all = about.n_classes is None or linear is not None
    is_mean = has_all and not is_projected and ending is not None and _is_mean(model, about)
    model.to(device).to(memory_format=torch.channels_last)
    at_a_time = CPU_IMAGES if about.giga_macs < LARGE else 1

    def activations(last: Tensor) -> Activations:
        if is_projected:
            return Activations(model.forward_head(last).float())
        features = model.forward_head(last, pre_logits=True).float()
        if about.n_classes is None:
            return Activations(features)
        if linear is None:
            return Activations(features, model.forward_head(last).float())
        with torch.autocast(features.device.type, enabled=False):
            return Activations(features, linear(features))

    def compute(images: Tensor) -> Activations:
        if is_mean and ending is not None:
            _, maps = ending.start(prepare(images))
            return pooled(maps, linear)
        return activations(model.forward_features(prepare(images)))

    def forward(images: Tensor) -> Activations:
        return by_parts(compute, images, at_a_time)

    def split(images: Tensor) -> tuple[Tensor, Callable[[Tensor], Activations]]:
        assert ending is not None  # otherwise the network has no `split`
        prefix, maps = ending.start, ending.finish

        def begin(images: Tensor) -> Activations:
            others, patches = prefix(prepare(images))
            return Activations(others.flatten(1), maps=patches)

        others, _, patches = by_parts(begin, images, at_a_time)
        assert patches is not None  # `begin` returns maps
        tokens = others.reshape(len(others), -1, patches.shape[1])
        return patches, lambda changed: activations(maps(tokens, changed))

    return FeatureNetwork(
        name,
        about.feature_dim,
        class_names(about),
        digest,
        device,
        forward,
        classifier=None if linear is None else linear.weight,
        split=split if ending is not None and not is_mean else None,
        attributes={"timm": timm_version(), "pooling": about.pooling},
    )


def _probe(about: TimmModel) -> Tensor:
    """Return random numbers in the shape of the input of a model's head."""
    assert about.last is not None  # the model can be cut, or its head is one layer
    return torch.randn(about.last, generator=torch.Generator().manual_seed(0))


def _is_mean(model: Any, about: TimmModel) -> bool:
    """Return whether the features of the head are exactly the mean of the last maps."""
    probe = _probe(about)
    with torch.inference_mode():
        features = model.forward_head(probe, pre_logits=True)
        maps = probe
        if probe.ndim == 3:
            maps = probe[:, model.num_prefix_tokens :].transpose(1, 2)[..., None]
        elif getattr(model, "output_fmt", "NCHW") == "NHWC":
            maps = probe.permute(0, 3, 1, 2)
        return features.shape == maps.shape[:2] and torch.allclose(
            features, maps.mean((2, 3)), rtol=1e-5, atol=1e-6
        )


def _linear_head(model: Any, about: TimmModel) -> nn.Linear | None:
    """Return the linear layer from features to logits, if the head consists of only this layer."""
    head = model.get_classifier()
    if not isinstance(head, nn.Linear) or about.last is None:
        return None
    probe = _probe(about)
    with torch.inference_mode():
        features, logits = model.forward_head(probe, pre_logits=True), model.forward_head(probe)
        if features.shape[1] != head.in_features:
            return None
        found = head(features)
        is_all = torch.allclose(found, logits, rtol=1e-5, atol=1e-5 * float(logits.abs().max()))
    return head if is_all else None


def _data_config(model: Any) -> dict[str, Any]:
    from timm.data.config import resolve_data_config

    found: dict[str, Any] = resolve_data_config(  # type: ignore[no-untyped-call]
        pretrained_cfg=model.pretrained_cfg
    )
    return found


def _filled(about: TimmModel, weight_file: Path, network: str) -> Any:
    """Return the model with the tensors of a weight file, in float32 on the CPU."""
    from timm.models import get_pretrained_cfg

    if kind_of(weight_file) != "safetensors" or weight_file.suffix != ".safetensors":
        raise FringeError(
            f"{weight_file}: network {network!r} needs a safetensors file whose name ends with "
            ".safetensors, because reading it executes nothing; save the weights with "
            "safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')"
        )
    config: Any = get_pretrained_cfg(about.model)
    source = {"file": str(weight_file), "custom_load": False, "hf_hub_id": None, "url": None}
    try:
        model = built(
            about.model, config.num_classes, pretrained=True, pretrained_cfg_overlay=source
        )
    except Exception as error:  # the errors of timm's loaders differ between models
        raise FringeError(
            f"{weight_file}: not the weights of network {network!r}: {_shortened(str(error))}; "
            f"name a file of {about.model} that has timm's names of tensors"
        ) from error
    model = model.float()
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not all(end.isfinite() for end in tensor.aminmax()):
            raise FringeError(
                f"{weight_file}: tensor {name!r} of network {network!r} holds NaN or infinite "
                "values: the training diverged or the file is damaged; choose another file, or "
                "fetch it again"
            )
    return model


def _shortened(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= 400 else f"{one_line[:400]} ..."
