"""Compile a forward pass with PyTorch's compiler."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fringe.errors import FringeError
from fringe.generators.base import Inputs

__all__ = ["OPTIONS", "compiled"]

# Round values to float16 wherever the code does. Without this option, the compiler keeps them in
# float32 within a pass. In a small StyleGAN2 on a CPU, 5 % of the pixels then differ, not 0.2 %.
OPTIONS: dict[str, bool] = {"emulate_precision_casts": True}


def compiled(forward: Callable[[Inputs], Tensor]) -> Callable[[Inputs], Tensor]:
    """Return ``forward``, compiled at the first call.

    Parameters
    ----------
    forward : callable
        Maps `Inputs` to float32 images (N, C, H, W). It must be one graph: no branch may depend on
        the values of tensors.

    Raises
    ------
    FringeError
        Raised by the returned function if the compiler does not work.
    """
    from torch._dynamo.exc import TorchDynamoException

    fast = torch.compile(forward, fullgraph=True, options={**OPTIONS})

    def called(inputs: Inputs) -> Tensor:
        try:
            return fast(inputs)
        except TorchDynamoException as error:
            # The first line of the message names the compiler, and the second states the reason.
            reason = " ".join(str(error).strip().splitlines()[:2]) or type(error).__name__
            raise FringeError(
                f"`fused`: PyTorch's compiler cannot compile the generator ({reason}); install a "
                "C++ compiler and, for a GPU, Triton, or leave `fused` out"
            ) from error

    return called
