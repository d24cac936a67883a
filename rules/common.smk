# What all rules share: the run, and how its plan reaches Snakemake.

import inspect
import logging
import math
import os
import re
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fringe.messages import show_messages
from fringe.progress import activity, mute

show_messages()

# Jobs read this file, too; it was told once.
if not workflow.is_main_process:
    mute()
loading = ExitStack()
loading.enter_context(activity("loading Fringe"))

from fringe import revisions
from fringe.config import choices
from fringe.config.completion import load_schema
from fringe.costs import jobs, rates, work
from fringe.errors import FringeError
from fringe.networks import file_name, network_info
from fringe.plan import exhibit_params, exhibits, inputs, layout, provenance
from fringe.plan.omission import summarize
from fringe.plan.weight_files import weights_to_fetch
from fringe.running.opening import open_run
from fringe.running.preparing import prepare
from fringe.running.script import expose_library
from fringe.running.slurm_polling import patch
from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod

loading.close()

LOGGER = logging.getLogger("fringe.workflow")


@contextmanager
def plain_errors():
    """Let Snakemake end with the message of a `FringeError`, without a traceback."""
    try:
        yield
    except FringeError as error:
        raise WorkflowError(str(error)) from None


def opened(config):
    """Return the run of the configuration, or end naming every fault."""
    schema = load_schema(Path(workflow.basedir) / "config" / "schema.yaml")
    files = [Path(path) for path in workflow.configfiles]
    with plain_errors(), activity("reading data sets"):
        run = open_run(config, schema, files, in_job=not workflow.is_main_process)
    if workflow.is_main_process:
        for warning in choices.warnings(run.config):
            LOGGER.warning("%s", warning)
        if left_out := run.config.get("left_out"):
            LOGGER.info("%s", summarize(left_out))
    return run


def prepare_before_jobs():
    """Let Snakemake call `prepare` before it plans jobs to run them, or to show them (--dry-run).

    What only asks (--lint, --dag, --summary, ...) reads this file as well and must change nothing.
    """
    execute, build = workflow.execute, workflow._build_dag

    def prepared(*args, **settings):
        with plain_errors():
            aside = prepare(RUN, dry=workflow.output_settings.dryrun)

        def built():
            # Snakemake makes a file again that nothing but finished results needs only if forced.
            workflow.dag.forcefiles.update(aside)
            build()

        workflow._build_dag = built
        return execute(*args, **settings)

    workflow.execute = prepared


expose_library()

# Scripts read from the config where things lie and how fast they go (paths, device, workers):
# what results do not depend on. All else reaches them as params, which Snakemake tracks.
RUN = opened(dict(config))
config.update(RUN.config)
if workflow.is_main_process:
    patch()
    prepare_before_jobs()


def for_job(function, **fixed):
    """Return an input or params function: ``function`` of the run and a job's wildcards.

    The function takes the run, and by their names the wildcards that it needs; ``fixed`` arguments
    are the same in all jobs of the rule.
    """
    names = [name for name in inspect.signature(function).parameters if name != "run"]

    def evaluate(wildcards):
        given = {name: wildcards[name] for name in names if name not in fixed}
        return function(RUN, **given, **fixed)

    return evaluate


def below(place):
    """Return the path of a place (`fringe.plan.layout`), or the pattern of a rule's files."""
    return RUN.path(place)


def log_file(stage, *names):
    """Return the pattern of a rule's logs."""
    return RUN.path(layout.log(stage, *names))


def benchmark_file(rule, *names):
    """Return the pattern of a rule's benchmark files."""
    return RUN.path(layout.benchmark(rule, *names))


def page_files(name, shown=True, **about):
    """Return the two files of a page; the report shows the HTML if it is ``shown``."""
    html = below(layout.page(name, "html"))
    if shown:
        html = report(html, caption=f"../workflow/report/{name}.rst", **about)
    return {"markdown": below(layout.page(name, "md")), "html": html}


def figure_files(number, name="", caption="figure"):
    """Return the two files of a figure; the report shows the PNG."""
    stem = f"figure{number}{name}"
    return {
        "png": report(
            below(layout.figure(stem, "png")),
            caption=f"../workflow/report/{caption}.rst",
            category="Figures",
            # One label: of two, the report makes switches, and breaks where a combination is missing.
            labels={"figure": f"Figure {number} {name.removeprefix('-')}".strip()},
        ),
        "pdf": below(layout.figure(stem, "pdf")),
    }


