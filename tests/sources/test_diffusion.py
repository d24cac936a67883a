"""Tiny pipelines of diffusers as sources of images, compared with the pipelines themselves."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fringe.errors import ChangedError, FringeError
from fringe.plan import images
from fringe.running.opening import check
from fringe.seeds import random_stream
from fringe.sources import ImageSource, render_shard, source_from_spec
from fringe.sources.class_labels import class_labels, known_labels
from fringe.sources.class_rules import RealClasses
from fringe.sources.diffusion import EQUAL, DiffusionSource, read_prompts
from fringe.sources.function import require_same
from fringe.sources.rendered import RenderedShard

MISSING = "diffusers and transformers are not installed: pip install 'fringe-fid[diffusers]'"
diffusers = pytest.importorskip("diffusers", reason=MISSING)
transformers = pytest.importorskip("transformers", reason=MISSING)

PROMPTS = ["a cat", "a dog", "the sea"]


def unet() -> Any:
    torch.manual_seed(0)
    return diffusers.UNet2DModel(
        sample_size=8, in_channels=3, out_channels=3, layers_per_block=1, norm_num_groups=4,
        block_out_channels=(8, 8), down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
    )  # fmt: skip


def autoencoder(latents: int) -> Any:
    torch.manual_seed(1)
    return diffusers.AutoencoderKL(
        block_out_channels=(8, 8), norm_num_groups=4, latent_channels=latents,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    )  # fmt: skip


def write_dit(folder: Path, scheduler: Any) -> None:
    torch.manual_seed(2)
    transformer = diffusers.DiTTransformer2DModel(
        sample_size=4, num_layers=1, num_attention_heads=2, attention_head_dim=4, in_channels=4,
        out_channels=8, patch_size=2, num_embeds_ada_norm=1000, norm_num_groups=4,
    )  # fmt: skip
    # A new transformer has constant output, so classes would have no effect.
    for weights in transformer.parameters():
        torch.nn.init.normal_(weights, std=0.3)
    diffusers.DiTPipeline(transformer, autoencoder(4), scheduler).save_pretrained(folder)


def write_stable_diffusion(folder: Path) -> None:
    torch.manual_seed(3)
    denoiser = diffusers.UNet2DConditionModel(
        sample_size=8, block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), cross_attention_dim=8,
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=2,
    )  # fmt: skip
    text_config = transformers.CLIPTextConfig(
        hidden_size=8, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        vocab_size=64, projection_dim=8, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    letters = [*"abcdefghijklmnopqrstuvwxyz"]
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    vocabulary = folder.parent / "vocabulary"
    vocabulary.mkdir()
    (vocabulary / "vocab.json").write_text(json.dumps({word: n for n, word in enumerate(words)}))
    (vocabulary / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.CLIPTokenizer(
        str(vocabulary / "vocab.json"), str(vocabulary / "merges.txt"), model_max_length=77
    )
    pipeline = diffusers.StableDiffusionPipeline(
        vae=autoencoder(4), text_encoder=transformers.CLIPTextModel(text_config),
        tokenizer=tokenizer, unet=denoiser, safety_checker=None,
        scheduler=diffusers.PNDMScheduler(skip_prk_steps=True, steps_offset=1),
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipeline.save_pretrained(folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pipelines")
    diffusers.DDPMPipeline(unet(), diffusers.DDPMScheduler()).save_pretrained(folder / "ddpm")
    diffusers.DDIMPipeline(unet(), diffusers.DDIMScheduler()).save_pretrained(folder / "ddim")
    write_dit(folder / "dit", diffusers.DDIMScheduler())
    write_dit(folder / "noisy-dit", diffusers.DDPMScheduler())
    write_stable_diffusion(folder / "text")
    (folder / "prompts.txt").write_text("\n".join([*PROMPTS, "", " "]))
    return folder


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A pipeline that a test may change."""
    shutil.copytree(made / "ddpm", tmp_path / "copy")
    return tmp_path / "copy"


def noise(seed: int, index: int) -> torch.Generator:
    return torch.Generator("cpu").manual_seed(
        int(random_stream(seed, "diffusers", index).integers(2**62))
    )


def by_hand(kind: str, folder: Path, index: int, **given: Any) -> np.ndarray:
    """Return the image that the pipeline itself makes."""
    pipeline = getattr(diffusers, kind).from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    (image,) = pipeline(generator=[noise(5, index)], output_type="pil", **given).images
    return np.asarray(image)


