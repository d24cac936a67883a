"""What a comparison of models found: its numbers, its verdict, and their JSON.

Every number has its standard error and a 95 % interval, or says why not. `comparison_schema` is the
schema of the JSON.
"""

from __future__ import annotations

import json
import os
from html import escape
from typing import Literal, TypeAlias, TypeVar

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

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
    """A part of a comparison; all parts are frozen, and unknown keys are faults."""

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
        Standard error; None where it is not known, and ``note`` says why.
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
        """-1 or 1 if the interval is below or above 0; 0 if 0 is inside or there is none."""
        if self.low is None or self.high is None:
            return 0
        return (self.low > 0) - (self.high < 0)


class ModelDistances(Result):
    """The distances of one model from the real images, in one network.

    Attributes
    ----------
    distance : Estimate
        Fréchet distance of n images; the mean over trainings where there are several.
    each : list of float
        That of each training.
    infinity : Estimate
        Extrapolated to infinitely many generated images. The error is that of ``distance``.
    slope : float
        The distance of n images is about that of infinitely many, plus slope / n.
    kid : Estimate
        Unbiased squared MMD with KID's kernel, over all pairs of the first ``n_kid`` images.
    floor_ratio : Estimate
        FDr: the distance over that of the floor, both of as many images (FD-Loss, arXiv
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

    ``z`` is the difference of both squared MMD, B less A, over its standard error; ``p`` is the
    probability of a z as low as this if both were as near.
    """

    difference: Estimate
    z: float
    p: float


class Difference(Result):
    """One model less another one, in one network.

    ``relative`` is the difference over the larger of both distances of infinitely many images.
    """

    model: str
    baseline: str
    distance: Estimate
    relative: Estimate
    kernel: RelativeTest


class Floor(Result):
    """The distance of other real images, from as many images as the ratio of each model."""

    distance: Estimate
    n: int
    held_out: bool


class NetworkDistances(Result):
    """All distances of a comparison in one network.

    ``differences`` are those of each model less the first one, and of neighbours in the order of
    their distances.
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
    # over that of the floor; by model. Empty where classes are not known.
    reweighted_real: dict[str, float] = {}

    def difference(self, model: str, baseline: str) -> Difference:
        """Return the difference of two models that were compared.

        Raises
        ------
        KeyError
            If they were not compared.
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
    """How much of a difference is class histogram.

    The distance of ``model`` less that of ``baseline`` is composition + within + support: the
    histogram of classes, the images within classes, and classes that only one of both has. Each is
    the mean of two orders (Kitagawa, Oaxaca and Blinder, with the weights of DiNardo, Fortin and
    Lemieux), of distances that are compared at equal effective sample size.

    Attributes
    ----------
    model_as_baseline, baseline_as_model : float
        Distances after reweighting one model to the class histogram of the other, as measured.
    model_as_baseline_n, baseline_as_model_n : float
        Their effective sample sizes.
    composition_orders, within_orders : (float, float)
        Reweighting the model first, and reweighting the baseline first.
    classes, pooled, lacking : int
        Classes that are compared; rare ones that count as one class; and classes that only one
        model has.
    given : bool
        Whether classes are labels that were given; otherwise they are Top-1 classes of the network.
    classified_by : str
        Title of the network whose Top-1 classes they are, if the distance is measured in another
        one; "" otherwise.
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
    """How much of a model's own distance is class histogram.

    ``share`` is the distance less that of the same images reweighted to the class histogram of the
    real images, ``matched``, whose effective sample size is ``matched_n``; both as of equally many
    images. Other attributes are those of `Composition`.
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
    """One class: how often each has it, and its first-order share of the difference.

    Attributes
    ----------
    model_share, baseline_share, real_share : float
        Parts of the images.
    contribution : Estimate
        Of the class to the distance of the model less that of the baseline.
    model_images, baseline_images : list of int
        Images of the class that add most to the distance.
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
    """What a control does when the baseline's images are reweighted: its relative change."""

    network: str
    relative: float
    relative_of_model: float


class Price(Result):
    """The least reweighting of the baseline's own images that reaches the model's distance.

    Attributes
    ----------
    reached : bool
        Whether weights were found that reach it.
    share : float
        Place between equal weights (0) and the optimized weights (1).
    effective_share : float
        Effective sample size of these weights over the number of images.
    distance, target : float
        The distance with these weights, and that of the model.
    lower_bound : float
        No weights of the baseline's images reach a lower distance (with the covariance's divisor
        1): proven.
    reactions : list of Reaction
        What each control does meanwhile.
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
    """All that is measured in FID's network: distances, their parts, classes and prices."""

    distances: NetworkDistances
    compositions: list[Composition]
    histogram_shares: list[HistogramShare]
    class_shares: dict[str, list[ClassShare]]
    prices: list[Price]


class DoseSeen(Result):
    """What a control sees of one dose of a distortion: its distance over the floor's."""

    distortion: str
    dose: Literal["small", "visible", "gross"]
    amount: float
    unit: str
    ratio: float


class Witness(Result):
    """A control: whether it judges, and why.

    Attributes
    ----------
    judges : bool
    reason : str
        Why it does not judge; empty if it does.
    has_power : bool, optional
        Whether it says something if the control does not move; None if that was not measured.
    sees : str
        What it would have seen, in words; empty if its power was not measured.
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
        """What the verdict is on: a model against the baseline; of an audit, the model."""
        return f"{self.model} against {self.baseline}" if self.baseline else self.model


class ProtocolNumber(Result):
    """How a number stands to the protocol that the run names.

    Attributes
    ----------
    protocol : str
    model, network, metric : str
        What the number is: "fid" is the distance, "kid" KID of all pairs.
    defined : bool
        Whether the protocol defines the number.
    differs : list of str
        What deviates; empty if the number follows the protocol.
    told : str
        The same in words.
    """

    protocol: str
    model: str
    network: str
    metric: str
    defined: bool
    differs: list[str]
    told: str


class Comparison(Result):
    """A comparison of models, or the audit of one.

    Attributes
    ----------
    schema_version : int
        Of docs/comparison.schema.json. It changes if a key is renamed, removed, or gets another
        meaning; a key that is added does not change it.
    name : str
    network : str
        The network of FID.
    models : list of str
        The first one is the baseline.
    floor_ratios : dict of Estimate
        The mean of each model's ``floor_ratio`` over all networks (FDr-k of FD-Loss, arXiv
        2604.28190). The error is the mean of theirs, the most that it can be: networks see the
        same images.
    ranking : list of str
        Models from the lowest distance in ``network`` to the highest.
    tied : list of (str, str)
        Neighbours in the ranking whose difference is too close to call.
    verdicts : list of Verdict
        One for each model but the baseline; of an audit, one for the only model.
    protocol_numbers : list of ProtocolNumber
        How distances stand to the protocol that the run names; empty if it names none.
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
        """What verdicts do not cover, each once, and what else a reader must know."""
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
        """Return the verdicts, the table, and what the verdicts do not cover, for a notebook."""
        said = "".join(
            f"<p><b>{escape(one.subject)}: {one.word}.</b> {escape(one.sentence)}</p>"
            for one in self.verdicts
        )
        table = self.table().to_html(index=False, float_format="{:.4g}".format, na_rep="")
        limits = "".join(f"<li>{escape(one)}</li>" for one in self.limits)
        return f"{said}{table}<ul>{limits}</ul>"


def comparison_schema() -> str:
    """Return the JSON Schema of a comparison's JSON: of ``verdict.json`` and ``--json``."""
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
    """Return what was measured in FID's network, from a file of `write_result`.

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
