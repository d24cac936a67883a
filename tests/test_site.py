"""The documentation site: its hooks, and a build of the whole site."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from mkdocs.exceptions import PluginError

REPOSITORY = Path(__file__).resolve().parents[1]
SITE = REPOSITORY / "docs" / "site"


def converted(text: str, page: str = "guide/first-run.md") -> str:
    """Return Markdown of a page of the repository after the hook for links."""
    convert = runpy.run_path(str(SITE / "repository_links.py"))["on_page_markdown"]
    found: str = convert(
        text,
        page=SimpleNamespace(file=SimpleNamespace(src_uri=page)),
        config=SimpleNamespace(docs_dir=str(REPOSITORY / "docs")),
    )
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[metrics](../metrics.md#cmmd)", None),
        ("[arXiv](https://arxiv.org/abs/1)", None),
        ("[below](#below)", None),
        ("![picture](../schemes.jpg)", None),
        ("```\n[code](../../README.md)\n```\n", None),
        ("[README.md](../../README.md)", "`README.md`"),
        ("[the notes](../../README.md#notes)", "the notes (`README.md`)"),
        ("[rules/](../../rules/)", "`rules/`"),
        ("[logs](../training)", "logs (`docs/training/`)"),
    ],
)
def test_links_to_files_outside_the_site_become_paths(text: str, expected: str | None) -> None:
    assert converted(text) == (expected or text)


def test_a_link_to_a_file_that_does_not_exist_stops_the_build() -> None:
    with pytest.raises(PluginError, match=r"first-run\.md: .*README\.txt"):
        converted("[README](../../README.txt)")


def test_numbered_references_become_links() -> None:
    to_markdown = runpy.run_path(str(SITE / "references.py"))["to_markdown"]
    text = (
        "Return FID [1]_.\n\nReferences\n----------\n"
        '.. [1] M. Heusel et al.,\n   "GANs", NIPS 2017.\n.. [2] Another.'
    )
    assert to_markdown(text, "fringe.x") == (
        'Return FID <a href="#fringe.x-reference-1">[1]</a>.\n\nReferences\n----------\n'
        '<span id="fringe.x-reference-1">[1]</span> M. Heusel et al., "GANs", NIPS 2017.\n\n'
        '<span id="fringe.x-reference-2">[2]</span> Another.\n'
    )


def test_pages_with_broken_links_or_files_of_other_sites_are_reported(tmp_path: Path) -> None:
    (tmp_path / "good.html").write_text(
        '<p id="top"><a href="#top">a</a><a href="https://x.org">b</a><img src="a%20b.png"></p>'
    )
    (tmp_path / "a b.png").touch()
    (tmp_path / "bad.html").write_text(
        '<script src="https://x.org/a.js"></script><link rel="stylesheet" href="//x.org/a.css">'
        '<a href="none.html">a</a><a href="good.html#none">b</a><a href="good.html#top">c</a>'
    )
    faults_of = runpy.run_path(str(SITE / "offline_check.py"))["faults_of"]
    assert faults_of(tmp_path) == [
        "bad.html: loads https://x.org/a.js",
        "bad.html: loads //x.org/a.css",
        "bad.html: none.html: no such file",
        "bad.html: good.html#none: no such anchor",
    ]


def test_pictures_of_the_gallery_are_small_and_all_are_shown() -> None:
    folder = REPOSITORY / "docs" / "gallery"
    page = (folder / "index.md").read_text()
    pictures = {path.name: path.stat().st_size for path in folder.glob("*.jpg")}
    assert set(re.findall(r"!\[[^\]]+\]\(([^)\s]+)\)", page)) == set(pictures)
    assert all(size <= 150_000 for size in pictures.values())
    assert sum(pictures.values()) <= 1_500_000


@pytest.mark.long
def test_the_site_is_built_without_warnings(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        cwd=REPOSITORY,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for page in ("index.html", "guide/numbers.html", "reference/metrics.html"):
        assert (tmp_path / page).is_file()
    assert "frechet_distance" in (tmp_path / "reference" / "metrics.html").read_text()
