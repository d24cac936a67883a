"""Read files in a separate process, under limits, and report the outcome of each file.

Run as ``python child.py MODE FOLDER ...``. The output is a JSON object: file name ->
[outcome of read_pickle, outcome of read_state]. An outcome is "read" or "refused: <message>". Any
other outcome is a fault.
"""

import json
import random
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from fringe.checkpoints import Record, flatten, read_pickle, read_state
from fringe.errors import FringeError

MEMORY = 2 << 30  # bytes in addition to the memory of the interpreter and its packages
PLAIN = (str, bytes, int, float, complex, type(None), torch.dtype)
HARMLESS = {"builtins.id", "object.__getattr__", "sys._getframe", "gc.get_referents"}

events: list[str] = []
watching = False


def watch(event: str, args: tuple[Any, ...]) -> None:
    """Record every event except reading: execution, imports, processes, sockets, writing."""
    if not watching or event in HARMLESS:
        return
    if event == "open" and args[1] in ("r", "rb", None) and not args[2] & 3:
        return
    events.append(f"{event}{args!r:.200}")


def check(tree: Any) -> None:
    """Walk a tree, each container once, and check that its values are plain and not too long."""
    seen: set[int] = set()
    pending = [tree]
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        assert len(repr(type(value))) < 200
        if isinstance(value, Record):
            assert type(value) is Record
            assert len(repr(value)) < 2000
            pending.append(value.state)
        elif type(value) is dict:
            pending += [*value, *value.values()]
        elif type(value) in (list, tuple, set, frozenset):
            pending += value
        elif isinstance(value, torch.Tensor):
            check_tensor(value)
        else:
            assert isinstance(value, PLAIN) or type(value).__name__ == "Global", type(value)


def check_tensor(tensor: torch.Tensor) -> None:
    """Read every element, and check that the tensor is within its storage."""
    assert tensor.device.type == "cpu"
    assert not tensor.requires_grad
    if tensor.numel():
        sizes = zip(tensor.shape, tensor.stride(), strict=True)
        last = tensor.storage_offset() + sum((size - 1) * step for size, step in sizes)
        assert (last + 1) * tensor.element_size() <= tensor.untyped_storage().nbytes()
        tensor.clone()


def outcome(read: Callable[[Path], Any], path: Path) -> str:
    """Return the outcome of reading a file."""
    global watching
    events.clear()
    watching = True
    try:
        tree = read(path)
        modules = [tree, *(tree.values() if isinstance(tree, dict) else ())]
        for module in modules:
            if isinstance(module, Record):
                with suppress(FringeError):
                    check(flatten(module, path))
        check(tree)
        result = "read"
    except FringeError as error:
        message = str(error)
        good = len(message) < 2000 and str(path) in message and "; " in message
        result = f"refused: {message}" if good else f"bad message: {message[:2000]!r}"
    except BaseException as error:
        result = f"fault: {type(error).__name__}: {str(error)[:500]}"
    finally:
        watching = False
    return f"executed: {events[:5]}" if events else result


def mutations(content: bytes, spans: list[tuple[int, int]], rng: random.Random) -> Iterator[bytes]:
    """Yield damaged copies endlessly; ``spans`` are the parts that are damaged."""
    weights = [last - first for first, last in spans]

    def place() -> int:
        first, last = rng.choices(spans, weights)[0]
        return rng.randrange(first, last)

    while True:
        data = bytearray(content)
        for _ in range(rng.choice([1, 1, 1, 2, 4, 8])):
            at, length = place() % len(data), rng.choice([1, 1, 2, 4, 8, 30])
            kind = rng.randrange(6)
            if kind == 0:
                data[at] ^= 1 << rng.randrange(8)
            elif kind == 1:
                data[at] = rng.choice(OPCODES)
            elif kind == 2:
                del data[at : at + length]
            elif kind == 3:
                data[at:at] = rng.randbytes(length)
            elif kind == 4:
                other = place() % len(data)
                data[at : at + length] = data[other : other + length]
            else:
                data[at : at + 4] = rng.choice([b"\xff" * 4, b"\x00" * 4, b"\x00\x00\x00\x80"])
        yield bytes(data)


OPCODES = bytes(range(0x80, 0x99)) + b"(.0120BCFGIJKMNPQRSTUVXabcdeghijlopqrstu}])"


def main(mode: str, folder: str, *options: str) -> None:
    """Warm up with the good files in ``folder/good``, then read the files of the mode."""
    torch.set_num_threads(1)
    "".encode("cp437")  # the encoding that zipfile uses for names that are not UTF-8
    for path in sorted(Path(folder, "good").iterdir()):
        for read in read_pickle, read_state:
            outcome(read, path)  # so that Fringe imports its modules before the audit
    sys.addaudithook(watch)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    if mode == "files":
        found = {
            path.name: [outcome(read_pickle, path), outcome(read_state, path)]
            for path in sorted(Path(folder).iterdir())
            if path.is_file()
        }
    else:
        found = fuzz(Path(folder), *map(int, options))
    print(json.dumps(found))


def fuzz(folder: Path, seed: int, count: int) -> dict[str, dict[str, Any]]:
    """Read ``count`` damaged copies of each good file; return the faults.

    A file ``<name>.json`` next to a good file may list the spans to damage. Files with faults are
    kept.
    """
    faults = {}
    counts = {"read": 0, "refused": 0}
    for path in sorted((folder / "good").iterdir()):
        content = path.read_bytes()
        listed = folder / f"{path.name}.json"
        spans = json.loads(listed.read_text()) if listed.exists() else [(0, len(content))]
        rng = random.Random(f"{seed} {path.name}")
        damaged = folder / path.name
        for number, data in zip(range(count), mutations(content, spans, rng), strict=False):
            damaged.write_bytes(data)
            result = outcome(read_pickle if path.suffix == ".pkl" else read_state, damaged)
            kind = result.split(":")[0]
            if kind in counts:
                counts[kind] += 1
            else:
                kept = damaged.rename(folder / f"fault-{seed}-{number}-{path.name}")
                faults[kept.name] = result
    return {"faults": faults, "counts": counts}


if __name__ == "__main__":
    main(*sys.argv[1:])
