"""Sections `limits`, `extraction` and `figures` of a configuration."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from fringe.config.fields import Given, LargeSeed, Number, Positive, Section

__all__ = ["Extraction", "Figures", "Limits"]


class Limits(Section):
    """Limits for the size of images."""

    pixels: Positive = Field(
        default=1 << 26,
        description=(
            "Maximum number of pixels of a stored image. The default is 8192 x 8192 pixels, which "
            "need at most 1.3 GB in each thread that decodes images (`extraction/workers`)."
        ),
    )
    bytes: Positive = Field(
        default=1 << 30,
        description=(
            "Maximum number of bytes of an encoded image, of an unpacked row group of a Parquet "
            "file, or of an unpacked chunk of an HDF5 file. The default is 1 GiB. Each process "
            "that decodes images holds at least one of these in memory."
        ),
    )


class Extraction(Section):
    """How images are rendered and features extracted."""

    batch_size: Positive = Field(
        default=50,
        description="Number of images in a batch. The last bits of features depend on it.",
    )
    shard_size: Given[Positive] = Field(
        default=None,
        description=(
            "Number of images in a shard, which is the most that a killed job loses; a multiple "
            "of `batch_size`. Features do not depend on it. If neither this key nor "
            "`minutes_per_job` is given, a shard has at most 5,000 images, and each source is "
            "divided into as many shards as there are cores (`--cores`), so that small sources "
            "also use all cores. However, the jobs of a shard work at least 16 s on average, "
            "which is four times the start time of a job. If jobs use a GPU or run on SLURM, "
            "shards have 5,000 images. The chosen sizes do not change later, as with "
            "`minutes_per_job`. All sources of a run together have at most 100,000 shards."
        ),
    )
    minutes_per_job: Given[Annotated[Number, Field(gt=0)]] = Field(
        default=None,
        description=(
            "An alternative to `shard_size`. A shard has as many images as its slowest job "
            "(rendering, or the slowest network) processes in about this number of minutes. The "
            "speed is the speed measured in this run or in another run in `results`, otherwise "
            "the speed of a common CPU or GPU. With `device: auto`, jobs are assumed to use a GPU "
            "if this machine has one, if an earlier job used one, or if this machine submits to "
            "SLURM; if jobs use a GPU in another case, set `device: cuda`. The sizes are chosen "
            "before the first job and stored in `results/<run>/shards.json`. Later measurements "
            "and new networks do not change them; a dry run or an estimate does not store them. "
            "Sizes are chosen again only if this number changes, or if they do not fit a new "
            "`batch_size`."
        ),
    )
    scratch: bool = Field(
        default=False,
        description=(
            "Write and read rendered images in the local folder `TMPDIR` of each node. Use this "
            "if results are on a network file system, which is slow for many small reads and "
            "writes: each shard is copied as a whole. The folder needs space for one shard for "
            "each running job, and for all shards that `measure_noise`, `measure_power` and "
            "`average_sensitivity` read. Results do not depend on this key."
        ),
    )
    workers: int = Field(
        default=0,
        ge=0,
        le=1024,
        description="Number of additional processes that decode images for one job.",
    )
    precision: Literal["float32", "tf32", "bfloat16"] = Field(
        default="float32",
        description=(
            "Precision of convolutions and matrix products in networks. `tf32` and `bfloat16` are "
            "faster on a GPU, but change features and therefore FID."
        ),
    )
    keep_images: bool = Field(
        default=True,
        description=(
            "Store the images that simulated and trained generators render, and the unpacked "
            "content of compressed NPZ files, in `images/`, where every network reads them. If "
            "`false`, each network renders the images again, each job decompresses the files "
            "again, and nothing is stored."
        ),
    )

    def faults(self) -> Iterable[tuple[str, str]]:
        """Yield the fault of a size of shards that does not fit the other keys."""
        if self.minutes_per_job is not None:
            if self.shard_size is not None:
                yield (
                    "minutes_per_job",
                    "conflicts with extraction/shard_size, which also sets the size of shards; "
                    "remove one of the two",
                )
        elif self.shard_size is not None and self.shard_size % self.batch_size:
            yield (
                "shard_size",
                f"{self.shard_size} is not a multiple of extraction/batch_size "
                f"({self.batch_size}); write a multiple",
            )


class Figures(Section):
    """Appearance of figures."""

    dpi: int = Field(default=160, ge=50, le=600, description="Dots per inch of the PNG files.")
    seed: Given[LargeSeed] = Field(
        default=None,
        description=(
            "Seed of the images that are drawn at random for the grids of Figures 5, 7, 16, 17 "
            "and 19; by default the run's `seed`."
        ),
    )
    font_size: Number = Field(default=9, ge=5, le=20, description="Size of the text in points.")