DATASETS, SOURCES, WEIGHTS, NETWORKS = (
    RUN.datasets,
    RUN.sources,
    RUN.weights,
    RUN.networks,
)
R = RUN.folder
FID_NETWORK = MAIN = RUN.fid_network
SCHEMES = choices.schemes(config)

# What a profile sets for optimize_sweep, such as its partition, goes for the job of each data set,
# which has a rule of its own (rules/resampling.smk). Settled before the first rule is read.
for _dataset in DATASETS:
    _set = workflow.resource_settings.overwrite_resources
    if "optimize_sweep" in _set:
        _set.setdefault(f"optimize_sweep_{_dataset}", _set["optimize_sweep"])


def container_image():
    """Return the image that jobs run in with --sdm apptainer, or end saying how it is built."""
    image = config["container"]
    methods = workflow.deployment_settings.deployment_method
    is_file = "://" not in image
    if DeploymentMethod.APPTAINER in methods and is_file and not Path(image).exists():
        definition = os.path.relpath(Path(workflow.basedir) / "envs" / "fringe.def")
        raise WorkflowError(
            f"container: {image} is not there; build it on a machine with a network, `apptainer "
            f"build {image} {definition}`, or name another image"
        )
    return image


def rendering_memory(wildcards):
    """Return megabytes of a process that makes images."""
    return 1500 + generator_memory(wildcards.source)


def generator_memory(source):
    """Return megabytes: a checkpoint is read whole, and the network is made beside it."""
    about = config["sources"][source]
    trained = about["kind"] == "generator"
    return 3 * Path(about["path"]).stat().st_size >> 20 if trained else 0


def minutes(rule, *files):
    """Return a resource function: four times the minutes that a job's work should take, and ten.

    Of its default in the estimate of a run (`fringe.costs.work`): on a CPU unless the configuration
    demands a GPU, or its shard was sized for one. A shard that was sized in minutes gets these at
    least: its machines may be slower than most. More at each attempt. ``files`` are the job's
    outputs below the results, with wildcards in braces.
    """

    def found(wildcards, attempt):
        w = dict(wildcards.items())
        device, share = jobs.demanded_device(config) or "cpu", 0
        if "shard" in w:
            about = SOURCES[w.get("source") or DATASETS[w["dataset"]]["generated"]]
            first, last = layout.parse_shard(w["shard"])
            device, share = about["device"], (last - first) / about["shard_size"]
        sized = share * config["extraction"].get("minutes_per_job", 0)
        outputs = tuple(file.format(**w) for file in files)
        gpus = int(rule in rates.ON_GPU and device == "cuda")
        job = jobs.Job(rule, (), outputs, w, gpus=gpus)
        seconds = work.work(job, config, SOURCES, device).default
        return attempt * math.ceil(10 + 4 * max(seconds / 60, sized))

    return found


def extraction_memory(wildcards):
    """Return megabytes: a network, a batch in it, and what decodes or makes the images."""
    w = wildcards
    return looking_memory(
        w.network, w.source, not inputs.kept_shard(RUN, w.source, w.shard)
    )


def looking_memory(network, source, makes):
    """Return megabytes of `extraction_memory`; ``makes`` tells whether images are made."""
    weights = Path(WEIGHTS.get(NETWORKS[network], {}).get("path", ""))
    size = weights.stat().st_size >> 20 if weights.is_file() else 0
    workers = config["extraction"]["workers"]
    makers = (1 + workers) * generator_memory(source) if makes else 0
    return (
        1500
        + 3 * size
        + 20 * config["extraction"]["batch_size"]
        + 400 * workers
        + makers
    )


def moments_memory(network, covariances=1):
    """Return megabytes: features read in blocks, and so many covariances beside those of a distance."""
    dim = max(filter(None, network_info(NETWORKS[network])[:2]))
    return 1200 + (8 * dim * ((10 + 2 * covariances) * dim + 5 * 8192) >> 20)


