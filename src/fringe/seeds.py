"""Random streams that depend only on a seed and on labels for their purpose."""

import hashlib

import numpy as np

__all__ = ["random_stream"]


def random_stream(seed: int, *labels: str | int) -> np.random.Generator:
    """Return the random generator for ``seed`` and ``labels``.

    Two streams with different labels are independent, so no result depends on the order in which
    results are computed. Labels name the draw, for example ``("draw", "top1", 3)``.
    """
    digest = hashlib.sha256("\0".join(map(str, labels)).encode()).digest()
    words = np.frombuffer(digest[:16], dtype="<u4").astype(np.uint32)
    return np.random.default_rng([seed, *words.tolist()])
