"""Section `sources` of a configuration: one section for each kind of source."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Discriminator, Field, PlainSerializer, Tag

from fringe.config.fields import (
    Count,
    DigestText,
    Distinct,
    Fits,
    Flag,
    Given,
    List,
    Number,
    Numeral,
    OrText,
    PathText,
    ProseText,
    Section,
    Seed,
    Text,
    WrittenAs,
)

__all__ = [
    "SECTIONS",
    "AnySource",
    "CropsSource",
    "DiffusersSource",
    "FeaturesSource",
    "FileSource",
    "FilesSource",
    "GeneratorSource",
    "ImitationSource",
    "MadeSource",
    "PhotosSource",
    "PythonSource",
    "Source",
    "Statistics",
    "kinds_with",
    "label_of",
    "opening_keys",
    "origin_of",
]

Address = Annotated[str, Fits("https?://.+", "an address that begins with http:// or https://")]
Pattern = Annotated[str, Field(min_length=1)]
Patterns = Annotated[
    Annotated[Pattern, Text] | Annotated[Distinct[Pattern], Field(min_length=1), List],
    WrittenAs,
]
Resolution = Annotated[int, Field(ge=8, le=16384)]
ImageCount = Annotated[int, Field(ge=2, le=1_000_000_000)]


SeedOfImages = Annotated[
    Seed,
    Field(
        description=(
            "Seed of the images. For `generator`, latents are rows of "
            "`RandomState(seed).randn(count, z)`, as in the paper's released code. For `files` "
            "and `features`, the seed of the random order. For `diffusers`, the seed of the "
            "noise, which is different for each image. For `python`, an argument of the function."
        )
    ),
]


Addresses = Given[
    Annotated[
        Annotated[Address, Text] | Annotated[Distinct[Address], Field(min_length=1), List],
        WrittenAs,
    ]
]
Words = Given[Annotated[str, Field(min_length=1)]]
LabelOfImages = Annotated[
    Given[
        Annotated[
            Annotated[int, Field(ge=0), Numeral]
            | Annotated[Literal["balanced", "uniform", "dataset"], Text],
            WrittenAs,
        ]
    ],
    Field(
        description=(
            "The class of a conditional generator's images, or a rule that gives each image a "
            "class. `balanced` uses each class equally often: image i has class i modulo the "
            "number of classes, as in published FIDs of VAR, MAR and RAE. `uniform` draws a class "
            "for each image with equal probabilities, as in published FIDs of EDM. Neither rule "
            "has the class frequencies of a data set. `dataset` draws classes as often as in the "
            "labels of the real images that the generator is compared with (`docs/formats.md`), "
            "as in StyleGAN2-ADA's FID. Only for generators."
        ),
    ),
]


class Statistics(Section):
    """Published mean and covariance of the features of a source's images."""

    path: PathText = Field(
        description=(
            "The NPZ file, or a pickle of EDM2 with statistics of several networks; or "
            "`published:<name>`, which sets all other keys."
        )
    )
    count: Count = Field(description="Number of images that the statistics were computed from.")
    url: Addresses = Field(
        default=None,
        description=(
            "Address of the file, or a list of addresses that are tried in order. `fringe stage` "
            "fetches the file from there."
        ),
    )
    sha256: Given[DigestText] = Field(
        default=None,
        description=(
            "SHA-256 digest of the file. A file with another digest ends the run, or is refused "
            "when it is fetched."
        ),
    )
    licence: Words = Field(
        default=None, description="Licence of the file, which is shown with its address."
    )
    size: Words = Field(
        default=None, description="Size of the file in words, which is shown with its address."
    )
    note: Given[ProseText] = Field(
        default=None, description="How to get the file. The note is shown if the file is missing."
    )


AnyStatistics = Annotated[
    Statistics,
    OrText(
        "published:.+", "the name of statistics in the catalogue, such as published:edm/cifar10"
    ),
]


