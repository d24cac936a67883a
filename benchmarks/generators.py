"""Images per second of StyleGAN2, compared with only its convolutions and a reference algorithm.

    python benchmarks/generators.py [--resolution 256] [--images 8] [--turns 3]

The generator has the official configuration at the given resolution, with random weights, written
and loaded as a network pickle. Three variants take turns in one process, on the same threads. The
best turn of each counts, because a shared machine can only make a turn slower:

* Fringe: ``Generator.synthesize``.
* Only its convolutions: the same calls, with the same shapes and memory layout, without mapping,
  modulation, noise, activation, 4 x 4 filters or RGB.
* The reference algorithm in plain PyTorch: weights modulated for each image and applied as one
  grouped convolution, filters on images with inserted zeros, one operation after another.

The benchmark runs on a CPU in float32, and also on a GPU, if there is one, in float32 and float16
(the reference algorithm only in float32). Exits with 1 if the images of Fringe and of the reference
algorithm differ.
"""

import argparse
import math
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/generators"))

from checkpoints import write_stylegan2_pickle

from fringe.checkpoints import flatten, read_pickle
from fringe.generators import Generator, Latents, load_generator

State = dict[str, Tensor]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--images", type=int, default=8, help="number of images on the CPU")
    parser.add_argument("--batch-size", type=int, default=64, help="batch size on a GPU")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        f"StyleGAN2, {options.resolution} px, official configuration, random weights; torch "
        f"{torch.__version__}, Python {platform.python_version()}, best of {options.turns} turns"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generator.pkl"
        write_stylegan2_pickle(
            path,
            resolution=options.resolution,
            z_dim=512,
            w_dim=512,
            channel_base=16384 if options.resolution < 512 else 32768,
            channel_max=512,
            mapping_layers=2,
            conv_clamp=256,
            num_fp16_res=4,
        )
        print(
            f"\nCPU ({platform.machine()}), {options.threads} threads of {os.cpu_count()} cores, "
            f"{options.images} images"
        )
        same = compare(path, "cpu", "float32", options.images, options.turns)
        if torch.cuda.is_available():
            for precision in ("float32", "float16"):
                print(
                    f"\n{torch.cuda.get_device_name()}, {precision}, batches of "
                    f"{options.batch_size}"
                )
                same &= compare(path, "cuda", precision, options.batch_size, options.turns)
    return 0 if same else 1


def compare(path: Path, device: str, precision: str, count: int, turns: int) -> bool:
    """Print images per second of each variant and their ratios; return whether the images agree."""
    generator = load_generator(path, device, precision=precision)
    state = {name: t.to(device) for name, t in flatten(read_pickle(path)["G_ema"], path).items()}
    z = torch.from_numpy(Latents(0, 512).rows(range(count))).float().to(device)
    ways: dict[str, Callable[[], Tensor]] = {
        "Fringe": lambda: generator.synthesize(z),
        "convolutions only": convolutions(generator, state, precision, count),
    }
    if precision == "float32":
        # A few images at a time, which is best on a CPU.
        size = count if device != "cpu" else 2
        ways["reference algorithm"] = lambda: torch.cat(
            [reference(state, part) for part in z.split(size)]
        )
    best = dict.fromkeys(ways, math.inf)
    results = {}
    with torch.inference_mode():
        for turn in range(turns + 1):
            for name, way in ways.items():
                start = time.perf_counter()
                results[name] = way()
                if device != "cpu":
                    torch.cuda.synchronize()
                # The first turn warms up.
                if turn:
                    best[name] = min(best[name], time.perf_counter() - start)
    for name, seconds in best.items():
        rate, ratio = count / seconds, best["Fringe"] / seconds
        print(f"{name:22}{rate:9.2f} images/s   {ratio:6.2f} of Fringe's")
    if "reference algorithm" not in results:
        return True
    error = float((results["Fringe"] - results["reference algorithm"]).abs().max())
    print(f"largest difference between the images: {error:.1e}")
    return error < 1e-3


