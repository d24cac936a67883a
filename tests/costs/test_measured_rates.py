"""Measured rates replace the defaults of their device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fringe.config.model import RunConfig
from fringe.costs.jobs import Job
from fringe.costs.measured_rates import MeasuredRates, default_rates, read_rates
from fringe.costs.prediction import estimate
from fringe.costs.rates import RATES, START
from fringe.costs.registry import work
from fringe.errors import FringeError
from fringe.running import opening
from fringe.sources.kinds import KINDS


def written(path: Path, **changed: Any) -> Path:
    about = {"device": "cuda", "machine": "a GPU", "rates": default_rates("cuda"), **changed}
    path.write_text(json.dumps(about))
    return path


def test_every_default_has_a_name() -> None:
    made = {
        name
        for name, kind in KINDS.items()
        if kind.pixels_per_second is not None and kind.has_one_speed
    }
    assert not {"python", "diffusers"} & made, "kinds whose sources have different speeds"
    for device in ("cpu", "cuda"):
        found = default_rates(device)
        assert set(found) == {*RATES, *made}
        assert found["network"] == RATES["network"][device]
    assert default_rates("cuda")["generator"] == 2.7e7


def test_a_file_of_rates_is_read(tmp_path: Path) -> None:
    rates = {**default_rates("cuda"), "network": 7}
    found = read_rates(written(tmp_path / "rates.json", rates=rates))
    assert found == MeasuredRates("cuda", "a GPU", rates)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"device": "tpu"}, r"must have `device` \('cpu' or 'cuda'\)"),
        ({"rates": None}, "must have `device`.*, `machine` and `rates`"),
        ({"rates": {"network": 1.0}}, "the rate 'distorting' is missing; measure again"),
        ({"rates": {**default_rates("cuda"), "network": 0}}, "'network' is 0, not a number above"),
        ({"rates": {**default_rates("cuda"), "network": True}}, "'network' is True, not a number"),
        ({"rates": {**default_rates("cuda"), "speed": 1}}, "the unknown name 'speed'"),
    ],
    ids=["device", "rates", "missing", "zero", "boolean", "unknown"],
)
def test_a_wrong_file_of_rates_is_refused(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(FringeError, match=rf"rates\.json: .*{message}"):
        read_rates(written(tmp_path / "rates.json", **changed))


def test_another_file_is_not_a_file_of_rates(tmp_path: Path) -> None:
    with pytest.raises(FringeError, match=r"absent\.json: the file of rates"):
        read_rates(tmp_path / "absent.json")
    (tmp_path / "text.json").write_text("fast")
    with pytest.raises(FringeError, match=r"text\.json: not JSON"):
        read_rates(tmp_path / "text.json")
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(FringeError, match="must have `device`"):
        read_rates(tmp_path / "list.json")


def test_only_jobs_on_that_device_use_the_rates(tmp_path: Path) -> None:
    config, sources = opening.check(
        {
            "run": "mine",
            "results": str(tmp_path),
            "network": "efficientnet-lite0",
            "sources": {
                "real": {"kind": "photos", "count": 60, "resolution": 32},
                "fake": {"kind": "imitation", "count": 120, "resolution": 32},
            },
            "datasets": {"faces": {"real": "real", "generated": "fake"}},
            "evaluation": {"n_real": 40, "n_generated": 60},
            "schemes": {"top": [1], "middle": [2]},
        }
    )
    plain = RunConfig.model_validate(config.plain())
    wildcards = {"source": "real", "network": "efficientnet-lite0", "shard": "0000000-0000060"}
    fast = MeasuredRates("cuda", "a GPU", {**default_rates("cuda"), "network": 3e13})
    for gpus, rate, basis in (
        (1, 3e13, "rates measured on a GPU"),
        (0, 1.4e10, "default (CPU)"),  # a job that requests no GPU
    ):
        job = Job("extract_features", (), ("x",), wildcards, gpus=gpus)
        task = work(job, plain, sources, "cuda", fast)
        assert task.default == pytest.approx(60 * 0.4e9 / rate)
        found = estimate(job, task, [], "mine", "cuda", fast)
        assert found.seconds == pytest.approx(START + task.default)
        assert found.basis == basis
    made = Job("render_images", (), ("x",), {"source": "fake", "shard": "0000000-0000120"})
    slow = MeasuredRates("cpu", "a core", {**default_rates("cpu"), "imitation": 1e3})
    assert work(made, plain, sources, "cuda", slow).default == pytest.approx(120 * 32 * 32 / 1e3)
