"""The configuration of a run: every key with its type, default and meaning."""

from typing import Annotated, Any, Literal

from pydantic import Field

from fringe.config.datasets import Comparison, Dataset
from fringe.config.evaluation import Evaluation
from fringe.config.extraction import Extraction, Figures, Limits
from fringe.config.fields import (
    SUPPLIED,
    DigestText,
    Distinct,
    Fits,
    FolderText,
    Given,
    Keys,
    LargeSeed,
    Marked,
    NameText,
    NetworkText,
    PathText,
    Section,
    Text,
    WrittenAs,
)
from fringe.config.page import Page
from fringe.config.resampling import Convergence, Matching, Optimization, Schemes
from fringe.config.sensitivity import Sensitivity
from fringe.config.sources import Source
from fringe.scores.named_protocols import ProtocolName

__all__ = ["Config", "OwnWeightFile", "RunConfig"]

SourceName = Annotated[
    str,
    Field(max_length=100),
    Fits(
        "[A-Za-z0-9][A-Za-z0-9_.-]*",
        "letters, digits, -, _ and ., beginning with a letter or digit",
    ),
]


class OwnWeightFile(Section):
    """A weight file that is not published."""

    path: PathText = Field(description="Path of the file.")
    sha256: DigestText = Field(description="SHA-256 digest of the file.")


GivenWeightFile = Annotated[Annotated[PathText, Text] | Annotated[OwnWeightFile, Keys], WrittenAs]


