"""A run: its configuration, sources, weight files and folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from fringe.config import choices
from fringe.config.choices import Sources
from fringe.config.compared_classes import takes_labels, takes_top1
from fringe.config.datasets import Dataset
from fringe.config.model import RunConfig
from fringe.networks import file_name
from fringe.plan import layout

__all__ = ["Run"]


@dataclass(frozen=True)
class Run:
    """A run, as `fringe.running.opening.open_run` opens it.

    Parameters
    ----------
    config : RunConfig
        The completed configuration.
    sources : dict
        Description of each source (`fringe.running.opening.check`).
    weight_files : mapping
        Path and identity of each network's file of weights
        (`fringe.plan.weight_files.locate_weight_files`).
    in_job : bool
        Whether the run is opened in a job. Damaged files were renamed before the job started, so
        the job does not search for damage again.
    """

    config: RunConfig
    sources: Sources
    weight_files: Mapping[str, Mapping[str, str]]
    in_job: bool = False

    @property
    def folder(self) -> str:
        """The folder of the run's results, spelled as in the configuration."""
        return layout.run_folder(self.config)

    def path(self, place: str) -> str:
        """Return the path of a place (`fringe.plan.layout`), or of a pattern of places."""
        return f"{self.folder}/{place}"

    @cached_property
    def networks(self) -> dict[str, str]:
        """The run's networks by their names in file names, FID's network first."""
        return {file_name(name): name for name in choices.networks_of_run(self.config)}

    @property
    def fid_network(self) -> str:
        """The network of FID, by its name in file names."""
        return file_name(self.config.network)

    @property
    def class_network(self) -> str:
        """The network that counts classes, by its name in file names."""
        return file_name(choices.class_network(self.config))

    @property
    def controls(self) -> list[str]:
        """The run's control networks, by their names in file names."""
        return [file_name(name) for name in self.config.controls]

    @property
    def shown_control(self) -> str:
        """The control in figures that show a single control, by its name in file names."""
        return file_name(choices.shown_control(self.config))

    @property
    def datasets(self) -> Mapping[str, Dataset]:
        """All data sets of the configuration."""
        return self.config.datasets

    @property
    def resampled(self) -> dict[str, Dataset]:
        """The data sets in tables and figures; other data sets are only part of comparisons."""
        return {name: dataset for name, dataset in self.datasets.items() if dataset.resample}

    def real(self, dataset: str) -> str:
        """Return the source of a data set's real images."""
        return self.datasets[dataset].real

    def generated(self, dataset: str) -> str:
        """Return the source of a data set's generated images."""
        return self.datasets[dataset].generated

    def is_labelled(self, comparison: str) -> bool:
        """Return whether the classes of a comparison are labels of its sources."""
        return takes_labels(self.config, self.config.comparisons[comparison], self.sources)

    def has_top1(self, comparison: str) -> bool:
        """Return whether the classes of a comparison are Top-1 classes of a network."""
        return takes_top1(self.config, self.config.comparisons[comparison], self.sources)

    def illustrated_models(self, comparison: str) -> dict[int, str]:
        """Return the models of a comparison whose classes are shown with images, by number.

        They are shown next to the baseline, which has number 0. Models are excluded if they are
        features of another tool, which have no images, or if classes are unknown.
        """
        if not self.is_labelled(comparison) and not self.has_top1(comparison):
            return {}
        trainings = self.config.comparisons[comparison].trainings
        sources = [self.generated(made[0]) for made in trainings.values()]
        shown = [self.config.sources[source].has_images for source in sources]
        return {
            number: name
            for number, name in enumerate(trainings)
            if number and shown[0] and shown[number]
        }

    def candidates(self, dataset: str) -> int:
        """Return the number of a data set's generated images."""
        return int(self.sources[self.generated(dataset)]["count"])
