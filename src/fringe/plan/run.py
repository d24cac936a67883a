"""A run: its configuration, what its sources hold, the weights of its networks, and its folder."""

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
        What is known of each source (`fringe.running.opening.check`).
    weight_files : mapping
        Path and identity of each network's file of weights
        (`fringe.plan.weight_files.locate_weight_files`).
    in_job : bool
        Whether a job asks. Damaged files were renamed before it started, so it does not look for
        damage again.
    """

    config: RunConfig
    sources: Sources
    weight_files: Mapping[str, Mapping[str, str]]
    in_job: bool = False

    @property
    def folder(self) -> str:
        """The folder of its results, as the configuration spells it."""
        return layout.run_folder(self.config)

    def path(self, place: str) -> str:
        """Return the path of a place (`fringe.plan.layout`), or of a pattern of places."""
        return f"{self.folder}/{place}"

    @cached_property
    def networks(self) -> dict[str, str]:
        """Its networks by their names in file names, FID's first."""
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
        """Its control networks, by their names in file names."""
        return [file_name(name) for name in self.config.controls]

    @property
    def shown_control(self) -> str:
        """The control in figures that show one, by its name in file names."""
        return file_name(choices.shown_control(self.config))

    @property
    def datasets(self) -> Mapping[str, Dataset]:
        """All data sets of its configuration."""
        return self.config.datasets

    @property
    def resampled(self) -> dict[str, Dataset]:
        """The data sets that tables and figures show; the others only take part in comparisons."""
        return {name: dataset for name, dataset in self.datasets.items() if dataset.resample}

    def real(self, dataset: str) -> str:
        """Return the source of a data set's real images."""
        return self.datasets[dataset].real

    def generated(self, dataset: str) -> str:
        """Return the source of a data set's generated images."""
        return self.datasets[dataset].generated

    def is_labelled(self, comparison: str) -> bool:
        """Return whether the classes of a comparison are labels that its sources state."""
        return takes_labels(self.config, self.config.comparisons[comparison], self.sources)

    def has_top1(self, comparison: str) -> bool:
        """Return whether the classes of a comparison are Top-1 classes of a network."""
        return takes_top1(self.config, self.config.comparisons[comparison], self.sources)

    def illustrated_models(self, comparison: str) -> dict[int, str]:
        """Return the models of a comparison whose classes are shown with images, by their numbers.

        They are shown beside the baseline, which is number 0. Features of another tool have no
        images, and there are none of classes that nobody knows.
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