class Config(Section):
    """A run of Fringe."""

    run: NameText = Field(
        description="Name of the run. All results of the run are in `results/<run>/`."
    )
    results: FolderText = Field(
        default="results", description="Folder for the results of all runs."
    )
    seed: LargeSeed = Field(
        default=0,
        description=(
            "Seed of all random choices after the images exist. Each source has a separate seed."
        ),
    )
    device: Annotated[str, Fits("(auto|cpu|cuda(:[0-9]+)?)", "auto, cpu, cuda or cuda:1")] = Field(
        default="auto",
        description=(
            "Where networks run. `auto` uses a GPU if one exists, otherwise the CPU with one "
            "warning."
        ),
    )
    weights: dict[str, GivenWeightFile] = Field(
        default={},
        description=(
            "Weight files by network name, which replace the files in `weights_dir`: a path, or "
            "`{path, sha256}` for a file that is not the published file, with its digest."
        ),
    )
    weights_dir: FolderText = Field(
        default="data/weights",
        description=(
            "Folder of published weight files. Files that a run needs and that are missing are "
            "fetched. Without a network connection, put each file there under its published name "
            "(`fringe stage` fetches all files of a run in advance, `fringe fetch` fetches a "
            "single file on another machine)."
        ),
    )
    data_dir: Annotated[str, Marked("format", "path")] = Field(
        default="",
        description=(
            "Folder for the relative paths of sources, their statistics and masks, such as a "
            "folder on a cluster's scratch file system. The default is the folder in which "
            "Snakemake runs. Results do not depend on the location of data."
        ),
    )
    missing: Literal["refuse", "skip"] = Field(
        default="refuse",
        description=(
            "What happens if files of sources are missing. `refuse`: the run ends before any job, "
            "and a message lists the files, their sizes and how to get them. `skip`: the run does "
            "everything that is possible without these files, and the report says what is "
            "omitted. A file that is damaged, or that differs from `sha256`, always ends the run. "
            "`fringe run --allow-missing` sets `skip` for one run."
        ),
    )
    limits: Limits = Field(
        default=Limits(),
        description=(
            "Limits for data that are decoded at once. The size that a file states is checked "
            "before decoding, and larger data are refused. The limits bound the memory of jobs; "
            "results do not depend on them."
        ),
    )
    container: Annotated[
        PathText,
        Fits(
            "[^-<>][^<>]*",
            "reports would read < and > as HTML, and commands would read a leading - as an option",
        ),
    ] = Field(
        default="envs/fringe.sif",
        description=(
            "The container image in which jobs run with `--sdm apptainer`; without this option "
            "the key is ignored. Either a file that `apptainer build` makes from "
            "`envs/fringe.def`, or an address such as `docker://...`."
        ),
    )
    protocol: Given[ProtocolName] = Field(
        default=None,
        description=(
            "The protocol that numbers should follow, so that they can be compared with published "
            "numbers. The protocol sets the defaults of missing keys (network, controls, metrics, "
            "counts, subsets, neighbours), and a note says for each number what deviates from the "
            "protocol. docs/protocols.md lists all protocols."
        ),
    )
    network: Annotated[NetworkText, Marked(SUPPLIED, "protocol")] = Field(
        description=(
            "The network in which FID is measured and images are resampled (in the paper, "
            "`inception`). It must be a classifier, unless `classifier` names one. Required "
            "unless `protocol` sets it. A name of the registry, `timm:<model>` for a model of the "
            "timm library (docs/networks.md), or `module:function` for your own network, whose "
            "code is run: see `allow_code`."
        )
    )
    classifier: NetworkText | None = Field(
        default=None,
        description=(
            "The network that predicts classes: Top-1 histograms, logits, Top-N and Middle-N "
            "indicators, and the classes of figures and comparisons. The default is `network`. "
            "Name another network, such as `inception`, to measure the null space of a `network` "
            "that is not a classifier. The classifier is a control only if `controls` also names "
            "it."
        ),
    )
    allow_code: bool = Field(
        default=False,
        description=(
            "Run the code of networks (`module:function`, or a name that a package registers) "
            "that are not installed in the `site-packages` of this Python, such as a file in the "
            "working folder, a module in a folder of `PYTHONPATH`, or a package in editable mode "
            "(`pip install -e`). The module of a network is imported when a run is planned, so a "
            "dry run, `fringe estimate` and `fringe stage` also import it. Functions of `kind: "
            "python` need this key wherever their code is. Set `true` only if you trust the "
            "configuration and the code."
        ),
    )
    shared_results: bool = Field(
        default=False,
        description=(
            "Allow a results folder that belongs to another user and that everyone can write to, "
            "where anyone can replace files. This key is not needed for folders that their owner "
            "shares with one of your groups, or for folders with the sticky bit (such as `/tmp`)."
        ),
    )
    controls: Distinct[NetworkText] = Field(
        default=["untrained"],
        description=(
            "Networks in which the resampled images are measured again. Resampling does not "
            "optimize the features of these networks. The verdict uses the controls that were not "
            "trained on ImageNet's labels; figures that show one control use the last of these. "
            "Only a run that resamples no data set may have no controls."
        ),
    )
    null_spaces: Distinct[NetworkText] = Field(
        default=[],
        description=(
            "Controls whose own null space is also measured: weights are optimized in the "
            "features of each control, and the verdict says how much of the control's distance "
            "these weights and Top-1 classes remove. The verdict on FID does not change."
        ),
    )
    sources: Annotated[dict[SourceName, Source], Field(min_length=1)] = Field(
        description=(
            "All sets of images, by a name of your choice. Names that differ only in upper and "
            "lower case are refused, because some file systems do not distinguish them."
        )
    )
    datasets: Annotated[dict[NameText, Dataset], Field(min_length=1)] = Field(
        description=(
            "All comparisons of real images with generated images, by a name of your choice."
        )
    )
    comparisons: dict[NameText, Comparison] = Field(
        default={},
        description=(
            "Comparisons of generators with the same real images, by a name of your choice. They "
            "show FID, recall and the distance in the last control side by side (Figures 7 and "
            "19)."
        ),
    )
    evaluation: Evaluation = Field(default=Evaluation(), description="How distances are measured.")
    matching: Matching = Field(
        default=Matching(),
        description="How Top-1 class histograms are matched (scheme `matched`, Table 1).",
    )
    schemes: Schemes = Field(
        default=Schemes(),
        description=(
            "Sampling schemes in addition to the schemes that always exist: `random`, `matched` "
            "(Top-1 histograms), `random-filled` (the same number of random images as Top-1 "
            "matching could fill), `prelogits` and `logits`. For `prelogits-released`, see "
            "`optimization/released`."
        ),
    )
    optimization: Optimization = Field(
        default=Optimization(), description="How weights are optimized (Equation 3)."
    )
    convergence: Convergence = Field(
        default=Convergence(),
        description=(
            "The released weight optimization, compared with ours in pre-logits (Figure S1 and "
            "the verdict). It is omitted if `optimization/method` is `reference`."
        ),
    )
    sensitivity: Sensitivity = Field(
        default=Sensitivity(),
        description=(
            "The parts of each generated image that FID depends on (Figures 3, 4b and 10 to 15). "
            "This works for networks that end in the mean of feature maps and for vision "
            "transformers."
        ),
    )
    extraction: Extraction = Field(
        default=Extraction(), description="How images are rendered and features extracted."
    )
    figures: Figures = Field(default=Figures(), description="Appearance of figures.")
    page: Page = Field(default=Page(), description="Content of the run's page.")

    @property
    def has_own_classifier(self) -> bool:
        """Whether a network other than FID's network predicts classes."""
        return self.classifier not in (None, self.network)

    @property
    def resamples(self) -> bool:
        """Whether the images of a data set are resampled."""
        return any(dataset.resample for dataset in self.datasets.values())


class RunConfig(Config):
    """The configuration of an opened run: the user's keys, and further keys for jobs.

    Users cannot write the further keys. Snakemake's `config` contains all keys.
    """

    least: dict[str, int] = Field(
        default={},
        description=(
            "For each source of files, the smallest number of its images that any user of the "
            "source needs. This number decides whether the images are in random order "
            "(`fringe.sources.open_source`)."
        ),
    )
    left_out: dict[str, list[dict[str, Any]]] | None = Field(
        default=None,
        description=(
            "The parts of the run that `missing: skip` omits "
            "(`fringe.plan.omission.describe_omissions`); None if nothing is omitted."
        ),
    )
    choices: dict[str, str] = Field(
        default={},
        description=(
            "For each exhibit, a sentence on the details that the paper does not state "
            "(`fringe.plan.deviations.choices`)."
        ),
    )
    captions: dict[str, str] = Field(
        default={},
        description=(
            "The caption of each figure in reStructuredText, by the stem of its files "
            "(`fringe.plan.captions.captions`)."
        ),
    )
    planned: dict[str, str] = Field(
        default={},
        description=(
            "Digests and fingerprints of the data that jobs read "
            "(`fringe.plan.planned.planned_digests`)."
        ),
    )
