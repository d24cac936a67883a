"""A report whose data sets have hostile titles, read by a browser and an HTML parser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import snakemake.report

Project = Any  # tests/dag/conftest.py

# Each title would leave a mark that the tests search for.
SCRIPT = "document.documentElement.id=1"  # without quotes, because params would escape them
TITLE = (
    f'a</script><script>{SCRIPT}</script><!--<script><img src=x onerror="{SCRIPT}"> '
    "[b](javascript:c) `d` *e* _f_ $g$ &lt;h&gt; \\"
)
ABSENT = f"no</script><script>{SCRIPT}</script>"
TARGETS = ("verdict.html", "tables/table1.html", "left_out.html")
FIGURE = "figures/figure4a-faces.png"  # its caption names the data set


@pytest.fixture(scope="module")
def results(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a run with such a title, and a missing path of the same form."""
    project = finished.copy(tmp_path_factory.mktemp("titles") / "project")
    project.config["datasets"]["faces"]["title"] = TITLE
    project.config["sources"]["late"]["path"] = ABSENT
    project.config["missing"] = "skip"
    project.run(*TARGETS, FIGURE, "index.html")
    report = project.results / "report.html"
    project.run(*TARGETS, FIGURE, options=f"--report {report.relative_to(project.folder)}")
    return Path(project.results)


class Scripts(HTMLParser):
    """Collects the scripts of a page, and the elements with attributes that run code."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.inside = False
        self.feed(page.read_text())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "script"
        self.scripts += [""] * self.inside
        self.handlers += [tag for name, value in attrs if name.startswith("on")]
        self.handlers += [tag for _, value in attrs if "javascript:" in (value or "")]

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.scripts[-1] += data


def test_a_title_adds_no_script_to_the_report(results: Path) -> None:
    page = Scripts(results / "report.html")
    place = Path(snakemake.report.__file__).parent / "html_reporter/template/index.html.jinja2"
    assert len(page.scripts) == place.read_text().count("<script") > 20
    assert SCRIPT not in [script.strip() for script in page.scripts]
    assert not page.handlers
    (held,) = [script for script in page.scripts if script.strip().startswith("var results =")]
    shown = json.loads(held[held.index("{") : held.rindex("}") + 1])
    params = {Path(path).name: about["job_properties"]["params"] for path, about in shown.items()}
    for name, hidden in (("verdict.html", "a"), ("table1.html", "a"), ("left_out.html", "no")):
        assert f"{hidden}\\u003c/script\\u003e" in params[name].replace("\\\\", "\\")
        assert "<" not in params[name].replace("<=", "")


def test_a_caption_shows_the_title_as_it_is(results: Path) -> None:
    page = Scripts(results / "report.html")
    (held,) = [script for script in page.scripts if script.strip().startswith("var results =")]
    shown = json.loads(held[held.index("{") : held.rindex("}") + 1])
    (caption,) = [about["caption"] for path, about in shown.items() if path.endswith(FIGURE)]
    assert f"generated images of {escape(TITLE, quote=False)}, for" in " ".join(
        caption.replace("&quot;", '"').split()
    )


@pytest.mark.parametrize("target", TARGETS)
def test_pages_show_the_title_as_it_is(results: Path, target: str) -> None:
    page = Scripts(results / target)
    assert page.scripts == []
    assert page.handlers == []
    shown = _texts(results / target)
    assert (ABSENT if "left_out" in target else TITLE) in shown


def _texts(page: Path) -> str:
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_data = found.append  # type: ignore[method-assign]
    parser.feed(page.read_text())
    parser.close()
    return "".join(found)


def test_markdown_contains_no_html(results: Path) -> None:
    for name in ("verdict.md", "tables/table1.md", "left_out.md"):
        text = (results / name).read_text()
        assert "script" in text
        bare = re.sub(r"\\.", "", text)  # without escaped characters
        bare = re.sub(r"</?su[bp]>", "", bare)
        assert not set("<>[]`$") & set(bare.replace("\\", "")), name


def test_latex_contains_no_command_of_a_title(results: Path) -> None:
    text = (results / "tables/table1.tex").read_text()
    assert r"a$<$/script$>$" in text
    assert r"\textbackslash{}" in text


def test_a_browser_runs_no_script_of_a_title(results: Path, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("chromium is not installed: no browser opens the report")
    for name in ("report.html", "index.html", *TARGETS):
        page = _opened(browser, results / name, tmp_path)
        assert not re.search('<html[^>]* id="1"', page), name
        assert "script" in page
    # Check of the marks: the same browser does run such a script.
    live = tmp_path / "live.html"
    live.write_text(f"<!doctype html><title>{TITLE}</title>")
    assert not re.search('<html[^>]* id="1"', _opened(browser, live, tmp_path))
    live.write_text(f"<!doctype html><p>{TITLE}</p>")
    assert re.search('<html[^>]* id="1"', _opened(browser, live, tmp_path))


def _opened(browser: str, page: Path, folder: Path) -> str:
    """Return the elements of a page after its scripts have run."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000"]
    done = subprocess.run(
        [browser, *options, f"--user-data-dir={folder}/browser", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
