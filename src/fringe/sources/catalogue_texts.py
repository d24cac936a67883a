"""The catalogue of public files as a table for the terminal and as a document."""

from __future__ import annotations

from itertools import groupby

from fringe.sources.catalogue import FOLDER, PREFIX, Published, catalogue

__all__ = ["describe", "table"]

_INTRODUCTION = """\
# Public statistics, generators and data sets by name

Made from `src/fringe/sources/catalogue.yaml` by `fringe docs`; do not edit by hand.

A configuration names such a file instead of a path. Its address, digest, licence and number of
images come from this list, unless the configuration states them itself.

```yaml
sources:
  cifar10: {{path: data/cifar10.zip, statistics: {{inception: published:edm/cifar10}}}}
  stylegan2: {{kind: generator, path: published:stylegan2-ada/cifar10, count: 50000}}
```

The file is stored in `{folder}/` below `data_dir`. `fringe run` downloads it if it does not exist;
so do `fringe fetch published:edm/cifar10` and, for all files of a run, `fringe stage my.yaml`.
`fringe fetch` prints this list. An interrupted download continues. A published digest is verified.
If none was published, the digest of the first download is written to `<file>.sha256`, and a
different file is refused from then on. Results depend on the digest of the file, not on its name.

Each address is copied from the public document or source file that is named next to it. No address
was tried when this list was written. Statistics do not say how they were made, so the protocol
below is the statement of their publisher. Fringe does not read generators of StyleGAN3, StyleGAN-XL
and EDM, or network pickles for TensorFlow. Therefore they are not listed: render their images with
their own code, and name the folder of images.
"""

_HEAD = ("name", "holds", "pixels", "images", "networks", "of")


def table() -> str:
    """Return the names of the columns, and then a line for each entry.

    >>> print(table().splitlines()[1])  # doctest: +NORMALIZE_WHITESPACE
    published:edm/cifar10  statistics  32  50,000  inception  CIFAR-10, training images
    """
    rows = [_HEAD, *map(_cells, catalogue().values())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def describe() -> str:
    """Return the document of the catalogue as Markdown."""
    lines = [_INTRODUCTION.format(folder=FOLDER)]
    for family, group in groupby(catalogue().values(), lambda entry: entry.name.partition("/")[0]):
        lines += _family(family, list(group))
    return "\n".join(lines)


def _cells(entry: Published) -> tuple[str, ...]:
    return (
        f"{PREFIX}{entry.name}",
        ", ".join(entry.kinds),
        str(entry.resolution or ""),
        f"{entry.count:,}" if entry.count else "",
        ", ".join(entry.networks),
        entry.title,
    )


def _family(name: str, entries: list[Published]) -> list[str]:
    protocol = entries[0].protocol
    lines = [f"## {name}", "", f"{protocol}.", ""]
    lines += ["| name | holds | pixels | images | networks | file |", "|---|---|---:|---:|---|---|"]
    for entry in entries:
        name, kinds, *numbers, title = _cells(entry)
        address = entry.urls[0]
        lines.append(
            f"| `{name}` | {kinds} | {' | '.join(numbers)} | "
            f"[{title}]({address}); {_origin(entry)} |"
        )
    return [*lines, ""]


def _origin(entry: Published) -> str:
    parts = [f"licence: {entry.licence}", f"address from {entry.found_in}"]
    parts += [entry.size] if entry.size else []
    if entry.sha256 is not None:
        parts.append(f"SHA-256 `{entry.sha256}` from {entry.digest_in}")
    if entry.md5 is not None:
        parts.append(f"MD5 `{entry.md5}`")
    text = "; ".join(parts)
    return f"{text}. {entry.note}".rstrip() if entry.note else text
