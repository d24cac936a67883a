"""The effect of reduced precision on FID and speed.

    python benchmarks/precision.py [--network efficientnet-lite0] [--images 1000] [--device cpu]

The benchmark computes features of the same photographs and of the same simulated images in float32,
bfloat16 and TF32. The output for each precision: images a second as a ratio to float32 in the same
run; FID of simulated and real images; and the FID between the float32 and the reduced features of
the *same* real images, which is 0 if precision changes nothing. A CPU has no TF32. There the
rounding of TF32 (10 bits of the inputs of a convolution) is imitated for efficientnet-lite0,
without a time.
"""

import argparse
import platform
import time

import torch
from torch import Tensor, nn

from fringe.metrics import Gaussian, frechet_distance
from fringe.networks import Activations, FeatureNetwork, load_network
from fringe.networks.efficientnet_lite0 import fused_trunk, preprocess, published
from fringe.sources import ImitationSource, PhotoSource


def rounded(x: Tensor) -> Tensor:
    """Round float32 to the 10 explicit bits of TF32's mantissa, ties to even."""
    bits = x.view(torch.int32)
    return ((bits + 0xFFF + ((bits >> 13) & 1)) & ~0x1FFF).view(torch.float32)


def imitated_tf32() -> FeatureNetwork:
    """Return efficientnet-lite0 with the inputs of its convolutions rounded like TF32."""
    trunk = fused_trunk(published())
    for module in trunk.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data = rounded(module.weight.data.contiguous())
            module.register_forward_pre_hook(lambda _, given: (rounded(given[0].contiguous()),))

    def forward(images: Tensor) -> Activations:
        return Activations(trunk(preprocess(images)).mean((2, 3)))

    device = torch.device("cpu")
    return FeatureNetwork("efficientnet-lite0", 1280, None, "", device, forward)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="efficientnet-lite0")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    on_gpu = torch.device(options.device).type == "cuda"

    networks = {
        precision: load_network(options.network, device=options.device, precision=precision)
        for precision in ("float32", "bfloat16", *(["tf32"] if on_gpu else []))
    }
    if not on_gpu and options.network == "efficientnet-lite0":
        networks["tf32 (imitated)"] = imitated_tf32()
    sources = {
        "real": PhotoSource(options.images, 128, 0),
        "simulated": ImitationSource(options.images, 128, 1, 0.8),
    }
    features: dict[str, dict[str, list[Tensor]]] = {
        name: {side: [] for side in sources} for name in networks
    }
    seconds = dict.fromkeys(networks, 0.0)
    for network in networks.values():  # the setup at first use is not counted
        network(torch.zeros(options.batch_size, 3, 128, 128, dtype=torch.uint8))
    for side, source in sources.items():
        for first in range(0, options.images, options.batch_size):
            last = min(first + options.batch_size, options.images)
            batch = torch.from_numpy(source.read(range(first, last))).permute(0, 3, 1, 2)
            for name, network in networks.items():  # in turns
                start = time.perf_counter()
                features[name][side].append(network(batch).features.cpu())
                seconds[name] += time.perf_counter() - start

    gaussians = {
        name: {side: Gaussian.from_features(torch.cat(rows)) for side, rows in sides.items()}
        for name, sides in features.items()
    }
    device = torch.cuda.get_device_name() if on_gpu else platform.machine()
    print(
        f"{options.network} on {device}, {torch.get_num_threads()} threads; torch "
        f"{torch.__version__}; {options.images} + {options.images} images of 128 px"
    )
    exact = frechet_distance(gaussians["float32"]["real"], gaussians["float32"]["simulated"])
    for name, sides in gaussians.items():
        fid = frechet_distance(sides["real"], sides["simulated"])
        same = frechet_distance(gaussians["float32"]["real"], sides["real"])
        ratio = seconds["float32"] / seconds[name]
        speed = "" if "imitated" in name else f"   {ratio:5.2f} times the speed of float32"
        print(
            f"{name:16} FID {fid:10.4f} ({100 * (fid / exact - 1):+.3f}%)   "
            f"same images {same:.2e}{speed}"
        )


if __name__ == "__main__":
    main()
