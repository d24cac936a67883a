"""A forward pass, compiled by PyTorch's compiler."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fringe.errors import FringeError
from fringe.generators.base import Inputs

__all__ = ["OPTIONS", "compiled"]

# Values in float16 are rounded where the code says so. Without this the compiler keeps them in
# float32 within a pass: in a small StyleGAN2 on a CPU, 5 % of the pixels differ then, in place of
# 0.2 %.
OPTIONS: dict[str, bool] = {"emulate_precision_casts": True}


def compiled(forward: Callable[[Inputs], Tensor]) -> Callable[[Inputs], Tensor]:
    """Return ``forward``, compiled when it is first called.

    Parameters
    ----------
    forward : callable
        From `Inputs` to float32 images (N, C, H, W). It must be one graph: it takes no decision by
        the values of its tensors.

    Raises
    ------
    FringeError
        By what is returned, if the compiler does not work.
    """
    from torch._dynamo.exc import TorchDynamoException

    fast = torch.compile(forward, fullgraph=True, options={**OPTIONS})

    def called(inputs: Inputs) -> Tensor:
        try:
            return fast(inputs)
        except TorchDynamoException as error:
            # Its first line says which compiler it was, the second what is wrong.
            reason = " ".join(str(error).strip().splitlines()[:2]) or type(error).__name__
            raise FringeError(
                f"`fused`: PyTorch's compiler cannot compile the generator ({reason}); install a "
                "C++ compiler and, for a GPU, Triton, or leave `fused` out"
            ) from error

    return called
