# What all rules share: the completed configuration, what its sources hold, and paths.

import logging
import math
import os
import re
from contextlib import ExitStack
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
from fringe.costs import jobs, rates, work
from fringe.plan import deviations, layout, provenance, weight_files
from fringe.plan.protocols import chosen_images, protocol
from fringe.running import opening
from fringe.running.locks import clear_stale_locks
from fringe.running.slurm_jobs import refuse_left_over
from fringe.config.completion import load_schema
from fringe.plan.deviations import applying
from fringe.running.damage import set_damaged_aside
from fringe.errors import FringeError
from fringe.plan.exhibits import exhibits
from fringe.files import seals
from fringe.files.hdf5 import is_made_from
from fringe.networks import network_info, network_weights
from fringe.networks.weight_files import mismatch
from fringe.plan.omission import summarize
from fringe.plan.planned import note_plan, planned_digests, refuse_other_plan
from fringe.running.slurm_polling import patch
from fringe.scores.protocol import PAPER_DATASETS, plain_name
from fringe.running.snakemake_records import remove_damaged_records
from fringe.costs.remembered_sizes import remember_sizes
from fringe.running.script import expose_library
from fringe.sources import REVISION as IMAGES_REVISION
from fringe.texts import inert
from fringe.running.times import bring_back
from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod

loading.close()

LOGGER = logging.getLogger("fringe.workflow")


def checked(config):
    """Return the completed config and what each used source holds, or end naming every fault."""
    try:
        schema = load_schema(Path(workflow.basedir) / "config" / "schema.yaml")
        files = [Path(path) for path in workflow.configfiles]
        with activity("reading data sets"):
            checked = opening.check(config, schema, files)
        if workflow.is_main_process:
            patch()
            for warning in choices.warnings(checked[0]):
                LOGGER.warning("%s", warning)
            if left_out := checked[0].get("left_out"):
                LOGGER.info("%s", summarize(left_out))
    except FringeError as error:
        raise WorkflowError(str(error)) from None
    return checked


def refuse_changed_plan():
    """End a job that reads this file again if its run was planned with other data."""
    try:
        refuse_other_plan(Path(R), config["planned"])
    except FringeError as error:
        raise WorkflowError(str(error)) from None


def prepare(dry):
    """Set right what an earlier run left, and write down what this one keeps; ``dry``: only tell.

    Returns the damaged files that are to be made again.
    """
    try:
        if not dry:
            clear_stale_locks(Path(".snakemake"))
            refuse_left_over(Path.cwd())
            remember_sizes(config, SOURCES)
            note_plan(Path(R), config["planned"])
        bring_back(Path(R), dry=dry)
        aside = map(str, set_damaged_aside(Path(R), dry=dry))
        unknown = remove_damaged_records(Path(".snakemake/metadata"), dry=dry)
    except FringeError as error:
        raise WorkflowError(str(error)) from None
    # Records are those of all runs in this folder.
    return [*aside, *(path for path in unknown if path.startswith(f"{R}/"))]


def prepare_before_jobs():
    """Let Snakemake call `prepare` before it plans jobs to run them, or to show them (--dry-run).

    What only asks (--lint, --dag, --summary, ...) reads this file as well and must change nothing.
    """
    execute, build = workflow.execute, workflow._build_dag

    def prepared(*args, **settings):
        aside = prepare(dry=workflow.output_settings.dryrun)

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
COMPLETE, SOURCES = checked(dict(config))
config.update(COMPLETE)
if workflow.is_main_process:
    prepare_before_jobs()
# By exhibit, for notes and captions: what the paper leaves open.
config["choices"] = deviations.choices(config)

R = f"{config['results']}/{config['run']}"
DATASETS = config["datasets"]
# Those that tables and figures show; the others take part in comparisons alone.
RESAMPLED = {name: dataset for name, dataset in DATASETS.items() if dataset["resample"]}


def is_made(file, provenance):
    """Tell whether a file of the run is there, as its job left it, and was made from just this.

    Jobs find damaged files set aside already.
    """
    if workflow.is_main_process and seals.fault(Path(R), file):
        return False
    return is_made_from(file, provenance)