class AnySource(Section):
    """The keys of sources of all kinds.

    Attributes
    ----------
    in_files : bool
        Whether the images are in files, so that they have no seeds.
    is_rendered : bool
        Whether the images are rendered, and may be stored.
    is_trained : bool
        Whether a network makes the images, so that their jobs request a GPU.
    has_images : bool
        Whether the source has images, and not only features of images.
    """

    in_files: ClassVar[bool] = False
    is_rendered: ClassVar[bool] = False
    is_trained: ClassVar[bool] = False
    has_images: ClassVar[bool] = True

    kind: str = Field(description="Where the images come from.")
    statistics: dict[str, AnyStatistics] = Field(
        default={},
        description=(
            "Published mean and covariance of the features of these images, by network: `{path, "
            "count}`, or the name of an entry of the catalogue (`docs/catalogue.md`), such as "
            "`published:edm/cifar10`. The file is an NPZ with `mu` and `sigma`, as in "
            "pytorch-fid, clean-fid and EDM. FID is measured against these statistics, and "
            "pre-logits are matched to them. Everything else uses the images."
        ),
    )


class FileSource(AnySource):
    """The keys of sources with a file: its path and its origin."""

    path: PathText = Field(
        description=(
            "For `files`: a ZIP, folder, LMDB folder, NPZ (`arr_0`), HDF5 (`images`), WebDataset "
            "tar, Parquet, or CIFAR's archive (`.tar.gz`). For `generator`: a network pickle of "
            "StyleGAN2-ADA or Projected GAN, a file that `fringe convert` made from one, or a "
            "TorchScript generator. A TorchScript generator has the suffix `.pt` or `.ts` and "
            "must not draw random noise. It is a program that is run, for the first time when a "
            "run is planned, also by a dry run. For `diffusers`: the folder of a pipeline. For "
            "`features`: an NPZ or HDF5 file (`docs/formats.md`). For sources among `snapshots`, "
            "also the folder of a training, which means every `network-snapshot-*.pkl` in it, or "
            "a pattern such as `training/network-snapshot-0??[01]*.pkl`. `published:<name>` is "
            "the file of an entry of the catalogue (`docs/catalogue.md`), which is stored in "
            "`data/published`; `fringe run` fetches it."
        )
    )
    url: Addresses = Field(
        default=None,
        description=(
            "Address of the file at `path`, or a list of addresses that are tried in order. "
            "`fringe stage` and `fringe fetch` get the file from there. This key and the next "
            "five keys are only for sources with a `path`."
        ),
    )
    sha256: Given[DigestText] = Field(
        default=None,
        description=(
            "SHA-256 digest of the file. If the file at `path` has another digest, the run ends; "
            "a fetched file with another digest is refused. With `unpack`, the digest of the "
            "archive, which is checked when the archive is fetched."
        ),
    )
    unpack: Given[Annotated[str, Field(min_length=1)]] = Field(
        default=None,
        description=(
            "The folder inside the ZIP archive at `url` whose content is unpacked to the folder "
            "`path`."
        ),
    )
    licence: Words = Field(
        default=None, description="Licence of the file, which is shown with its address."
    )
    size: Words = Field(
        default=None, description="Size of the file in words, which is shown with its address."
    )
    note: Given[ProseText] = Field(
        default=None,
        description="How to get or make the file. The note is shown if the file is missing.",
    )

    def faults(self) -> Iterable[tuple[str, str]]:
        """Yield the faults of the keys that describe the file's origin."""
        if self.url is not None and any(mark in self.path for mark in "*?[{"):
            yield (
                "url",
                f"is the address of one file, but {self.path} is a pattern for several files; "
                "remove `url`, and describe in `note` how to get the files",
            )
        if self.unpack is not None and self.url is None:
            yield "unpack", "names a folder of the archive at `url`, but `url` is missing; add it"


