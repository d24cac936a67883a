"""How images are read and features extracted, and how figures look, in a configuration."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from fringe.config.fields import Given, LargeSeed, Number, Positive, Section

__all__ = ["Extraction", "Figures", "Limits"]


class Limits(Section):
    """How large an image may be."""

    pixels: Positive = Field(
        default=1 << 26,
        description=(
            "Pixels of one image as it is stored; by default 8192 x 8192, which take at most "
            "1.3 GB to decode in each thread that decodes (`extraction/workers`)."
        ),
    )
    bytes: Positive = Field(
        default=1 << 30,
        description=(
            "Bytes of one encoded image, of a group of rows of a Parquet file or of a chunk "
            "of an HDF5 file, unpacked; by default 1 GiB. Each process that decodes holds one "
            "of them at least."
        ),
    )


class Extraction(Section):
    """How images are rendered and features extracted."""

    batch_size: Positive = Field(
        default=50,
        description="Images in a batch. Part of what the features depend on, to the last bit.",
    )
    shard_size: Given[Positive] = Field(
        default=None,
        description=(
            "Images in a shard, the most that a killed job loses; a multiple of `batch_size`. "
            "Features do not depend on it. Where neither this key nor `minutes_per_job` is "
            "given, a shard holds 5,000 images at most, and each source is cut into as many "
            "shards as there are cores (`--cores`), so that small sources use all cores too. "
            "But no shard is so small that its jobs work less than 16 s on average, four times "
            "as long as a job takes to start. Where jobs use a GPU or go to SLURM, shards hold "
            "5,000 images. What was chosen stays, as with `minutes_per_job`. All sources of a run "
            "together fall into 100,000 shards at most."
        ),
    )
    minutes_per_job: Given[Annotated[Number, Field(gt=0)]] = Field(
        default=None,
        description=(
            "In place of `shard_size`: a shard of each source holds as many images as the "
            "slowest job on it (rendering, or the slowest of its networks) gets through in "
            "about so many minutes, at the speed that was measured in this run or another "
            "below `results`, else at that of a common CPU or GPU. With `device: auto` jobs "
            "are taken to find a GPU if one is here, if an earlier one did, or if this "
            "machine submits to SLURM; else say `device: cuda`. What was chosen stays from "
            "the first job on, in `results/<run>/shards.json`, whatever is measured or added "
            "later (a dry run or an estimate chooses nothing for good); only another number "
            "here, or another `batch_size` that does not fit, chooses again."
        ),
    )
    scratch: bool = Field(
        default=False,
        description=(
            "Write rendered images, and read them, in the node's own folder `TMPDIR`, for "
            "results on a network file system, which is slow at many small pieces: a shard is "
            "copied whole. It needs room for a shard for each job at a time, and for all "
            "shards that `measure_noise`, `measure_power` and `average_sensitivity` look at. "
            "Results do not depend on it."
        ),
    )
    workers: int = Field(
        default=0,
        ge=0,
        le=1024,
        description="Processes that decode images for one job, beside its own.",
    )
    precision: Literal["float32", "tf32", "bfloat16"] = Field(
        default="float32",
        description=(
            "Of convolutions and matrix products in networks. All but `float32` are faster on "
            "a GPU and change features, and so FID."
        ),
    )
    keep_images: bool = Field(
        default=True,
        description=(
            "Keep what simulated and trained generators render in `images/`, for every "
            "network to read, and what compressed NPZ files are unpacked to. Otherwise each "
            "network renders for itself, each job decompresses for itself, and nothing is "
            "stored."
        ),
    )

    def faults(self) -> Iterable[tuple[str, str]]:
        """Yield the fault of a size of shards that does not fit the other keys."""
        if self.minutes_per_job is not None:
            if self.shard_size is not None:
                yield (
                    "minutes_per_job",
                    "given beside extraction/shard_size, and either says how large a shard is; "
                    "drop one of the two",
                )
        elif self.shard_size is not None and self.shard_size % self.batch_size:
            yield (
                "shard_size",
                f"{self.shard_size} is not a multiple of extraction/batch_size ({self.batch_size})",
            )


class Figures(Section):
    """How figures look."""

    dpi: int = Field(default=160, ge=50, le=600, description="Dots per inch of the PNG files.")
    seed: Given[LargeSeed] = Field(
        default=None,
        description=(
            "Seed of the images that are drawn at random for the grids of Figures 5, 7, 16, "
            "17 and 19; the run's `seed` where left out."
        ),
    )
    font_size: Number = Field(default=9, ge=5, le=20, description="Size of the text in points.")
