"""A local server that sends files like real servers: complete, in ranges, or truncated."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Server(ThreadingHTTPServer):
    """Serves ``files`` by path; records requests; may hang up once or not support ranges."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.asked: list[tuple[str, str | None]] = []  # path, and Range
        self.hang_up_after: int | None = None
        self.tags: dict[str, str] = {}  # ETag by path
        self.types: dict[str, str] = {}  # Content-Type by path

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.removeprefix("/")
        wanted = self.headers.get("Range")
        self.server.asked.append((path, wanted))
        if path not in self.server.files:
            self.send_error(404)
            return
        content, tag = self.server.files[path], self.server.tags.get(path)
        if self.headers.get("If-Range") not in (None, tag):
            wanted = None
        first = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        if tag is not None:
            self.send_header("ETag", tag)
        self.send_header("Content-Type", self.server.types.get(path, "application/octet-stream"))
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        stop, self.server.hang_up_after = self.server.hang_up_after, None
        self.wfile.write(content[first : first + stop] if stop else content[first:])

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Server]:
    with Server(files) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
