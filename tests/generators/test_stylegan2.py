"""StyleGAN2 compared with images of the published code and with a slow forward pass."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.generators import reference
from tests.generators.checkpoints import write_stylegan2_pickle

from fringe.checkpoints import Record, flatten, read_pickle
from fringe.errors import FringeError
from fringe.generators import load_generator, stylegan2
from fringe.generators.base import Inputs, to_uint8


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "golden/stylegan2_small.npz") as file:
        return dict(file)


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("img_psi1", {}),
        ("img_psi07", {"truncation": 0.7}),
        ("img_psi1_nonoise", {"noise": "none"}),
        ("img_psi05_cutoff4", {"truncation": 0.5, "cutoff": 4}),
    ],
)
def test_float_images_equal_those_of_the_published_code(
    shared: Path, golden: dict[str, np.ndarray], key: str, options: dict[str, Any]
) -> None:
    generator = load_generator(shared / "golden/stylegan2_small.pkl")
    images = generator.synthesize(golden["z"], **options)
    np.testing.assert_allclose(images, golden[key], rtol=0, atol=1e-4)


@pytest.mark.parametrize(("key", "truncation"), [("u8_psi1", 1.0), ("u8_psi07", 0.7)])
def test_uint8_images_equal_those_of_the_published_code(
    shared: Path, golden: dict[str, np.ndarray], key: str, truncation: float
) -> None:
    images = load_generator(shared / "golden/stylegan2_small.pkl")(golden["z"], truncation)
    assert isinstance(images, np.ndarray)
    assert images.dtype == np.uint8
    difference = np.abs(images.astype(int) - golden[key])
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-3


def test_w_equals_that_of_the_published_code(shared: Path, golden: dict[str, np.ndarray]) -> None:
    record = read_pickle(shared / "golden/stylegan2_small.pkl")["G_ema"]
    to_w = stylegan2.mapping(*stylegan2.read(record, "golden"))
    z = torch.from_numpy(golden["z"]).float()
    for key, truncation in (("w", 1.0), ("w_psi07", 0.7)):
        w = to_w(Inputs(z, truncation=truncation))
        assert w.shape == (4, int(golden["num_ws"]), 64)
        expected = torch.from_numpy(golden[key])[:, None].expand_as(w)
        torch.testing.assert_close(w, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"resolution": 8, "mapping_layers": 1, "channel_base": 40, "channel_max": 7},
        {"resolution": 16, "mapping_layers": 8, "img_channels": 1, "z_dim": 5, "w_dim": 9},
        {"resolution": 32, "c_dim": 3, "conv_clamp": 0.8, "channel_base": 104, "channel_max": 13},
        {"resolution": 32, "architecture": "resnet", "conv_clamp": 1.1, "channel_base": 200},
        {"resolution": 32, "architecture": "orig", "c_dim": 4, "img_channels": 1},
        {"resolution": 64, "channel_base": 300, "z_dim": 6},
        {"resolution": 4, "z_dim": 3},
    ],
    ids=str,
)
def test_images_equal_those_of_the_slow_forward_pass(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    write_stylegan2_pickle(tmp_path / "g.pkl", seed=7, **options)
    generator = load_generator(tmp_path / "g.pkl")
    state = flatten(read_pickle(tmp_path / "g.pkl")["G_ema"], "g.pkl")
    z = torch.randn(3, generator.z_dim, generator=torch.Generator().manual_seed(1))
    classes = torch.tensor([0, 2, 1]) if generator.n_classes else None
    labels = torch.eye(generator.n_classes)[classes] if classes is not None else None
    layers = {k: options[k] for k in ("architecture", "conv_clamp") if k in options}
    for truncation, cutoff, noise in ((1.0, None, True), (0.6, None, False), (-0.5, 2, True)):
        images = generator.synthesize(
            z, truncation, classes, "const" if noise else "none", cutoff=cutoff
        )
        expected = reference.stylegan2(
            state,
            z,
            labels,
            truncation=truncation,
            cutoff=cutoff,
            noise=noise,
            **layers,
        )
        assert expected.std() > 0.01
        torch.testing.assert_close(images.double(), expected, rtol=0, atol=1e-5)


def test_the_clamp_changes_images(tmp_path: Path) -> None:
    z = torch.randn(2, 16, generator=torch.Generator().manual_seed(1))
    images = []
    for name, clamp in (("a.pkl", None), ("b.pkl", 0.8)):
        write_stylegan2_pickle(tmp_path / name, conv_clamp=clamp)
        images.append(load_generator(tmp_path / name).synthesize(z))
    assert (images[0] - images[1]).abs().max() > 0.1


def test_random_noise_is_drawn_layer_by_layer_from_the_global_generator(tmp_path: Path) -> None:
    write_stylegan2_pickle(tmp_path / "g.pkl", resolution=8)
    generator = load_generator(tmp_path / "g.pkl")
    record = read_pickle(tmp_path / "g.pkl")["G_ema"]
    z = torch.randn(1, 16, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(5)
    images = generator.synthesize(z, noise="random")
    torch.manual_seed(5)
    state = flatten(record, "g.pkl")
    for name in ("b4.conv1", "b8.conv0", "b8.conv1"):
        shape = state[f"synthesis.{name}.noise_const"].shape
        state[f"synthesis.{name}.noise_const"] = torch.randn(1, 1, *shape)[0, 0]
    torch.testing.assert_close(images.double(), reference.stylegan2(state, z), rtol=0, atol=1e-5)


def half_and_exact(tmp_path: Path, weights: float, styles: float) -> tuple[torch.Tensor, ...]:
    """Return the images of two float16 blocks: the fast ones, the slow ones, and in float32.

    Demodulation cancels the factors of the convolutions' weights and styles, except for its epsilon
    and for rounding.
    """
    path = tmp_path / "g.pkl"
    write_stylegan2_pickle(
        path, resolution=32, num_fp16_res=2, conv_clamp=256, channel_base=2048, seed=3
    )
    config, state = stylegan2.read(read_pickle(path)["G_ema"], "g.pkl")
    assert config.float16_from == 16
    for name in state:
        if ".b16.conv" in name or ".b32.conv" in name:
            state[name] = state[name] * (
                weights if name.endswith(("conv0.weight", "conv1.weight")) else 1
            )
            state[name] = state[name] * (styles if ".affine." in name else 1)
    z = torch.randn(4, 16, generator=torch.Generator().manual_seed(1))
    half, exact = (
        stylegan2.build(config, state, torch.device("cpu"), float16=float16)(
            Inputs(z, noise="const")
        )
        for float16 in (True, False)
    )
    assert half.dtype == torch.float32
    slow = reference.stylegan2(state, z, conv_clamp=config.conv_clamp, float16_from=16)
    return half.double(), slow, exact.double()


@pytest.mark.parametrize(("weights", "styles"), [(1, 1), (3e4, 1), (1, 3e4), (1e-6, 1), (1, 1e-6)])
def test_float16_blocks_follow_the_official_rule(
    tmp_path: Path, weights: float, styles: float
) -> None:
    """Without normalization, the weights and styles would overflow, vanish or be below epsilon."""
    half, slow, _ = half_and_exact(tmp_path, weights, styles)
    # 2^-9 are two units in the last place of float16: sums in float32 and in float64 may round to
    # different values.
    torch.testing.assert_close(half, slow, rtol=0, atol=2**-9 * float(slow.abs().max()))


def test_float16_blocks_round_exactly_where_the_official_code_does(
    tmp_path: Path,
) -> None:
    half, slow, exact = half_and_exact(tmp_path, 1, 1)
    error = (half - exact).abs().max() / exact.abs().max()
    assert 1e-5 < error < 5e-3
    # Rounding at other places would make their difference as large as that to float32.
    assert (half - slow).std() < 0.4 * (slow - exact).std()


def test_the_bits_of_an_image_in_float16_on_a_cpu_do_not_depend_on_the_batch(
    tmp_path: Path,
) -> None:
    write_stylegan2_pickle(tmp_path / "g.pkl", num_fp16_res=2, conv_clamp=256)
    generator = load_generator(tmp_path / "g.pkl", precision="float16")
    z = torch.randn(3, 16, generator=torch.Generator().manual_seed(1))
    for options in ({}, {"noise": "none"}, {"noise": "random", "seeds": [4, 5, 6]}):
        together = generator.synthesize(z, **options)
        last = {**options, "seeds": [6]} if "seeds" in options else options
        assert torch.equal(generator.synthesize(z[2:], **last), together[2:])


@pytest.mark.parametrize("architecture", ["orig", "skip", "resnet"])
def test_every_architecture_has_float16_blocks(tmp_path: Path, architecture: str) -> None:
    write_stylegan2_pickle(tmp_path / "g.pkl", architecture=architecture, num_fp16_res=2)
    z = torch.randn(2, 16, generator=torch.Generator().manual_seed(1))
    half, exact = (
        load_generator(tmp_path / "g.pkl", precision=precision).synthesize(z)
        for precision in ("float16", "float32")
    )
    error = (half - exact).abs().max() / exact.abs().max()
    assert 1e-6 < error < 1e-2


def record_of(tmp_path: Path, **options: Any) -> Record:
    write_stylegan2_pickle(tmp_path / "g.pkl", resolution=8, **options)
    record: Record = read_pickle(tmp_path / "g.pkl")["G_ema"]
    return record


def module(record: Record, name: str) -> dict[str, Any]:
    for part in name.split("."):
        record = record.state["_modules"][part]
    return record.state


@pytest.mark.parametrize(
    ("where", "key", "value", "message"),
    [
        ("synthesis", "img_resolution", 12, "resolution 12 is not a power of two"),
        ("synthesis", "img_resolution", "big", "img_resolution is 'big', where int was expected"),
        ("synthesis", "img_resolution", 16, "architecture 'None'"),
        ("synthesis.b8", "architecture", "dense", "architecture 'dense'"),
        ("synthesis.b8", "architecture", "orig", r"unknown tensor synthesis\.b4\.torgb"),
        ("synthesis.b8", "architecture", "resnet", r"synthesis\.b8\.skip\.weight is missing"),
        ("synthesis.b8.conv1", "activation", "relu", "activation 'relu'"),
        ("synthesis.b8.conv1", "conv_clamp", 5, "conv_clamp (None and 5|5 and None); only"),
        ("mapping.fc1", "activation", "linear", "activation 'linear'"),
        ("mapping.fc0", "bias_gain", None, "bias_gain is None, where float was expected"),
        ("mapping.fc0", "bias_gain", -1.0, "impossible configuration"),
    ],
)
def test_contradictory_attributes_are_refused(
    tmp_path: Path, where: str, key: str, value: Any, message: str
) -> None:
    record = record_of(tmp_path)
    module(record, where)[key] = value
    with pytest.raises(FringeError, match=rf"some\.pkl: .*{message}"):
        stylegan2.read(record, "some.pkl")


@pytest.mark.parametrize("clamp", [-1.0, 0, float("nan"), "big", True])
def test_an_impossible_clamp_is_refused(tmp_path: Path, clamp: Any) -> None:
    record = record_of(tmp_path)
    for name in ("b4.conv1", "b8.conv0", "b8.conv1"):
        module(record, f"synthesis.{name}")["conv_clamp"] = clamp
    with pytest.raises(FringeError, match=r"impossible configuration|conv_clamp is"):
        stylegan2.read(record, "some.pkl")


@pytest.mark.parametrize("key", ["z_dim", "w_dim", "c_dim", "img_channels"])
def test_attributes_that_do_not_fit_the_tensors_are_refused(tmp_path: Path, key: str) -> None:
    record = record_of(tmp_path)
    record.state[key] = 5
    with pytest.raises(FringeError, match=r"tensor \S+ is (missing|torch.float32 of shape)"):
        stylegan2.read(record, "some.pkl")


@pytest.mark.parametrize(
    ("where", "kind", "name", "value", "message"),
    [
        ("synthesis.b8.conv0", "_parameters", "weight", None, r"b8\.conv0\.weight is missing"),
        ("mapping.fc1", "_parameters", "bias", torch.zeros(3), r"fc1\.bias is .* of shape \(3,\)"),
        ("mapping", "_buffers", "w_avg", torch.full((16,), torch.nan), "w_avg holds NaN"),
        (
            "mapping",
            "_buffers",
            "w_avg",
            torch.zeros(16, dtype=torch.int64),
            "w_avg is torch.int64",
        ),
        (
            "synthesis.b4",
            "_buffers",
            "extra",
            torch.zeros(1),
            r"unknown tensor synthesis\.b4\.extra",
        ),
        ("synthesis.b4", "_buffers", "resample_filter", torch.ones(4, 4), "is not the filter"),
        ("synthesis.b8.conv1", "_parameters", "noise_strength", None, r"noise_strength is missing"),
        ("synthesis.b4.conv1", "_parameters", "weight", torch.zeros(()), r"conv1\.weight|const"),
    ],
)
def test_the_message_names_a_tensor_that_does_not_fit(
    tmp_path: Path, where: str, kind: str, name: str, value: torch.Tensor | None, message: str
) -> None:
    record = record_of(tmp_path)
    tensors = module(record, where)[kind]
    tensors.pop(name, None)
    if value is not None:
        tensors[name] = value
    with pytest.raises(FringeError, match=rf"some\.pkl: .*{message}"):
        stylegan2.read(record, "some.pkl")


def test_other_architectures_with_a_synthesis_network_are_refused(tmp_path: Path) -> None:
    record = record_of(tmp_path)
    blocks = module(record, "synthesis")["_modules"]
    for name in list(blocks):
        blocks[name.replace("b", "L")] = blocks.pop(name)
    with pytest.raises(FringeError, match=r"not a StyleGAN2.* its synthesis has L4, L8"):
        stylegan2.read(record, "some.pkl")


@pytest.mark.parametrize("architecture", ["skip", "resnet"])
def test_training_computes_the_gradient_of_every_tensor(tmp_path: Path, architecture: str) -> None:
    write_stylegan2_pickle(
        tmp_path / "g.pkl", resolution=8, channel_base=40, channel_max=6, architecture=architecture
    )
    record = read_pickle(tmp_path / "g.pkl")["G_ema"]
    config, fast = stylegan2.read(record, "g.pkl")
    slow = {name: tensor.clone() for name, tensor in flatten(record, "g.pkl").items()}
    latents = torch.randn(2, config.z_dim, generator=torch.Generator().manual_seed(1))
    learned = [name for name in fast if not name.endswith("w_avg")]
    for name in learned:
        fast[name].requires_grad_()
        slow[name].requires_grad_()
    ws = stylegan2.mapping(config, fast)(Inputs(latents))
    images = stylegan2.synthesis(config, fast, float16=False)(ws, "const")
    images.square().mean().backward()  # type: ignore[no-untyped-call]
    expected = reference.stylegan2(slow, latents, None, architecture=architecture)
    expected.square().mean().backward()  # type: ignore[no-untyped-call]
    for name in learned:
        (found, right) = fast[name].grad, slow[name].grad
        assert right is not None
        assert right.abs().max() > 0, name
        torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-5 * float(right.abs().max()))


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
@pytest.mark.parametrize("float16", [False, True])
def test_filters_as_sums_make_the_same_images(
    tmp_path: Path, architecture: str, float16: bool
) -> None:
    """The order of summation differs, which changes the last bits of float32 and of float16."""
    config, state = half_trained(tmp_path, architecture)
    inputs = Inputs(torch.randn(4, 16, generator=torch.Generator().manual_seed(1)), noise="const")
    usual, sums = (
        stylegan2.network(config, state, float16=float16, sums=sums)(inputs)
        for sums in (False, True)
    )
    assert usual.std() > 0.1
    torch.testing.assert_close(sums, usual, rtol=0, atol=5e-3 if float16 else 1e-5)
    differing = (to_uint8(sums) != to_uint8(usual)).float().mean()
    assert differing < (2e-3 if float16 else 3e-4)


@pytest.mark.parametrize("architecture", ["skip", "resnet"])
def test_a_compiler_sees_the_network_as_one_graph(tmp_path: Path, architecture: str) -> None:
    config, state = half_trained(tmp_path, architecture)
    network = stylegan2.network(config, state, float16=True, sums=True)
    inputs = Inputs(torch.randn(2, 16, generator=torch.Generator().manual_seed(1)), noise="const")
    traced = torch.compile(network, backend="eager", fullgraph=True)
    with torch.inference_mode():
        torch.testing.assert_close(traced(inputs), network(inputs), rtol=0, atol=0)


def test_the_message_names_a_compiler_that_does_not_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(graph: Any, inputs: Any) -> Any:
        raise OSError("no compiler")

    compiling = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda forward, **_: compiling(forward, backend=broken, fullgraph=True)
    )
    write_stylegan2_pickle(tmp_path / "g.pkl", resolution=8)
    generator = load_generator(tmp_path / "g.pkl", fused=True)
    with pytest.raises(FringeError, match=r"OSError: no compiler.*leave `fused` out"):
        generator.synthesize(torch.zeros(1, 16))


def half_trained(tmp_path: Path, architecture: str) -> tuple[Any, dict[str, torch.Tensor]]:
    """Return configuration and tensors of a small StyleGAN2 with two resolutions in float16."""
    write_stylegan2_pickle(
        tmp_path / "g.pkl",
        resolution=32,
        num_fp16_res=2,
        conv_clamp=256,
        channel_base=1024,
        architecture=architecture,
        seed=3,
    )
    return stylegan2.read(read_pickle(tmp_path / "g.pkl")["G_ema"], "g.pkl")
