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
    """A file of weights that nobody published."""

    path: PathText = Field(description="The file.")
    sha256: DigestText = Field(description="Its digest.")


GivenWeightFile = Annotated[Annotated[PathText, Text] | Annotated[OwnWeightFile, Keys], WrittenAs]


class Config(Section):
    """A run of Fringe."""

    run: NameText = Field(
        description="Name of the run; everything it writes lies in `results/<run>/`."
    )
    results: FolderText = Field(
        default="results", description="Folder for the results of all runs."
    )
    seed: LargeSeed = Field(
        default=0,
        description=(
            "Seed of every random choice made after the images; the sources have their own."
        ),
    )
    device: Annotated[str, Fits("(auto|cpu|cuda(:[0-9]+)?)", "auto, cpu, cuda or cuda:1")] = Field(
        default="auto",
        description=(
            "Where networks run. `auto` takes a GPU where there is one, else the CPU with one "
            "warning."
        ),
    )
    weights: dict[str, GivenWeightFile] = Field(
        default={},
        description=(
            "Weight files by network name, in place of those in `weights_dir`: a path; or "
            "`{path, sha256}` for a file that is not the published one, whose digest you "
            "state."
        ),
    )
    weights_dir: FolderText = Field(
        default="data/weights",
        description=(
            "Folder of published weight files. What a run needs and is not there is fetched; "
            "without a network, put it there under its published name (`fringe stage` fetches "
            "all of a run ahead, `fringe fetch` one elsewhere)."
        ),
    )
    data_dir: Annotated[str, Marked("format", "path")] = Field(
        default="",
        description=(
            "Folder that the relative paths of sources, of their statistics and of masks "
            "start from, such as one on a cluster's scratch file system; where Snakemake runs "
            "if left out. Results do not depend on where data lie."
        ),
    )
    missing: Literal["refuse", "skip"] = Field(
        default="refuse",
        description=(
            "What happens if files of sources are not there. `refuse`: the run ends before "
            "any job, and a message says which files, what they cost and how to get them. "
            "`skip`: the run does all that it can without these files, and the report says "
            "what is left out. A file that is there and is damaged, or another one than "
            "`sha256` states, always ends the run. `fringe run --allow-missing` says `skip` "
            "once."
        ),
    )
    limits: Limits = Field(
        default=Limits(),
        description=(
            "How large may be what is decoded at once, as files say before it is decoded; "
            "what is larger is refused. Memory is bounded by these, and results do not depend "
            "on them."
        ),
    )
    container: Annotated[
        PathText,
        Fits(
            "[^-<>][^<>]*",
            "reports would take < and > for HTML, and commands a - at the beginning for an option",
        ),
    ] = Field(
        default="envs/fringe.sif",
        description=(
            "The image that jobs run in with `--sdm apptainer`; without that it is not looked "
            "at. What `apptainer build` makes of `envs/fringe.def`, or an address such as "
            "`docker://...`."
        ),
    )
    protocol: Given[ProtocolName] = Field(
        default=None,
        description=(
            "The protocol that numbers are to follow, so that they compare with published ones: "
            "keys that are left out take its values (network, controls, metrics, counts, "
            "subsets, neighbours), and a note says of each number what in it deviates. "
            "docs/protocols.md lists all."
        ),
    )
    network: Annotated[NetworkText, Marked(SUPPLIED, "protocol")] = Field(
        description=(
            "The network in whose features FID is measured and the resampling is done (the "
            "paper: `inception`): a classifier, unless `classifier` names one; required unless "
            "`protocol` supplies it. A name of the registry, `timm:<model>` for a model of the "
            "timm library (docs/networks.md), or `module:function` for a network of your own, "
            "whose code is run: see `allow_code`."
        )
    )
    classifier: NetworkText | None = Field(
        default=None,
        description=(
            "The network that counts classes: Top-1 histograms, logits, Top-N and Middle-N "
            "indicators, classes of figures and of comparisons. `network` if left out. Name "
            "another one, such as `inception`, to ask how large the null space of a `network` is "
            "that is not a classifier. It is not a control, unless `controls` names it too."
        ),
    )
    allow_code: bool = Field(
        default=False,
        description=(
            "Run the code of networks (`module:function`, or a name that a package gives one) "
            "that are not installed in this Python's `site-packages`, such as a file in the "
            "working folder, in a folder of `PYTHONPATH`, or a package installed in place "
            "(`pip install -e`). A network's module is imported when a run is planned, so "
            "also by a dry run, `fringe estimate` and `fringe stage`. Functions of `kind: "
            "python` need it wherever they lie. Say `true` only of a configuration and of code "
            "that you trust."
        ),
    )
    shared_results: bool = Field(
        default=False,
        description=(
            "Work in a folder of results that belongs to another user and that everyone may "
            "write to, where anyone can exchange files. Folders that their owner shares with "
            "a group of yours, and those with the sticky bit (as `/tmp` has it), need no "
            "word."
        ),
    )
    controls: Distinct[NetworkText] = Field(
        default=["untrained"],
        description=(
            "Networks in whose features the resampled images are measured again, untouched by "
            "the resampling. The verdict is judged by those that were not trained on "
            "ImageNet's labels; figures that show one control take the last of these. Only a run "
            "without data sets that are resampled may have none."
        ),
    )
    null_spaces: Distinct[NetworkText] = Field(
        default=[],
        description=(
            "Controls whose own null space is measured too: weights are optimized in the features "
            "of each, and the verdict says what of its distance such weights and Top-1 classes "
            "take away. What it says of FID as a control stays as it is."
        ),
    )
    sources: Annotated[dict[SourceName, Source], Field(min_length=1)] = Field(
        description=(
            "Every set of images, by a name of your choice. Names that differ only in "
            "capitals are refused, since they are one folder on some systems."
        )
    )
    datasets: Annotated[dict[NameText, Dataset], Field(min_length=1)] = Field(
        description="Every comparison of real with generated images, by a name of your choice."
    )
    comparisons: dict[NameText, Comparison] = Field(
        default={},
        description=(
            "Pairs of generators of the same real images, shown side by side with FID, recall "
            "and the distance in the last control (Figures 7 and 19), by a name of your "
            "choice."
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
            "Sampling schemes beside `random`, `matched` (Top-1 histograms), `random-filled` "
            "(as many random images as Top-1 matching could fill), `prelogits` and `logits`, "
            "which are always there (and `prelogits-released`, see `optimization/released`)."
        ),
    )
    optimization: Optimization = Field(
        default=Optimization(), description="How weights are optimized (Equation 3)."
    )
    convergence: Convergence = Field(
        default=Convergence(),
        description=(
            "The released weight optimization, measured beside ours in pre-logits (Figure S1 "
            "and the verdict); left out where `optimization/method` is `reference`."
        ),
    )
    sensitivity: Sensitivity = Field(
        default=Sensitivity(),
        description=(
            "What in each generated image FID looks at (Figures 3, 4b and 10 to 15). Networks "
            "that end in the mean of maps can tell, and vision transformers."
        ),
    )
    extraction: Extraction = Field(
        default=Extraction(), description="How images are rendered and features extracted."
    )
    figures: Figures = Field(default=Figures(), description="How figures look.")
    page: Page = Field(default=Page(), description="What the page of the run shows.")

    @property
    def has_own_classifier(self) -> bool:
        """Whether another network than that of FID counts classes."""
        return self.classifier not in (None, self.network)

    @property
    def resamples(self) -> bool:
        """Whether the images of a data set are resampled."""
        return any(dataset.resample for dataset in self.datasets.values())


class RunConfig(Config):
    """The configuration of an opened run: what the user wrote, and what its jobs read besides.

    No user may write these further keys. In Snakemake's `config` they are next to the others.
    """

    least: dict[str, int] = Field(
        default={},
        description=(
            "By source of files: the least number of its images that anything takes, which says "
            "whether they are in random order (`fringe.sources.open_source`)."
        ),
    )
    left_out: dict[str, list[dict[str, Any]]] | None = Field(
        default=None,
        description=(
            "What `missing: skip` leaves out (`fringe.plan.omission.describe_omissions`); None if "
            "nothing."
        ),
    )
    choices: dict[str, str] = Field(
        default={},
        description=(
            "By exhibit: a sentence on what the paper leaves open "
            "(`fringe.plan.deviations.choices`)."
        ),
    )
    captions: dict[str, str] = Field(
        default={},
        description=(
            "By the stem of a figure's files: its caption in reStructuredText "
            "(`fringe.plan.captions.captions`)."
        ),
    )
    planned: dict[str, str] = Field(
        default={},
        description=(
            "What identifies the data that jobs read (`fringe.plan.planned.planned_digests`)."
        ),
    )