@pytest.mark.parametrize("name", ["ddpm", "ddim"])
def test_unconditional_images_equal_those_of_the_pipeline(made: Path, name: str) -> None:
    source = DiffusionSource(made / name, 9, 5, steps=4)
    assert isinstance(source, ImageSource)
    assert (len(source), source.resolution, source.simulated) == (9, (8, 8), False)
    kind = {"ddpm": "DDPMPipeline", "ddim": "DDIMPipeline"}[name]
    images = source.read([7, 0, 7])
    assert images.dtype == np.uint8
    for index, image in zip([7, 0, 7], images, strict=True):
        expected = by_hand(kind, made / name, index, num_inference_steps=4)
        assert np.array_equal(image, expected)
    assert not np.array_equal(images[0], images[1])
    assert source.read([]).shape == (0, 8, 8, 3)
    again = pickle.loads(pickle.dumps(source))
    assert np.array_equal(again.read([0]), images[1:2])


def test_images_of_classes_equal_those_of_the_pipeline(made: Path) -> None:
    options = {"steps": 3, "guidance": 2.5}
    source = DiffusionSource(made / "dit", 2000, 5, label="balanced", **options)  # type: ignore[arg-type]
    for index in (3, 1003):
        expected = by_hand(
            "DiTPipeline", made / "dit", index, class_labels=[3], guidance_scale=2.5,
            num_inference_steps=3,
        )  # fmt: skip
        assert np.array_equal(source.read([index])[0], expected)
    other = DiffusionSource(made / "dit", 2000, 5, label=4, **options)  # type: ignore[arg-type]
    assert not np.array_equal(other.read([3]), source.read([3])), "the class has an effect"
    found = class_labels(source)
    assert found is not None
    assert np.bincount(found.values).tolist() == [2] * 1000
    assert known_labels(source) is not None
    real = RealClasses(np.array([0, 5, 0, 1]), True)
    drawn = DiffusionSource(made / "dit", 600, label="dataset", real=real).classes()
    assert drawn is not None
    assert 4 * 60 < np.bincount(drawn)[1] < 6 * 100
    assert set(drawn.tolist()) == {1, 3}


def test_images_of_prompts_equal_those_of_the_pipeline(made: Path) -> None:
    source = DiffusionSource(
        made / "text", 9, 5, steps=3, guidance=3.0, prompts=made / "prompts.txt"
    )
    assert source.resolution == (16, 16)
    for index in (1, 5):
        expected = by_hand(
            "StableDiffusionPipeline", made / "text", index, prompt=[PROMPTS[index % 3]],
            guidance_scale=3.0, num_inference_steps=3,
        )  # fmt: skip
        assert np.array_equal(source.read([index])[0], expected)
    larger = DiffusionSource(
        made / "text", 9, 5, steps=2, prompts=made / "prompts.txt", resolution=24
    )
    assert larger.read([0]).shape == (1, 24, 24, 3)


def test_another_scheduler_and_precision(made: Path) -> None:
    plain = DiffusionSource(made / "ddpm", 9, 5, steps=4)
    other = DiffusionSource(made / "ddpm", 9, 5, steps=4, scheduler="DDIMScheduler")
    pipeline = diffusers.DDPMPipeline.from_pretrained(made / "ddpm")
    pipeline.scheduler = diffusers.DDIMScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    (image,) = pipeline(generator=[noise(5, 2)], num_inference_steps=4).images
    assert np.array_equal(other.read([2])[0], np.asarray(image))
    assert not np.array_equal(other.read([2]), plain.read([2]))
    half = DiffusionSource(made / "dit", 9, 5, steps=2, label=1, precision="bfloat16").read([0])
    full = DiffusionSource(made / "dit", 9, 5, steps=2, label=1).read([0])
    assert 0 < np.abs(half.astype(int) - full).mean() < 20