class FilesSource(FileSource):
    """A data set of images in files."""

    in_files = True

    kind: Literal["files"] = Field(
        default="files",
        description="`files`: images at `path`.",
    )
    count: Given[ImageCount] = Field(
        default=None,
        description=(
            "Number of images. For `files` and `features`, the default is all images; otherwise "
            "`order` decides which images are used."
        ),
    )
    resolution: Given[Resolution] = Field(
        default=None,
        description=(
            "Width and height in pixels. By default, files keep their size. Otherwise images are "
            "cropped to a centred square and resized (Lanczos), which changes FID."
        ),
    )
    crop: Given[
        Annotated[
            str,
            Fits(
                "(center|wide [1-9][0-9]{0,5}x[1-9][0-9]{0,5})",
                "center, or wide and a size, such as wide 512x384",
            ),
        ]
    ] = Field(
        default=None,
        description=(
            "`center`, the default, crops to the centred square. `wide WxH` (`wide 512x384` for "
            "LSUN Car) crops to this aspect ratio and adds black bars up to a square of W x W "
            "pixels; images that are too small are omitted, as in StyleGAN's dataset tool. Only "
            "for `files`."
        ),
    )
    filter: Given[Literal["lanczos", "box"]] = Field(
        default=None,
        description=(
            "The filter for resizing images: `lanczos`, the default, or `box`, which published "
            "FIDs on FFHQ at 256 pixels use. Only for `files`."
        ),
    )
    follow_links: bool = Field(
        default=False,
        description=(
            "Follow symbolic links that lead out of a folder of images, as in a subset made of "
            "links or in the cache of Hugging Face's hub. Links inside the folder are always "
            "followed. A link counts by its own name, but no folder counts twice. Only for "
            "`files`."
        ),
    )
    order: Literal["random", "file"] = Field(
        default="random",
        description=(
            "Which images are used if not all are needed (`count`, or `n_real` or `n_generated` "
            "of a data set). `random`: a random subset. `file`: the first images in the order of "
            "the files, which are sorted in a ZIP, a folder and an LMDB. Files are often sorted "
            "by class, so the first files may not represent the set; use `file` only for a set "
            "that others used in this order. With `random`, the images are in random order if any "
            "user of the source needs fewer than all images; a larger number uses the same images "
            "and more. If all users need all images, the images are in the order of the files. "
            "The same rule applies to rows of `features`. Only for `files` and `features`."
        ),
    )
    seed: SeedOfImages = 0
    strict: bool = Field(
        default=False,
        description=(
            "Refuse damaged JPEGs even if they can be decoded. If `false`, these images are used, "
            "counted and named in the log, under tables and in the verdict. Only for `files`."
        ),
    )
    select: Given[Patterns] = Field(
        default=None,
        description=(
            'One pattern or a list of patterns (`"*.jpg"`, `"train/*"`) that selects images '
            "inside a folder, ZIP or tar, or files of records in CIFAR's archive. A pattern must "
            "match the whole path inside the source or the name after the last slash; in an LMDB, "
            "the key. `*` also matches slashes, and case is ignored. A pattern is needed if "
            'several images belong to one sample or if there are several splits; `"*"` selects '
            "all. Only for `files`."
        ),
    )
    ignore: Given[Patterns] = Field(
        default=None,
        description=(
            "Patterns, as in `select`, of images to ignore. Images of unsupported formats "
            '(`"*.heic"`) end the run unless they are ignored here. Only for `files`.'
        ),
    )
    label_column: Given[Annotated[str, Field(min_length=1)]] = Field(
        default=None,
        description=(
            "The column of a Parquet file with the class of each image, if it is not `label` "
            "(such as `fine_label`). Only for `files`."
        ),
    )


class GeneratorSource(FileSource):
    """A trained generator, which makes images from seeded latents."""

    is_rendered = True
    is_trained = True

    kind: Literal["generator"] = Field(
        description=(
            "`generator`: images that the trained generator at `path` makes from seeded latents."
        )
    )
    count: ImageCount = Field(description=("Number of images."))
    seed: SeedOfImages = 0
    truncation: Number = Field(
        default=1, ge=0, le=2, description="Truncation of the latents (psi); only for `generator`."
    )
    noise: Literal["const", "random", "none"] = Field(
        default="const",
        description=(
            "Noise inputs of a StyleGAN2: the noise of its training, new noise seeded for each "
            "image, or none. Only for `generator`. A Projected GAN does not have constant noise."
        ),
    )
    label: LabelOfImages = None
    fp16: bool = Field(
        default=False,
        description=(
            "Use float16 in the blocks of a StyleGAN2 that were trained in float16 (in the "
            "released generators, the four highest resolutions), as the released code does on a "
            "GPU. Pixels, and therefore FID, change slightly. Only for a `generator` that is a "
            "StyleGAN2."
        ),
    )
    range: Given[Annotated[list[Number], Field(min_length=2, max_length=2)]] = Field(
        default=None,
        description=(
            "The values of black and white in the images of a generator, such as `[0, 1]` or `[0, "
            "255]`. By default, black is -1 and white is 1, as in all network pickles, and a "
            "TorchScript generator whose values cannot be in this range is refused. `[-1, 1]` "
            "accepts these values. Only for `generator`."
        ),
    )


