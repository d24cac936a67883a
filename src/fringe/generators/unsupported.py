"""Explain why a checkpoint without a known generator is not supported, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fringe.checkpoints import Record, listed

__all__ = ["SUPPORTED", "explain"]

SUPPORTED = (
    "supported are StyleGAN2-ADA and Projected GAN network pickles, safetensors files that "
    "fringe.generators.convert wrote, and TorchScript"
)
_WITHOUT_CODE = (
    "tensors without the code that makes images from them; export the generator as TorchScript: "
    "torch.jit.script(G).save('g.pt')"
)
# The lowest version of a TensorFlow network pickle that NVIDIA's converter reads: StyleGAN2.
_CONVERTED = 4


def explain(tree: Any) -> str:
    """Return a message that completes "<path>: ...".

    Parameters
    ----------
    tree : object
        A result of `fringe.checkpoints.read_pickle` that is neither a known generator, nor a dict
        with a known generator as ``G_ema``.
    """
    entries = tree if isinstance(tree, Mapping) else {}
    parts = tree if isinstance(tree, (list, tuple)) else [tree, *entries.values()]
    for part in parts:
        if isinstance(part, Record) and part.module in ("dnnlib.tflib.network", "tfutil"):
            return _of_tensorflow(part.state.get("version"))
    network = entries.get("G_ema", tree)
    if isinstance(network, Record):
        return f"contains {network.title}; {SUPPORTED}"
    if not entries:
        return f"contains a {type(tree).__name__} and no generator G_ema; {SUPPORTED}"
    states = [key for key, value in entries.items() if _is_state(value)]
    if "g_ema" in states:
        return (
            "is a checkpoint of rosinality's stylegan2-pytorch or of a fork of it: its 'g_ema' "
            f"contains {_WITHOUT_CODE}"
        )
    if states or _is_state(entries):
        what = f"state dicts {listed(states)}" if states else f"a state dict of {listed(entries)}"
        return f"contains {what}: {_WITHOUT_CODE}"
    records = any(isinstance(value, Record) for value in entries.values())
    save = ", or save your network again as {'G_ema': G}" if records else ""
    return f"contains a dict of {listed(entries)} and no generator G_ema; {SUPPORTED}{save}"


def _of_tensorflow(version: Any) -> str:
    if isinstance(version, int) and version < _CONVERTED:
        return (
            "is a network pickle of Progressive GAN or of the first StyleGAN, for TensorFlow; "
            "render its images with its original code, and name the folder of the images"
        )
    return (
        "is a network pickle of StyleGAN2 for TensorFlow; convert it with legacy.py of NVIDIA's "
        "stylegan2-ada-pytorch: python legacy.py --source=old.pkl --dest=new.pkl"
    )


def _is_state(value: Any) -> bool:
    import torch

    return isinstance(value, Mapping) and any(
        isinstance(item, torch.Tensor) for item in value.values()
    )
