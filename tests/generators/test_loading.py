"""Files are recognized by their content, converted bit for bit, and refused with a fix."""

import gzip
import json
import pickle
import random
import sys
import types
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tests.generators.checkpoints import write_fastgan_pickle, write_stylegan2_pickle

from fringe.checkpoints import read_pickle
from fringe.errors import FringeError
from fringe.generators import Latents, convert, load_generator, save_generator, stylegan2


def write(kind: str, path: Path, **options: Any) -> None:
    if kind == "stylegan2":
        write_stylegan2_pickle(
            path, resolution=16, c_dim=2, conv_clamp=256, num_fp16_res=2, **options
        )
    else:
        write_fastgan_pickle(path, resolution=128, z_dim=16)


@pytest.mark.parametrize("kind", ["stylegan2", "fastgan"])
def test_an_export_makes_images_that_are_equal_bit_for_bit(tmp_path: Path, kind: str) -> None:
    write(kind, tmp_path / "g.pkl")
    convert(tmp_path / "g.pkl", tmp_path / "g.safetensors")
    before, after = (load_generator(tmp_path / f"g.{s}") for s in ("pkl", "safetensors"))
    z = Latents(0, 16).rows(range(3))
    labels = [0, 1, 1] if before.n_classes else None
    for noise in ("const", "random", "none"):
        images = [g.synthesize(z, 1.0, labels, noise, seeds=[1, 2, 3]) for g in (before, after)]
        np.testing.assert_array_equal(*images)
    said = [
        (g.kind, g.z_dim, g.n_classes, g.resolution, g.channels, g.traits) for g in (before, after)
    ]
    assert said[0] == said[1]
    assert before.sha256 != after.sha256
    with safe_open(tmp_path / "g.safetensors", "pt") as file:
        assert file.metadata()["source_sha256"] == before.sha256
        assert not [name for name in file.keys() if "resample" in name or "weight_u" in name]  # noqa: SIM118


def test_a_generator_is_saved_in_half_precision(tmp_path: Path) -> None:
    write("stylegan2", tmp_path / "g.pkl")
    config, state = stylegan2.read(read_pickle(tmp_path / "g.pkl")["G_ema"], "g.pkl")
    save_generator(
        tmp_path / "half.safetensors",
        "stylegan2",
        config,
        {name: tensor.half() for name, tensor in state.items()},
    )
    whole, half = (load_generator(tmp_path / name) for name in ("g.pkl", "half.safetensors"))
    z = Latents(0, 16).rows(range(3))
    images = [g.synthesize(z, labels=[0, 1, 1]) for g in (whole, half)]
    difference = np.abs(np.asarray(images[0]) - np.asarray(images[1]))
    # Weights are rounded to 11 bits.
    assert 0 < difference.max() < 0.02 * np.abs(images[0]).max()


def test_the_same_generator_makes_the_same_file(tmp_path: Path) -> None:
    write("stylegan2", tmp_path / "g.pkl")
    files = [tmp_path / f"{number}.safetensors" for number in range(8)]
    for file in files:
        convert(tmp_path / "g.pkl", file)
    assert len({file.read_bytes() for file in files}) == 1


def test_a_generator_without_a_tensor_is_not_saved(tmp_path: Path) -> None:
    write("stylegan2", tmp_path / "g.pkl")
    config, state = stylegan2.read(read_pickle(tmp_path / "g.pkl")["G_ema"], "g.pkl")
    del state["mapping.fc0.bias"]
    with pytest.raises(FringeError, match=r"tensor mapping\.fc0\.bias is missing"):
        save_generator(tmp_path / "out.safetensors", "stylegan2", config, state)
    assert not (tmp_path / "out.safetensors").exists()


@pytest.mark.parametrize("dump", [pickle.dump, torch.save])
def test_a_snapshot_with_other_objects_makes_the_same_images(tmp_path: Path, dump: Any) -> None:
    parameters = torch.nn.Linear(1, 1).parameters()
    others = {
        "folder": Path("a"),
        "seen": Counter({("cat", 1): 2}),
        "random": random.Random(0),
        "optimizer": torch.optim.Adam(parameters),
    }
    write("stylegan2", tmp_path / "official.pkl")
    write("stylegan2", tmp_path / "own.pkl", dump=dump, others=others)
    convert(tmp_path / "own.pkl", tmp_path / "own.safetensors")
    z = Latents(0, 16).rows([0, 1])
    expected = load_generator(tmp_path / "official.pkl")(z, labels=[1, 0])
    for name in "own.pkl", "own.safetensors":
        np.testing.assert_array_equal(load_generator(tmp_path / name)(z, labels=[1, 0]), expected)


