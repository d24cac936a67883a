"""Grad-CAM (Selvaraju et al., ICCV 2017): the parts of an image that determine its class.

For a network that ends in average pooling and one linear layer, y = W f + b, the derivatives have a
closed form. For the logit of class c, dy_c/dA_ij^k = W_ck / (H W). For its probability,
dp_c/dA_ij^k = p_c (W_ck - sum_j p_j W_jk) / (H W).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from fringe.errors import FringeError
from fringe.metrics.arrays import as_numpy, as_tensor, is_tensor, require_finite

__all__ = ["class_activation_maps", "mean_activation_maps", "top_classes"]

Head = Callable[[Any], Any]
Score = Literal["probability", "logit"]


def class_activation_maps(
    maps: Any,
    head: Any,
    classes: Any,
    *,
    logits: Any = None,
    of: Score = "probability",
) -> Any:
    """Return Grad-CAM [1]_ of the given classes of each image.

    Grad-CAM is ReLU(sum_k alpha_k A^k), where alpha_k is the mean of the gradient over the places
    of map A^k.

    Parameters
    ----------
    maps : array (B, D, H, W)
        The last maps of the network.
    head : array (C, D), or callable
        The weights of the linear layer that computes logits from the mean of the maps. Or a
        function from ``maps`` (a torch tensor) to logits (B, C) that PyTorch can differentiate.
    classes : array (B, k), integers
        k classes for each image, from 0 to C - 1. `top_classes` finds the most probable classes.
    logits : array (B, C), optional
        Needed if ``head`` is an array and ``of`` is "probability".
    of : {"probability", "logit"}
        The number that is differentiated. The paper [2]_ uses probabilities.

    Returns
    -------
    array (B, k, H, W), float64
        A tensor if ``maps`` is a tensor.

    Raises
    ------
    FringeError
        If the shapes do not fit, or a class does not exist.

    References
    ----------
    .. [1] Selvaraju et al., ICCV 2017.
    .. [2] T. Kynkäänniemi et al., "The Role of ImageNet Classes in Fréchet Inception Distance",
       ICLR 2023.

    Examples
    --------
    >>> import numpy as np
    >>> maps = np.array([[[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]]])
    >>> head = np.array([[2.0, 0.0], [0.0, 1.0]])
    >>> class_activation_maps(maps, head, np.array([[0, 1]]), of="logit").tolist()
    [[[[0.5, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.25]]]]
    """
    A = as_tensor(maps)
    chosen = as_tensor(classes).long().to(A.device)
    if A.ndim != 4 or chosen.ndim != 2 or len(chosen) != len(A):
        raise FringeError(
            f"class activation maps: maps of shape {tuple(A.shape)} and classes of shape "
            f"{tuple(chosen.shape)}; give (B, D, H, W) and (B, k)"
        )
    if callable(head):
        found = _by_autograd(A, head, chosen, of)
    else:
        W = _layer_matrix(head, A)
        _require_classes(chosen, len(W))
        if of == "logit":
            slopes = W[chosen]
        else:
            p = _probabilities(logits, W, A)
            slopes = p.gather(1, chosen)[..., None] * (W[chosen] - (p @ W)[:, None])
        found = _weighted(A, slopes)
    return found if is_tensor(maps) else found.numpy()


def mean_activation_maps(maps: Any, head: Any, logits: Any) -> Any:
    """Return the mean of Grad-CAM [1]_ over all classes, weighted by their probabilities.

    Parameters
    ----------
    maps, head, logits
        As in `class_activation_maps`, but ``head`` must be an array.

    Returns
    -------
    array (B, H, W), float64
        A tensor if ``maps`` is a tensor.

    Raises
    ------
    FringeError
        If the shapes do not fit.

    References
    ----------
    .. [1] Selvaraju et al., ICCV 2017.

    Examples
    --------
    >>> import numpy as np
    >>> maps = np.array([[[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]]])
    >>> head = np.array([[2.0, 0.0], [0.0, 1.0]])
    >>> mean_activation_maps(maps, head, np.array([[0.5, 0.25]])).round(3).tolist()
    [[[0.069, 0.0], [0.0, 0.027]]]
    """
    import torch

    A = as_tensor(maps)
    W = _layer_matrix(head, A)
    p = _probabilities(logits, W, A)
    found = torch.stack(
        [
            (share @ _weighted(a[None], (share[:, None] * (W - share @ W))[None])[0].flatten(1))
            for a, share in zip(A, p, strict=True)
        ]
    )  # one image at a time, because each image has a map for every class
    found = found.reshape(len(A), *A.shape[2:])
    return found if is_tensor(maps) else found.numpy()


def top_classes(logits: Any, k: int = 3) -> tuple[Any, Any]:
    """Return the k most probable classes of each image, and their probabilities.

    If logits are equal, the lower class number comes first. If C is less than k, all C classes are
    returned.

    Parameters
    ----------
    logits : array (B, C)
    k : int

    Returns
    -------
    classes : integer array (B, k)
    probabilities : float64 array (B, k)
        Both are tensors if ``logits`` is a tensor.

    Raises
    ------
    FringeError
        If ``logits`` has another shape, or a logit is NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> classes, probabilities = top_classes(np.log([[0.2, 0.5, 0.3]]), k=2)
    >>> classes.tolist(), probabilities.round(3).tolist()
    ([[1, 2]], [[0.5, 0.3]])
    """
    scores = as_tensor(logits).double()
    if scores.ndim != 2:
        raise FringeError(f"top classes: logits of shape {tuple(scores.shape)}; give (B, C)")
    require_finite(as_numpy(scores), "logits")
    order = scores.sort(dim=1, descending=True, stable=True).indices[:, :k]
    shares = scores.softmax(1).gather(1, order)
    return (order, shares) if is_tensor(logits) else (order.numpy(), shares.numpy())


def _weighted(A: Any, slopes: Any) -> Any:
    """Return ReLU(sum_k alpha_k A^k), (B, k, H, W), from the slopes (B, k, D) of the features."""
    places = A.shape[2] * A.shape[3]
    sums = slopes / places @ A.double().flatten(2)
    return sums.relu().reshape(*sums.shape[:2], *A.shape[2:])


def _by_autograd(A: Any, head: Head, classes: Any, of: Score) -> Any:
    import torch

    with torch.inference_mode(mode=False), torch.enable_grad():
        # Clones, because tensors made in inference mode cannot be differentiated.
        maps, classes = A.clone().requires_grad_(), classes.clone()
        scores = head(maps).double()
        _require_classes(classes, scores.shape[1])
        scores = scores.softmax(1) if of == "probability" else scores
        found = []
        for chosen in classes.T:
            total = scores.gather(1, chosen[:, None]).sum()  # images do not affect each other
            (gradient,) = torch.autograd.grad(total, maps, retain_graph=True)
            alpha = gradient.double().mean((2, 3))
            found.append((alpha[:, None] @ A.double().flatten(2)).relu())
    return torch.cat(found, 1).reshape(len(A), -1, *A.shape[2:])


def _probabilities(logits: Any, W: Any, A: Any) -> Any:
    shape = None if logits is None else tuple(logits.shape)
    if shape != (len(A), len(W)):
        raise FringeError(
            f"class activation maps: logits of shape {shape} for {len(A)} images and {len(W)} "
            "classes; give (B, C)"
        )
    return as_tensor(logits).double().to(A.device).softmax(1)


def _layer_matrix(head: Any, A: Any) -> Any:
    W = as_tensor(head).double().to(A.device)
    if A.ndim != 4 or W.ndim != 2 or W.shape[1] != A.shape[1]:
        raise FringeError(
            f"class activation maps: a linear layer of shape {tuple(W.shape)} for maps of shape "
            f"{tuple(A.shape)}; give (C, D) and (B, D, H, W)"
        )
    return W


def _require_classes(chosen: Any, count: int) -> None:
    wrong = chosen[(chosen < 0) | (chosen >= count)]
    if len(wrong):
        raise FringeError(
            f"class activation maps: there is no class {int(wrong[0])} of {count}; give classes "
            f"from 0 to {count - 1}"
        )
