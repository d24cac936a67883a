"""Download of source files: continue, verify, unpack, and refuse web pages and wrong files."""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from fringe.config.sources import FileSource, FilesSource, GeneratorSource
from fringe.errors import FringeError
from fringe.files.downloading import direct, download
from fringe.running.fetching import fetch_source

from ..serving import Server, serving

LARGE = 5_000_000  # several pieces


def zipped(*names: str, filler: int = 0) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), name.encode())
        archive.writestr(zipfile.ZipInfo("filler.bin"), bytes(range(256)) * (filler // 256))
    return stream.getvalue()


IMAGES = zipped("a.png", "b.png", filler=LARGE)
DIGEST = hashlib.sha256(IMAGES).hexdigest()
LSUN = zipped("cat/data.mdb", "cat/lock.mdb", "cat/more/x", "catalogue/y", "dog/data.mdb")
PAGE = b"<!DOCTYPE html><title>Google Drive - Virus scan warning</title>"


@pytest.fixture
def server() -> Iterator[Server]:
    files = {"images.zip": IMAGES, "cat.zip": LSUN, "page": PAGE}
    with serving(files) as server:
        server.types["page"] = "text/html; charset=utf-8"
        yield server


def source(path: Path, url: object, **others: Any) -> FilesSource:
    return FilesSource(path=str(path), url=url, **others)


def generator(path: Path, url: str | None = None, **others: Any) -> GeneratorSource:
    keys = others if url is None else {"url": url, **others}
    return GeneratorSource(kind="generator", path=str(path), count=2, **keys)


def test_a_file_is_fetched_and_verified(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "data" / "images.zip"
    found = fetch_source("images", source(path, server.url("images.zip"), sha256=DIGEST.upper()))
    assert found == DIGEST
    assert path.read_bytes() == IMAGES
    assert [one.name for one in path.parent.iterdir()] == ["images.zip"]


def test_a_digest_is_recorded_if_none_is_configured(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "images.zip"
    assert fetch_source("images", source(path, server.url("images.zip"))) == DIGEST
    assert (tmp_path / "images.zip.sha256").read_text() == f"{DIGEST}  images.zip\n"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["images.zip", "images.zip.sha256"]


def test_a_different_file_than_the_first_time_is_refused(server: Server, tmp_path: Path) -> None:
    """Without a configured digest, the first digest is valid until its record is deleted."""
    path, record = tmp_path / "images.zip", tmp_path / "images.zip.sha256"
    asked = source(path, server.url("images.zip"))
    fetch_source("images", asked)
    path.unlink()
    server.files["images.zip"] = zipped("other.png")
    other = hashlib.sha256(server.files["images.zip"]).hexdigest()
    message = refused("images", asked)
    assert f"a different file than before: SHA-256 {other}, but {DIGEST} the first time" in message
    assert f"delete {record} and fetch the file again" in message
    assert [one.name for one in tmp_path.iterdir()] == [record.name]
    # The same file is accepted again. So is a different file with a configured digest.
    server.files["images.zip"] = IMAGES
    assert fetch_source("images", asked) == DIGEST
    path.unlink()
    server.files["images.zip"] = zipped("other.png")
    stated = source(path, server.url("images.zip"), sha256=other)
    assert fetch_source("images", stated) == other
    path.unlink()
    record.unlink()
    assert fetch_source("images", asked) == other
    assert record.read_text() == f"{other}  images.zip\n"


@pytest.mark.parametrize("stated", [DIGEST, None])
def test_an_interrupted_download_is_continued(
    server: Server, tmp_path: Path, stated: str | None
) -> None:
    """Without a digest, the server's ETag shows that the file is the same."""
    server.tags["images.zip"] = '"v1"'
    server.hang_up_after = 3_000_000
    path = tmp_path / "images.zip"
    asked = source(path, server.url("images.zip"), **({"sha256": stated} if stated else {}))
    assert fetch_source("images", asked) == DIGEST
    (_, first), (_, second) = server.asked
    assert first is None
    assert 0 < int((second or "").removeprefix("bytes=").rstrip("-")) <= 3_000_000
    assert path.read_bytes() == IMAGES
    assert not list(tmp_path.glob("*.part*"))


def test_another_process_continues_unless_the_file_has_changed(
    server: Server, tmp_path: Path
) -> None:
    path, url = tmp_path / "images.zip", server.url("images.zip")
    part = tmp_path / "images.zip.part"

    def interrupted(version: str | None, content: bytes = IMAGES[:1_000_000]) -> list[str | None]:
        part.write_bytes(content)
        origin = f'{{"url": "{url}", "version": {"null" if version is None else version}}}'
        part.with_name("images.zip.part.from").write_text(origin)
        path.unlink(missing_ok=True)
        server.asked.clear()
        download([url], path)
        assert path.read_bytes() == IMAGES
        return [wanted for _, wanted in server.asked]

    server.tags["images.zip"] = '"v2"'
    assert interrupted(r'"\"v2\""') == ["bytes=1000000-"]
    # The file has changed, so the server sends all of it instead of the rest.
    assert interrupted(r'"\"v1\""', b"x" * 1_000_000) == ["bytes=1000000-"]
    assert interrupted(None, b"x" * 1_000_000) == [None]


def test_a_mirror_is_used_if_an_address_fails(server: Server, tmp_path: Path) -> None:
    urls = [server.url("gone.zip"), server.url("images.zip"), server.url("never.zip")]
    fetch_source("images", source(tmp_path / "images.zip", urls, sha256=DIGEST))
    assert [path for path, _ in server.asked] == ["gone.zip", "images.zip"]


def refused(name: str, asked: FileSource) -> str:
    with pytest.raises(FringeError) as caught:
        fetch_source(name, asked)
    return str(caught.value)


def test_a_file_with_a_wrong_digest_is_refused_and_not_kept(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "images.zip"
    message = refused(
        "images", source(path, server.url("images.zip"), sha256="0" * 64, note="Ask Ann.")
    )
    assert message.startswith(f"{path}: source 'images' could not be fetched.\n")
    assert DIGEST in message
    assert "0" * 64 in message
    assert message.endswith(f"copy the file to {path}.\nAsk Ann.")
    assert f"Without a network, download {server.url('images.zip')} on another machine" in message
    assert list(tmp_path.iterdir()) == []


def test_a_web_page_is_refused(server: Server, tmp_path: Path) -> None:
    message = refused("images", source(tmp_path / "images.zip", server.url("page")))
    assert "sends a web page in place of the file" in message
    assert "open the address in a browser and save the file" in message
    assert list(tmp_path.iterdir()) == []


def test_a_web_page_sent_as_binary_data_is_refused(server: Server, tmp_path: Path) -> None:
    del server.types["page"]
    url = server.url("page")
    message = refused("images", source(tmp_path / "images.zip", url))
    assert "the downloaded file is a web page or a server's message" in message
    net = generator(tmp_path / "net.pkl", url)
    assert "the downloaded file is a web page or a server's message" in refused("net", net)
    server.files["other"] = b"\0 of another kind"
    message = refused("images", source(tmp_path / "images.zip", server.url("other")))
    assert "file is not the ZIP archive that images.zip should be, or is truncated" in message
    message = refused("net", generator(tmp_path / "net.pkl", server.url("other")))
    assert "is not the generator that net.pkl should be" in message


@pytest.mark.parametrize("suffix", [".pkl", ".safetensors", ".pt", ""])
@pytest.mark.parametrize("content", ["pickle", "torch", "safetensors"])
def test_a_generator_is_recognized_by_its_bytes(
    server: Server, tmp_path: Path, suffix: str, content: str
) -> None:
    state, made = {"a": torch.ones(2)}, tmp_path / "made"
    if content == "pickle":
        made.write_bytes(pickle.dumps(state))
    elif content == "torch":
        torch.save(state, made)
    else:
        save_file(state, made)
    server.files["net"] = made.read_bytes()
    path = tmp_path / f"net{suffix}"
    fetch_source("net", generator(path, server.url("net")))
    assert path.read_bytes() == server.files["net"]


def test_a_truncated_generator_is_refused(server: Server, tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "made")
    server.files["net"] = (tmp_path / "made").read_bytes()[:-30]
    net = generator(tmp_path / "net.pt", server.url("net"))
    assert "is not the generator that net.pt should be, or is truncated" in refused("net", net)


def test_a_folder_of_an_archive_is_unpacked(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "cat_lmdb"
    digest = fetch_source("cat", source(path, server.url("cat.zip"), unpack="cat"))
    files = {
        str(one.relative_to(path)): one.read_text() for one in path.rglob("*") if one.is_file()
    }
    assert files == {
        "data.mdb": "cat/data.mdb", "lock.mdb": "cat/lock.mdb", "more/x": "cat/more/x"
    }  # fmt: skip
    assert digest == hashlib.sha256(LSUN).hexdigest()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["cat_lmdb", "cat_lmdb.sha256"]


def test_an_archive_without_the_folder_is_refused(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "cat_lmdb"
    message = refused("cat", source(path, server.url("cat.zip"), unpack="cow"))
    assert "has no folder 'cow', which `unpack` names; it contains cat, catalogue, dog" in message
    assert not path.exists()
    assert (tmp_path / "cat_lmdb.zip").exists(), "it must not be fetched again for a typing error"
    server.asked.clear()
    fetch_source("cat", source(path, server.url("cat.zip"), unpack="dog"))
    assert (path / "data.mdb").is_file()
    assert server.asked == []
    # A member whose path leads out of the folder.
    server.files["evil.zip"] = zipped("cat/../../evil")
    message = refused("cat", source(tmp_path / "evil", server.url("evil.zip"), unpack="cat"))
    assert "leads out of its folder" in message
    assert not list(tmp_path.glob("**/evil"))
    # A member that needs a password.
    locked = bytearray(zipped("cat/a"))
    locked[6] |= 1
    locked[locked.index(b"PK\1\2") + 8] |= 1
    server.files["locked.zip"] = bytes(locked)
    message = refused("cat", source(tmp_path / "locked", server.url("locked.zip"), unpack="cat"))
    assert "locked.zip!cat/a: is encrypted; unpack the archive with its password" in message
    assert not (tmp_path / "locked").exists()


def test_a_source_without_an_address_is_refused(tmp_path: Path) -> None:
    message = refused("net", generator(Path("net.pkl"), note="Train it."))
    assert message == "sources/net: has no `url` from which to fetch net.pkl. Train it."


DRIVE = "https://drive.google.com/uc?export=download&confirm=t&id=abc-1_X"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://drive.google.com/uc?id=abc-1_X", DRIVE),
        ("https://drive.google.com/file/d/abc-1_X/view?usp=sharing", DRIVE),
        (DRIVE, DRIVE),
        ("https://www.dropbox.com/s/k/a.zip?dl=0", "https://www.dropbox.com/s/k/a.zip?dl=1"),
        ("https://www.dropbox.com/s/k/a.zip", "https://www.dropbox.com/s/k/a.zip?dl=1"),
        ("https://x.org/a.zip?dl=0&id=3", "https://x.org/a.zip?dl=0&id=3"),
        (
            "https://drive.google.com/drive/folders/abc",
            "https://drive.google.com/drive/folders/abc",
        ),
    ],
)
def test_pages_of_google_drive_and_dropbox(url: str, expected: str) -> None:
    assert direct(url) == expected
