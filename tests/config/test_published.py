"""Tests of catalogue names and published distances in a configuration."""

from typing import Any

import pytest

from fringe.config.completion import complete
from fringe.config.datasets import PublishedDistance
from fringe.config.published import published_in
from fringe.config.sources import FileSource
from fringe.sources.catalogue import catalogue


def config(**changes: Any) -> dict[str, Any]:
    sources: dict[str, Any] = {
        "real": {"path": "real.zip", "statistics": {"inception": "published:edm/cifar10"}},
        "fake": {"kind": "generator", "path": "published:stylegan2-ada/cifar10", "count": 20},
    }
    return {
        "run": "mine",
        "network": "inception",
        "controls": ["dinov2-l-edm2"],
        "data_dir": "/data",
        "sources": {name: source | changes.get(name, {}) for name, source in sources.items()},
        "datasets": {"a": {"real": "real", "generated": "fake"}},
    }


def faults(**changes: Any) -> list[str]:
    return complete(config(**changes)).faults


def test_path_address_count_and_licence_come_from_the_catalogue() -> None:
    written = config()
    completed = complete(written)
    assert completed.faults == []
    statistics = completed.config.sources["real"].statistics["inception"]
    assert statistics.path == "/data/data/published/edm/cifar10.npz"
    assert statistics.count == 50000
    assert statistics.url == catalogue()["edm/cifar10"].urls[0]
    assert statistics.licence == "CC BY-NC-SA 4.0"
    fake = completed.config.sources["fake"]
    assert isinstance(fake, FileSource)
    assert fake.path == "/data/data/published/stylegan2-ada/cifar10.pkl"
    assert fake.url == catalogue()["stylegan2-ada/cifar10"].urls[0]
    # The original configuration keeps the names.
    assert written == config()
    assert published_in(written) == {
        ("sources", "fake"),
        ("sources", "real", "statistics", "inception"),
    }


def test_written_keys_override_the_catalogue() -> None:
    given = {"path": "published:edm/cifar10", "count": 7, "url": "https://a.org/b"}
    own = {"url": "https://b.org/c.pkl", "sha256": "0" * 64, "licence": "ours"}
    completed = complete(config(real={"statistics": {"inception": given}}, fake=own))
    assert completed.faults == []
    statistics = completed.config.sources["real"].statistics["inception"]
    assert (statistics.count, statistics.url) == (7, "https://a.org/b")
    fake = completed.config.sources["fake"].plain()
    assert {key: fake[key] for key in own} == own


def test_a_section_with_a_published_path_needs_no_count() -> None:
    completed = complete(
        config(real={"statistics": {"dinov2-l-edm2": {"path": "published:edm2/imagenet512"}}})
    )
    assert completed.faults == []
    assert completed.config.sources["real"].statistics["dinov2-l-edm2"].count == 1281167


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"fake": {"path": "published:stylegan2-ada/cifar"}},
            "sources/fake/path: published:stylegan2-ada/cifar: the catalogue has no such name; "
            "the nearest are stylegan2-ada/cifar10",
        ),
        (
            {"fake": {"path": "published:edm/cifar10"}},
            "sources/fake/path: published:edm/cifar10: holds statistics, but a generator must",
        ),
        (
            {"real": {"statistics": {"inception": "published:edm/cifar"}}},
            "sources/real/statistics/inception: published:edm/cifar: the catalogue has no such",
        ),
        (
            {"real": {"statistics": {"dinov2-l-edm2": "published:edm/cifar10"}}},
            "sources/real/statistics/dinov2-l-edm2: published:edm/cifar10: has statistics of",
        ),
        (
            {"real": {"statistics": {"inception": "cifar10.npz"}}},
            "sources/real/statistics/inception: 'cifar10.npz' is not a section with keys",
        ),
        (
            {"real": {"path": "published:stylegan2-ada/cifar10"}},
            "sources/real/path: published:stylegan2-ada/cifar10: holds a generator, but images",
        ),
    ],
)
def test_an_unsuitable_name_is_one_fault(changes: dict[str, Any], said: str) -> None:
    (fault,) = faults(**changes)
    assert fault.startswith(said)


def stated(**changes: Any) -> list[str]:
    """Return the faults of a configuration with a published distance."""
    written = config()
    distance = {"value": 2.92, "source": "Somebody 2020"} | changes.pop("distance", {})
    network = changes.pop("network", "inception")
    written["datasets"]["a"] |= {"published": {network: distance}} | changes
    return complete(written).faults


def test_the_network_of_a_published_distance_must_be_measured() -> None:
    assert stated() == []
    assert stated(network="dinov2-l-edm2", distance={"std": 0, "n_real": 50000}) == []
    (fault,) = stated(network="clip")
    assert fault.startswith("datasets/a/published: clip is neither `network` nor a control")


def test_an_invalid_published_distance_is_refused() -> None:
    (fault,) = stated(distance={"value": 0})
    assert fault.startswith("datasets/a/published/inception/value: 0 is not greater than 0")
    (fault,) = stated(distance={"valeu": 3})
    assert "unknown key valeu" in fault
    faults = stated(resample=False)
    assert any(fault.startswith("datasets/a/published: only for resampled") for fault in faults)


def test_a_source_with_several_lines_becomes_one_line() -> None:
    written = config()
    distance = {"value": 3, "source": "Somebody\n  2020"}
    written["datasets"]["a"]["published"] = {"inception": distance}
    found = complete(written).config.datasets["a"].published
    assert found == {"inception": PublishedDistance(value=3, source="Somebody 2020")}