def test_an_export_can_be_exported_again_from_a_file_with_any_name(tmp_path: Path) -> None:
    write("stylegan2", tmp_path / "g.pkl")
    convert(tmp_path / "g.pkl", tmp_path / "a.safetensors")
    convert(tmp_path / "a.safetensors", tmp_path / "b.pkl")
    z = Latents(0, 16).rows([0])
    np.testing.assert_array_equal(
        load_generator(tmp_path / "g.pkl")(z, labels=[1]),
        load_generator(tmp_path / "b.pkl")(z, labels=[1]),
    )


def test_a_failed_conversion_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps({"G_ema": None}))
    with pytest.raises(FringeError):
        convert(tmp_path / "bad.pkl", tmp_path / "out.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.pkl"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"G": 1, "D": 2}), "contains a dict of 'G', 'D' and no generator G_ema"),
        (pickle.dumps([1, 2]), "contains a list and no generator G_ema"),
        (b"", r"bad\.pkl"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), r"bad\.pkl"),
        (b"PK\x03\x04" + bytes(30), "is damaged or not a plain zip file"),
        (b"\x10\0\0\0\0\0\0\0{" + bytes(30), "damaged safetensors file"),
        (b"\x80\xff\0\0\0\0\0\0{" + bytes(30), "damaged safetensors file"),
        (gzip.compress(b"x", mtime=0), r"is compressed with gzip; unpack it \(`gunzip`\)"),
        (pickle.dumps({"G_ema": 1}, 0), "is a pickle of protocol 0 or 1, .*protocol=4"),
        (pickle.dumps({"G_ema": 1}, 1), "is a pickle of protocol 0 or 1, .*protocol=4"),
    ],
)
def test_files_without_a_generator_are_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "bad.pkl").write_bytes(content)
    with pytest.raises(FringeError, match=rf"bad\.pkl: .*{message}|{message}: "):
        load_generator(tmp_path / "bad.pkl")


def test_the_message_names_a_network_that_is_not_a_generator(tmp_path: Path) -> None:
    with (tmp_path / "bad.pkl").open("wb") as file:
        pickle.dump({"G_ema": torch.nn.ReLU()}, file)
    with pytest.raises(
        FringeError, match=r"bad\.pkl: contains 'torch\.nn\S+\.ReLU'; supported are"
    ):
        load_generator(tmp_path / "bad.pkl")


def test_the_message_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FringeError, match=r"none\.pkl: the generator does not exist; correct"):
        load_generator(tmp_path / "none.pkl")
    with pytest.raises(FringeError, match=r"correct the path"):
        load_generator(tmp_path)


