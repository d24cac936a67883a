"""DINOv2 compared with torchvision's vision transformer, with the same random weights.

torch-fidelity does not contain this network; it downloads the official code.
"""

from pathlib import Path

import pytest
import torch
from tests.networks.weight_files import write_dinov2
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import VisionTransformer as TorchvisionTransformer
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as transforms

from fringe.errors import FringeError
from fringe.networks import FeatureNetwork, network_weight_files
from fringe.networks.dinov2 import (
    VisionTransformer,
    load_b,
    load_b_edm2,
    load_l,
    load_transformer,
    positions,
    preprocess_edm2,
)
from fringe.networks.resizing import IMAGENET

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "dinov2_vitb14_pretrain.pth"
    write_dinov2(path, seed=5)
    return path


@pytest.fixture(scope="module")
def shallow_large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the weight file of ViT-L/14 with 3 of its 24 blocks."""
    path = tmp_path_factory.mktemp("weights") / "shallow.pth"
    write_dinov2(path, seed=6, dim=1024, depth=3)
    return path


def load_shallow_large(path: Path) -> FeatureNetwork:
    return load_transformer("dinov2-l", path, CPU, dim=1024, depth=3, heads=16)


def images(height: int, width: int, count: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(height)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator)


def by_pillow(image: Tensor) -> Tensor:
    """Prepare one image as in dgm-eval: Pillow's bicubic resize, ToTensor, Normalize."""
    bicubic = InterpolationMode.BICUBIC
    picture = transforms.resize(transforms.to_pil_image(image), [224, 224], bicubic)
    return transforms.normalize(transforms.to_tensor(picture), *IMAGENET)


def judge(state: dict[str, Tensor], dim: int, depth: int, heads: int) -> TorchvisionTransformer:
    """Return torchvision's transformer with DINOv2's weights and folded layer scales."""
    with torch.device("meta"):
        model = TorchvisionTransformer(224, 14, depth, heads, dim, 4 * dim)
    model.heads = nn.Identity()
    renamed = {
        "class_token": state["cls_token"],
        "encoder.pos_embedding": sampled_positions(state["pos_embed"]),
        "conv_proj.weight": state["patch_embed.proj.weight"],
        "conv_proj.bias": state["patch_embed.proj.bias"],
        "encoder.ln.weight": state["norm.weight"],
        "encoder.ln.bias": state["norm.bias"],
    }
    for i in range(depth):
        theirs, ours = f"encoder.layers.encoder_layer_{i}", f"blocks.{i}"
        for kind in ("weight", "bias"):
            renamed |= {
                f"{theirs}.ln_1.{kind}": state[f"{ours}.norm1.{kind}"],
                f"{theirs}.ln_2.{kind}": state[f"{ours}.norm2.{kind}"],
                f"{theirs}.self_attention.in_proj_{kind}": state[f"{ours}.attn.qkv.{kind}"],
                f"{theirs}.mlp.0.{kind}": state[f"{ours}.mlp.fc1.{kind}"],
            }
            for place, layer, scale in (
                ("self_attention.out_proj", "attn.proj", "ls1"),
                ("mlp.3", "mlp.fc2", "ls2"),
            ):
                gamma, tensor = state[f"{ours}.{scale}.gamma"], state[f"{ours}.{layer}.{kind}"]
                scaled = gamma[:, None] * tensor if kind == "weight" else gamma * tensor
                renamed[f"{theirs}.{place}.{kind}"] = scaled
    model.load_state_dict(renamed, assign=True)
    return model.eval()


def sampled_positions(trained: Tensor) -> Tensor:
    """Sample the square of embeddings with cubic interpolation at (i + 1/2) * 37 / 16.1 - 1/2."""
    points = (torch.arange(16) + 0.5) * 37 / 16.1
    places = points / 37 * 2 - 1  # from -1 to 1 between the edges of the square
    grid = torch.stack(torch.meshgrid(places, places, indexing="xy"), dim=-1)[None]
    square = trained[:, 1:].transpose(1, 2).reshape(1, -1, 37, 37)
    sampled = functional.grid_sample(
        square, grid, mode="bicubic", padding_mode="border", align_corners=False
    )
    return torch.cat([trained[:, :1], sampled.flatten(2).transpose(1, 2)], dim=1)


