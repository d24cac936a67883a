"""The catalogue of public files: every entry is valid, and of a kind that Fringe reads."""

import re
from urllib.parse import urlsplit

import pytest

from fringe.errors import FringeError
from fringe.networks import network_info
from fringe.sources import catalogue as module
from fringe.sources.catalogue import FOLDER, PREFIX, catalogue, is_published, published
from fringe.sources.catalogue_texts import table

ENTRIES = catalogue()


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_is_valid(name: str) -> None:
    entry = ENTRIES[name]
    assert entry.name == name
    assert re.fullmatch("[a-z0-9-]+/[a-z0-9-]+", name)
    assert entry.kinds
    assert set(entry.kinds) <= {"statistics", "generator", "images"}
    for url in entry.urls:
        parts = urlsplit(url)
        assert parts.scheme in ("https", "http")
        assert parts.hostname
        assert not parts.query
        assert "//" not in parts.path
    # A repository, and a path inside it.
    assert re.fullmatch(r"[\w.-]+/[\w.-]+ \S+\.\w+( and \S+\.\w+)?", entry.found_in)
    assert entry.licence
    assert entry.protocol
    assert entry.title
    assert not entry.protocol.endswith(".")
    for digest, length in ((entry.sha256, 64), (entry.md5, 32)):
        assert digest is None or re.fullmatch(f"[0-9a-f]{{{length}}}", digest)
    assert (entry.sha256 is None) == (not entry.digest_in)
    assert entry.md5 is None or entry.sha256 is not None, "only the SHA-256 is verified"
    assert entry.resolution is None or entry.resolution in (32, 64, 128, 256, 512, 1024)


@pytest.mark.parametrize("name", [name for name in ENTRIES if "statistics" in ENTRIES[name].kinds])
def test_statistics_are_of_known_networks(name: str) -> None:
    entry = ENTRIES[name]
    assert entry.count is not None
    assert entry.count >= 2
    assert entry.networks
    # If a file has several networks, the number of features identifies the network.
    dims = [network_info(network).feature_dim for network in entry.networks]
    assert len(set(dims)) == len(dims)
    assert entry.path.endswith((".npz", ".pkl"))


@pytest.mark.parametrize("name", [name for name in ENTRIES if "generator" in ENTRIES[name].kinds])
def test_generators_are_network_pickles_of_supported_families(name: str) -> None:
    entry = ENTRIES[name]
    assert entry.path.endswith(".pkl")
    assert name.partition("/")[0] in ("stylegan2-ada", "projected-gan")
    assert entry.networks == ()


def test_entries_have_distinct_addresses_and_paths() -> None:
    addresses = [url for entry in ENTRIES.values() for url in entry.urls]
    places = [entry.path for entry in ENTRIES.values()]
    assert len(set(addresses)) == len(addresses)
    assert len(set(places)) == len(places)
    assert all(place.startswith(f"{FOLDER}/") for place in places)


def test_the_cifar10_generator_is_the_unconditional_one() -> None:
    assert (
        ENTRIES["stylegan2-ada/cifar10"]
        .urls[0]
        .endswith("/pretrained/paper-fig11b-cifar10/cifar10u-cifar-ada-best-fid.pkl")
    )
    assert ENTRIES["stylegan2-ada/cifar10-conditional"].urls[0].endswith("/pretrained/cifar10.pkl")


def test_the_suffix_of_a_compressed_tar_has_both_parts() -> None:
    assert module._ending("https://a.org/b-1.0-x.tar.gz") == ".tar.gz"
    assert module._ending("https://a.org/ada-target0.5.pkl") == ".pkl"


def test_the_message_for_an_unknown_name_lists_similar_names() -> None:
    with pytest.raises(FringeError, match=r"published:edm/cifar-10: .* nearest are edm/cifar10"):
        published("published:edm/cifar-10")
    with pytest.raises(FringeError, match=r"no such name; `fringe fetch` lists all names"):
        published("published:qqqq")


def test_a_name_of_another_kind_is_refused() -> None:
    assert published("edm/cifar10", "statistics") is ENTRIES["edm/cifar10"]
    with pytest.raises(FringeError, match="holds statistics, but a generator must be named here"):
        published("published:edm/cifar10", "generator")


def test_only_strings_with_the_prefix_are_names() -> None:
    assert is_published(f"{PREFIX}nobody/knows")
    assert not any(map(is_published, ("a/published:b", 5, None, {"path": "published:a/b"})))


def test_the_table_has_a_line_for_each_entry() -> None:
    lines = table().splitlines()
    assert len(lines) == len(ENTRIES) + 1
    assert [line.split()[0] for line in lines[1:]] == [f"{PREFIX}{name}" for name in ENTRIES]