def in_files(network):
    """Return a network's name in file names, where "module:function" would not do."""
    return network.replace(":", ".")


NETWORKS = {in_files(name): name for name in choices.networks(config)}
MAIN, CONTROLS = in_files(config["network"]), [*map(in_files, config["controls"])]
# The control in figures that show one.
SHOWN = in_files(choices.shown_control(config))
WEIGHTS = weight_files.locate_weights(config, layout.hash_cache(config))
# What jobs compare with what they read.
config["planned"] = planned_digests(config, SOURCES, WEIGHTS)
if not workflow.is_main_process:
    refuse_changed_plan()
SCHEMES = choices.schemes(config)
# Of the schemes with weights optimized in pre-logits those that a run has: by the released
# algorithm, and to the optimum.
PRE_LOGITS = [
    scheme for scheme in ("prelogits-released", "prelogits") if scheme in SCHEMES
]
RELEASED = "prelogits-released" in SCHEMES

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


def identity(source):
    """Return what the images of a source depend on."""
    return SOURCES[source]["fingerprint"]


def shard_identity(wildcards):
    """Return what the images of one shard depend on: a change elsewhere leaves it alone."""
    return SOURCES[wildcards.source]["shards"][wildcards.shard]


def compared(wildcards):
    """Return the names of a data set's sources, as params.

    The files of another source may be older than the output, so their time would not tell that
    it is stale. Likewise every param names the network and the counts that paths are made of.
    """
    dataset = DATASETS[wildcards.dataset]
    return {"real": dataset["real"], "generated": dataset["generated"]}


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


# Features: rules/features.smk.


def feature_files():
    """Return all feature files of a run. A lost one is made again even if no result asks for it."""
    return [
        f"{R}/features/{source}/{in_files(network)}.h5"
        for source in SOURCES
        for network in choices.networks_for(config, source)
    ]


def rendered_shard(wildcards):
    """Return the images that a shard of features is extracted from, where they are kept.

    Features that are done have none: their images may have been dropped, or made again for
    another network. (Not `ancient`: when images had to be made again, Snakemake would not look at
    the params of the features behind them.)
    """
    w = wildcards
    return [] if is_extracted(w) else kept_shard(w.source, w.shard)


def kept_shard(source, shard):
    """Return the file of a shard's images, where they are rendered and kept."""
    kept = choices.is_rendered(config, source) and config["extraction"]["keep_images"]
    return f"{R}/images/{source}/{shard}.h5" if kept else []


def unpacked_images(wildcards):
    """Return the file that a source is unpacked to, as long as features are to be made from it."""
    return [] if is_extracted(wildcards) else unpacked_file(wildcards.source)


def unpacked_file(source):
    """Return the file that a source is unpacked to, where it is compressed as a whole."""
    kept = SOURCES[source]["packed"] and config["extraction"]["keep_images"]
    return str(layout.unpacked_path(config, source)) if kept else []


def network_weights_file(wildcards):
    """Return the file of a network's weights; like images, only as long as features are to be made.

    Weights that come by another way, or again, thus have no time stamp that could make features
    stale.
    """
    return [] if is_extracted(wildcards) else weights_file(wildcards.network)


def weights_file(network):
    """Return the file of a network's weights, where it has one."""
    name = NETWORKS[network]
    return WEIGHTS[name]["path"] if name in WEIGHTS else []


def is_extracted(wildcards):
    """Tell whether a shard of features is there and was made from what it would be made from."""
    w = wildcards
    done = f"{R}/features/{w.source}/{w.network}/{w.shard}.h5"
    return is_made(done, shard_made_from(w))


def weights_to_fetch():
    """Return the published files of weights that are not there, by the name that each will have."""
    return {
        Path(file["path"]).name: name
        for name, file in WEIGHTS.items()
        if name not in config["weights"] and not Path(file["path"]).exists()
    }


def shard_made_from(wildcards):
    """Return all that a shard of features depends on."""
    return {"images": shard_identity(wildcards), **made_by(wildcards.network)}


