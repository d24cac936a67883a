"""Weight files are found, fetched, resumed, verified and refused; the server is a thread."""

from __future__ import annotations

import hashlib
import io
import socket
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from fringe.errors import FringeError
from fringe.networks import load_network, network_names, network_weight_files, registry
from fringe.networks.base import Activations, FeatureNetwork
from fringe.networks.weight_files import WeightFile, fetch, find, mismatch, sha256_of

CONTENT = bytes(range(256)) * 20_000  # 5 MB: several pieces
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def state() -> bytes:
    stream = io.BytesIO()
    torch.save({"weight": torch.arange(1000.0)}, stream)
    return stream.getvalue()


STATE = state()


class Server(ThreadingHTTPServer):
    """Serves CONTENT at every path and records requested ranges; may disconnect once or lie."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None]] = []
        self.hang_up_after: int | None = None
        self.knows_ranges = True

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        if self.path == "/absent":
            self.send_error(404)
            return
        if self.path == "/dead":
            self.send_response(206)
            self.send_header("Content-Range", f"bytes 1000000-{len(CONTENT) - 1}/{len(CONTENT)}")
            self.send_header("Content-Length", "1000")
            self.end_headers()
            return
        content = {"/wrong": b"\x00something else", "/state": STATE}.get(self.path, CONTENT)
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if first >= len(content):
            self.send_error(416)
            return
        if not self.server.knows_ranges:
            first = 0
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        stop, self.server.hang_up_after = self.server.hang_up_after, None
        self.wfile.write(content[first : first + stop] if stop else content[first:])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def file_at(*urls: str, sha256: str | None = DIGEST) -> WeightFile:
    return WeightFile("net.pth", urls, sha256, "MIT", "Somebody, 2020")


def test_a_file_is_fetched_once_and_verified(server: Server, tmp_path: Path) -> None:
    file = file_at(server.url("net"))
    assert fetch(file, tmp_path / "deep" / "folder", "net").read_bytes() == CONTENT
    assert fetch(file, tmp_path / "deep" / "folder", "net").read_bytes() == CONTENT
    assert server.asked == [("/net", None)]
    assert [path.name for path in (tmp_path / "deep" / "folder").iterdir()] == ["net.pth"]


def test_an_interrupted_download_continues(server: Server, tmp_path: Path) -> None:
    file = file_at(server.url("net"))
    (tmp_path / "net.pth.part").write_bytes(CONTENT[:1_000_000])  # as a killed run leaves it
    server.hang_up_after = 3_000_000
    assert fetch(file, tmp_path, "net").read_bytes() == CONTENT
    (_, first), (_, second) = server.asked
    assert first == "bytes=1000000-"
    assert 1_000_000 < int((second or "").removeprefix("bytes=").rstrip("-")) <= 4_000_000
    assert [path.name for path in tmp_path.iterdir()] == ["net.pth"]


def test_a_server_that_always_disconnects(server: Server, tmp_path: Path) -> None:
    file = file_at(server.url("dead"))
    (tmp_path / "net.pth.part").write_bytes(CONTENT[:1_000_000])
    with pytest.raises(FringeError, match=r"(?s)net\.pth: the weights .* could not be fetched"):
        fetch(file, tmp_path, "net")
    assert (tmp_path / "net.pth.part").read_bytes() == CONTENT[:1_000_000], (
        "kept for the next attempt"
    )


@pytest.mark.parametrize("have", [1_000_000, len(CONTENT)])
def test_a_server_without_ranges_and_a_whole_part(
    server: Server, tmp_path: Path, have: int
) -> None:
    (tmp_path / "net.pth.part").write_bytes(CONTENT[:have])
    server.knows_ranges = have == len(CONTENT)
    assert fetch(file_at(server.url("net")), tmp_path, "net").read_bytes() == CONTENT


def test_mirrors_are_tried_in_order(server: Server, tmp_path: Path) -> None:
    file = file_at(*map(server.url, ("absent", "wrong", "net", "never")))
    assert fetch(file, tmp_path, "net").read_bytes() == CONTENT
    assert [path for path, _ in server.asked] == ["/absent", "/wrong", "/net"]


def test_another_file_is_refused_and_deleted(server: Server, tmp_path: Path) -> None:
    found = hashlib.sha256(b"\x00something else").hexdigest()
    with pytest.raises(FringeError, match=rf"(?s){DIGEST}.*{found}"):
        fetch(file_at(server.url("wrong")), tmp_path, "net")
    assert list(tmp_path.iterdir()) == []
    # A file that the user put there is refused too, but not deleted.
    (tmp_path / "net.pth").write_bytes(b"\x00something else")
    with pytest.raises(FringeError, match=rf"net\.pth: not the weights.*{found}.*{DIGEST}"):
        fetch(file_at(server.url("net")), tmp_path, "net")
    assert (tmp_path / "net.pth").read_bytes() == b"\x00something else"


def test_the_error_without_a_network_names_the_file_and_its_place(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/net"
    with pytest.raises(FringeError) as error:
        fetch(file_at(url), tmp_path, "net")
    message = str(error.value)
    assert message.count(url) == 2
    assert DIGEST in message
    assert f"put it at {tmp_path / 'net.pth'}" in message
    assert "weights: {net: <path>}" in message


def test_the_digest_of_a_file_without_a_published_digest_is_logged(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.pth.part").write_bytes(CONTENT[:1000])  # of an unknown file
    path = fetch(file_at(server.url("state"), sha256=None), tmp_path, "net")
    assert path.read_bytes() == STATE
    assert f"that of this file is {hashlib.sha256(STATE).hexdigest()}" in capsys.readouterr().err
    assert server.asked == [("/state", None)]


def test_a_file_without_tensors_is_refused_even_without_a_digest(
    server: Server, tmp_path: Path
) -> None:
    with pytest.raises(FringeError, match=r"could not be fetched \(no SHA-256 is published\)"):
        fetch(file_at(server.url("wrong"), sha256=None), tmp_path, "net")
    assert list(tmp_path.iterdir()) == []


def test_find_returns_the_first_existing_file(tmp_path: Path) -> None:
    files = [WeightFile(name, ("",), None, "", "") for name in ("a", "b", "c")]
    assert find(files, tmp_path) is None
    (tmp_path / "c").touch()
    (tmp_path / "b").touch()
    assert find(files, tmp_path) == (files[1], tmp_path / "b")


def test_the_registry_is_complete() -> None:
    for name in network_names():
        for file in network_weight_files(name):
            assert file.urls
            assert all(url.startswith("http") for url in file.urls)
            assert file.licence
            assert file.citation
            if file.sha256 is not None:
                assert len(bytes.fromhex(file.sha256)) == 32
        names = [file.name for file in network_weight_files(name)]
        assert len(set(names)) == len(names)


def use(files: tuple[WeightFile, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Register a network `weighted` with these files."""

    def load(weight_file: Path | None, device: torch.device) -> FeatureNetwork:
        assert weight_file is not None
        digest = sha256_of(weight_file, "weighted")
        return FeatureNetwork(
            "weighted", 3, None, digest, device, lambda x: Activations(x.float().mean((2, 3)))
        )

    monkeypatch.setattr("fringe.networks.untrained.load", load)
    entry = registry._entry_of("Net", 3, None, 0.1, "untrained:load", "random weights", files)
    monkeypatch.setitem(registry.NETWORKS, "weighted", entry)


def test_a_network_fetches_its_weight_file(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRINGE_WEIGHTS", str(tmp_path))
    use((file_at(server.url("net")),), monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_network("weighted").weight_file_sha256 == DIGEST
    assert (tmp_path / "net.pth").is_file()


def test_another_file_is_used_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use((file_at("http://nowhere"),), monkeypatch)
    path = tmp_path / "own.pth"
    path.write_bytes(b"own")
    with pytest.warns(UserWarning, match=r"own\.pth: not a weight file that was published"):
        network = load_network("weighted", path)
    assert network.weight_file_sha256 == hashlib.sha256(b"own").hexdigest()


@pytest.mark.parametrize(
    "name", ["inception", "resnet50", "clip", "vgg16", "vgg16-nvidia", "dinov2-b"]
)
def test_a_file_with_another_name_and_content_is_not_a_published_file(name: str) -> None:
    files = network_weight_files(name)
    assert mismatch(Path("own.pth"), "0" * 64, files) == list(
        dict.fromkeys(f.sha256 for f in files if f.sha256)
    )
    for file in files:
        assert mismatch(Path(file.name), file.sha256 or "0" * 64, files) == []
