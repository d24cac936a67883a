"""Names of image files: fixed lists of suffixes, which do not depend on Pillow's plugins."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from fringe.texts import printable

__all__ = [
    "PICTURES",
    "READ",
    "UNREAD",
    "folders_of",
    "is_hidden",
    "is_image_name",
    "is_picture_name",
    "printable",
    "suffix_of",
    "suffixes",
    "words",
]

#: Suffixes of the images that are read. In their formats, a file is one image of 8 bits per
#: channel. Pillow itself decodes them, and data sets use them.
READ = frozenset(
    {
        *(".bmp", ".gif", ".png", ".apng", ".qoi", ".tga", ".tif", ".tiff", ".webp", ".avif"),
        *(".jpg", ".jpeg", ".jpe", ".jfif"),
        *(".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
        *(".ppm", ".pgm", ".pbm", ".pnm"),
    }
)

#: Suffixes of images that are not read, but are never left out silently.
UNREAD = frozenset(
    {
        # Pillow does not decode them itself.
        *(".heic", ".heif", ".heics", ".heifs", ".hif", ".jxl", ".jxr", ".wdp", ".jls", ".jph"),
        *(".bpg", ".flif", ".jng", ".pam"),
        # More than 8 bits per channel.
        *(".exr", ".hdr", ".pfm", ".dpx", ".fits", ".dcm"),
        # Raw files of cameras.
        *(".dng", ".raw", ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".erf", ".iiq", ".kdc", ".mef"),
        *(".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw"),
        ".x3f",
        # Several images, layers or sizes, or textures.
        *(".psd", ".psb", ".xcf", ".ico", ".icns", ".cur", ".mpo", ".jps", ".pns", ".mng"),
        *(".avifs", ".dds", ".ktx", ".ktx2"),
        # Drawings.
        *(".svg", ".svgz", ".eps", ".ai", ".wmf", ".emf"),
        # Obsolete formats.
        *(".dib", ".pcx", ".ras", ".sgi", ".xbm", ".xpm"),
        # Any content.
        ".img",
    }
)

#: Suffixes of all images, read or not.
PICTURES = READ | UNREAD

DEPTH = 32  # nested folders that are searched

# Folders of previews and deleted files created by macOS, Windows and storage devices.
_FOREIGN = frozenset({"__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN"})


def suffix_of(name: str) -> str:
    """Return the suffix of ``name`` from its last dot on, in lower case; "" without a dot."""
    dot = name.rfind(".")
    return name[dot:].lower() if dot >= 0 else ""


def is_hidden(name: str) -> bool:
    """Return whether a relative name with forward slashes is hidden, or in a hidden folder.

    Files in folders that operating systems add, such as macOS's ``__MACOSX``, count as hidden.
    """
    if name[:1] != "." and "/." not in name and not any(folder in name for folder in _FOREIGN):
        return False  # nearly all names
    return any(
        (part.startswith(".") and part not in {".", ".."}) or part in _FOREIGN
        for part in name.split("/")
    )


def is_image_name(name: str) -> bool:
    """Return whether a relative name with forward slashes names an image that is read.

    Hidden files do not count.
    """
    return suffix_of(name) in READ and not is_hidden(name)


def is_picture_name(name: str) -> bool:
    """Return whether a relative name with forward slashes names an image, read or not."""
    return suffix_of(name) in PICTURES and not is_hidden(name)


def folders_of(name: str) -> Iterator[str]:
    """Yield the path of each folder that contains a file, from the outermost inwards.

    The outermost path is "", others end in a slash. At most `DEPTH` paths are yielded, because
    names in archives may have any length.
    """
    end = 0
    for _ in range(DEPTH):
        yield name[:end]
        end = name.find("/", end) + 1
        if not end:
            return


def suffixes(names: Iterable[str]) -> str:
    """Return the number of ``names`` per suffix, as text: ``2 .heic, 1 .exr``."""
    counts = Counter(suffix_of(name.rpartition("/")[2]) for name in names)
    counted = [f"{count:,} {suffix or 'without suffix'}" for suffix, count in counts.most_common(5)]
    return ", ".join([*counted, "..."] if len(counts) > 5 else counted)


def words(name: str) -> list[str]:
    """Return the words in a name, in lower case: ``trainA_01`` contains ``train`` and ``a``."""
    return [word.lower() for word in re.findall("[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
