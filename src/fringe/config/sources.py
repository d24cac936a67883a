"""Sources of images in a configuration: one section for each kind."""

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
            "`RandomState(seed).randn(count, z)`, as in the paper's released code. For "
            "`files` and `features`, seed of the random order. In `diffusers`, each image has "
            "noise of its own, which the seed gives. A function of `python` gets it."
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
            "Class that a conditional generator is asked for, or a rule that gives each image "
            "one. `balanced` asks for each class equally often: image i is of class i modulo "
            "their number, as published FIDs of VAR, MAR and RAE. `uniform` draws a class for "
            "each image, all alike, as those of EDM. Neither is how often classes are in a data "
            "set. `dataset` draws them as often as the labels of the real images that the "
            "generator is compared with (`docs/formats.md`), as StyleGAN2-ADA's FID does. Only "
            "for generators."
        ),
    ),
]


class Statistics(Section):
    """Published mean and covariance of the features of a source's images."""

    path: PathText = Field(
        description=(
            "The NPZ file, or a pickle of EDM2 with statistics of several networks; or "
            "`published:<name>`, which fills in all other keys."
        )
    )
    count: Count = Field(description="Number of images behind it.")
    url: Addresses = Field(
        default=None,
        description=(
            "Address of the file, or a list of addresses that are tried in order; `fringe stage` "
            "takes the file from there."
        ),
    )
    sha256: Given[DigestText] = Field(
        default=None,
        description="Digest of the file. Another file ends the run, or is refused when it arrives.",
    )
    licence: Words = Field(
        default=None, description="Licence of the file, shown next to its address."
    )
    size: Words = Field(
        default=None, description="Size of the file in words, shown next to its address."
    )
    note: Given[ProseText] = Field(
        default=None, description="How to get the file; shown if it is not there."
    )


AnyStatistics = Annotated[
    Statistics,
    OrText(
        "published:.+", "the name of statistics in the catalogue, such as published:edm/cifar10"
    ),
]


class AnySource(Section):
    """What sources of all kinds have.

    Attributes
    ----------
    in_files : bool
        Whether its images are in files, and have no seeds.
    is_rendered : bool
        Whether its images are made, and may be kept in files.
    is_trained : bool
        Whether a network makes its images, for which a job asks for a GPU.
    has_images : bool
        Whether there are images, or only features of them.
    """

    in_files: ClassVar[bool] = False
    is_rendered: ClassVar[bool] = False
    is_trained: ClassVar[bool] = False
    has_images: ClassVar[bool] = True

    kind: str = Field(description="Where the images come from.")
    statistics: dict[str, AnyStatistics] = Field(
        default={},
        description=(
            "Published mean and covariance (NPZ with `mu` and `sigma`, as pytorch-fid, "
            "clean-fid and EDM exchange them) of the features of these images, by network: "
            "`{path, count}`, or the name of an entry of the catalogue (`docs/catalogue.md`), such "
            "as `published:edm/cifar10`. "
            "FID is measured against them, and pre-logits are matched to them; all else takes "
            "the images themselves."
        ),
    )


