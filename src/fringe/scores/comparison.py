"""The results of a comparison of models: numbers, verdicts, and their JSON.

Every number has a standard error and a 95 % interval, or a note that says why these are missing.
`comparison_schema` is the schema of the JSON.
"""

from __future__ import annotations

import json
import os
from html import escape
from typing import Literal, TypeAlias, TypeVar

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fringe.files.atomic import atomic_path
from fringe.files.regular import LARGEST_TEXT, read_regular
from fringe.scores.rows import damaged

__all__ = [
    "ClassShare",
    "Comparison",
    "Composition",
    "Difference",
    "DoseSeen",
    "Estimate",
    "Floor",
    "HistogramShare",
    "MainMeasurement",
    "ModelDistances",
    "NetworkDistances",
    "Price",
    "ProtocolNumber",
    "Reaction",
    "RelativeTest",
    "Verdict",
    "VerdictWord",
    "Witness",
    "comparison_schema",
    "read_comparison",
    "read_main_measurement",
    "read_network_distances",
    "write_result",
]

VerdictWord: TypeAlias = Literal[
    "real",
    "class histogram",
    "null space",
    "mixed",
    "too close to call",
    "worse",
    "no witness",
]


Kind = TypeVar("Kind", bound="Result")


class Result(BaseModel):
    """A part of a comparison. All parts are frozen, and unknown keys are errors."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        ser_json_inf_nan="null",
        json_schema_serialization_defaults_required=True,
    )


class Estimate(Result):
    """A number with its error.

    Attributes
    ----------
    value : float
    error : float or None
        Standard error; None if it is not known, and ``note`` says why.
    low, high : float or None
        95 % interval.
    """

    value: float
    error: float | None
    low: float | None
    high: float | None
    note: str = ""

    @property
    def sign(self) -> int:
        """-1 or 1 if the interval is below or above 0; 0 if it contains 0 or is not known."""
        if self.low is None or self.high is None:
            return 0
        return (self.low > 0) - (self.high < 0)


class ModelDistances(Result):
    """The distances of one model from the real images, in one network.

    Attributes
    ----------
    distance : Estimate
        Fréchet distance of n images; the mean over trainings if there are several.
    each : list of float
        The distance of each training.
    infinity : Estimate
        The distance, extrapolated to infinitely many generated images. Its error is the error of
        ``distance``.
    slope : float
        The distance of n images is about the distance of infinitely many images, plus slope / n.
    kid : Estimate
        Unbiased squared MMD with KID's kernel, over all pairs of the first ``n_kid`` images.
    floor_ratio : Estimate
        FDr: the distance divided by the floor, both of the same number of images (FD-Loss, arXiv
        2604.28190).
    below_floor : bool
        Whether the model is nearer to the real images than other real images are.
    """

    n: int
    distance: Estimate
    each: list[float]
    infinity: Estimate
    slope: float
    kid: Estimate
    n_kid: int
    floor_ratio: Estimate
    below_floor: bool


class RelativeTest(Result):
    """The relative MMD test (Bounliphone et al., arXiv 1511.04581): is B nearer than A?

    ``z`` is the difference of both squared MMD, B minus A, divided by its standard error. ``p`` is
    the probability of a z this low or lower if both models are equally near.
    """

    difference: Estimate
    z: float
    p: float


class Difference(Result):
    """The distance of one model minus the distance of another model, in one network.

    ``relative`` is the difference divided by the larger of both distances of infinitely many
    images.
    """

    model: str
    baseline: str
    distance: Estimate
    relative: Estimate
    kernel: RelativeTest


class Floor(Result):
    """The distance of other real images. The ratios of models are of the same number of images."""

    distance: Estimate
    n: int
    held_out: bool


class NetworkDistances(Result):
    """All distances of a comparison in one network.

    ``differences`` has each model minus the first model, and the differences of neighbours in the
    order of distances.
    """

    network: str
    title: str
    dim: int
    n_real: int
    seed: int
    floor: Floor
    models: dict[str, ModelDistances]
    differences: list[Difference]
    # The distance between real images and the same images redrawn with a model's class histogram,
    # divided by the floor; by model. Empty if classes are not known.
    reweighted_real: dict[str, float] = {}

    def difference(self, model: str, baseline: str) -> Difference:
        """Return the difference of two models that were compared.

        Raises
        ------
        KeyError
            If the two models were not compared.
        """
        for found in self.differences:
            if (found.model, found.baseline) == (model, baseline):
                return found
        raise KeyError(f"{model} less {baseline}")

    def is_tied(self, one: str, other: str) -> bool:
        """Return whether the difference of two models that were compared is not significant."""
        both = {one, other}
        (found,) = (each for each in self.differences if {each.model, each.baseline} == both)
        return found.distance.sign == 0


class Composition(Result):
    """The part of a difference that the class histograms explain.

    The distance of ``model`` minus the distance of ``baseline`` is composition + within + support:
    the class histogram, the images within classes, and the classes that only one model has.
    Composition and within are means of two orders (Kitagawa, Oaxaca and Blinder, with the weights
    of DiNardo, Fortin and Lemieux). All distances are compared at equal effective sample size.

    Attributes
    ----------
    model_as_baseline, baseline_as_model : float
        Distances after reweighting one model to the class histogram of the other, as measured.
    model_as_baseline_n, baseline_as_model_n : float
        The effective sample sizes of these distances.
    composition_orders, within_orders : (float, float)
        Reweighting the model first, and reweighting the baseline first.
    classes, pooled, lacking : int
        Numbers of compared classes, of rare classes that count as one class, and of classes that
        only one model has.
    given : bool
        True if the classes are given labels, False if they are Top-1 classes of a network.
    classified_by : str
        Title of the network that predicted the Top-1 classes, if the distance is measured in
        another network; "" otherwise.
    """

    model: str
    baseline: str
    composition: Estimate
    within: Estimate
    support: Estimate | None
    composition_orders: tuple[float, float]
    within_orders: tuple[float, float]
    model_as_baseline: float
    model_as_baseline_n: float
    baseline_as_model: float
    baseline_as_model_n: float
    classes: int
    pooled: int
    lacking: int
    given: bool
    classified_by: str = ""


class HistogramShare(Result):
    """The part of one model's distance that its class histogram explains.

    ``share`` is the distance minus the distance ``matched`` of the same images, reweighted to the
    class histogram of the real images. The effective sample size of ``matched`` is ``matched_n``;
    ``share`` compares both at the same number of images. For the other attributes see
    `Composition`.
    """

    model: str
    share: Estimate
    matched: float
    matched_n: float
    classes: int
    pooled: int
    lacking: int
    given: bool
    classified_by: str = ""


class ClassShare(Result):
    """One class: its frequencies, and its first-order share of the difference.

    Attributes
    ----------
    model_share, baseline_share, real_share : float
        The fraction of the images that have the class.
    contribution : Estimate
        The contribution of the class to the distance of the model minus the distance of the
        baseline.
    model_images, baseline_images : list of int
        The images of the class that contribute most to the distance.
    """

    number: int
    name: str
    model_share: float
    baseline_share: float
    real_share: float | None
    contribution: Estimate
    model_images: list[int]
    baseline_images: list[int]


class Reaction(Result):
    """The relative change of a control when the baseline's images are reweighted."""

    network: str
    relative: float
    relative_of_model: float


