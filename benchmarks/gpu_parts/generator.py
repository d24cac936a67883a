"""StyleGAN2 in float16 and only its convolutions: ways to fuse the operations between them."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

import generators
import torch
from torch import Tensor

from fringe.checkpoints import flatten, read_pickle
from fringe.devices.determinism import deterministic
from fringe.generators import Generator, Latents, load_generator, stylegan2
from fringe.generators.base import Inputs, to_uint8
from fringe.generators.compiling import compiled
from fringe.generators.cpu_batches import image_by_image
from fringe.sources import render_shard
from fringe.sources.generated import GeneratedSource
from gpu_parts.machine import wait
from gpu_parts.rows import Report
from gpu_parts.sizes import Sizes
from gpu_parts.timing import best_of, seconds_of

__all__ = ["measure"]

Forward = Callable[[Inputs], Tensor]


def measure(sizes: Sizes, device: str, report: Report, weights: Path | None = None) -> None:
    """Report images per second of each variant, and how many values of 0 to 255 it changes."""
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder) / "compared.pkl", sizes.resolution, sizes.channel_base)
        report.attempt("StyleGAN2 in float16", lambda: compare(sizes, device, report, path))
    report.attempt("rate generator", lambda: rendering(sizes, device, report))


def written(path: Path, resolution: int, channel_base: int) -> Path:
    """Write a StyleGAN2 with random weights; at 256 px, the official channel base is 16,384."""
    generators.write_stylegan2_pickle(
        path,
        resolution=resolution,
        z_dim=512,
        w_dim=512,
        channel_base=channel_base,
        channel_max=512,
        mapping_layers=2,
        conv_clamp=256,
        num_fp16_res=4,
    )
    return path


def compare(sizes: Sizes, device: str, report: Report, path: Path) -> None:
    usual = load_generator(path, device, precision="float16")
    config, state = stylegan2.read(read_pickle(path)["G_ema"], path)
    state = {name: tensor.to(usual.device) for name, tensor in state.items()}
    z = torch.from_numpy(Latents(0, 512).rows(range(sizes.batch))).float().to(usual.device)
    about = f"StyleGAN2, {sizes.resolution} px, float16, random weights, batches of {sizes.batch}"

    def built(sums: bool = False, channels_last: bool = True) -> Forward:
        # Weights and the first map are laid out when the network is built, and maps follow them.
        layout = torch.channels_last if channels_last else torch.contiguous_format
        with mock.patch.object(torch, "channels_last", layout):
            return stylegan2.network(config, state, float16=True, sums=sums)

    ways: dict[str, Callable[[], Forward]] = {
        "filters as sums": lambda: built(sums=True),
        "channels first": lambda: built(channels_last=False),
    }
    if device != "cpu":
        ways["CUDA graph"] = lambda: graphed(built(), z)
    if sizes.compiled:
        ways["compiled, filters as sums (fused)"] = lambda: compiled(built(sums=True))
        if device != "cpu":
            ways["fused, CUDA graph"] = lambda: graphed(compiled(built(sums=True)), z)
            ways["fused, channels first"] = lambda: compiled(built(True, False))
            ways["compiled"] = lambda: compiled(built())

    # A CPU sums float16 in float32, so its convolutions are those of float32.
    summed = "float32" if device == "cpu" else "float16"
    floor = generators.convolutions(usual, flattened(path, usual.device), summed, sizes.batch)
    with torch.inference_mode():
        expected = to_uint8(usual.synthesize(z).clone())
        floor()
        seconds = against(usual, "as it is", floor, z, sizes, device, report, about)
        report(
            "its convolutions only",
            configuration=about,
            figure=sizes.batch / seconds,
            unit="images/s",
            remark="on a CPU in float32" if device == "cpu" else "",
        )
        for name, build in ways.items():

            def one(name: str = name, build: Callable[[], Forward] = build) -> None:
                way = replace(usual, forward=image_by_image(build(), usual.device))
                first = seconds_of(lambda: way.synthesize(z), device)
                found = to_uint8(way.synthesize(z).clone())
                apart = (found.int() - expected.int()).abs()
                changed = float((apart > 0).float().mean())
                remark = (
                    f"{changed:.3%} of the values of 0 to 255 differ, by {int(apart.max())} at "
                    f"most; the first batch takes {first:.1f} s"
                )
                against(way, name, floor, z, sizes, device, report, about, remark)

            report.attempt(name, one)


def against(
    way: Generator,
    name: str,
    floor: Callable[[], Tensor],
    z: Tensor,
    sizes: Sizes,
    device: str,
    report: Report,
    about: str,
    remark: str = "",
) -> float:
    """Report a variant in turns with the convolutions; return their seconds."""
    best = best_of({"way": lambda: way.synthesize(z), "floor": floor}, 3 * sizes.turns, device)
    report(
        name,
        configuration=about,
        figure=sizes.batch / best["way"],
        unit="images/s",
        ratio=best["floor"] / best["way"],
        rival="its convolutions only",
        remark=remark,
    )
    return best["floor"]


def graphed(forward: Forward, z: Tensor) -> Forward:
    """Return ``forward`` as one CUDA graph, for batches of the size of ``z``.

    Its result is in memory that its next call overwrites.
    """
    given = Inputs(z.clone(), noise="const")
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.stream(stream), deterministic():
        for _ in range(3):
            forward(given)
    torch.cuda.current_stream().wait_stream(stream)
    wait("cuda")
    with deterministic(), torch.cuda.graph(graph):
        images = forward(given)

    def replay(inputs: Inputs) -> Tensor:
        given.latents.copy_(inputs.latents)
        graph.replay()
        return images

    return replay


def flattened(path: Path, device: torch.device) -> dict[str, Tensor]:
    return {name: t.to(device) for name, t in flatten(read_pickle(path)["G_ema"], path).items()}


def rendering(sizes: Sizes, device: str, report: Report) -> None:
    """Report how fast a job renders images to a file, in float32, as the estimate needs it."""
    size, count = sizes.rendered_pixels, sizes.rendered
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder) / "rendered.pkl", size, sizes.rendered_channels)
        source = GeneratedSource(path, count, device=device)
        source.read(range(min(count, 50)))
        shard = Path(folder) / "images.h5"
        calls = {"": lambda: render_shard(source, 0, count, shard, {})}
        seconds = best_of(calls, min(sizes.turns, 2), device)[""]
    report.rate(
        "generator",
        count * size**2 / seconds,
        "pixels/s",
        device,
        f"StyleGAN2, {size} px, float32, {count} images to HDF5",
    )
