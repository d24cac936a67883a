"""A hook of MkDocs: pages must load nothing from other sites, and must have no broken links.

MkDocs checks links in Markdown only. This hook reads the HTML, so it also checks links of
docstrings and of templates.
"""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mkdocs.exceptions import PluginError

# Elements that a browser loads by itself, and their attribute with the address.
LOADED = {
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "link": "href",
    "object": "data",
    "script": "src",
    "source": "src",
    "track": "src",
    "video": "src",
}


def on_post_build(config: Any, **_: Any) -> None:
    """Stop the build if a page loads a file from elsewhere, or has a broken link."""
    faults = faults_of(Path(config.site_dir))
    if faults:
        raise PluginError("\n".join(faults))


def faults_of(folder: Path) -> list[str]:
    """Return a line for each address that a page loads from elsewhere, and for each broken link."""
    pages = {path: _Page(path) for path in sorted(folder.rglob("*.html"))}
    faults = []
    for path, page in pages.items():
        name = path.relative_to(folder).as_posix()
        faults += [f"{name}: loads {address}" for address in page.loaded if _is_elsewhere(address)]
        for address in page.links + page.loaded:
            if _is_elsewhere(address) or urlsplit(address).scheme:
                continue
            parts = urlsplit(address)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                faults.append(f"{name}: {address}: no such file")
            elif target in pages and not pages[target].has(unquote(parts.fragment)):
                faults.append(f"{name}: {address}: no such anchor")
    return faults


def _is_elsewhere(address: str) -> bool:
    return urlsplit(address).scheme in ("http", "https") or address.startswith("//")


class _Page(HTMLParser):
    """The addresses and anchors of a page.

    Parameters
    ----------
    path : Path
        The file. The page of errors is skipped, because its addresses start at the server's root.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = {"__toc"}
        if path.name != "404.html":
            self.feed(path.read_text(encoding="utf-8"))

    def has(self, anchor: str) -> bool:
        """Return whether the page has an anchor; the empty one is the page itself."""
        return not anchor or anchor in self.anchors

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the addresses and the anchor of an element."""
        found = dict(attrs)
        self.anchors.update(value for key in ("id", "name") if (value := found.get(key)))
        address = found.get(LOADED.get(tag, ""))
        if address and not (tag == "link" and found.get("rel") == "canonical"):
            self.loaded.append(address)
        link = found.get("href") if tag == "a" else None
        if link:
            self.links.append(link)