class DiffusersSource(FileSource):
    """A diffusion model in the format of the library diffusers."""

    is_rendered = True
    is_trained = True

    kind: Literal["diffusers"] = Field(
        description=(
            "`diffusers`: images that the pipeline of diffusers in the folder at `path` makes "
            "from a seed (`docs/generators.md`). It needs the packages diffusers and "
            "transformers."
        )
    )
    count: ImageCount = Field(description="Number of images.")
    seed: SeedOfImages = 0
    scheduler: Given[
        Annotated[str, Fits(r"[A-Za-z]\w*", "the name of a class, such as DDIMScheduler")]
    ] = Field(
        default=None,
        description=(
            "The sampler, a class of diffusers such as `DDIMScheduler`, with the settings of the "
            "pipeline's own sampler, which is the default. Only for `diffusers`."
        ),
    )
    steps: Given[Annotated[int, Field(ge=1, le=100_000)]] = Field(
        default=None,
        description=(
            "Number of steps of the sampler; by default the pipeline's number. Only for "
            "`diffusers`."
        ),
    )
    guidance: Given[Annotated[Number, Field(ge=0)]] = Field(
        default=None,
        description=(
            "Scale of classifier-free guidance; by default the pipeline's scale. Only for "
            "`diffusers`."
        ),
    )
    precision: Literal["float32", "float16", "bfloat16"] = Field(
        default="float32",
        description=(
            "Precision of the weights and the arithmetic of a pipeline. Only for `diffusers`."
        ),
    )
    label: LabelOfImages = None
    prompts: Given[PathText] = Field(
        default=None,
        description=(
            "A text file with one prompt in each line, for a text-to-image pipeline. Image i uses "
            "line i modulo the number of lines. Only for `diffusers`."
        ),
    )
    resolution: Given[Resolution] = Field(
        default=None,
        description=(
            "Width and height of the images of a text-to-image pipeline; by default the "
            "pipeline's size."
        ),
    )
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=10,
        description=(
            "Number of images that a pipeline makes at a time on a GPU. The last bits of images "
            "depend on it. Only for `diffusers`."
        ),
    )


# Serialized unchanged, because pydantic warns if a whole number is serialized as a float.
Setting = Annotated[
    Annotated[Annotated[bool, Flag] | Annotated[Number, Numeral] | Annotated[str, Text], WrittenAs],
    PlainSerializer(lambda value: value),
]


