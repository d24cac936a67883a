"""Addresses of files on the Hugging Face hub, and their paths in the cache of the hub's tools.

This module sends no requests and does not need the library of the hub. The layout of the cache is
documented: ``models--<owner>--<name>/refs/main`` contains the commit, and
``models--<owner>--<name>/snapshots/<commit>/<file>`` is the file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from fringe.files.paths import as_path

__all__ = ["cached", "hub_address", "hub_folder"]


def hub_address(repository: str, file: str) -> str:
    """Return the address of a file; ``$HF_ENDPOINT`` sets another server, as in the hub's tools.

    >>> hub_address("timm/resnet18.a1_in1k", "model.safetensors")
    'https://huggingface.co/timm/resnet18.a1_in1k/resolve/main/model.safetensors'
    """
    server = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    return f"{server.rstrip('/')}/{repository}/resolve/main/{file}"


def hub_folder() -> Path:
    """Return the folder of the hub's cache.

    This is the first of ``$HF_HUB_CACHE``, ``$HF_HOME/hub``, ``$XDG_CACHE_HOME/huggingface/hub``
    and ``~/.cache/huggingface/hub`` whose variable is set.
    """
    if given := os.environ.get("HF_HUB_CACHE"):
        return as_path(given)
    if home := os.environ.get("HF_HOME"):
        return as_path(home) / "hub"
    return as_path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface" / "hub"


def cached(repository: str, file: str) -> Path | None:
    """Return the path of a file of the newest known commit of ``main`` in the cache, or None.

    If the cache does not record that commit, the file is used only if exactly one snapshot has it.
    """
    folder = hub_folder() / f"models--{repository.replace('/', '--')}"
    try:
        commit = (folder / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        commit = ""
    if commit:
        known = re.fullmatch(r"[0-9a-f]{6,64}", commit) is not None
        path = folder / "snapshots" / commit / file
        return path if known and os.path.isfile(path) else None  # noqa: PTH113 - False without permission, not an error
    try:
        found = [path for path in sorted(folder.glob(f"snapshots/*/{file}")) if path.is_file()]
    except OSError:
        return None
    return found[0] if len(found) == 1 else None