def convolutions(
    generator: Generator, state: State, precision: str, count: int
) -> Callable[[], Tensor]:
    """Return a function that computes the convolutions of ``count`` images."""
    device, on_cpu = generator.device, generator.device.type == "cpu"
    batch = 1 if on_cpu else count
    calls = []
    resolution = 4
    while (weight := state.get(f"synthesis.b{resolution}.conv1.weight")) is not None:
        half = precision == "float16" and resolution >= max(generator.resolution[0] // 8, 8)
        dtype = torch.float16 if half else torch.float32
        for name in ("conv0", "conv1") if resolution > 4 else ("conv1",):
            weight = state[f"synthesis.b{resolution}.{name}.weight"].to(dtype)
            size = resolution // 2 if name == "conv0" else resolution
            x = torch.randn(batch, weight.shape[1], size, size, device=device, dtype=dtype)
            x = x.contiguous(memory_format=torch.channels_last)
            weight = weight.transpose(0, 1) if name == "conv0" else weight
            calls.append((name == "conv0", x, weight.contiguous(memory_format=torch.channels_last)))
        resolution *= 2

    def run(_: int = 0) -> Tensor:
        with (
            torch.inference_mode(),
            torch.backends.cudnn.flags(
                enabled=True, benchmark=False, deterministic=True, allow_tf32=False
            ),
        ):
            for upsample, x, weight in calls:
                if upsample:
                    y = functional.conv_transpose2d(x, weight, stride=2)
                else:
                    y = functional.conv2d(x, weight, padding=1)
        return y

    def on_threads() -> Tensor:
        # Images share the threads as in Fringe.
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(
            torch.get_num_threads(), initializer=torch.set_num_threads, initargs=(1,)
        ) as pool:
            return list(pool.map(run, range(count)))[-1]

    return on_threads if on_cpu else run


def reference(state: State, z: Tensor) -> Tensor:
    """Return images from the reference algorithm, one operation after another."""
    x = z * (z.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()
    for layer in range(2):
        weight = state[f"mapping.fc{layer}.weight"] * (0.01 / math.sqrt(x.shape[1]))
        bias = state[f"mapping.fc{layer}.bias"] * 0.01
        x = functional.leaky_relu(torch.addmm(bias, x, weight.T), 0.2) * math.sqrt(2)
    w = x

    def modulated(x: Tensor, name: str, gain: float, demodulate: bool, up: bool = False) -> Tensor:
        affine = state[f"{name}.affine.weight"] / math.sqrt(w.shape[1])
        style = torch.addmm(state[f"{name}.affine.bias"], w, affine.T) * gain
        weight = state[f"{name}.weight"] * style[:, None, :, None, None]
        if demodulate:
            scale = (weight.square().sum(dim=(2, 3, 4)) + 1e-8).rsqrt()
            weight = weight * scale[:, :, None, None, None]
        n, outputs, inputs, kernel, _ = weight.shape
        x = x.reshape(1, n * inputs, *x.shape[2:])
        if up:
            weight = weight.transpose(1, 2).reshape(n * inputs, outputs, kernel, kernel)
            x = functional.conv_transpose2d(x, weight, stride=2, groups=n)
            x = upfirdn(x, 1, (1, 1), 4)
        else:
            weight = weight.reshape(n * outputs, inputs, kernel, kernel)
            x = functional.conv2d(x, weight, padding=kernel // 2, groups=n)
        return x.reshape(n, outputs, *x.shape[2:])

    def convolved(x: Tensor, name: str, up: bool) -> Tensor:
        x = modulated(x, name, 1, True, up)
        x = x + state[f"{name}.noise_const"] * state[f"{name}.noise_strength"]
        x = x + state[f"{name}.bias"][:, None, None]
        return (functional.leaky_relu(x, 0.2) * math.sqrt(2)).clamp(-256, 256)

    x, image, resolution = state["synthesis.b4.const"].expand(len(z), -1, -1, -1), None, 4
    while f"synthesis.b{resolution}.conv1.weight" in state:
        name = f"synthesis.b{resolution}"
        if resolution > 4:
            x = convolved(x, f"{name}.conv0", up=True)
        x = convolved(x, f"{name}.conv1", up=False)
        rgb = modulated(x, f"{name}.torgb", 1 / math.sqrt(x.shape[1]), False)
        rgb = (rgb + state[f"{name}.torgb.bias"][:, None, None]).clamp(-256, 256)
        image = rgb if image is None else upfirdn(image, 2, (2, 1), 4) + rgb
        resolution *= 2
    assert image is not None
    return image


def upfirdn(x: Tensor, up: int, padding: tuple[int, int], gain: float) -> Tensor:
    """Insert zeros, pad and filter with the outer product of [1, 3, 3, 1] / 8."""
    n, channels, height, width = x.shape
    x = x.reshape(n, channels, height, 1, width, 1)
    x = functional.pad(x, (0, up - 1, 0, 0, 0, up - 1))
    x = x.reshape(n, channels, height * up, width * up)
    x = functional.pad(x, (*padding, *padding))
    line = torch.tensor(np.array([1, 3, 3, 1]) / 8, dtype=x.dtype, device=x.device)
    kernel = (torch.outer(line, line) * gain).expand(channels, 1, 4, 4)
    return functional.conv2d(x, kernel, groups=channels)


if __name__ == "__main__":
    sys.exit(main())