class Price(Result):
    """The least reweighting of the baseline's own images that reaches the model's distance.

    Attributes
    ----------
    reached : bool
        Whether weights were found that reach the model's distance.
    share : float
        Position of the weights between equal weights (0) and the optimized weights (1).
    effective_share : float
        Effective sample size of the weights, divided by the number of images.
    distance, target : float
        The distance with these weights, and the distance of the model.
    lower_bound : float
        Proven lower bound of the distance for all weights of the baseline's images (with the
        divisor 1 of the covariance).
    reactions : list of Reaction
        The change of each control with these weights.
    """

    model: str
    baseline: str
    reached: bool
    share: float
    effective_share: float
    distance: float
    target: float
    lower_bound: float
    n: int
    reactions: list[Reaction] = []


class MainMeasurement(Result):
    """The measurements in FID's network: distances, their parts, classes and prices."""

    distances: NetworkDistances
    compositions: list[Composition]
    histogram_shares: list[HistogramShare]
    class_shares: dict[str, list[ClassShare]]
    prices: list[Price]


class DoseSeen(Result):
    """One dose of a distortion, and its distance in a control divided by the floor."""

    distortion: str
    dose: Literal["small", "visible", "gross"]
    amount: float
    unit: str
    ratio: float


class Witness(Result):
    """A control: whether it judges, and its power.

    Attributes
    ----------
    judges : bool
    reason : str
        Why the control does not judge; empty if it judges.
    has_power : bool, optional
        True if it is evidence when the control does not move; None if power was not measured.
    sees : str
        The distortions that the control would have seen, in words; empty if power was not
        measured.
    doses : list of DoseSeen
    """

    network: str
    title: str
    judges: bool
    reason: str
    trained_on: str | None
    has_power: bool | None = None
    sees: str = ""
    doses: list[DoseSeen] = []


class Verdict(Result):
    """The answer for one model against the baseline."""

    model: str
    baseline: str
    word: VerdictWord
    sentence: str
    limits: list[str]

    @property
    def subject(self) -> str:
        """The subject of the verdict: "B against A", or the model of an audit."""
        return f"{self.model} against {self.baseline}" if self.baseline else self.model


class ProtocolNumber(Result):
    """The relation of a number to the protocol that the run names.

    Attributes
    ----------
    protocol : str
    model, network, metric : str
        The number: the metric "fid" is the distance, "kid" is KID of all pairs.
    defined : bool
        Whether the protocol defines the number.
    differs : list of str
        The deviations; empty if the number follows the protocol.
    """

    protocol: str
    model: str
    network: str
    metric: str
    defined: bool
    differs: list[str]
    told: str = Field(description="The relation in words.")


