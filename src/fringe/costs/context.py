"""Input of the formulas for a job's cost: the job and its run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fringe.config import choices
from fringe.config.datasets import Dataset
from fringe.config.model import RunConfig
from fringe.costs.jobs import Device, Job
from fringe.costs.measured_rates import MeasuredRates, default_rates
from fringe.networks import file_name, network_info
from fringe.plan import layout

__all__ = ["JobContext"]


@dataclass(frozen=True)
class JobContext:
    """A job and its run.

    Parameters
    ----------
    job : Job
        The job. Formulas read its wildcards and its number of outputs, but no paths.
    config, sources
        As returned by `fringe.running.opening.check`.
    weight_files : mapping
        The weight files of networks, as returned by
        `fringe.plan.weight_files.locate_weight_files`. Only formulas of memory read it.
    place : {"cpu", "cuda"}
        The device of the job. Only formulas of work read it.
    rates : MeasuredRates, optional
        Measured speeds of a machine, which replace the defaults of its device.
    """

    job: Job
    config: RunConfig
    sources: choices.Sources
    weight_files: Mapping[str, Mapping[str, str]]
    place: Device = "cpu"
    rates: MeasuredRates | None = None

    def speed(self, name: str, place: Device | None = None) -> float:
        """Return units per second of the rate ``name``, by default on the job's device."""
        place = place or self.place
        if self.rates is not None and self.rates.device == place:
            return self.rates.values[name]
        return default_rates(place)[name]

    def wildcard(self, name: str) -> str:
        """Return the value of a wildcard of the job."""
        return self.job.wildcards[name]

    @property
    def network_in_files(self) -> str:
        """The job's network as written in file names; without a wildcard, the network of FID.

        Images beyond the candidates pass through the network that counts classes. Sampling weights
        may be optimized in the features of a control.
        """
        network = choices.scheme_network(self.config, self.job.wildcards.get("scheme", ""))
        if self.job.rule == "extend_matched":
            network = choices.class_network(self.config)
        return self.job.wildcards.get("network", file_name(network))

    @property
    def network(self) -> str:
        """The job's network as named in the configuration; see `network_in_files`."""
        names = {file_name(name): name for name in choices.networks_of_run(self.config)}
        return names[self.network_in_files]

    @property
    def dim(self) -> int:
        """Number of features of the job's network."""
        return network_info(self.network).feature_dim

    @property
    def classes(self) -> int:
        """Number of classes of the job's network; 0 if the network has none.

        For a job without a wildcard for its network, the network that counts classes is used.
        """
        named = "network" in self.job.wildcards
        network = self.network if named else choices.class_network(self.config)
        return network_info(network).n_classes or 0

    @property
    def dataset_name(self) -> str:
        """The data set that the job belongs to."""
        return self.wildcard("dataset")

    @property
    def dataset(self) -> Dataset:
        """Configuration of the job's data set."""
        return self.config.datasets[self.dataset_name]

    @property
    def generated(self) -> str:
        """The source of the data set's generated images."""
        return self.dataset.generated

    @property
    def candidates(self) -> int:
        """Number of generated images of the data set."""
        return int(self.sources[self.generated]["count"])

    @property
    def pairs(self) -> int:
        """Number of pairs of images among the real and drawn images of the data set."""
        return (self.dataset.n_real + self.dataset.n_generated) ** 2

    def images(self, limit: float = float("inf")) -> float:
        """Return how many of the first ``limit`` images are in the job's shard."""
        first, last = layout.parse_shard(self.wildcard("shard"))
        return max(0, min(last, limit) - first)