class FileSource(AnySource):
    """What sources with a file have: where it is, and where it comes from."""

    path: PathText = Field(
        description=(
            "For `files`: ZIP, folder, LMDB folder, NPZ (`arr_0`), HDF5 (`images`), "
            "WebDataset tar, Parquet, or CIFAR's own archive (`.tar.gz`). For `generator`: a "
            "StyleGAN2-ADA or Projected GAN network pickle, what `fringe convert` made of one, "
            "or a TorchScript generator, which is named `.pt` or `.ts`, may draw no noise of its "
            "own, and is a program that is run: for the first time when a run is planned, also by "
            "a dry run. For `diffusers`: the folder of a pipeline. For `features`: an NPZ or HDF5 "
            "file (`docs/formats.md`). Among "
            "`snapshots` also a training's folder, for every `network-snapshot-*.pkl` in it, "
            "or a pattern such as `training/network-snapshot-0??[01]*.pkl`. "
            "`published:<name>` is the file of that entry of the catalogue "
            "(`docs/catalogue.md`); it lies in `data/published`, and `fringe run` fetches it."
        )
    )
    url: Addresses = Field(
        default=None,
        description=(
            "Address of the file at `path`, or a list of addresses that are tried in order; "
            "`fringe stage` and `fringe fetch` take the file from there. Only for sources "
            "with a `path`, like the next five keys."
        ),
    )
    sha256: Given[DigestText] = Field(
        default=None,
        description=(
            "Digest of the file. Another file at `path` ends the run, and another file from "
            "`url` is refused. With `unpack`, the digest of the archive, which is checked "
            "when it arrives."
        ),
    )
    unpack: Given[Annotated[str, Field(min_length=1)]] = Field(
        default=None,
        description=(
            "The folder inside the ZIP archive at `url` whose content `path` becomes; `path` "
            "is a folder then."
        ),
    )
    licence: Words = Field(
        default=None, description="Licence of the file, shown beside its address."
    )
    size: Words = Field(
        default=None, description="Size of the file in words, shown beside its address."
    )
    note: Given[ProseText] = Field(
        default=None, description="How to get or make the file; shown if it is not there."
    )

    def faults(self) -> Iterable[tuple[str, str]]:
        """Yield the faults of what is said of the file's origin."""
        if self.url is not None and any(mark in self.path for mark in "*?[{"):
            yield (
                "url",
                f"is the address of one file, but {self.path} is a pattern of several; drop it, "
                "and say in `note` how to get them",
            )
        if self.unpack is not None and self.url is None:
            yield "unpack", "a folder of the archive at `url`, which is missing; add it"


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
            "How many images; for `files` and `features` all where left out, and otherwise those "
            "that `order` says."
        ),
    )
    resolution: Given[Resolution] = Field(
        default=None,
        description=(
            "Width and height in pixels. Files keep their own size where it is left out; else "
            "they are cropped to a centred square and resized (Lanczos), which changes FID."
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
            "`center`, the default, takes the centred square. `wide WxH` (`wide 512x384` for "
            "LSUN Car) crops to those proportions and fills up a square of W x W pixels with "
            "black; images that are too small are left out, as StyleGAN's dataset tool does. "
            "Only for `files`."
        ),
    )
    filter: Given[Literal["lanczos", "box"]] = Field(
        default=None,
        description=(
            "How pixels are averaged when images are resized: `lanczos`, the default, or "
            "`box`, which published FIDs on FFHQ at 256 pixels take. Only for `files`."
        ),
    )
    follow_links: bool = Field(
        default=False,
        description=(
            "Follow symbolic links that lead out of a folder of images, as in a subset made "
            "of links or the cache of Hugging Face's hub. Links inside the folder are "
            "followed anyway. A link counts by its own name, but no folder counts twice. Only "
            "for `files`."
        ),
    )
    order: Literal["random", "file"] = Field(
        default="random",
        description=(
            "Which images stand for the set where fewer than all are used (`count`, or "
            "`n_real` or `n_generated` of a data set): a random subset, or the first in the "
            "order of the files, which is sorted for a ZIP, a folder and an LMDB. Files are "
            "often sorted by class, and the first ones do not stand for the set then; `file` "
            "is for a set that somebody else used in that order. With `random`, the images "
            "are in random order as soon as anything takes fewer than all; a larger number "
            "then takes the same images and more. Where everything takes all images, they are "
            "in the order of the files. Rows of `features` are taken in the same way. Only for "
            "`files` and `features`."
        ),
    )
    seed: SeedOfImages = 0
    strict: bool = Field(
        default=False,
        description=(
            "Refuse damaged JPEGs that can be decoded all the same. Where it is `false`, they "
            "are used, counted and named: in the log, under tables and in the verdict. Only "
            "for `files`."
        ),
    )
    select: Given[Patterns] = Field(
        default=None,
        description=(
            'Patterns (`"*.jpg"`, `"train/*"`), one or a list, of the images inside a folder, '
            "ZIP or tar that count, or of the files of records in CIFAR's archive: one of them "
            "must fit the whole path inside it, or the name behind the last slash; in an LMDB, "
            "the key. `*` stands for slashes too; capitals do not matter. Needed where several "
            "images belong to one sample, or "
            'several splits are there; `"*"` takes them all. Only for `files`.'
        ),
    )
    ignore: Given[Patterns] = Field(
        default=None,
        description=(
            "Patterns, as for `select`, of images that do not count. Those of kinds that are "
            'not read (`"*.heic"`) end the run unless they are left out here. Only for '
            "`files`."
        ),
    )
    label_column: Given[Annotated[str, Field(min_length=1)]] = Field(
        default=None,
        description=(
            "The column of Parquet that holds the class of each image, where it is not `label` "
            "(`fine_label`). Only for `files`."
        ),
    )


