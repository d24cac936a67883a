"""Where networks run."""

import sys

__all__ = ["choose_device"]


def choose_device(device: str) -> str:
    """Return a PyTorch device for the configured ``device``, and set PyTorch up for it.

    ``auto`` takes a GPU where there is one, else the CPU, and says so. On the CPU one thread is
    used: the last bits of a convolution depend on the number of threads, and results must not
    depend on the machine's cores.
    """
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cpu":
            print("warning: no GPU is available, so networks run on the CPU", file=sys.stderr)
    if device == "cpu":
        torch.set_num_threads(1)
    return device
