"""Generators from files: what a file holds is told from its content.

Its name says one thing alone: whether a program in it may run.
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
# What the name of a file must end in for its program to run.
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
        A network pickle of StyleGAN2-ADA, or of Projected GAN (FastGAN or StyleGAN2), from which
        ``G_ema`` is taken, or the same saved by `torch.save`; what ``convert`` wrote; or
        TorchScript. Pickles are read without executing anything in them, and may hold anything
        beside ``G_ema``.

        **TorchScript is a program.** It runs in PyTorch's interpreter, which has no access to
        Python, but it may call any operator of PyTorch, those that read and write files included:
        load it only from where you would run a program from. So that none runs by surprise, its
        name must end in .pt or .ts. An image must depend on its latents and labels alone. Its
        signature is
        ``forward(latents: float32 (N, z)) -> float (N, C, H, W)``, or
        ``forward(latents, labels: float32 (N, c))`` if it is conditional; ``z_dim``, and ``c_dim``
        if it is conditional, are attributes or methods that give an int. A few images are made, to
        learn their size and whether their values can be what ``range`` says.
    device : str or torch.device
        "cpu", "cuda", "cuda:1", ...
    precision : {"float32", "float16"}
        float16 computes those resolutions of a StyleGAN2 in half precision that were trained in
        it, as the released code does on a GPU: faster there, and pixels change slightly. A CPU
        rounds alike, and takes as long as in float32.
    range : (float, float), optional
        What black and white are in the file's images: (-1, 1) if it is left out. With any other,
        values are rescaled. Without it, TorchScript whose values lie in one half of -1 to 1 is
        refused, because most likely they mean something else.
    fused : bool
        Compile a StyleGAN2 with `torch.compile`, so that what lies between two convolutions is one
        pass over the maps. Images differ from those of the usual way by rounding. The first batch
        of a shape takes a minute or so. No run uses this yet: `benchmarks/gpu.sh` is to measure it
        on a GPU first.

    Raises
    ------
    FringeError
        If the file or device is not there, the file holds no generator of these kinds, lacks a
        tensor or holds one of the wrong shape, makes images that are neither grey nor RGB, or
        cannot compute in ``precision``; if it is a program and its name does not say so, or one
        that draws noise of its own, whose images depend on others of their batch or not on their
        latents, or whose values cannot be those of images.
    """
    path = Path(path)
    if precision not in PRECISIONS:
        raise FringeError(
            f"unknown precision {precision!r} of {path}; choose one of {', '.join(PRECISIONS)}"
        )
    place = open_device(device)
    with steady(path):  # so that the digest is that of what is loaded
        return _loaded(path, place, precision, as_range(range, path), fused)


def _loaded(
    path: Path,
    place: torch.device,
    precision: str,
    stated: tuple[float, float] | None,
    fused: bool,
) -> Generator:
    """Return the generator in a file whose images are in the range that is ``stated``, if any."""
    digest = _sha256(path)
    if kind_of(path) == "torchscript":
        if path.suffix.lower() not in PROGRAMS:
            raise FringeError(
                f"{path}: holds a TorchScript program, which would run, and may read and write "
                f"files, where a name that ends in {path.suffix or 'nothing'!r} promises data; if "
                "you trust where it comes from, rename it so that it ends in .pt"
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
        f"{path}: `fused` compiles StyleGAN2 only, and this is {kind}; leave `fused` out"
    )


def convert(path: str | os.PathLike[str], out: str | os.PathLike[str]) -> None:
    """Write the generator of a network pickle to ``out`` as safetensors.

    That file holds the tensors of the forward pass, with kind, configuration and the SHA-256 of
    the pickle as metadata: nothing to unpickle, for anybody. ``load_generator`` makes the same
    images of it to the last bit. ``out`` gets its name when it is whole.

    Raises
    ------
    FringeError
        If ``path`` is no network pickle that ``load_generator`` reads, or ``out`` cannot be
        written.
    """
    path = Path(path)
    digest = _sha256(path)
    if kind_of(path) == "torchscript":
        raise FringeError(
            f"{path}: a TorchScript program cannot be converted; load it as it is, or convert the "
            "network pickle it was made from"
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
    """Write a generator to ``out`` as the safetensors that ``load_generator`` reads.

    Parameters
    ----------
    out : path
        Gets its name when the file is whole.
    kind : {"stylegan2", "fastgan"}
        The architecture.
    config : Config
        Of ``fringe.generators.stylegan2`` or ``fastgan``.
    state : mapping of str to tensor
        The tensors of the forward pass, of any floating-point type. They are read as float32.
    more : mapping of str to str, optional
        Further metadata.

    Raises
    ------
    FringeError
        If a tensor is missing or has another shape than ``config`` asks for, or ``out`` cannot be
        written.
    """
    from safetensors.torch import save_file

    from fringe.generators.state_dicts import checked

    checked(state, _architecture(kind).layout(config, state, out), out, unused=())
    metadata = {"format": FORMAT, "kind": kind, "config": json.dumps(asdict(config))}
    with atomic_path(out) as partial:
        save_file({**state}, partial, metadata | dict(more or {}))
        _sort_metadata(partial)


def _sort_metadata(path: Path) -> None:
    """Sort the metadata of a safetensors file, whose order safetensors draws at random.

    Then the same generator makes the same file, whose SHA-256 is what a run knows it by.
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
    """Return what a pickle or one of our own exports holds, checked."""
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
            f"{path}: its {record.title} is not built like one of PyTorch's modules "
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
            f"{metadata.get('kind')!r}, and no generator that this version reads; {SUPPORTED}"
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