class GeneratorSource(FileSource):
    """A trained generator, which makes images of seeded latents."""

    is_rendered = True
    is_trained = True

    kind: Literal["generator"] = Field(
        description="`generator`: what the trained generator at `path` makes of seeded latents."
    )
    count: ImageCount = Field(
        description=(
            "How many images; for `files` all where left out, and otherwise those that "
            "`order` says."
        )
    )
    seed: SeedOfImages = 0
    truncation: Number = Field(
        default=1, ge=0, le=2, description="Truncation of the latents (psi); only for `generator`."
    )
    noise: Literal["const", "random", "none"] = Field(
        default="const",
        description=(
            "Noise inputs of a StyleGAN2: those of its training, fresh ones seeded for each "
            "image, or none; only for `generator`. A Projected GAN knows no constant noise."
        ),
    )
    label: LabelOfImages = None
    fp16: bool = Field(
        default=False,
        description=(
            "Compute those blocks of a StyleGAN2 in float16 that were trained in it (of the "
            "released ones the four highest resolutions), as the released code does on a GPU. "
            "Pixels, and so FID, change slightly. Only for `generator`, and of these only for "
            "StyleGAN2."
        ),
    )
    range: Given[Annotated[list[Number], Field(min_length=2, max_length=2)]] = Field(
        default=None,
        description=(
            "What black and white are in the images of a generator, such as `[0, 1]` or `[0, "
            "255]`: they are rescaled by it. Without it, black is -1 and white is 1, as in "
            "all network pickles, and a TorchScript generator is refused whose values cannot "
            "be in that range; `[-1, 1]` says that they are, however dark or bright. Only for "
            "`generator`."
        ),
    )


class DiffusersSource(FileSource):
    """A diffusion model, as the library diffusers saves it."""

    is_rendered = True
    is_trained = True

    kind: Literal["diffusers"] = Field(
        description=(
            "`diffusers`: what the pipeline of diffusers in the folder at `path` makes of a seed "
            "(`docs/generators.md`). It takes the packages diffusers and transformers."
        )
    )
    count: ImageCount = Field(description="How many images.")
    seed: SeedOfImages = 0
    scheduler: Given[
        Annotated[str, Fits(r"[A-Za-z]\w*", "the name of a class, such as DDIMScheduler")]
    ] = Field(
        default=None,
        description=(
            "The sampler, a class of diffusers such as `DDIMScheduler`, with the settings of the "
            "folder's own; by default that one. Only for `diffusers`."
        ),
    )
    steps: Given[Annotated[int, Field(ge=1, le=100_000)]] = Field(
        default=None,
        description="Steps of the sampler; by default the pipeline's. Only for `diffusers`.",
    )
    guidance: Given[Annotated[Number, Field(ge=0)]] = Field(
        default=None,
        description=(
            "Scale of classifier-free guidance; by default the pipeline's. Only for `diffusers`."
        ),
    )
    precision: Literal["float32", "float16", "bfloat16"] = Field(
        default="float32",
        description="Of weights and arithmetic of a pipeline. Only for `diffusers`.",
    )
    label: LabelOfImages = None
    prompts: Given[PathText] = Field(
        default=None,
        description=(
            "A text with a prompt in each line, for a pipeline that makes images of text: image i "
            "is made of line i modulo their number. Only for `diffusers`."
        ),
    )
    resolution: Given[Resolution] = Field(
        default=None,
        description=(
            "Width and height of images that are made of text; by default the pipeline's. Only "
            "for pipelines that take prompts."
        ),
    )
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=10,
        description=(
            "Images that a pipeline makes at a time on a GPU, of which their last bits depend. "
            "Only for `diffusers`."
        ),
    )