class PythonSource(AnySource):
    """Images that a function of Python makes."""

    is_rendered = True
    is_trained = True

    kind: Literal["python"] = Field(
        description=(
            "`python`: images that a function makes from the numbers of the images "
            "(`docs/generators.md`). Its code is run, for the first time when a run is planned: "
            "see `allow_code`."
        )
    )
    function: Annotated[
        str, Fits(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", "module:function, as mine:images")
    ] = Field(
        description=(
            "`module:function` for `python`. The function takes an array with the numbers of "
            "images, from 0, and returns uint8 images (n, H, W, 3)."
        )
    )
    count: ImageCount = Field(description="Number of images.")
    resolution: Given[Resolution] = Field(
        default=None,
        description=(
            "Width and height that the images must have; by default the size of the first image."
        ),
    )
    seed: SeedOfImages = 0
    settings: dict[str, Setting] = Field(
        default={},
        description=(
            "Keyword arguments of the function: numbers, texts, true or false. Only for `python`."
        ),
    )


class FeaturesSource(FileSource):
    """Features of images that another tool made; the source has no images."""

    has_images = False

    kind: Literal["features"] = Field(
        description=(
            "`features`: features of images in the file at `path`, which another tool made. No "
            "network runs, and everything that shows images is omitted. Only data sets with "
            "`resample: false` may use such a source."
        )
    )
    count: Given[ImageCount] = Field(
        default=None,
        description=(
            "Number of images. The default is all images; otherwise `order` decides which images "
            "are used."
        ),
    )
    order: Literal["random", "file"] = Field(
        default="random",
        description=(
            "Which images are used if not all are needed: a random subset, or the first images."
        ),
    )
    seed: SeedOfImages = 0


class MadeSource(AnySource):
    """The keys of sources that make images at any resolution."""

    count: ImageCount = Field(description=("Number of images."))
    resolution: Resolution = Field(description=("Width and height in pixels."))
    seed: SeedOfImages = 0


class CropsSource(MadeSource):
    """The keys of sources that use the photographs inside installed packages."""

    framing: Literal["free", "aligned"] = Field(
        default="free",
        description=(
            "Position of the crops. `free`: anywhere in a photograph, with a side of 35 to 100 % "
            "of the photograph's shorter side. `aligned`: around the subject of the photograph, "
            "with a side of 85 to 100 %, so that mean images and mean maps of a class show the "
            "subject. Only for `photos` and `imitation`."
        ),
    )


class PhotosSource(CropsSource):
    """Crops of the photographs inside the scikit-image and scikit-learn packages."""

    kind: Literal["photos"] = Field(
        description=(
            "`photos`: seeded crops of the photographs inside the scikit-image and scikit-learn "
            "packages."
        )
    )


class ImitationSource(CropsSource):
    """Crops of the same photographs through a simulated generator."""

    is_rendered = True

    kind: Literal["imitation"] = Field(
        description="`imitation`: the crops of `photos` through a simulated generator."
    )
    severity: Number = Field(
        default=0.8,
        ge=0,
        le=2,
        description="Size of the simulated generator's errors. Only for `imitation`.",
    )


def _tag_of_kind(value: Any) -> str:
    if isinstance(value, AnySource):
        return f"<{value.kind}>"
    return f"<{value.get('kind', 'files')}>" if isinstance(value, dict) else "<another type>"


Source = Annotated[
    Annotated[FilesSource, Tag("<files>")]
    | Annotated[GeneratorSource, Tag("<generator>")]
    | Annotated[DiffusersSource, Tag("<diffusers>")]
    | Annotated[PythonSource, Tag("<python>")]
    | Annotated[FeaturesSource, Tag("<features>")]
    | Annotated[PhotosSource, Tag("<photos>")]
    | Annotated[ImitationSource, Tag("<imitation>")],
    Discriminator(_tag_of_kind),
]


# The section of each kind.
SECTIONS: dict[str, type[AnySource]] = {
    get_args(form)[1].tag.strip("<>"): get_args(form)[0] for form in get_args(get_args(Source)[0])
}


def label_of(source: AnySource) -> int | str | None:
    """Return the class, or the rule of classes, of a source's images; None if it has none."""
    label: int | str | None = getattr(source, "label", None)
    return label


def kinds_with(key: str) -> list[str]:
    """Return the kinds of sources that have a key."""
    return [kind for kind, section in SECTIONS.items() if key in section.model_fields]


def origin_of(file: FileSource | Statistics) -> str:
    """Return the origin of a file in words, from the configuration; "" if it states none."""
    urls = [file.url] if isinstance(file.url, str) else file.url or []
    about = [file.size] if file.size is not None else []
    if file.licence is not None:
        about.append(f"licence: {file.licence}")
    if file.sha256 is not None:
        about.append(f"SHA-256 {file.sha256.lower()}")
    texts = [" or ".join(urls), f"({', '.join(about)})" if about else ""]
    head = " ".join(text for text in texts if text)
    return " ".join(text for text in (f"{head}." if head else "", file.note or "") if text)


def opening_keys(kind: str) -> list[str]:
    """Return the keys that determine the images of a source of this kind."""
    others = {"kind", "statistics", *FileSource.model_fields} - {"path"}
    return [key for key in SECTIONS[kind].model_fields if key not in others]