def test_a_gpu_gets_full_batches(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tested on the CPU, with a pipeline that claims to be on a GPU."""
    source = DiffusionSource(made / "ddpm", 9, 5, steps=2, batch_size=4)
    single = source.read(range(6))
    pipeline = source._load()
    sizes: list[int] = []
    called = type(pipeline).__call__

    def counted(self: Any, seeds: list[int], *others: Any) -> Any:
        sizes.append(len(seeds))
        return called(self, seeds, *others)

    monkeypatch.setattr(type(pipeline), "__call__", counted)
    pipeline.device = torch.device("cuda")
    together = source.read(range(6))
    assert sizes == [4, 4]
    assert np.abs(together.astype(int) - single).max() <= 1


def test_a_specification_and_a_shard(made: Path, tmp_path: Path) -> None:
    spec = {"kind": "diffusers", "path": str(made / "ddpm"), "count": 6, "seed": 5, "steps": 2,
            "precision": "float32", "batch_size": 10}  # fmt: skip
    source = source_from_spec(spec)
    render_shard(source, 2, 6, tmp_path / "a.h5", {"images": source.fingerprint_of(2, 6)})
    assert np.array_equal(RenderedShard(tmp_path / "a.h5").read([4]), source.read([4]))


def test_the_fingerprint_depends_on_files_and_options(copy: Path, tmp_path: Path) -> None:
    def found(**options: Any) -> str:
        return DiffusionSource(copy, 9, **options).fingerprint

    first = found()
    (copy / "README.md").write_text("not a component")
    shutil.copytree(copy, tmp_path / "moved")
    assert DiffusionSource(tmp_path / "moved", 9).fingerprint == found() == first
    others = [
        found(seed=1), found(steps=4), found(scheduler="DDIMScheduler"), found(batch_size=3),
        found(precision="bfloat16"),
    ]  # fmt: skip
    place = copy / "scheduler" / "scheduler_config.json"
    settings = json.loads(place.read_text())
    place.write_text(json.dumps({**settings, "beta_end": 0.03}))
    others.append(found())
    assert len({first, *others}) == 7


def test_prompts_are_part_of_the_fingerprint(made: Path, tmp_path: Path) -> None:
    def found(*prompts: str) -> str:
        (tmp_path / "p.txt").write_text("\n".join(prompts))
        return DiffusionSource(made / "text", 9, prompts=tmp_path / "p.txt").fingerprint

    assert found("a", "b") == found("a", "", "b") != found("b", "a")


def test_images_with_unseeded_noise_are_refused(made: Path) -> None:
    """DiT does not pass its generators to schedulers, so the noise of a scheduler has no seed."""
    source = DiffusionSource(made / "noisy-dit", 9, label=1, guidance=1.0)
    with pytest.raises(FringeError, match="image 0 changes when it is made together with image 1"):
        require_same(source.probe().read, source.name, EQUAL)
    right = DiffusionSource(made / "noisy-dit", 9, label=1, scheduler="DDIMScheduler")
    assert require_same(right.probe().read, right.name, EQUAL) == (8, 8)


def test_a_changed_pipeline_is_not_loaded(copy: Path) -> None:
    source = DiffusionSource(copy, 9, steps=2)
    assert source.fingerprint
    place = copy / "scheduler" / "scheduler_config.json"
    place.write_text(place.read_text().replace("0.02", "0.03"))
    with pytest.raises(ChangedError, match="was changed since it was opened"):
        source.read([0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": 1}, "is not conditional; remove `label`"),
        ({"prompts": "prompts.txt"}, "does not make images from text; remove `prompts`"),
        ({"guidance": 2.0}, "takes no `guidance_scale`; leave out `guidance`"),
        ({"resolution": 16}, "takes no `height`; leave out `resolution`"),
        ({"scheduler": "NoScheduler"}, "no SchedulerMixin named 'NoScheduler'"),
        ({"scheduler": "UNet2DModel"}, "no SchedulerMixin named 'UNet2DModel'"),
    ],
)
def test_options_that_a_pipeline_does_not_support_are_refused(
    made: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(made)
    with pytest.raises(FringeError, match=message):
        DiffusionSource(made / "ddpm", 9, **options).read([0])


def test_missing_files_and_options_are_reported(made: Path, tmp_path: Path) -> None:
    with pytest.raises(FringeError, match=r"is conditional on 1000 classes; set `label`"):
        DiffusionSource(made / "dit", 9)
    with pytest.raises(FringeError, match="makes images from text; set `prompts` to a file"):
        DiffusionSource(made / "text", 9)
    with pytest.raises(FringeError, match="nowhere"):
        DiffusionSource(made / "text", 9, prompts=tmp_path / "nowhere.txt")
    (tmp_path / "empty.txt").write_text("\n\n")
    with pytest.raises(FringeError, match=r"empty\.txt: contains no prompts"):
        read_prompts(tmp_path / "empty.txt")
    with pytest.raises(FringeError, match=r"is not the folder of a diffusers pipeline"):
        DiffusionSource(tmp_path / "none", 9)
    with pytest.raises(FringeError, match=r"contains no model_index\.json"):
        DiffusionSource(tmp_path, 9)


def change_index(folder: Path, **keys: Any) -> None:
    place = folder / "model_index.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), **keys}))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"unet": ["os", "system"]},
            "component 'unet' is .* code that comes with",
        ),
        (
            {"unet": ["unet", "Mine"]},
            "component 'unet' is .* code that comes with",
        ),
        ({"unet": ["diffusers"]}, "component 'unet' is"),
        ({"../unet": ["diffusers", "UNet2DModel"]}, "component '../unet' is"),
        ({"_class_name": ["mine", "Mine"]}, "which is not in diffusers; code that comes"),
        ({"_class_name": "UNet2DModel"}, "no DiffusionPipeline named 'UNet2DModel'"),
        ({"_class_name": "StableDiffusionImg2ImgPipeline"}, "cannot load it"),
        ({"vae": ["diffusers", "AutoencoderKL"]}, "vae: contains no files"),
    ],
)
def test_code_in_a_folder_never_runs(copy: Path, keys: dict[str, Any], message: str) -> None:
    change_index(copy, **keys)
    with pytest.raises(FringeError, match=message):
        DiffusionSource(copy, 9).read([0])


def test_code_and_pickles_in_a_component_are_refused(copy: Path) -> None:
    (copy / "unet" / "unet.py").write_text("raise SystemExit")
    with pytest.raises(FringeError, match=r"unet\.py: is code that comes with a pipeline"):
        DiffusionSource(copy, 9)
    (copy / "unet" / "unet.py").unlink()
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(unet().state_dict(), copy / "unet" / "diffusion_pytorch_model.bin")
    assert DiffusionSource(copy, 9, steps=2).read([0]).shape == (1, 8, 8, 3)
    weights.unlink()
    with pytest.raises(FringeError, match=r"model\.bin: is a pickle, which can run code"):
        DiffusionSource(copy, 9)


def test_images_are_not_replaced_by_black_images(made: Path, tmp_path: Path) -> None:
    """A checker that blackens images is not loaded, and may be missing."""
    shutil.copytree(made / "text", tmp_path / "copy")
    change_index(
        tmp_path / "copy",
        safety_checker=["stable_diffusion", "StableDiffusionSafetyChecker"],
        requires_safety_checker=True,
    )
    options = {"steps": 2, "prompts": made / "prompts.txt"}
    with_checker = DiffusionSource(tmp_path / "copy", 9, **options)  # type: ignore[arg-type]
    without = DiffusionSource(made / "text", 9, **options)  # type: ignore[arg-type]
    assert with_checker.folder.left_out == ("safety_checker",)
    assert np.array_equal(with_checker.read([0]), without.read([0]))


def test_damaged_weights_are_refused(copy: Path) -> None:
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(FringeError, match=r"copy: diffusers .* cannot load it"):
        DiffusionSource(copy, 9).read([0])


@pytest.mark.parametrize("package", ["diffusers", "transformers"])
def test_the_message_for_a_missing_package_says_how_to_install_it(
    made: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    source = DiffusionSource(made / "ddpm", 9)
    assert source.fingerprint, "the fingerprint needs no package"
    with pytest.raises(FringeError, match=rf"the package {package} .*fringe-fid\[diffusers\]"):
        source.read([0])


def test_a_run_is_planned_with_a_pipeline(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fake = {"kind": "diffusers", "path": str(made / "text"), "count": 60, "steps": 50,
            "prompts": str(made / "prompts.txt")}  # fmt: skip
    config: dict[str, Any] = {
        "run": "run",
        "network": "efficientnet-lite0",
        "controls": ["untrained"],
        "sources": {"real": {"kind": "photos", "count": 60, "resolution": 16}, "fake": fake},
        "datasets": {"a": {"real": "real", "generated": "fake", "resample": False}},
        "comparisons": {"c": {"generators": {"A": "a"}}},
        "evaluation": {"n_real": 60, "n_generated": 60},
    }
    completed, sources = check(config)
    assert sources["fake"]["resolution"] == (16, 16)
    plain = images.open_configured(completed, "fake")
    assert isinstance(plain, DiffusionSource)
    assert (plain.steps, plain.precision, plain.batch_size) == (50, "float32", 10)
    del fake["prompts"]
    config["sources"]["fake"] = {**fake, "path": str(made / "noisy-dit"), "label": "balanced"}
    with pytest.raises(FringeError, match=r"sources/fake: .*image 0 changes"):
        check(config)
    config["sources"]["fake"] = {**fake, "label": "dataset"}
    with pytest.raises(FringeError, match="sources/fake/label: `dataset` means the labels of real"):
        check(config)