# Told as it is: pydantic warns of a whole number where it would tell a float.
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
            "`python`: what a function makes of the numbers of images (`docs/generators.md`). Its "
            "code is run, for the first time when a run is planned: see `allow_code`."
        )
    )
    function: Annotated[
        str, Fits(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", "module:function, as mine:images")
    ] = Field(
        description=(
            "`module:function` for `python`: it takes an array of numbers of images, from 0, and "
            "returns uint8 images (n, H, W, 3)."
        )
    )
    count: ImageCount = Field(description="How many images.")
    resolution: Given[Resolution] = Field(
        default=None,
        description="Width and height that the images must have; by default those of the first.",
    )
    seed: SeedOfImages = 0
    settings: dict[str, Setting] = Field(
        default={},
        description=(
            "Keyword arguments of the function: numbers, texts, true or false. Only for `python`."
        ),
    )


class FeaturesSource(FileSource):
    """Features that another tool has made of images, in place of the images."""

    has_images = False

    kind: Literal["features"] = Field(
        description=(
            "`features`: features of images in the file at `path`, which another tool has made. No "
            "network runs, and what shows images is left out; only data sets with `resample: "
            "false` may name such a source."
        )
    )
    count: Given[ImageCount] = Field(
        default=None,
        description="How many images; all where left out, and otherwise those that `order` says.",
    )
    order: Literal["random", "file"] = Field(
        default="random",
        description=(
            "Which images stand for the set where fewer than all are used: a random subset, or the "
            "first ones."
        ),
    )
    seed: SeedOfImages = 0


class MadeSource(AnySource):
    """What sources have whose images are made at any resolution."""

    count: ImageCount = Field(
        description=(
            "How many images; for `files` all where left out, and otherwise those that "
            "`order` says."
        )
    )
    resolution: Resolution = Field(
        description=(
            "Width and height in pixels. Files keep their own size where it is left out; else "
            "they are cropped to a centred square and resized (Lanczos), which changes FID."
        )
    )
    seed: SeedOfImages = 0


class CropsSource(MadeSource):
    """What sources have that are made of the photographs inside installed packages."""

    framing: Literal["free", "aligned"] = Field(
        default="free",
        description=(
            "Where crops lie. `free`: anywhere in a photograph, their side 35 to 100 % of its "
            "shorter side. `aligned`: around the photograph's subject, their side 85 to 100 %, so "
            "that mean images and mean maps of a class show the subject. Only for `photos` and "
            "`imitation`."
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
        description="How badly the simulated generator errs; only for `imitation`.",
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
    """Return the class, or the rule of classes, that the images of a source are asked for.

    None where they are asked for none.
    """
    label: int | str | None = getattr(source, "label", None)
    return label


def kinds_with(key: str) -> list[str]:
    """Return the kinds of sources that have a key."""
    return [kind for kind, section in SECTIONS.items() if key in section.model_fields]


def origin_of(file: FileSource | Statistics) -> str:
    """Return where a file comes from, as the configuration says; "" if it says nothing."""
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
    """Return the keys that say which images a source of a kind has."""
    others = {"kind", "statistics", *FileSource.model_fields} - {"path"}
    return [key for key in SECTIONS[kind].model_fields if key not in others]
