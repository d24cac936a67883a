"""The bits of an image's features depend only on the image."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from fringe.networks import load_network, network_names, network_weight_files


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    "name", [name for name in network_names() if not network_weight_files(name)]
)
def test_bits_do_not_depend_on_the_batch_or_the_number_of_threads(name: str, threads: None) -> None:
    network = load_network(name)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (11, 3, 96, 96), dtype=torch.uint8, generator=generator)
    torch.set_num_threads(1)
    whole = network(images)
    for count, size in ((1, 1), (2, 11), (3, 3)):
        torch.set_num_threads(count)
        batches = [network(batch) for batch in torch.split(images, size)]
        assert torch.get_num_threads() == count
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == count
        assert torch.equal(torch.cat([batch.features for batch in batches]), whole.features)
        for batch, first in zip(batches, range(0, 11, size), strict=True):
            for space in ("logits", "maps"):
                part, of = getattr(batch, space), getattr(whole, space)
                assert part is of is None or torch.equal(part, of[first : first + size])
