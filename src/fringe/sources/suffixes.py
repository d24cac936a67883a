"""Which names are those of images: fixed lists, which do not depend on Pillow's plugins."""

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

#: Suffixes of the images that are read: of formats of one image of 8 bits a channel which Pillow
#: decodes itself, and in which data sets are kept.
READ = frozenset(
    {
        *(".bmp", ".gif", ".png", ".apng", ".qoi", ".tga", ".tif", ".tiff", ".webp", ".avif"),
        *(".jpg", ".jpeg", ".jpe", ".jfif"),
        *(".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
        *(".ppm", ".pgm", ".pbm", ".pnm"),
    }
)

#: Suffixes of images that are not read, and never left out silently.
UNREAD = frozenset(
    {
        # Pillow does not decode them itself.
        *(".heic", ".heif", ".heics", ".heifs", ".hif", ".jxl", ".jxr", ".wdp", ".jls", ".jph"),
        *(".bpg", ".flif", ".jng", ".pam"),
        # More than 8 bits a channel.
        *(".exr", ".hdr", ".pfm", ".dpx", ".fits", ".dcm"),
        # Of cameras.
        *(".dng", ".raw", ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".erf", ".iiq", ".kdc", ".mef"),
        *(".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw"),
        ".x3f",
        # Several images, layers or sizes, or textures.
        *(".psd", ".psb", ".xcf", ".ico", ".icns", ".cur", ".mpo", ".jps", ".pns", ".mng"),
        *(".avifs", ".dds", ".ktx", ".ktx2"),
        # Drawings.
        *(".svg", ".svgz", ".eps", ".ai", ".wmf", ".emf"),
        # Formats of long ago.
        *(".dib", ".pcx", ".ras", ".sgi", ".xbm", ".xpm"),
        # Anything.
        ".img",
    }
)

#: Both.
PICTURES = READ | UNREAD

DEPTH = 32  # folders inside each other that are looked at

# Folders of previews and deleted files that macOS, Windows and storage devices add.
_FOREIGN = frozenset({"__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN"})


def suffix_of(name: str) -> str:
    """Return what follows the last dot of ``name``, with the dot, in lower case; "" without one."""
    dot = name.rfind(".")
    return name[dot:].lower() if dot >= 0 else ""


def is_hidden(name: str) -> bool:
    """Tell whether a relative name with forward slashes is hidden, or in a hidden folder.

    Files of the folders that systems add, such as macOS's ``__MACOSX``, count as hidden.
    """
    if name[:1] != "." and "/." not in name and not any(folder in name for folder in _FOREIGN):
        return False  # nearly all
    return any(
        (part.startswith(".") and part not in {".", ".."}) or part in _FOREIGN
        for part in name.split("/")
    )


def is_image_name(name: str) -> bool:
    """Tell whether a relative name with forward slashes is that of an image that is read.

    Hidden files are not.
    """
    return suffix_of(name) in READ and not is_hidden(name)


def is_picture_name(name: str) -> bool:
    """Tell whether a relative name with forward slashes is that of an image, read or not."""
    return suffix_of(name) in PICTURES and not is_hidden(name)


def folders_of(name: str) -> Iterator[str]:
    """Yield the path of each folder that a file is in, from the outermost on.

    That of the outermost is "", others end in a slash. After `DEPTH` folders it ends: names in
    archives may be of any length.
    """
    end = 0
    for _ in range(DEPTH):
        yield name[:end]
        end = name.find("/", end) + 1
        if not end:
            return


def suffixes(names: Iterable[str]) -> str:
    """Return how many of ``names`` have which suffix, as text: ``2 .heic, 1 .exr``."""
    counts = Counter(suffix_of(name.rpartition("/")[2]) for name in names)
    told = [f"{count:,} {suffix or 'without suffix'}" for suffix, count in counts.most_common(5)]
    return ", ".join([*told, "..."] if len(counts) > 5 else told)


def words(name: str) -> list[str]:
    """Return the words in a name, in lower case: ``trainA_01`` holds ``train`` and ``a``."""
    return [word.lower() for word in re.findall("[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
