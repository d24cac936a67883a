"""Hooks of MkDocs: links to files of the repository, and the tutorial as a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mkdocs.exceptions import PluginError

LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def on_page_markdown(markdown: str, page: Any, config: Any, **_: Any) -> str:
    """Replace links to files that are not on the site by the paths of these files.

    The site shows the folder ``docs`` only. A link to another file of the repository, or to a
    folder, becomes the path of the file in the repository, as code.
    """
    docs = Path(config.docs_dir).resolve()
    page_folder = docs / Path(page.file.src_uri).parent
    repository = docs.parent

    def replace(link: re.Match[str]) -> str:
        target = urlsplit(link["target"])
        if target.scheme or not target.path:
            return link[0]
        path = (page_folder / target.path).resolve()
        if path.is_relative_to(docs) and not path.is_dir():
            return link[0]  # MkDocs checks this link
        if not path.exists() or not path.is_relative_to(repository):
            raise PluginError(f"{page.file.src_uri}: the link {link['target']} leads to no file")
        name = path.relative_to(repository).as_posix() + "/" * path.is_dir()
        text = link["text"]
        return f"`{name}`" if text.rstrip("/").strip("`") in name else f"{text} (`{name}`)"

    return _outside_code(markdown, lambda text: LINK.sub(replace, text))


def _outside_code(markdown: str, change: Any) -> str:
    """Apply a function to the parts of a Markdown text that are not in fenced code."""
    parts, end = [], 0
    for fence in FENCE.finditer(markdown):
        parts += [change(markdown[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, change(markdown[end:])])
