"""Names of anchors in the page."""

from __future__ import annotations

import hashlib
import re

__all__ = ["anchor"]


def anchor(*parts: str) -> str:
    """Return the name of an anchor, of lower-case letters, digits and "-".

    Different parts give different names: a part with other characters gets a digest.

    >>> anchor("dataset", "photos")
    'dataset-photos'
    >>> anchor("dataset", "LSUN cat")
    'dataset-lsun-cat-abbee0'
    """
    return "-".join(map(_plain, parts))


def _plain(part: str) -> str:
    found = re.sub("[^a-z0-9]+", "-", part.lower()).strip("-")
    if found == part:
        return found
    digest = hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{found}-{digest}".lstrip("-")
