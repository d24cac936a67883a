"""Reduced precision is off by default, applied on request, and ends with the call."""

from __future__ import annotations

import pytest
import torch

from fringe.errors import FringeError
from fringe.networks import load_network
from fringe.sources import PhotoSource


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.from_numpy(PhotoSource(4, 64, 0).read(range(4))).permute(0, 3, 1, 2)


def test_bfloat16_changes_features_a_little_and_only_on_request(images: torch.Tensor) -> None:
    exact = load_network("untrained")(images).features
    coarse = load_network("untrained", precision="bfloat16")(images).features
    assert coarse.dtype == torch.float32
    error = (coarse - exact).abs().max() / exact.abs().max()
    # 8 significant bits: about 2^-9 in each product, and means over space average that out.
    assert 1e-6 < error < 1e-2
    assert torch.equal(load_network("untrained")(images).features, exact)


def test_logits_of_a_network_with_reduced_precision_differ(images: torch.Tensor) -> None:
    """The head computes in float32: bfloat16 has 256 numbers between two powers of two."""
    logits = load_network("efficientnet-lite0", precision="bfloat16")(images).logits
    assert logits is not None
    assert all(len(row.unique()) > 990 for row in logits)


def test_threads_compute_in_the_same_precision(images: torch.Tensor) -> None:
    network = load_network("untrained", precision="bfloat16")
    many = images.repeat(5, 1, 1, 1)  # more than one part
    threads = torch.get_num_threads()
    try:
        results = [(torch.set_num_threads(n), network(many).features)[1] for n in (1, 2)]
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*results)


def test_tf32_applies_only_within_the_call(
    images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load_network("untrained", precision="tf32")
    seen = []
    forward = network.forward

    def note(batch: torch.Tensor) -> object:
        seen.append((torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32))
        return forward(batch)

    object.__setattr__(network, "forward", note)
    before = (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)
    network(images)
    assert seen == [(True, True)]
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == before
    object.__setattr__(network, "precision", "float32")
    network(images)
    assert seen[1] == (False, False)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(
        FringeError, match="unknown precision 'half'; choose one of float32, tf32, bfloat16"
    ):
        load_network("untrained", precision="half")