def made_by(network):
    """Return what features depend on, beside the images."""
    name = NETWORKS[network]
    return {
        "network": name,
        "network_revision": network_info(name)[2],
        **({"weights": WEIGHTS[name]["identity"]} if name in WEIGHTS else {}),
        "batch_size": config["extraction"]["batch_size"],
        "precision": config["extraction"]["precision"],
        "revision": revisions.FEATURES,
    }


def published_statistics(wildcards):
    """Return what identifies published statistics in place of measured ones, if there are any."""
    w = wildcards
    network = NETWORKS[w.network]
    cache = layout.hash_cache(config)
    return provenance.published_statistics(config, w.source, network, w.space, cache)


def measured_features(wildcards):
    """Return the features that statistics are measured of, unless there are published ones."""
    if published_statistics(wildcards):
        return []
    return f"{R}/features/{wildcards.source}/{wildcards.network}.h5"


def extraction_memory(wildcards):
    """Return megabytes: a network, a batch in it, and what decodes or makes the images."""
    w = wildcards
    return looking_memory(w.network, w.source, not kept_shard(w.source, w.shard))


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


# Weights and draws: rules/resampling.smk.


def matched_sets(wildcards):
    """Return which images weights or draws were matched to which, and in what network."""
    n_real = DATASETS[wildcards.dataset]["n_real"]
    return {**compared(wildcards), "n_real": n_real, "network": config["network"]}


def is_extended(dataset):
    """Tell whether Top-1 matching of a data set can draw on beyond the candidates."""
    return choices.is_rendered(config, DATASETS[dataset]["generated"])


def extension_of(wildcards):
    """Return the file of the images beyond the candidates that matching draws, if it can."""
    dataset = wildcards.dataset
    return {"extension": f"{R}/matched/{dataset}.h5"} if is_extended(dataset) else {}


def extension_features(wildcards, network=None):
    """Return `extension_of` and its features, where the draws of a scheme hold such images."""
    w = wildcards
    if w.scheme != "matched" or not is_extended(w.dataset):
        return {}
    further = f"{R}/matched/{w.dataset}/{network or w.network}.h5"
    return {**extension_of(w), "further": further}


def extension_made_from(dataset):
    """Return the attribute by which `extension_of` tells all that it depends on but the limit."""
    generated = DATASETS[dataset]["generated"]
    made_from = {
        "real": identity(DATASETS[dataset]["real"]),
        "generated": identity(generated),
        "count": SOURCES[generated]["count"],
        "n_real": DATASETS[dataset]["n_real"],
        "n": DATASETS[dataset]["n_generated"],
        "features": made_by(MAIN),
        "revision": revisions.RESAMPLING,
    }
    return provenance.sweep_provenance(made_from)


def settled_limit(wildcards):
    """Return the most images that matching looks at; another limit without effect changes nothing."""
    dataset = wildcards.dataset
    count = SOURCES[DATASETS[dataset]["generated"]]["count"]
    limit = choices.matching_limit(config, dataset, count)
    file = Path(f"{R}/matched/{dataset}.h5")
    return provenance.settled_limit(file, extension_made_from(dataset), limit)


def weights_to_draw_on(wildcards):
    """Return the file of FID's network, as long as `extension_of` is to be made."""
    done = f"{R}/matched/{wildcards.dataset}.h5"
    made_from = extension_made_from(wildcards.dataset)
    return [] if is_made(done, made_from) else weights_file(MAIN)


def matched_features_made_from(wildcards):
    """Return all that features of the images beyond the candidates depend on, beside which they are."""
    generated = DATASETS[wildcards.dataset]["generated"]
    return {"images": identity(generated), **made_by(wildcards.network)}


def weights_to_extract_matched(wildcards):
    """Return the file of a network's weights, as long as `matched_features` are to be made."""
    w = wildcards
    done = f"{R}/matched/{w.dataset}/{w.network}.h5"
    made = is_made(done, matched_features_made_from(w))
    return [] if made else weights_file(w.network)


def drawing_on_memory(dataset, network):
    """Return megabytes of a job that makes images beyond the candidates and looks at them."""
    return looking_memory(network, DATASETS[dataset]["generated"], makes=True)


def optimized_space(wildcards):
    """Return the inputs of a weight optimization: real statistics and candidates in one space."""
    space = "features" if wildcards.scheme.startswith("prelogits") else "logits"
    return {
        "real": real_statistics(space, MAIN)(wildcards),
        "candidates": features("generated", MAIN)(wildcards),
    }


