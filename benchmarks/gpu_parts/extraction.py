"""From a ZIP of PNGs to stored features, compared with the bare network, in float32 and TF32."""

import io
import tempfile
import warnings
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fringe.features import extract_shard, open_features
from fringe.metrics import Gaussian, frechet_distance
from fringe.networks import FeatureNetwork, load_network, network_info
from fringe.sources import PhotoSource, open_source
from gpu_parts.rows import Report
from gpu_parts.sizes import Sizes
from gpu_parts.timing import best_of

__all__ = ["measure"]

AIM = 0.85


def measure(sizes: Sizes, device: str, report: Report, weights: Path | None = None) -> None:
    """Report images per second and their ratio, and the effect of TF32 on FID."""
    half = sizes.images // 2
    photos = PhotoSource(half, sizes.pixels, 0).read(range(half))
    images = np.concatenate([photos, other(photos)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.zip"
        write_zip(images, path)
        source = open_source(path)
        if sizes.network == "inception" and weights is None:
            weights = Path(folder) / "inception.pth"
            write_random_inception(weights)
        found: dict[str, np.ndarray] = {}
        for precision in ("float32", "tf32"):

            def one(precision: str = precision) -> None:
                network = loaded(sizes.network, weights, device, precision)
                found[precision] = compare(sizes, device, report, source, images, network)

            report.attempt(f"extraction, {precision}", one)
    report.attempt("FID in TF32", lambda: moved(sizes, device, report, found, half))


def compare(
    sizes: Sizes,
    device: str,
    report: Report,
    source: object,
    images: np.ndarray,
    network: FeatureNetwork,
) -> np.ndarray:
    """Report extraction and the bare network, and return the features."""
    count, size = sizes.images, sizes.batch_size
    # The bare network fills up the last batch, like `extract_shard`.
    full = torch.from_numpy(np.concatenate([images, images[: -count % size]]))
    batches = torch.split(full.permute(0, 3, 1, 2), size)
    bare: list[torch.Tensor] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "features.h5"

        def bare_network() -> None:
            bare[:] = [network(batch).features.cpu() for batch in batches]

        def stored() -> None:
            extract_shard(source, network, 0, count, path, batch_size=size)

        network(batches[0])
        best = best_of({"bare": bare_network, "stored": stored}, sizes.turns, device)
        features = open_features(path).read()
    same = np.array_equal(features, torch.cat(bare)[:count].numpy())
    ratio = best["bare"] / best["stored"]
    about = (
        f"{network.name}, {network.precision}, {count} images of {sizes.pixels} px in a ZIP of "
        f"PNGs, batches of {size}"
    )
    remark = "the same bits" if same else "FEATURES DIFFER from the bare network's"
    remark += "" if ratio >= AIM else f"; below the aim of {AIM}"
    report("the bare network", configuration=about, figure=count / best["bare"], unit="images/s")
    report(
        "extraction to stored features",
        configuration=about,
        figure=count / best["stored"],
        unit="images/s",
        ratio=ratio,
        rival="the bare network",
        remark=remark,
    )
    if network.precision == "float32":
        macs = 1e9 * (network_info(network.name).giga_macs or 0)
        report.rate("network", macs * count / best["stored"], "multiply-adds/s", device, about)
    return features


def moved(
    sizes: Sizes, device: str, report: Report, found: dict[str, np.ndarray], half: int
) -> None:
    """Report FID of the same images in both precisions, and between them."""
    exact, rounded = (
        [Gaussian.from_features(found[name][at]) for at in (slice(half), slice(half, None))]
        for name in ("float32", "tf32")
    )
    before, after = frechet_distance(*exact), frechet_distance(*rounded)
    about = f"{sizes.network}, {half} photographs and as many that were changed"
    remark = "a CPU computes TF32 as float32" if device == "cpu" else ""
    report("FID in float32", configuration=about, figure=before, unit="FID")
    report(
        "FID in TF32",
        configuration=about,
        figure=after,
        unit="FID",
        ratio=after / before if before else None,
        rival="FID in float32",
        remark=remark,
    )
    report(
        "FID between both precisions",
        configuration="the same photographs",
        figure=frechet_distance(exact[0], rounded[0]),
        unit="FID",
        remark=remark,
    )


def other(photos: np.ndarray) -> np.ndarray:
    """Return the photographs with less contrast and with noise, as images of another set."""
    rng = np.random.default_rng(0)
    changed = np.empty_like(photos)
    for index, photo in enumerate(photos):
        noise = rng.standard_normal(photo.shape, dtype=np.float32)
        changed[index] = np.clip(128 + 0.8 * (photo - 128.0) + 6 * noise, 0, 255).astype(np.uint8)
    return changed


def write_zip(images: np.ndarray, path: Path) -> None:
    """Write images as PNGs, compressed in threads, to a ZIP without further compression."""

    def encoded(image: np.ndarray) -> bytes:
        png = io.BytesIO()
        Image.fromarray(image).save(png, "png")
        return png.getvalue()

    with zipfile.ZipFile(path, "w") as archive, ThreadPoolExecutor() as pool:
        for index, png in enumerate(pool.map(encoded, images)):
            archive.writestr(f"{index:08d}.png", png)


def write_random_inception(path: Path) -> None:
    """Write Inception with random weights, which is as fast as the trained network.

    A variance of 2 / fan-in keeps the size of activations through ReLU (He et al. 2015).
    """
    from fringe.networks.inception import architecture

    with torch.device("meta"):
        shapes = architecture().state_dict()
    draw = torch.Generator().manual_seed(0)
    state = {}
    for name, like in shapes.items():
        if like.ndim > 1:
            deviation = (2 / like[0].numel()) ** 0.5
            state[name] = deviation * torch.randn(like.shape, generator=draw)
        elif name.endswith(("running_var", "bn.weight")):
            state[name] = torch.ones(like.shape)
        else:
            state[name] = torch.zeros(like.shape, dtype=like.dtype)
    torch.save(state, path)


def loaded(name: str, weights: Path | None, device: str, precision: str) -> FeatureNetwork:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the warning that these weights are not published
        return load_network(
            name,
            weights if name == "inception" else None,
            device,
            precision=precision,  # type: ignore[arg-type]
        )
