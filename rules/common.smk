# What all rules share: the completed configuration, what its sources hold, and paths.

import os
from pathlib import Path

from fringe import plan
from fringe.config import load_schema
from fringe.damage import set_damaged_aside
from fringe.errors import FringeError
from fringe.networks import network_info
from snakemake.exceptions import WorkflowError


def checked(config):
    """Return the completed config and what each used source holds, or end naming every fault."""
    try:
        folder = Path(config.get("results", "results")) / str(config.get("run"))
        schema = load_schema(Path(workflow.basedir) / "config" / "schema.yaml")
        files = [Path(path) for path in workflow.configfiles]
        checked = plan.check(config, schema, folder / "fingerprints.json", files)
        if workflow.is_main_process and not workflow.dryrun:
            set_damaged_aside(folder)
    except FringeError as error:
        raise WorkflowError(str(error)) from None
    return checked


# Scripts find the library in whatever environment they run.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(workflow.basedir) / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
)

# Scripts read from the config where things lie and how fast they go (paths, device, workers):
# what results do not depend on. All else reaches them as params, which Snakemake tracks.
COMPLETE, SOURCES = checked(dict(config))
config.update(COMPLETE)

R = f"{config['results']}/{config['run']}"
DATASETS = config["datasets"]
# A network's name in file names, where "module:function" would not do.
NETWORKS = {
    name.replace(":", "."): name for name in (config["network"], *config["controls"])
}
MAIN, *CONTROLS = NETWORKS
SCHEMES = plan.schemes(config)


def identity(source):
    """Return what the images of a source depend on."""
    return SOURCES[source]["fingerprint"]


def shard_identity(wildcards):
    """Return what the images of one shard depend on: a change elsewhere leaves it alone."""
    return SOURCES[wildcards.source]["shards"][wildcards.shard]


def is_rendered(source):
    """Tell whether the images of a source are made and not merely read."""
    return config["sources"][source]["kind"] == "imitation"


def features(side, network=None):
    """Return an input function: the feature file of a data set's real or generated images."""

    def path(wildcards):
        source = DATASETS[wildcards.dataset][side]
        return f"{R}/features/{source}/{network or wildcards.network}.h5"

    return path


def real_statistics(space="features", network=None):
    """Return an input function: mean and covariance of a data set's real images."""

    def path(wildcards):
        dataset = DATASETS[wildcards.dataset]
        place = f"{R}/statistics/{dataset['real']}/{network or wildcards.network}"
        return f"{place}/{space}-{dataset['n_real']}.h5"

    return path
