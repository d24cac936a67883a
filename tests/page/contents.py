"""Contents of pages with invented numbers and generated images."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from fringe.page.content import (
    Answer,
    Compared,
    Content,
    Curve,
    Deviation,
    ExhibitEntry,
    ExplorerView,
    Link,
    Number,
    Picture,
    Row,
    Table,
)
from fringe.scores.explorer import ClassTable, Explorer, Sprites

HOSTILE = (
    """<script>document.title = 'hacked'</script> "quoted" 'single' & </script><!-- {{ 7*7 }}"""
)
LONG = "Endless-" * 38  # 304 characters without a space
NAMES = ("tabby cat", "golden retriever", "lakeside", "coral reef", "seashore", "balloon", "wig")


def picture(width: int, height: int, seed: int, alt: str, caption: str = "") -> Picture:
    """Return a picture of a few coloured rings."""
    y, x = np.mgrid[:height, :width]
    rng = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 255.0)
    for _ in range(12):
        cy, cx = rng.uniform(0, height), rng.uniform(0, width)
        distance = np.hypot(y - cy, x - cx)
        pixels[distance < rng.uniform(10, 60)] = rng.uniform(40, 230, 3)
    return Picture(_webp(pixels), "image/webp", width, height, alt, caption)


def _webp(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, "WEBP", quality=70)
    return file.getvalue()


def explorer(
    n: int = 300,
    groups: Sequence[str] = ("Real images", "Generated images"),
    models: Sequence[str] = ("Drawn at random", "Optimized weights"),
    seed: int = 0,
    *,
    maps: bool = True,
    classes: bool = True,
    weights: bool = True,
    size: int = 64,
) -> Explorer:
    """Return n invented images: discs in the colour of their class, on grey."""
    rng = np.random.default_rng(seed)
    group = np.sort(rng.integers(0, len(groups), n)).astype(np.int8)
    top = rng.integers(0, len(NAMES), (n, 3)).astype(np.int32)
    likely = np.sort(rng.dirichlet(np.ones(4), n)[:, :3], axis=1)[:, ::-1].astype(np.float32)
    weight = rng.exponential(1.0, n).astype(np.float32)
    weight[rng.random(n) < 0.2] = 0
    weight[group == 0] = np.nan
    shares = rng.dirichlet(np.ones(len(NAMES)), 1 + len(models)).T
    names = list(NAMES)
    names[1] = HOSTILE
    return Explorer(
        groups=groups,
        models=models,
        group=group,
        index=np.arange(n, dtype=np.int64) * 3,
        sampled=np.arange(n) % 4 != 3,
        classes=top if classes else None,
        probabilities=likely if classes else None,
        weight=weight if weights else np.full(n, np.nan, np.float32),
        influence=rng.normal(0, 0.02, (n, len(models))).astype(np.float32),
        nearest=rng.uniform(4, 16, n).astype(np.float32),
        maps=rng.integers(0, 256, (n, 7, 7), dtype=np.uint8) if maps else None,
        map_ranges=_ranges(rng, n) if maps else None,
        sprites=_sprites(n, group, top[:, 0], size),
        class_table=ClassTable(
            numbers=np.arange(10, 10 + len(NAMES), dtype=np.int32),
            names=names,
            shares=shares,
            contributions=rng.normal(0, 1, len(NAMES)),
        )
        if classes
        else None,
        network="Inception of ImageNet",
        counts=("Influence: 2,000 images drawn at random", "Classes: all 5,000 images"),
        seed=17,
    )


def _ranges(rng: np.random.Generator, n: int) -> np.ndarray:
    ranges = np.stack([rng.uniform(0, 1, n), rng.uniform(2, 9, n)], axis=1).astype(np.float32)
    ranges[5] = np.nan  # an image without a map
    return ranges


def _sprites(n: int, group: np.ndarray, top: np.ndarray, size: int) -> Sprites:
    rows = columns = 32
    y, x = np.mgrid[:size, :size] / size - 0.5
    pictures = []
    colours = np.random.default_rng(1).uniform(30, 225, (len(NAMES), 3))
    for first in range(0, n, rows * columns):
        here = range(first, min(n, first + rows * columns))
        sheet = np.zeros((-(-len(here) // columns) * size, columns * size, 3))
        for place, image in enumerate(here):
            row, column = divmod(place, columns)
            tile = np.full((size, size, 3), 90.0 + 60 * group[image])
            tile[np.hypot(y, x + 0.2 * np.sin(image)) < 0.3] = colours[top[image]]
            sheet[row * size : (row + 1) * size, column * size : (column + 1) * size] = tile
        pictures.append(_webp(sheet))
    return Sprites(pictures, size, rows, columns)


def number(value: float, error: float, tone: str = "", *, paper: str = "") -> Number:
    about = [
        f"95 % interval: {value - 1.96 * error:.2f} to {value + 1.96 * error:.2f}; it covers the "
        "choice of images",
        "5 draws of 2,000 generated images, 5,000 real images",
        "Seed 17",
    ]
    if paper:
        about.append(f"The paper has {paper}")
    return Number(f"{value:.2f} ± {error:.2f}", value, about, tone)


def answer(key: str, title: str, kind: str = "dataset", seed: int = 0) -> Answer:
    rng = np.random.default_rng(seed)
    cells = lambda: [number(40 * rng.random() + 5, rng.random(), "") for _ in range(3)]  # noqa: E731
    rows = [
        Row("Drawn at random", [number(40.70, 1.05, "deviates", paper="5.30"), *cells()[1:]]),
        Row("Top-1 matched", cells()),
        Row("Optimized weights", [number(12.31, 0.40, "agrees", paper="12.0"), *cells()[1:]]),
        Row("Largest N of the sweep", [Number("not measured"), "", "–"], "note"),
    ]
    if kind == "comparison":
        rows = [Row(name, cells()) for name in ("Generator A", "Generator B")]
    head = ["Images", "FID", "FID of CLIP", "FDr"]
    return Answer(
        key=key,
        title=title,
        kind=kind,
        question="How much of this FID is due to the class histogram, and does a network that "
        "never saw ImageNet agree?",
        word="mostly null space" if kind == "dataset" else "36 % real",
        sentence="Optimized weights lower FID from 40.70 ± 1.05 to 12.31 ± 0.40, and 92 ± 3 % of "
        "this gain is not seen by CLIP: the images became no better.",
        table=Table(
            "Distances to the real images; smaller distances are better.",
            head,
            rows,
            ["± is one standard error."],
        ),
        pictures=[
            picture(
                900,
                640,
                seed,
                "Three rows of eight images: drawn at random, Top-1 matched and "
                "with optimized weights. The rows look alike.",
                "The same images drawn three ways.",
            )
        ],
        doubts=[
            "The generator is simulated: its images are distorted photographs.",
            "Only 5 draws were made, so the error of the control is large.",
        ],
        details=["FDr is relative to a distance between real images.", "A further sentence."],
        tables=[
            Table(
                "Precision and recall",
                ["Images", "Precision"],
                [Row("Drawn at random", [number(0.71, 0.01)])],
            )
        ],
        links=[Link("verdict.md", "Verdict"), Link("tables/table1.csv", "Table 1 as CSV")],
    )


def curve(key: str, title: str, *, figure: bool = True) -> Curve:
    rows = ["n,series,value,error"]
    for place, name in enumerate(("FID", "FID of CLIP", HOSTILE.replace('"', '""'))):
        for n in (1, 5, 10, 50, 100):
            rows.append(f'{n},"{name}",{round(100 - 9 * np.log(n) * (3 - place) / 3, 4)},1.5')
    spec = {
        "layer": [
            {
                "params": [
                    {
                        "name": "chosen",
                        "select": {"type": "point", "fields": ["series"]},
                        "bind": "legend",
                    },
                    {"name": "moved", "select": "interval", "bind": "scales"},
                ],
                "mark": {"type": "line", "point": True},
                "encoding": {
                    "tooltip": [
                        {"field": "series", "type": "nominal", "title": "Distance"},
                        {"field": "n", "type": "quantitative", "title": "N"},
                        {
                            "field": "value",
                            "type": "quantitative",
                            "title": "Part of random",
                            "format": ".1f",
                        },
                    ],
                },
            },
            {
                "mark": "errorbar",
                "encoding": {"yError": {"field": "error"}},
            },
        ],
        "encoding": {
            "x": {
                "field": "n",
                "type": "quantitative",
                "scale": {"type": "log"},
                "title": "N of Top-N",
            },
            "y": {"field": "value", "type": "quantitative", "title": "Part of FID at random, %"},
            "color": {"field": "series", "type": "nominal", "title": "Distance"},
            "opacity": {"condition": {"param": "chosen", "value": 1}, "value": 0.15},
        },
    }
    return Curve(
        key,
        title,
        "FID falls with N, and the control does not follow. Bars: one standard error.",
        spec,
        "\n".join(rows) + "\n",
        f"{key}.csv",
        picture(1000, 600, 3, "FID falls from 100 to 59 %.") if figure else None,
        [Link(f"figures/{key}.pdf", "Figure as PDF")],
    )


def exhibit(key: str, name: str, of: str = "Faces") -> ExhibitEntry:
    return ExhibitEntry(
        key,
        name,
        of,
        "FID of images drawn three ways. The bars are standard errors.",
        [picture(1100, 500, len(key), f"{name}: bars of three heights.")]
        if "Figure" in name
        else [],
        [answer("x", "x").table] if "Table" in name else [],
        [
            Compared(
                "FID, random",
                number(5.28, 0.05, "agrees"),
                "5.30",
                "−0.4 %, within the error",
                "agrees",
            ),
            Compared("FID, optimized", number(2.61, 0.04, "deviates"), "1.96", "+33 %", "deviates"),
            Compared(
                "FID of CLIP, random",
                number(2.75, 0.1),
                "2.76",
                "another version of CLIP",
                "incomparable",
            ),
            Compared("FID of DINO, random", number(101.0, 0.1), "", "", ""),
        ],
        ["Crops", HOSTILE],
        [Link(f"figures/{key}.pdf", "PDF"), Link(f"figures/{key}.csv", "CSV")],
    )


def deviation(topic: str) -> Deviation:
    return Deviation(
        topic,
        "Figures 4a and 4b",
        "Crops of 224 pixels.",
        "Crops of 299 pixels.",
        "As the code.",
        "The paper's numbers were made with its code.",
    )


def rich() -> Content:
    """Return a run with a data set and a comparison, and hostile titles everywhere."""
    return Content(
        run="demo",
        answers=[
            answer("dataset-faces", f"Faces {HOSTILE}"),
            answer("comparison-generators", LONG, "comparison", 1),
        ],
        explorers=[
            ExplorerView("images-faces", "Faces", "dataset-faces", explorer()),
            ExplorerView(
                "images-generators",
                f"{HOSTILE} {LONG}",
                "comparison-generators",
                explorer(
                    120,
                    ("Real images", HOSTILE, LONG),
                    (HOSTILE, LONG),
                    seed=5,
                    weights=False,
                ),
            ),
        ],
        curves=[
            curve("curve-sweep", "Top-N sweep of faces"),
            curve("curve-sizes", f"Sizes {HOSTILE}"),
            curve("curve-noise", "Noise", figure=False),
        ],
        exhibits=[
            exhibit("exhibit-figure-1", "Figure 1"),
            exhibit("exhibit-table-1", "Table 1"),
            exhibit("exhibit-figure-4a", "Figure 4a", LONG),
        ],
        deviations=[deviation("Crops"), deviation(HOSTILE)],
        left_out=["Figure 7: precision needs features of StyleGAN-XL, which are missing."],
        links=[
            Link("report.html", "Snakemake's report: provenance"),
            Link("tables/table1.csv", "Table 1"),
        ],
        version="0.9",
    )


def one_data_set() -> Content:
    """Return a small run: one data set and nothing else."""
    return Content("one", [answer("dataset-faces", "Faces")])


def five_data_sets() -> Content:
    """Return a run with five data sets."""
    keys = [f"set-{n}" for n in range(5)]
    return Content(
        "five",
        [answer(key, f"Data set {n}", seed=n) for n, key in enumerate(keys)],
        [
            ExplorerView(f"images-{k}", f"Data set {n}", k, explorer(60, seed=n))
            for n, k in enumerate(keys)
        ],
        [curve(f"sweep-{key}", f"Sweep of {key}") for key in keys],
        [exhibit("exhibit-table-1", "Table 1", "")],
        [deviation("Crops"), deviation(HOSTILE)],
    )


def many_images() -> Content:
    """Return a run with 10,000 thumbnails."""
    view = ExplorerView("images-faces", "Faces", "dataset-faces", explorer(10_000, size=32))
    return Content("many", [answer("dataset-faces", "Faces")], [view])


def labelled() -> Content:
    """Return a run whose classes are labels: one for each image, without probabilities."""
    shown = explorer(60)
    classes = np.full_like(shown.classes, -1)
    assert shown.classes is not None
    classes[:, 0] = shown.classes[:, 0]
    shown = replace(shown, classes=classes, probabilities=None)
    view = ExplorerView("images-faces", "Faces", "dataset-faces", shown)
    return Content("labels", [answer("dataset-faces", "Faces")], [view])