def test_a_zip_of_images_is_not_loaded_as_a_program(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.writestr("0.png", b"")
    with pytest.raises(FringeError, match=r"neither torch\.save nor TorchScript.*correct the path"):
        load_generator(tmp_path / "images.zip")


WEIGHTS = {"lin.weight": torch.zeros(2, 2), "lin.bias": torch.zeros(2)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WEIGHTS, r"a state dict of 'lin\.weight', 'lin\.bias': .*export .* as TorchScript"),
        ({"G_ema": WEIGHTS}, r"state dicts 'G_ema': .*export .* as TorchScript"),
        ({"state_dict": WEIGHTS, "epoch": 3}, r"state dicts 'state_dict': .* TorchScript"),
        (
            {"g": WEIGHTS, "d": WEIGHTS, "g_ema": WEIGHTS, "latent_avg": torch.zeros(2)},
            "is a checkpoint of rosinality's stylegan2-pytorch .* TorchScript",
        ),
        (
            {"G": torch.nn.ReLU(), "epoch": 3},
            r"a dict of 'G', 'epoch' and no generator G_ema; .* save your network again as",
        ),
    ],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_the_message_about_tensors_without_code_states_a_fix(
    tmp_path: Path, content: object, message: str, zipped: bool
) -> None:
    torch.save(content, tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(FringeError, match=rf"w\.pt: .*{message}"):
        load_generator(tmp_path / "w.pt")


@pytest.mark.parametrize(
    ("module", "version", "message"),
    [
        ("dnnlib.tflib.network", 4, r"StyleGAN2 for TensorFlow; .*legacy\.py .*--source="),
        ("dnnlib.tflib.network", 3, "the first StyleGAN, for TensorFlow; render its images"),
        ("tfutil", 2, "Progressive GAN .* render its images"),
    ],
)
def test_the_message_about_a_pickle_for_tensorflow_states_a_fix(
    tmp_path: Path, module: str, version: int, message: str
) -> None:
    class Network:
        def __init__(self) -> None:
            self.version = version
            self.variables = [("w", np.zeros(3, "f4"))]

    with pytest.MonkeyPatch.context() as patch:
        for package in "dnnlib", "dnnlib.tflib", module:
            patch.setitem(sys.modules, package, types.ModuleType(package))
        Network.__module__, Network.__qualname__ = module, "Network"
        patch.setattr(sys.modules[module], "Network", Network, raising=False)
        content = pickle.dumps((Network(), Network(), Network()))
    (tmp_path / "tf.pkl").write_bytes(content)
    with pytest.raises(FringeError, match=rf"tf\.pkl: is a network pickle of .*{message}"):
        load_generator(tmp_path / "tf.pkl")


def test_float16_is_refused_if_no_block_was_trained_in_it(tmp_path: Path) -> None:
    write_stylegan2_pickle(tmp_path / "g.pkl", resolution=8)
    with pytest.raises(FringeError, match="no part of this stylegan2 was trained in float16"):
        load_generator(tmp_path / "g.pkl", precision="float16")
    with pytest.raises(FringeError, match="unknown precision 'half'"):
        load_generator(tmp_path / "g.pkl", precision="half")
    write("fastgan", tmp_path / "f.pkl")
    with pytest.raises(FringeError, match="no part of this fastgan was trained in float16"):
        load_generator(tmp_path / "f.pkl", "meta", precision="float16")


def test_a_device_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    write("stylegan2", tmp_path / "g.pkl")
    with pytest.raises(FringeError, match="device 'nowhere' does not exist"):
        load_generator(tmp_path / "g.pkl", "nowhere")


def tampered(tmp_path: Path, metadata: dict[str, Any] | None = None, **tensors: Any) -> Path:
    """Write an export with some of its metadata, configuration or tensors replaced."""
    write("stylegan2", tmp_path / "g.pkl")
    convert(tmp_path / "g.pkl", tmp_path / "g.safetensors")
    with safe_open(tmp_path / "g.safetensors", "pt") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        said = file.metadata()
    config = json.loads(said["config"]) | {
        key: value for key, value in (metadata or {}).items() if key not in said
    }
    said |= {"config": json.dumps(config)}
    said |= {key: value for key, value in (metadata or {}).items() if key in said}
    for name, tensor in tensors.items():
        if tensor is None:
            del state[name]
        else:
            state[name] = tensor
    save_file(state, tmp_path / "bad.safetensors", said)
    return tmp_path / "bad.safetensors"


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"format": "another"}, "a safetensors file of format 'another'"),
        ({"kind": "diffusion"}, "kind 'diffusion'"),
        ({"config": "{"}, "its configuration cannot be read .*convert the pickle again"),
        ({"config": "[]"}, "its configuration cannot be read"),
        ({"resolution": "16"}, "resolution is '16'"),
        ({"resolution": True}, "resolution is True"),
        ({"resolution": 32}, r"tensor synthesis\.b32\.\S+ is missing"),
        ({"surplus": 1}, "unexpected keyword argument 'surplus'"),
        ({"lr_multiplier": 0.0}, "impossible configuration"),
        ({"channels": 10**12}, r"tensor synthesis\.b4\.torgb\.weight is"),
    ],
)
def test_a_tampered_export_is_refused(
    tmp_path: Path, metadata: dict[str, Any], message: str
) -> None:
    path = tampered(tmp_path, metadata)
    with pytest.raises(FringeError, match=rf"bad\.safetensors: .*{message}"):
        load_generator(path)


def test_an_export_with_other_tensors_is_refused(tmp_path: Path) -> None:
    path = tampered(tmp_path, **{"mapping.w_avg": None})
    with pytest.raises(FringeError, match=r"bad\.safetensors: tensor mapping\.w_avg is missing"):
        load_generator(path)
    path = tampered(tmp_path, surplus=torch.zeros(1))
    with pytest.raises(FringeError, match=r"bad\.safetensors: unknown tensor surplus"):
        load_generator(path)