def sweep_inputs(dataset):
    """Return what Top-N and Middle-N weights of a data set are made from and judged by."""
    real, n_real = DATASETS[dataset]["real"], DATASETS[dataset]["n_real"]
    return {
        "real": f"{R}/features/{real}/{MAIN}.h5",
        "candidates": f"{R}/features/{DATASETS[dataset]['generated']}/{MAIN}.h5",
        "judged": f"{R}/statistics/{real}/{MAIN}/features-{n_real}.h5",
    }


def sweep_made_from(dataset):
    """Return all that a data set's Top-N and Middle-N weights depend on, beside their N."""
    return {
        "real": identity(DATASETS[dataset]["real"]),
        "generated": identity(DATASETS[dataset]["generated"]),
        "n_real": DATASETS[dataset]["n_real"],
        **judged(dataset),
        "judged": provenance.published_statistics(
            config,
            DATASETS[dataset]["real"],
            config["network"],
            "features",
            layout.hash_cache(config),
        ),
        "features": made_by(MAIN),
        "optimization": choices.optimization_settings(config, "top"),
        "revision": revisions.RESAMPLING,
        "metrics_revision": revisions.METRICS,
    }


def sweep_to_make(dataset):
    """Return a data set's Top-N and Middle-N weights that are not there, or made from other things."""
    made_from = provenance.sweep_provenance(sweep_made_from(dataset))
    files = [
        f"{R}/weights/{dataset}/{name}.h5" for name in choices.sweep_schemes(config)
    ]
    return [file for file in files if not is_made(file, made_from)]


def judged(dataset):
    """Return what the choice among the weights on an optimization's path depends on."""
    return {"n": DATASETS[dataset]["n_generated"], "seed": config["seed"]}


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


def drawing(wildcards, scheme):
    """Return what the draws of a scheme depend on, beside the weights."""
    dataset = DATASETS[wildcards.dataset]
    return {
        "n": dataset["n_generated"],
        "repeats": choices.repeats(config, scheme),
        "seed": config["seed"],
        "revision": revisions.RESAMPLING,
    }


# Scores: rules/evaluation.smk.


def scoring(**others):
    """Return what every score depends on, and ``others``."""
    return {"seed": config["seed"], "revision": revisions.METRICS, **others}


def snapshot_statistics(wildcards):
    """Return mean and covariance of every snapshot of a data set."""
    dataset = DATASETS[wildcards.dataset]
    return [
        f"{R}/statistics/{source}/{MAIN}/{wildcards.space}-"
        f"{min(dataset['n_generated'], SOURCES[source]['count'])}.h5"
        for source in dataset["snapshots"]
    ]


# What FID looks at: rules/sensitivity.smk.


EXPLAINED = choices.explained_datasets(config)
EXPLAINERS = [in_files(name) for name in choices.explaining_networks(config)]


def explained(wildcards, network=None):
    """Return what all maps of a data set in one network depend on, beside the images."""
    return {
        **compared(wildcards),
        **made_by(network or wildcards.network),
        "n": choices.explained_images(config, wildcards.dataset),
        "n_real": DATASETS[wildcards.dataset]["n_real"],
        "metrics_revision": revisions.METRICS,
        "sensitivity_revision": revisions.SENSITIVITY,
    }


def maps_made_from(wildcards):
    """Return all that a shard of maps depends on, what is behind the statistics included."""
    dataset = DATASETS[wildcards.dataset]
    real, generated = dataset["real"], dataset["generated"]
    network = NETWORKS[wildcards.network]
    published = provenance.published_statistics(
        config, real, network, "features", layout.hash_cache(config)
    )
    return {
        **explained(wildcards),
        "images": SOURCES[generated]["shards"][wildcards.shard],
        "generated_images": identity(generated),
        "real_images": identity(real),
        "published_statistics": published.get("sha256", ""),
    }


def are_explained(wildcards):
    """Tell whether a shard of maps is there and was made from what it would be made from.

    Were other statistics left out of that, maps would be made again for them without their inputs.
    """
    w = wildcards
    done = f"{R}/sensitivity/{w.dataset}/{w.network}/{w.shard}.h5"
    return is_made(done, maps_made_from(w))


