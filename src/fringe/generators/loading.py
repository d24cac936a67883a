"""Load generators from files, whose kind is detected from their content.

The name of a file decides only whether a program in the file may run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from fringe.checkpoints import kind_of
from fringe.devices.choice import open_device
from fringe.errors import FringeError
from fringe.files.atomic import atomic_path
from fringe.files.parsing import parse_json
from fringe.files.reasons import unreadable
from fringe.files.regular import LARGEST_CHECKPOINT, check_regular, open_regular
from fringe.files.steadiness import steady
from fringe.generators.base import Generator
from fringe.generators.output import USUAL, as_range, check_size, rescaled, try_out
from fringe.generators.unsupported import SUPPORTED, explain

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["convert", "load_generator", "save_generator"]

FORMAT = "fringe generator 1"
PRECISIONS = ("float32", "float16")
# Endings of the names of files whose programs may run.
PROGRAMS = (".pt", ".ts")


class _Checkpoint(NamedTuple):
    kind: str
    config: Any
    state: dict[str, Tensor]


def load_generator(
    path: str | os.PathLike[str],
    device: str | torch.device = "cpu",
    *,
    precision: str = "float32",
    range: Sequence[float] | None = None,
    fused: bool = False,
) -> Generator:
    """Return the generator in the file at ``path``, ready to compute on ``device``.

    Parameters
    ----------
    path : path
        A network pickle of StyleGAN2-ADA [1]_ or of Projected GAN [2]_ (FastGAN [3]_ or StyleGAN2),
        or the same content saved by `torch.save`; a safetensors file that `convert` wrote; or a
        TorchScript file. From a pickle, ``G_ema`` is used. Pickles are read without executing
        anything in them, and may contain any other objects.

        **TorchScript is a program.** It runs in PyTorch's interpreter. The interpreter has no
        access to Python, but the program may call any operator of PyTorch, including operators that
        read and write files. Load a TorchScript file only from a source from which you would run a
        program. To prevent surprises, the name of the file must end in .pt or .ts. An image must
        depend only on its latents and labels. The signature is
        ``forward(latents: float32 (N, z)) -> float (N, C, H, W)``, or
        ``forward(latents, labels: float32 (N, c))`` for a conditional generator. ``z_dim``, and
        ``c_dim`` of a conditional generator, are attributes or methods that return an int. When the
        file is loaded, it makes a few images to check their size, and whether their values fit
        ``range``.
    device : str or torch.device
        "cpu", "cuda", "cuda:1", ...
    precision : {"float32", "float16"}
        With float16, the resolutions of a StyleGAN2 that were trained in half precision are
        computed in half precision, as in the released code on a GPU. This is faster on a GPU, and
        changes pixels slightly. A CPU rounds in the same way, and takes as long as in float32.
    range : (float, float), optional
        The values of black and white in the images of the file; (-1, 1) if left out. Values in
        another range are rescaled. Without ``range``, a TorchScript file whose values are all in
        one half of -1 to 1 is refused, because its range is probably another one.
    fused : bool
        Compile a StyleGAN2 with `torch.compile`, so that the operations between two convolutions
        are one pass over the maps. Images differ from the usual ones by rounding. The first batch
        of each shape takes about a minute. No run uses this option yet, because
        `benchmarks/gpu.sh` has not measured it on a GPU.

    Returns
    -------
    Generator
        The generator, whose images are black at -1 and white at 1.

    Raises
    ------
    FringeError
        If the file or the device does not exist; if the file contains no generator of these kinds,
        lacks a tensor, has a tensor of a wrong shape, makes images that are neither grey nor RGB,
        or cannot compute in ``precision``; or if it is a program whose name does not end in .pt or
        .ts, that draws noise, whose images depend on the other images of a batch or do not depend
        on their latents, or whose values cannot be those of images.

    References
    ----------
    .. [1] T. Karras et al., "Training Generative Adversarial Networks with Limited Data",
       NeurIPS 2020 (StyleGAN2-ADA).
    .. [2] A. Sauer et al., "Projected GANs Converge Faster", NeurIPS 2021.
    .. [3] B. Liu et al., "Towards Faster and Stabilized GAN Training for High-fidelity Few-shot
       Image Synthesis", ICLR 2021 (FastGAN).

    Examples
    --------
    >>> from fringe.files.paths import as_path
    >>> from fringe.generators import load_generator
    >>> generator = load_generator(as_path("fringe:generators/photographs-features.safetensors"))
    >>> generator.name, generator.kind, generator.resolution
    ('photographs-features', 'stylegan2', (64, 64))
    """
    path = Path(path)
    if precision not in PRECISIONS:
        raise FringeError(
            f"unknown precision {precision!r} of {path}; choose one of {', '.join(PRECISIONS)}"
        )
    place = open_device(device)
    with steady(path):  # so that the digest belongs to the loaded content
        return _loaded(path, place, precision, as_range(range, path), fused)


def _loaded(
    path: Path,
    place: torch.device,
    precision: str,
    stated: tuple[float, float] | None,
    fused: bool,
) -> Generator:
    """Return the generator in a file; ``stated`` is the range of its images, if it is given."""
    digest = _sha256(path)
    if kind_of(path) == "torchscript":
        if path.suffix.lower() not in PROGRAMS:
            raise FringeError(
                f"{path}: contains a TorchScript program, which can read and write files, but its "
                f"name ends in {path.suffix or 'nothing'!r}, like a file of data; if you trust its "
                "source, rename it so that it ends in .pt"
            )
        from fringe.generators import torchscript

        if precision != "float32":
            raise FringeError(
                f"{path}: TorchScript computes as it was exported; choose precision 'float32' "
                "(`fp16: false`)"
            )
        if fused:
            raise _not_fused(path, "TorchScript")
        program = rescaled(torchscript.load(path, place, digest), stated or USUAL)
        try_out(program, path, stated)
        return program
    kind, config, state = _read(path)
    options: dict[str, bool] = {}
    if precision == "float16":
        if getattr(config, "float16_from", None) is None:
            raise FringeError(
                f"{path}: no part of this {kind} was trained in float16; choose precision "
                "'float32' (`fp16: false`)"
            )
        options = {"float16": True}
    if fused:
        if kind != "stylegan2":
            raise _not_fused(path, kind)
        options["fused"] = True
    architecture = _architecture(kind)
    check_size(config.channels, config.resolution, config.resolution, path)
    generator = Generator(
        name=path.stem,
        kind=kind,
        z_dim=config.z_dim,
        n_classes=getattr(config, "c_dim", 0),
        resolution=(config.resolution, config.resolution),
        channels=config.channels,
        sha256=digest,
        device=place,
        traits=architecture.traits(config, state),
        forward=architecture.build(config, state, place, **options),
    )
    return rescaled(generator, stated or USUAL)


def _not_fused(path: Path, kind: str) -> FringeError:
    return FringeError(
        f"{path}: `fused` compiles only StyleGAN2, and this is {kind}; leave `fused` out"
    )


def convert(path: str | os.PathLike[str], out: str | os.PathLike[str]) -> None:
    """Write the generator of a network pickle to ``out`` as safetensors.

    The safetensors file contains the tensors of the forward pass. Its metadata are the kind, the
    configuration and the SHA-256 of the pickle. So nobody needs to unpickle a file to use the
    generator. `load_generator` returns a generator whose images are equal bit for bit. ``out`` gets
    its name when it is complete.

    Parameters
    ----------
    path : path
        A network pickle, as in `load_generator`.
    out : path
        The file to write.

    Raises
    ------
    FringeError
        If `load_generator` cannot read ``path`` as a network pickle, or ``out`` cannot be written.

    Examples
    --------
    >>> from fringe.generators import convert
    >>> convert("ffhq.pkl", "ffhq.safetensors")  # doctest: +SKIP
    """
    path = Path(path)
    digest = _sha256(path)
    if kind_of(path) == "torchscript":
        raise FringeError(
            f"{path}: a TorchScript program cannot be converted; load it directly, or convert the "
            "network pickle from which it was made"
        )
    kind, config, state = _read(path)
    save_generator(out, kind, config, state, {"source_sha256": digest})


def save_generator(
    out: str | os.PathLike[str],
    kind: str,
    config: Any,
    state: Mapping[str, Tensor],
    more: Mapping[str, str] | None = None,
) -> None:
    """Write a generator to ``out`` as a safetensors file that `load_generator` reads.

    Parameters
    ----------
    out : path
        The file to write; it gets its name when it is complete.
    kind : {"stylegan2", "fastgan"}
        The architecture.
    config : Config
        A ``Config`` of ``fringe.generators.stylegan2`` or ``fringe.generators.fastgan``.
    state : mapping of str to tensor
        The tensors of the forward pass, of any floating-point type. `load_generator` reads them as
        float32.
    more : mapping of str to str, optional
        Additional metadata.

    Raises
    ------
    FringeError
        If a tensor is missing, if its shape differs from the shape that ``config`` needs, or if
        ``out`` cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import torch
    >>> from fringe.generators import load_generator, save_generator
    >>> from fringe.generators.stylegan2 import Config, layout
    >>> config = Config(
    ...     z_dim=8, c_dim=0, w_dim=8, resolution=8, channels=3, architecture="skip",
    ...     conv_clamp=None, float16_from=None, lr_multiplier=0.01,
    ... )
    >>> state = {name: torch.zeros(shape) for name, shape in layout(config, {}, "tiny").items()}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "tiny.safetensors")
    ...     save_generator(path, "stylegan2", config, state)
    ...     load_generator(path).resolution
    (8, 8)
    """
    from safetensors.torch import save_file

    from fringe.generators.state_dicts import checked

    checked(state, _architecture(kind).layout(config, state, out), out, unused=())
    metadata = {"format": FORMAT, "kind": kind, "config": json.dumps(asdict(config))}
    with atomic_path(out) as partial:
        save_file({**state}, partial, metadata | dict(more or {}))
        _sort_metadata(partial)


def _sort_metadata(path: Path) -> None:
    """Sort the metadata of a safetensors file, because safetensors writes them in random order.

    So the same generator always gives the same file. A run identifies a generator by the SHA-256 of
    its file.
    """
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        assert len(text) <= length
        file.seek(8)
        file.write(text.ljust(length))


def _read(path: Path) -> _Checkpoint:
    """Return the checked content of a network pickle or of a file that `convert` wrote."""
    return _read_export(path) if kind_of(path) == "safetensors" else _read_network(path)


def _read_network(path: Path) -> _Checkpoint:
    from fringe.checkpoints import Record, read_pickle

    tree = read_pickle(path)
    record = tree.get("G_ema") if isinstance(tree, Mapping) else tree
    modules = record.state.get("_modules") if isinstance(record, Record) else None
    synthesis = modules.get("synthesis") if isinstance(modules, Mapping) else None
    name = getattr(synthesis, "class_name", "")
    kinds = {
        "SynthesisNetwork": "stylegan2",
        "FastganSynthesis": "fastgan",
        "FastganSynthesisCond": "fastgan",
    }
    if not isinstance(record, Record) or name not in kinds:
        raise FringeError(f"{path}: {explain(tree)}")
    try:
        config, state = _architecture(kinds[name]).read(record, path)
    except (AttributeError, KeyError, TypeError) as error:
        raise FringeError(
            f"{path}: its {record.title} is not a regular PyTorch module "
            f"({type(error).__name__}: {error}); fetch the file again"
        ) from error
    return _Checkpoint(kinds[name], config, state)


def _read_export(path: Path) -> _Checkpoint:
    from safetensors import SafetensorError, safe_open

    from fringe.generators.state_dicts import checked

    try:
        check_regular(path)
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise FringeError(
            f"{path}: damaged safetensors file ({error}); convert the pickle again"
        ) from error
    if metadata.get("format") != FORMAT or metadata.get("kind") not in ("stylegan2", "fastgan"):
        raise FringeError(
            f"{path}: a safetensors file of format {metadata.get('format')!r}, kind "
            f"{metadata.get('kind')!r}, not a generator that this version reads; {SUPPORTED}"
        )
    kind = metadata["kind"]
    architecture = _architecture(kind)
    config = _config(architecture.Config, metadata.get("config", ""), path)
    layout = architecture.layout(config, state, path)
    return _Checkpoint(kind, config, checked(state, layout, path, unused=()))


def _config(kind: Any, text: str, path: Path) -> Any:
    """Return the dataclass ``kind`` from the JSON that ``convert`` wrote."""
    types = {
        "int": (int,),
        "str": (str,),
        "float": (float, int),
        "float | None": (float, int, type(None)),
        "int | None": (int, type(None)),
    }
    try:
        values = parse_json(text)
        wrong = [
            field.name
            for field in fields(kind)
            if isinstance(values[field.name], bool)
            or not isinstance(values[field.name], types[str(field.type)])
        ]
        if not wrong:
            return kind(**values)
        reason = f"{wrong[0]} is {values[wrong[0]]!r}"
    except (ValueError, TypeError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}"
    raise FringeError(
        f"{path}: its configuration cannot be read ({reason}); convert the pickle again"
    )


def _architecture(kind: str) -> ModuleType:
    from fringe.generators import fastgan, stylegan2

    return {"stylegan2": stylegan2, "fastgan": fastgan}[kind]


def _sha256(path: Path) -> str:
    try:
        with open_regular(path, LARGEST_CHECKPOINT) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        why = unreadable(error) or f"cannot be read ({error.strerror}); correct the path"
        raise FringeError(f"{path}: the generator {why}") from error
