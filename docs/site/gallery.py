"""Make the gallery of the site, docs/gallery, from the results of the demo.

Call this script in the repository after ``make demo``: ``python docs/site/gallery.py [RESULTS]``.
Figures become small JPEG files, tables stay text, and captions are those of the run.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from fringe.config.completion import complete_file
from fringe.config.model import Config
from fringe.plan.captions import figure_caption, table_caption
from fringe.plan.deviations import exhibit_title
from fringe.plan.exhibits import Exhibit, exhibits, in_paper_order

REPOSITORY = Path(__file__).resolve().parents[2]
GALLERY = REPOSITORY / "docs" / "gallery"
SHOWN = (
    *("table1", "table2", "figure16", "figure4a", "figure3", "figure4b", "figure5", "figure6"),
    *("figure8a", "figure9", "figure10a", "figure10b", "figure7"),
    *("figure1", "figure2", "figure11"),
)
"""Tables and figures that the gallery shows, in this order, where a run has them."""

WIDTH = 1400  # pixels of a picture, at most
MOST_BYTES = 105_000  # of a picture

HEAD = """# Gallery

These tables and figures are from the run `{run}` of `config/demo.yaml` (`make demo`) with seed
{seed}. On another machine, the last digits may differ. The photographs are real. The generator is
simulated: it shows the same photographs with typical errors of a generator. [The demo](../demo.md)
says how both were made, and what the demo cannot show. `make gallery` makes this page from the
results of a run.

(Photographs from scikit-image and scikit-learn; palace and flower CC BY 2.0, danielbuechele and
vultilion.)
"""


def main() -> None:
    """Write the page and its pictures."""
    parser = argparse.ArgumentParser(description="Make docs/gallery from the results of the demo.")
    parser.add_argument("results", type=Path, nargs="?", default=REPOSITORY / "results" / "demo")
    results = parser.parse_args().results
    config = complete_file(REPOSITORY / "config" / "demo.yaml")
    GALLERY.mkdir(exist_ok=True)
    for old in GALLERY.glob("*.jpg"):
        old.unlink()
    lines = [HEAD.format(run=config.run, seed=config.seed)]
    for exhibit in _found(config, results):
        lines += _section(config, exhibit, results)
    if len(lines) == 1:
        raise SystemExit(f"{results}: contains no tables or figures; call make demo first")
    (GALLERY / "index.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    total = sum(picture.stat().st_size for picture in GALLERY.glob("*.jpg"))
    print(f"{GALLERY}: written, {total / 1e6:.2f} MB of pictures")


def _found(config: Config, results: Path) -> list[Exhibit]:
    """Return the first exhibit of each shown number whose file the run has."""
    made = [one for one in in_paper_order(exhibits(config)) if _file(one, results).is_file()]
    found = []
    for name in SHOWN:
        found += [one for one in made if one.name == name][:1]
    return found


def _file(exhibit: Exhibit, results: Path) -> Path:
    suffix = ".md" if exhibit.kind == "Table" else ".png"
    return results / next(place for place in exhibit.places if place.endswith(suffix))


def _section(config: Config, exhibit: Exhibit, results: Path) -> Iterator[str]:
    """Yield the lines about one exhibit, and write its picture."""
    path = _file(exhibit, results)
    yield f"## {exhibit_title(exhibit.name)}"
    yield ""
    if exhibit.kind == "Table":
        yield table_caption(config, exhibit.number)
        yield ""
        yield _table(path.read_text(encoding="utf-8"))
    else:
        caption = figure_caption(config, exhibit)
        name = f"{exhibit.name}.jpg"
        (GALLERY / name).write_bytes(_jpeg(path))
        yield f"[![{caption.seen}]({name})]({name})"
        yield ""
        yield caption.text
    yield ""


def _table(text: str) -> str:
    """Return a table of the run without its title."""
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("|"))
    return "\n".join(lines[start:])


def _jpeg(path: Path) -> bytes:
    """Return a figure as a JPEG file of at most `MOST_BYTES`."""
    picture: Image.Image = Image.open(path).convert("RGB")
    for width in (WIDTH, 1200, 1000, 800):
        size = (width, round(picture.height * width / picture.width))
        small = picture.resize(size, Image.Resampling.LANCZOS) if width < picture.width else picture
        for quality in (88, 80, 70):
            data = io.BytesIO()
            small.save(data, "jpeg", quality=quality, optimize=True, progressive=True)
            if len(data.getvalue()) <= MOST_BYTES:
                return data.getvalue()
    return data.getvalue()


if __name__ == "__main__":
    main()
