"""The cost of measuring lengths of features, computed by hand."""

from tests.run_configs import run_config

from fringe.costs.context import JobContext
from fringe.costs.jobs import Job
from fringe.costs.rates import RATES
from fringe.costs.registry import cost_of
from fringe.costs.stages import stage_of

from .test_resources import NET

COUNT = 40_000


def test_the_work_is_the_number_of_features() -> None:
    config = run_config({"network": NET})
    job = Job("measure_norms", wildcards={"source": "real", "network": NET})
    cost = cost_of("measure_norms")
    assert cost.work is not None
    work = cost.work(JobContext(job, config, {"real": {"count": COUNT}}, {}))
    assert work.units == COUNT * 1280
    assert work.default == COUNT * 1280 / RATES["products"]["cpu"]
    assert stage_of("measure_norms") == "statistics"