def assert_equal(network: FeatureNetwork, judge: TorchvisionTransformer, batch: Tensor) -> None:
    """Compare features to 1e-5 of the largest value."""
    with torch.inference_mode():
        theirs = judge(torch.stack([by_pillow(image) for image in batch]))
    found = network(batch)
    assert found.features.shape == theirs.shape
    assert (theirs[0] - theirs[1]).abs().max() > 0.01 * theirs.abs().max()
    assert (found.features - theirs).abs().max() < 1e-5 * theirs.abs().max()
    assert found.logits is None
    assert found.maps is None


def test_base_equals_torchvision(base: Path) -> None:
    network = load_b(base, CPU)
    state = torch.load(base, weights_only=True)
    assert_equal(network, judge(state, dim=768, depth=12, heads=12), images(256, 256))
    assert (network.name, network.feature_dim, network.class_names) == ("dinov2-b", 768, None)


@pytest.mark.parametrize("shape", [(64, 64), (256, 256), (224, 224), (100, 150)])
def test_the_resize_of_edm2(tmp_path: Path, shape: tuple[int, int]) -> None:
    """EDM2 uses PyTorch's antialiased bicubic on floats, Keys's kernel, not rounded or limited."""
    batch = images(*shape)
    pixels = preprocess_edm2(batch)
    resized = functional.interpolate(batch.double(), (224, 224), mode="bicubic", antialias=True)
    mean, std = (torch.tensor(one, dtype=torch.float64).view(3, 1, 1) for one in IMAGENET)
    torch.testing.assert_close(pixels.double(), (resized / 255 - mean) / std, rtol=0, atol=2e-4)
    by_dgm_eval = torch.stack([by_pillow(image) for image in batch])
    difference = (pixels - by_dgm_eval).abs().max()
    if shape == (224, 224):
        assert difference < 1e-6
        return
    # Noise has edges at which Pillow clips values. Rounding changes at most half a grey level.
    assert difference > 0.4 / 255 / 0.225
    path = tmp_path / "tiny.pth"
    write_dinov2(path, seed=7, dim=24, depth=1)
    sizes = {"dim": 24, "depth": 1, "heads": 3}
    ours = load_transformer("tiny", path, CPU, **sizes, preprocess=preprocess_edm2)(batch)
    model = judge(torch.load(path, weights_only=True), **sizes)
    with torch.inference_mode():
        theirs = model(pixels)
    assert (ours.features - theirs).abs().max() < 1e-5 * theirs.abs().max()


def test_base_with_edm2_s_resize(base: Path) -> None:
    batch = images(64, 64)
    network = load_b_edm2(base, CPU)
    state = torch.load(base, weights_only=True)
    with torch.inference_mode():
        theirs = judge(state, dim=768, depth=12, heads=12)(preprocess_edm2(batch))
    found = network(batch).features
    assert (found - theirs).abs().max() < 1e-5 * theirs.abs().max()
    other = load_b(base, CPU)(batch).features
    assert (found - other).abs().max() > 1e-3 * other.abs().max()
    assert (network.name, network.feature_dim) == ("dinov2-b-edm2", 768)
    assert network_weight_files("dinov2-b-edm2") == network_weight_files("dinov2-b")
    assert network_weight_files("dinov2-l-edm2") == network_weight_files("dinov2-l")


def test_blocks_of_large_equal_torchvision(shallow_large: Path) -> None:
    network = load_shallow_large(shallow_large)
    state = torch.load(shallow_large, weights_only=True)
    assert_equal(network, judge(state, dim=1024, depth=3, heads=16), images(100, 150))