def images_to_explain(wildcards):
    """Return the images that a shard of maps is made from, where they are kept; see rendered_shard."""
    w = wildcards
    source = DATASETS[w.dataset]["generated"]
    return [] if are_explained(w) else kept_shard(source, w.shard)


def unpacked_to_explain(wildcards):
    """Return the file that the images are unpacked to, as long as a shard of maps is to be made."""
    generated = DATASETS[wildcards.dataset]["generated"]
    return [] if are_explained(wildcards) else unpacked_file(generated)


def weights_to_explain(wildcards):
    """Return the file of a network's weights, as long as a shard of maps is to be made."""
    return [] if are_explained(wildcards) else weights_file(wildcards.network)


def explained_shards(wildcards):
    """Return the maps of all shards that hold one of the images that FID is measured on."""
    w = wildcards
    n = choices.explained_images(config, w.dataset)
    return [
        f"{R}/sensitivity/{w.dataset}/{w.network}/{shard}.h5"
        for shard in SOURCES[DATASETS[w.dataset]["generated"]]["shards"]
        if layout.parse_shard(shard)[0] < n
    ]


def shown_groups(wildcards):
    """Return of how many groups a figure shows means: all images, and those of classes."""
    asked = choices.shown_classes(config, wildcards.dataset)
    every = asked if isinstance(asked, int) else len(asked)
    return 1 + {"4b": min(3, every), "12": every, "15": min(4, every)}[wildcards.number]


def generated_statistics(wildcards, others=False):
    """Return mean and covariance of the images that have maps, or of all ``others`` but one."""
    w = wildcards
    n = choices.explained_images(config, w.dataset) - others
    place = f"{R}/statistics/{DATASETS[w.dataset]['generated']}/{w.network}"
    return f"{place}/features-{n}.h5"


def example_statistics(wildcards):
    """Return those of the images that an example is one of, or is added to where a seed makes it."""
    w = wildcards
    seeded = "seeds" in choices.shown_images(config, w.dataset, w.shown)
    return generated_statistics(wildcards, others=seeded)


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
    read = kept_shard(DATASETS[wildcards.dataset]["generated"], wildcards.shard)
    return 0 if read else 1 + config["extraction"]["workers"]


def making_gpus(wildcards):
    """Return how many GPUs a job needs that makes a data set's generated images if none are kept."""
    kind = config["sources"][DATASETS[wildcards.dataset]["generated"]]["kind"]
    made = kind == "generator" and not config["extraction"]["keep_images"]
    return int(made and config["device"] != "cpu")


def region_identity(dataset):
    """Return what the region of a data set is: a box, or the digest of a mask's file."""
    region = DATASETS[dataset]["region"]
    if isinstance(region, str):
        return provenance.digest(region, config)
    return region


def noise_files(dataset):
    """Return the FIDs of a data set with noise of each scale; none where no scale is asked for."""
    scales = config["sensitivity"]["noise"]["scales"]
    return [
        f"{R}/sensitivity/{dataset}/noise-{scale:.12g}.csv"
        for scale in ([0, *scales] if scales else [])
    ]


# Tables, and titles everywhere: rules/tables.smk.


def titles(datasets=tuple(RESAMPLED)):
    """Return the display names of data sets, and which of them a simulated generator made."""
    return {
        name: {
            "title": DATASETS[name]["title"],
            "simulated": SOURCES[DATASETS[name]["generated"]]["simulated"],
        }
        for name in datasets
    } | own_weights()


def own_weights():
    """Return display names of networks of Fringe's own with weights that nobody published."""
    from fringe.scores.titles import title_of  # brings pandas, which takes a while

    return {
        name: f"{title_of({}, name)} (own weights {file['identity'][:8]})"
        for name, file in WEIGHTS.items()
        if mismatch(Path(file["path"]), file["identity"], network_weights(name))
    }