def pairs_memory(dataset, network):
    """Return megabytes: all features of a data set's measurement, as they are and in float64."""
    dim = network_info(NETWORKS[network])[0]
    images = DATASETS[dataset]["n_real"] + DATASETS[dataset]["n_generated"]
    return 1500 + (12 * dim * images >> 20)


def draws_memory(dataset, network):
    """Return megabytes: the features of all draws, of one of them, and of the real images."""
    dim = network_info(NETWORKS[network])[0]
    drawn = DATASETS[dataset]["n_generated"]
    candidates = SOURCES[DATASETS[dataset]["generated"]]["count"]
    all_draws = min(candidates, config["evaluation"]["repeats"]["table3"] * drawn)
    return 1500 + (4 * dim * (DATASETS[dataset]["n_real"] + drawn + all_draws) >> 20)


def drawing_on_memory(dataset, network):
    """Return megabytes of a job that makes images beyond the candidates and looks at them."""
    return looking_memory(network, DATASETS[dataset]["generated"], makes=True)


def sweep_to_make(dataset):
    """Return a data set's Top-N and Middle-N weights that are not there, or made from other things."""
    made_from = provenance.sweep_provenance(provenance.optimize_sweep(RUN, dataset))
    places = [layout.weights(dataset, name) for name in choices.sweep_schemes(config)]
    return [
        below(place)
        for place in places
        if not provenance.is_made(RUN, place, made_from)
    ]


def optimization_memory(dataset):
    """Return megabytes: candidates of the optimization and of its judge, and their vectors."""
    count = SOURCES[DATASETS[dataset]["generated"]]["count"]
    dim = network_info(config["network"])[0]
    candidates = 2 * min(8 * count * dim, 2 << 30)  # what does not fit is streamed
    if config["optimization"]["method"] == "reference":
        candidates += 6 * 8 * count * dim
    return 1500 + (candidates + 8 * dim * (12 * dim + 5 * 8192) + 8 * 200 * count >> 20)


def sweep_memory(dataset):
    """Return megabytes: those of one optimization, and the ranks of all classes."""
    count = (
        SOURCES[DATASETS[dataset]["generated"]]["count"] + DATASETS[dataset]["n_real"]
    )
    return optimization_memory(dataset) + (8 * 1008 * count >> 20)


def sweep_minutes(files):
    """Return a resource function: minutes of one job for all of ``files``, as `minutes`."""
    return minutes("optimize_sweep", *(file.removeprefix(f"{R}/") for file in files))


def growing(megabytes):
    """Return a resource function: so many megabytes at the first attempt, and more at each."""
    return lambda wildcards, attempt: megabytes * attempt


def released_memory(wildcards):
    """Return megabytes: autograd keeps about six copies of the candidates in float64."""
    count = SOURCES[DATASETS[wildcards.dataset]["generated"]]["count"]
    return 2000 + (6 * 8 * count * network_info(config["network"])[0] >> 20)


def explanation_memory(wildcards, network=None, makers=1):
    """Return megabytes: a network with its maps, three matrices of covariances, and small maps.

    And ``makers`` processes that may each make images, of which one is the job's own.
    """
    dim = network_info(NETWORKS[network or wildcards.network])[0]
    n = choices.explained_images(config, wildcards.dataset)
    source = DATASETS[wildcards.dataset]["generated"]
    made = makers * generator_memory(source)
    if config["sources"][source]["kind"] == "generator":
        made += 1500 * max(0, makers - 1)  # PyTorch in each
    return 3000 + made + (8 * dim * dim * 8 + 4 * 256 * 2 * n >> 20)


def shard_makers(wildcards):
    """Return how many processes make images for a shard of maps, where they are not kept."""
    read = inputs.kept_shard(
        RUN, DATASETS[wildcards.dataset]["generated"], wildcards.shard
    )
    return 0 if read else 1 + config["extraction"]["workers"]


def making_gpus(wildcards):
    """Return how many GPUs a job needs that makes a data set's generated images if none are kept."""
    kind = config["sources"][DATASETS[wildcards.dataset]["generated"]]["kind"]
    made = kind == "generator" and not config["extraction"]["keep_images"]
    return int(made and config["device"] != "cpu")