def test_positions_are_sampled_with_the_official_offset() -> None:
    trained = torch.randn(1, 1370, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(positions(trained), sampled_positions(trained), rtol=0, atol=5e-5)
    at_16 = functional.interpolate(
        trained[:, 1:].transpose(1, 2).reshape(1, 8, 37, 37), (16, 16), mode="bicubic"
    )
    without_offset = at_16.flatten(2).transpose(1, 2)
    assert (positions(trained)[:, 1:] - without_offset).abs().max() > 0.01


def test_large_has_the_parameters_of_the_official_checkpoint() -> None:
    with torch.device("meta"):
        model = VisionTransformer(1024, 24, 16)
    # Four bytes for each parameter, including the mask token, which no feature depends on, and the
    # names add up to the 1,217,586,395 bytes of the published file.
    tensors = 4 * (1024 + sum(p.numel() for p in model.parameters()))
    assert 1_217_586_395 - 400 * len(model.state_dict()) < tensors < 1_217_586_395


def test_a_shallower_network_is_not_loaded_as_the_large_model(shallow_large: Path) -> None:
    with pytest.raises(FringeError, match=r"shallow\.pth: not .*'dinov2-l': .*'blocks\.3\."):
        load_l(shallow_large, CPU)


def test_the_large_model_is_not_loaded_as_the_base_model(shallow_large: Path) -> None:
    with pytest.raises(FringeError, match=r"'cls_token' is .*1024\), expected .*\(1, 1, 768\)"):
        load_b(shallow_large, CPU)


def test_registers_are_refused(shallow_large: Path, tmp_path: Path) -> None:
    # The checkpoints with register tokens are other networks.
    state = torch.load(shallow_large, weights_only=True)
    state["register_tokens"] = torch.zeros(1, 4, 1024)
    path = tmp_path / "reg4.pth"
    torch.save(state, path)
    with pytest.raises(FringeError, match=r"reg4\.pth: .*'register_tokens' is unknown"):
        load_shallow_large(path)


@pytest.mark.parametrize("depth", [1, 3])
def test_split_is_at_the_last_attention(tmp_path: Path, depth: int) -> None:
    path = tmp_path / "tiny.pth"
    write_dinov2(path, seed=7, dim=24, depth=depth)
    network = load_transformer("tiny", path, CPU, dim=24, depth=depth, heads=3)
    batch = images(100, 150, count=3)  # more than one part
    assert network.split is not None
    before = network(batch).features
    with torch.no_grad():
        maps, rest = network.split(batch)
    maps.requires_grad_()
    found = rest(maps).features
    assert maps.shape == (3, 24, 16, 16)
    assert (found.detach() - before).abs().max() < 1e-5 * before.abs().max()
    assert torch.equal(network(batch).features, before)

    # The complete transformer of torchvision, and the transformer cut where the last block
    # normalizes.
    model = judge(torch.load(path, weights_only=True), dim=24, depth=depth, heads=3)
    model.requires_grad_(False)
    cut = []

    def normalized(*call: Tensor) -> Tensor:
        cut.append(call[2].detach().requires_grad_())
        return cut[0]

    last = getattr(model.encoder.layers, f"encoder_layer_{depth - 1}")
    last.ln_1.register_forward_hook(normalized)
    expected = model(torch.stack([by_pillow(image) for image in batch]))
    slopes = torch.randn(expected.shape, generator=torch.Generator().manual_seed(0))
    (gradient,) = torch.autograd.grad(expected, cut[0], slopes)
    (ours,) = torch.autograd.grad(found, maps, slopes)
    for mine, theirs in ((maps.detach(), cut[0].detach()), (ours, gradient)):
        square = theirs[:, 1:].transpose(1, 2).reshape(3, 24, 16, 16)
        assert square.abs().max() > 0
        assert (mine - square).abs().max() < 1e-5 * square.abs().max()