def protocols(datasets):
    """Return what numbers are measured with, of those of ``datasets`` that the paper has too.

    Others compare with nothing, and nothing of theirs becomes stale by it.
    """
    return {
        name: protocol(config, SOURCES, WEIGHTS, name).to_plain()
        for name in datasets
        if plain_name(name) in PAPER_DATASETS
    }


def read_from_files(datasets):
    """Return, as params, which features say how many images of each data set were damaged.

    Nothing where no images are read from files.
    """
    found = {}
    for name in datasets:
        sources = dict.fromkeys([DATASETS[name]["real"], DATASETS[name]["generated"]])
        files = [s for s in sources if config["sources"][s]["kind"] == "files"]
        if files:
            found[name] = [f"{source}/{MAIN}.h5" for source in files]
    return {"read": found} if found else {}


def chosen(datasets):
    """Return, as params, in words which images stand for each data set.

    Nothing where no images are read from files.
    """
    told = {name: chosen_images(config, SOURCES, name) for name in datasets}
    told = {name: sentence for name, sentence in told.items() if sentence}
    return {"chosen": told} if told else {}


def snapshot_protocols(datasets):
    """Return what the FID of each snapshot is measured with, as `protocols`."""
    return {
        name: {
            source: protocol(
                config, SOURCES, WEIGHTS, name, generated=source
            ).to_plain()
            for source in DATASETS[name]["snapshots"]
        }
        for name in datasets
        if plain_name(name) in PAPER_DATASETS
    }


def exhibits_of(paths):
    """Return the names of exhibits, such as "table1" and "figure10a", that files show."""
    found = (re.match("(table|figure)S?[0-9]+[ab]?", Path(path).name) for path in paths)
    return sorted({one.group() for one in found if one})


def table_scores(wildcards):
    """Return the scores that a table pivots."""
    table = TABLES[int(wildcards.table)]
    kinds = [MAIN]
    kinds += CONTROLS if table["controls"] else []
    kinds += ["kernels"] if table["kernels"] else []
    return expand(
        f"{R}/scores/{{dataset}}/{{scheme}}/{{kind}}.csv",
        dataset=RESAMPLED,
        scheme=table["schemes"],
        kind=kinds,
    )


# Figures: rules/figures.smk.


def candidate_statistics(dataset, space):
    """Return mean and covariance of the first generated images of a data set, in FID's network."""
    about = DATASETS[dataset]
    place = f"{R}/statistics/{about['generated']}/{MAIN}"
    return f"{place}/{space}-{about['n_generated']}.h5"


def drawn(number, name="", caption="figure"):
    """Return the two files of a figure; the report shows the PNG."""
    stem = f"{R}/figures/figure{number}{name}"
    return {
        "png": report(
            f"{stem}.png",
            caption=f"../workflow/report/{caption}.rst",
            category="Figures",
            # One label: of two, the report makes switches, and breaks where a combination is missing.
            labels={"figure": f"Figure {number} {name.removeprefix('-')}".strip()},
        ),
        "pdf": f"{stem}.pdf",
    }


def drawing_style(**others):
    """Return what every figure depends on beside its inputs, and ``others``."""
    style = {key: value for key, value in config["figures"].items() if key != "seed"}
    return inert({"style": style, "revision": revisions.FIGURES, **others})


def subject(dataset):
    """Return the title of one data set, and whether a simulated generator made its images."""
    return titles()[dataset]


def sweep_scores(wildcards):
    """Return the scores behind Figures 6 and 18, in FID's network and in one control."""
    return expand(
        f"{R}/scores/{{dataset}}/{{scheme}}/{{network}}.csv",
        dataset=sweep_datasets(wildcards.number),
        scheme=["random", *PRE_LOGITS, *choices.sweep_schemes(config)],
        network=[MAIN, SHOWN],
    )


def sweep_datasets(number):
    """Return the data sets of Figure 6, the first, or of Figure 18, all."""
    return list(RESAMPLED) if number == "18" else list(RESAMPLED)[:1]


def compared_scores(comparison):
    """Return the scores of a comparison's two generators: FID, one control's, and recall."""
    return expand(
        f"{R}/scores/{{dataset}}/random/{{kind}}.csv",
        dataset=config["comparisons"][comparison]["generators"].values(),
        kind=[MAIN, SHOWN, "precision_recall"],
    )
