"""Tests that vendor/README.md describes the bundled scripts."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

VENDOR = Path(__file__).parents[2] / "src/fringe/page/vendor"


def test_digests_are_equal_to_the_list() -> None:
    text = (VENDOR / "README.md").read_text()
    listed = dict(re.findall(r"^\| `(\S+\.js)` \|.*\| `([0-9a-f]{64})` \|$", text, re.M))
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in VENDOR.glob("*.js")}
    assert found == listed
    assert len(found) == 3


def test_licences_exist_and_are_in_the_notice() -> None:
    listed = set(re.findall(r"`(LICENSE\S+\.txt)`", (VENDOR / "README.md").read_text()))
    assert listed == {path.name for path in VENDOR.glob("LICENSE*")}
    notice = (VENDOR.parents[3] / "NOTICE").read_text()
    for name in ("Vega", "Vega-Lite", "vega-interpreter"):
        assert f"* {name}, Copyright" in notice


def test_scripts_have_the_listed_versions() -> None:
    text = (VENDOR / "README.md").read_text()
    version = dict(re.findall(r"^\| `(\S+\.min\.js)` \| \S+ \| (\S+) \|", text, re.M))
    assert f'"{version["vega.min.js"]}"' in (VENDOR / "vega.min.js").read_text()
    assert f'"{version["vega-lite.min.js"]}"' in (VENDOR / "vega-lite.min.js").read_text()