class Comparison(Result):
    """A comparison of models, or the audit of one.

    Attributes
    ----------
    schema_version : int
        The version of docs/comparison.schema.json. It changes if a key is renamed, removed, or
        gets another meaning. A new key does not change the version.
    name : str
    network : str
        The network of FID.
    models : list of str
        The first one is the baseline.
    floor_ratios : dict of Estimate
        The mean of each model's ``floor_ratio`` over all networks (FDr-k of FD-Loss, arXiv
        2604.28190). The error is the mean of the errors, the largest possible value, because all
        networks see the same images.
    ranking : list of str
        Models from the lowest distance in ``network`` to the highest.
    tied : list of (str, str)
        Neighbours in the ranking whose difference is too close to call.
    verdicts : list of Verdict
        One for each model except the baseline; an audit has one for its only model.
    protocol_numbers : list of ProtocolNumber
        The relations of distances to the protocol that the run names; empty if the run names no
        protocol.
    """

    schema_version: Literal[1] = 1
    name: str
    network: str
    models: list[str]
    networks: list[NetworkDistances]
    witnesses: list[Witness]
    compositions: list[Composition]
    histogram_shares: list[HistogramShare]
    class_shares: dict[str, list[ClassShare]]
    prices: list[Price]
    floor_ratios: dict[str, Estimate]
    ranking: list[str]
    tied: list[tuple[str, str]]
    verdicts: list[Verdict]
    notes: list[str]
    seed: int
    protocol_numbers: list[ProtocolNumber] = []

    @property
    def verdict(self) -> Verdict:
        """The verdict of the first model after the baseline."""
        return self.verdicts[0]

    @property
    def limits(self) -> list[str]:
        """The limits of all verdicts, without duplicates, and the notes."""
        said = [limit for one in self.verdicts for limit in one.limits]
        return list(dict.fromkeys([*said, *self.notes]))

    @property
    def main(self) -> NetworkDistances:
        """The distances in the network of FID."""
        return self.networks[0]

    def table(self) -> pd.DataFrame:
        """Return one row for each network and model: distances, errors, ratios and differences."""
        rows = []
        for found in self.networks:
            for model, about in found.models.items():
                row = {
                    "network": found.network,
                    "model": model,
                    "n": about.n,
                    "n_real": found.n_real,
                    "fd": about.distance.value,
                    "fd_error": about.distance.error,
                    "fd_infinity": about.infinity.value,
                    "kid": about.kid.value,
                    "kid_error": about.kid.error,
                    "floor_ratio": about.floor_ratio.value,
                }
                if model != self.models[0]:
                    difference = found.difference(model, self.models[0])
                    row |= {
                        "difference": difference.distance.value,
                        "difference_error": difference.distance.error,
                        "low": difference.distance.low,
                        "high": difference.distance.high,
                        "z_kernel": difference.kernel.z,
                        "p_kernel": difference.kernel.p,
                    }
                rows.append(row)
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        """Return the verdicts, the table and the limits as HTML, for a notebook."""
        said = "".join(
            f"<p><b>{escape(one.subject)}: {one.word}.</b> {escape(one.sentence)}</p>"
            for one in self.verdicts
        )
        table = self.table().to_html(index=False, float_format="{:.4g}".format, na_rep="")
        limits = "".join(f"<li>{escape(one)}</li>" for one in self.limits)
        return f"{said}{table}<ul>{limits}</ul>"


def comparison_schema() -> str:
    """Return the JSON Schema of ``verdict.json`` and of the output of ``--json``."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Comparison.model_json_schema(mode="serialization"),
    }
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def write_result(path: str | os.PathLike[str], result: Result) -> None:
    """Write a comparison, or the distances of a network, as JSON."""
    with atomic_path(path) as partial:
        partial.write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_comparison(path: str | os.PathLike[str]) -> Comparison:
    """Return the comparison in a file of `write_result`.

    Raises
    ------
    DamagedFileError
        If it is missing, or has another content.
    """
    return _read(path, Comparison)


def read_main_measurement(path: str | os.PathLike[str]) -> MainMeasurement:
    """Return the measurements in FID's network, from a file of `write_result`.

    Raises
    ------
    DamagedFileError
        If it is missing, or has another content.
    """
    return _read(path, MainMeasurement)


def read_network_distances(path: str | os.PathLike[str]) -> NetworkDistances:
    """Return the distances of one network in a file of `write_result`.

    Raises
    ------
    DamagedFileError
        If it is missing, or has another content.
    """
    return _read(path, NetworkDistances)


def _read(path: str | os.PathLike[str], kind: type[Kind]) -> Kind:
    try:
        return kind.model_validate_json(read_regular(path, LARGEST_TEXT))
    except (OSError, ValidationError) as error:
        raise damaged(path, error) from error
