"""Progress of anything that takes more than a few seconds."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

__all__ = ["progress"]

Item = TypeVar("Item")


def progress(
    items: Iterable[Item], title: str, *, total: int | None = None, unit: str = "it", step: int = 1
) -> Iterator[Item]:
    """Yield ``items``, showing a bar in a terminal and a plain line every ten seconds in a log.

    ``step`` is how many units one item stands for (a batch of 32 images: ``step=32``);
    ``total`` counts units.
    """
    if sys.stderr.isatty():
        with tqdm(total=total, desc=title, unit=unit) as bar:
            for item in items:
                yield item
                bar.update(step)
        return
    start = reported = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += step
        now = time.monotonic()
        if now - reported >= 10:
            reported = now
            of = f" of {total}" if total else ""
            rate = done / (now - start)
            print(f"{title}: {done}{of} {unit} ({rate:.3g} {unit}/s)", file=sys.stderr, flush=True)
