"""Hostile answers of servers: too long, too slow, redirected, packed, or wrongly declared."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from fringe.config.sources import FilesSource
from fringe.errors import FringeError
from fringe.files import answers, downloading
from fringe.files.downloading import download
from fringe.networks.weight_files import LARGEST, WeightFile, fetch
from fringe.running.fetching import fetch_source

CONTENT = random.Random(0).randbytes(3_000_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
MOST = 8 << 20

Answer = Callable[["Handler"], None]


class Server(ThreadingHTTPServer):
    """Answers each path by a function, and records the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {"/file": whole}
        self.asked: list[tuple[str, str | None]] = []
        self.sent = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"

    def handle_error(self, *_: object) -> None:
        """Do not report clients that hang up."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Range")))
        self.close_connection = True
        self.server.answers[self.path](self)

    def begin(self, status: int = 200, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.server.sent += len(data)

    def log_message(self, *_: object) -> None:
        pass


def whole(handler: Handler) -> None:
    """Send the file as a correct server does."""
    wanted = handler.headers.get("Range")
    first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
    if first >= len(CONTENT):
        handler.begin(416, Content_Range=f"bytes */{len(CONTENT)}", Content_Length=0)
        return
    headers: dict[str, object] = {"Content_Length": len(CONTENT) - first, "ETag": '"v1"'}
    if first:
        headers["Content_Range"] = f"bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}"
    handler.begin(206 if first else 200, **headers)
    handler.send(CONTENT[first:])


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "UNANNOUNCED", MOST)


def endless(handler: Handler, chunked: bool = True) -> None:
    piece = bytes(1 << 16)
    handler.begin(200, **({"Transfer_Encoding": "chunked"} if chunked else {}))
    for _ in range(10 * MOST >> 16):
        handler.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)


def refused(path: Path, *urls: str, sha256: str | None = None, **options: Any) -> str:
    with pytest.raises(FringeError) as caught:
        download(urls, path, sha256, **options)
    assert not path.exists()
    return str(caught.value)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("sha256", [None, DIGEST])
@pytest.mark.parametrize("chunked", [True, False])
def test_an_endless_answer_is_stopped(
    server: Server, tmp_path: Path, chunked: bool, sha256: str | None
) -> None:
    server.answers["/endless"] = lambda handler: endless(handler, chunked)
    message = refused(tmp_path / "a", server.url("endless"), sha256=sha256)
    assert "/endless: sends more than 8,388,608 bytes, which is more than" in message
    assert len(server.asked) == 1
    assert server.sent < 3 * MOST
    assert left(tmp_path) == []
    # The next address is tried.
    download([server.url("endless"), server.url("file")], tmp_path / "a", sha256)
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_bytes_beyond_the_announced_length_are_refused(server: Server, tmp_path: Path) -> None:
    def longer(handler: Handler) -> None:
        handler.begin(Content_Length=100, Transfer_Encoding="chunked")
        handler.send(b"%x\r\n%b\r\n0\r\n\r\n" % (200, bytes(200)))

    server.answers["/longer"] = longer
    assert "sends more than 100 bytes" in refused(tmp_path / "a", server.url("longer"))
    # Without chunks, the client does not read the rest.
    server.answers["/longer"] = lambda handler: (
        handler.begin(Content_Length=100),
        handler.send(bytes(200)),
    )[0]
    download([server.url("longer")], tmp_path / "a")
    assert (tmp_path / "a").stat().st_size == 100


def test_an_impossible_length_is_refused_before_anything_is_written(
    server: Server, tmp_path: Path
) -> None:
    for length, words in {
        LARGEST + 1: "announces 4,294,967,297 bytes, and such a file has at most 4,294,967,296",
        LARGEST: r"cannot be written: .* GB are needed, and .* GB are free; free some space",
    }.items():
        server.answers["/huge"] = lambda handler, length=length: handler.begin(
            Content_Length=length
        )
        file = WeightFile("net.pth", (server.url("huge"),), DIGEST, "MIT", "Somebody, 2020")
        with pytest.MonkeyPatch.context() as patched:
            usage = downloading.shutil.disk_usage(tmp_path)
            patched.setattr(
                downloading.shutil, "disk_usage", lambda _, usage=usage: usage._replace(free=1000)
            )
            with pytest.raises(FringeError) as caught:
                fetch(file, tmp_path, "net")
        assert re.search(words, str(caught.value)), str(caught.value)
        assert left(tmp_path) == []


@pytest.mark.parametrize("length", ["-5", "x", "1e3", "٣"])
def test_a_length_that_is_not_a_number_is_ignored(
    server: Server, tmp_path: Path, length: str
) -> None:
    def odd(handler: Handler) -> None:
        handler.send_response(200)
        handler._headers_buffer.append(f"Content-Length: {length}\r\n".encode())  # type: ignore[attr-defined]
        handler.end_headers()
        handler.send(CONTENT)

    server.answers["/odd"] = odd
    download([server.url("odd")], tmp_path / "a", DIGEST)


def test_hostile_redirections_are_refused(server: Server, tmp_path: Path) -> None:
    def to(target: str) -> Answer:
        return lambda handler: handler.begin(302, Location=target, Content_Length=0)

    server.answers |= {
        "/secret": to("file:///etc/passwd"),
        "/ftp": to("ftp://127.0.0.1/file"),
        "/round": to("/round"),
        "/one": to("two"),
        "/two": to(server.url("file")),
    }
    assert "redirects to 'file:///etc/passwd', which is not an address of the web" in refused(
        tmp_path / "a", server.url("secret")
    )
    assert "not an address of the web" in refused(tmp_path / "a", server.url("ftp"))
    server.asked.clear()
    assert "redirects more than 10 times" in refused(tmp_path / "a", server.url("round"))
    assert len(server.asked) == answers.REDIRECTS + 1
    download([server.url("one")], tmp_path / "a", DIGEST)
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_the_body_of_a_redirection_is_not_read(server: Server, tmp_path: Path) -> None:
    def endless_redirection(handler: Handler) -> None:
        handler.begin(302, Location="/file")
        for _ in range(1000):
            handler.send(bytes(1 << 16))

    server.answers["/slow"] = endless_redirection
    download([server.url("slow")], tmp_path / "a", DIGEST)
    assert server.sent < 20_000_000


def test_a_slow_server_is_abandoned(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PATIENCE", 0.2)

    def drip(handler: Handler) -> None:
        handler.begin(Content_Length=1_000_000)
        for _ in range(1000):
            handler.send(b"x")
            time.sleep(0.02)

    server.answers["/drip"] = drip
    begin = time.monotonic()
    message = refused(tmp_path / "a", server.url("drip"), server.url("drip"), sha256=DIGEST)
    assert message.count("sends less than 1,024 bytes a second") == 2
    assert len(server.asked) == 2, "what it sent is not worth another try"
    assert time.monotonic() - begin < 5


def test_a_server_that_hangs_up_repeatedly_is_abandoned(server: Server, tmp_path: Path) -> None:
    def byte(handler: Handler) -> None:
        wanted = handler.headers.get("Range")
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        handler.begin(
            206 if first else 200,
            Content_Length=1000 - first,
            **({"Content_Range": f"bytes {first}-999/1000"} if first else {}),
        )
        handler.send(b"x")

    server.answers["/byte"] = byte
    assert "the connection ended" in refused(tmp_path / "a", server.url("byte"), sha256=DIGEST)
    assert len(server.asked) == 1


def test_a_packed_answer_is_unpacked_within_limits(server: Server, tmp_path: Path) -> None:
    def packed(handler: Handler, content: bytes) -> None:
        handler.begin(Content_Encoding="gzip", Content_Length=len(content))
        handler.send(content)

    server.answers["/packed"] = lambda handler: packed(handler, gzip.compress(CONTENT, 1))
    download([server.url("packed")], tmp_path / "a", DIGEST)
    bomb = gzip.compress(bytes(2 * MOST))
    server.answers["/bomb"] = lambda handler: packed(handler, bomb)
    assert "sends more than 8,388,608 bytes" in refused(tmp_path / "b", server.url("bomb"))
    server.answers["/cut"] = lambda handler: packed(handler, b"no gzip at all")
    assert "/cut: the connection ended early" in refused(tmp_path / "b", server.url("cut"))
    assert left(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("stale", "stated"),
    [
        (b"x" * 1000, DIGEST),
        (b"x" * len(CONTENT), DIGEST),
        (b"x" * (len(CONTENT) + 10), DIGEST),
        (b"x" * (len(CONTENT) + 10), None),
    ],
)
def test_a_stale_part_costs_one_request_and_does_not_end_the_run(
    server: Server, tmp_path: Path, stale: bytes, stated: str | None
) -> None:
    (tmp_path / "a.part").write_bytes(stale)
    record = {"url": server.url("file"), "version": '"v1"'}
    (tmp_path / "a.part.from").write_text(json.dumps(record))
    download([server.url("file")], tmp_path / "a", stated)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == [f"bytes={len(stale)}-", None]
    assert left(tmp_path) == ["a"]


def test_a_part_of_another_file_that_a_check_refuses_is_fetched_again(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * 1000)
    record = {"url": server.url("file"), "version": '"v1"'}
    (tmp_path / "a.part.from").write_text(json.dumps(record))

    def check(path: Path) -> None:
        if path.read_bytes() != CONTENT:
            raise FringeError("is another file")

    download([server.url("file")], tmp_path / "a", check=check)
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_a_file_that_is_always_wrong_is_fetched_at_most_twice(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * 1000)
    message = refused(tmp_path / "a", server.url("file"), sha256="0" * 64)
    assert DIGEST in message
    assert [wanted for _, wanted in server.asked] == ["bytes=1000-", None]
    assert left(tmp_path) == []


def test_links_instead_of_a_part_are_not_followed(server: Server, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    folder = tmp_path / "folder"
    for plant in (Path.symlink_to, Path.hardlink_to):
        victim.write_bytes(CONTENT[:1000])  # a part that could be continued
        folder.mkdir(exist_ok=True)
        for name in ("a.part", "a.part.from"):
            plant(folder / name, victim)
        for stated in (DIGEST, None):
            (folder / "a").unlink(missing_ok=True)
            download([server.url("file")], folder / "a", stated)
            assert (folder / "a").read_bytes() == CONTENT
        assert victim.read_bytes() == CONTENT[:1000]
        assert left(folder) == ["a"]


def test_a_part_of_another_user_is_not_continued(server: Server, tmp_path: Path) -> None:
    """The owner could still change the file after the check of its digest."""
    if os.geteuid():
        pytest.skip("only root can give files away")
    (tmp_path / "a.part").write_bytes(CONTENT[:1000])
    os.chown(tmp_path / "a.part", 12345, 12345)
    download([server.url("file")], tmp_path / "a", DIGEST)
    assert server.asked == [("/file", None)]
    assert (tmp_path / "a").stat().st_uid == 0


def test_a_pipe_instead_of_a_part_is_replaced(server: Server, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.part")
    os.mkfifo(tmp_path / "a.part.from")
    download([server.url("file")], tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_an_archive_is_unpacked_next_to_planted_links(server: Server, tmp_path: Path) -> None:
    import io
    import zipfile

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("cat/data.mdb", "data")
    server.answers["/cat"] = lambda handler: (
        handler.begin(Content_Length=len(stream.getvalue())),
        handler.send(stream.getvalue()),
    )[0]
    victims, data = tmp_path / "victims", tmp_path / "data"
    victims.mkdir()
    data.mkdir()
    (data / "cat.unpacking").symlink_to(victims)
    (data / ".cat~0123.unpacking").symlink_to(victims)
    about = FilesSource(path=str(data / "cat"), url=server.url("cat"), unpack="cat")
    fetch_source("cat", about)
    assert (data / "cat/data.mdb").read_text() == "data"
    assert left(victims) == []


def test_a_folder_that_is_not_writable_is_reported_once(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    urls = [server.url("file"), server.url("file")]
    with pytest.raises(
        FringeError, match=r"file/a: cannot be written \(File exists\); remove"
    ) as caught:
        download(urls, tmp_path / "file" / "a", DIGEST)
    assert str(caught.value).count("cannot be written") == 1
    assert server.asked == []
    (tmp_path / "a.part").mkdir()
    with pytest.raises(FringeError, match=r"a: cannot be written \(Is a directory\)"):
        download(urls, tmp_path / "a", DIGEST)
