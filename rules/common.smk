# Definitions that all rules share: the run, and functions that pass its plan to Snakemake.

import inspect
import re
from contextlib import contextmanager
from pathlib import Path

from fringe.messages import show_messages
from fringe.progress import activity, mute

show_messages()

# Jobs read this file too, but the progress was already shown. `fringe run` has its own line.
if (
    not workflow.is_main_process
    or "fringe" in workflow.output_settings.log_handler_settings
):
    mute()
with activity("loading Fringe"):
    from fringe import revisions
    from fringe.config import choices
    from fringe.costs.resources import asker
    from fringe.errors import FringeError
    from fringe.networks import file_name
    from fringe.plan import exhibit_params, exhibits, inputs, layout, provenance
    from fringe.plan.weight_files import weight_files_to_fetch
    from fringe.running import forks, slurm_polling
    from fringe.running.opening import open_run
    from fringe.running.places import refuse_missing_image
    from fringe.running.preparing import prepare
    from fringe.running.script import expose_library
from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod


@contextmanager
def plain_errors():
    """Let Snakemake end with the message of a `FringeError`, without a traceback."""
    try:
        yield
    except FringeError as error:
        raise WorkflowError(str(error)) from None


def runs_here():
    """Return whether jobs run on this machine, not on other machines (nodes)."""
    return workflow.resource_settings.nodes is None


def shared_cores():
    """Return the number of cores that jobs may use together; 1 if they run on other machines."""
    return workflow.resource_settings.cores if runs_here() else 1


def opened(config):
    """Return the run of the configuration, or end with a message that lists every fault."""
    files = [Path(path) for path in workflow.configfiles]
    with plain_errors(), activity("reading data sets"):
        run = open_run(
            config, files, in_job=not workflow.is_main_process, cores=shared_cores()
        )
        if DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method:
            definition = Path(workflow.basedir) / "envs" / "fringe.def"
            refuse_missing_image(run.config.container, definition)
    return run


def prepare_before_jobs():
    """Let Snakemake call `prepare` before it plans jobs, to run them or to show them (--dry-run).

    Other calls (--lint, --dag, --summary, ...) read this file as well and must not change anything.
    """
    execute, build = workflow.execute, workflow._build_dag

    def prepared(*args, **settings):
        with plain_errors():
            to_make = prepare(RUN, dry=workflow.output_settings.dryrun)

        def built():
            # If only finished results need a file, Snakemake makes it again only if it is forced.
            workflow.dag.forcefiles.update(to_make)
            build()

        if runs_here():
            # With this limit (by default 100 jobs per second), Snakemake searches for jobs to start
            # once per second for each job that it has started while others were waiting.
            workflow.scheduling_settings.max_jobs_per_timespan = None
        workflow._build_dag = built
        return execute(*args, **settings)

    workflow.execute = prepared


expose_library()

# Scripts read paths, device and workers from the config, because results do not depend on them.
# All other values are params, which Snakemake tracks.
RUN = opened(dict(config))
config.update(RUN.config.plain())
if workflow.is_main_process:
    slurm_polling.patch()
    if runs_here():
        forks.patch()
    prepare_before_jobs()


def for_job(function, **fixed):
    """Return a function of wildcards for inputs or params, which calls ``function`` with the run.

    ``function`` gets the run, and by name the wildcards that it needs. ``fixed`` arguments are the
    same in all jobs of the rule.
    """
    names = [name for name in inspect.signature(function).parameters if name != "run"]

    def evaluate(wildcards):
        given = {name: wildcards[name] for name in names if name not in fixed}
        return function(RUN, **given, **fixed)

    return evaluate


def below(place):
    """Return the path, or the pattern of paths, of a place (`fringe.plan.layout`)."""
    return RUN.path(place)


def log_file(rule, *names):
    """Return the pattern of a rule's logs."""
    return RUN.path(layout.log(rule, *names))


def benchmark_file(rule, *names):
    """Return the pattern of a rule's benchmark files."""
    return RUN.path(layout.benchmark(rule, *names))


def page_files(name, shown=True, **about):
    """Return the two files of a page. If ``shown``, Snakemake's report includes the HTML file."""
    html = below(layout.page(name, "html"))
    if shown:
        html = report(html, caption=f"../workflow/report/{name}.rst", **about)
    return {"markdown": below(layout.page(name, "md")), "html": html}


def figure_files(number, name=""):
    """Return the two files of a figure. Snakemake's report includes the PNG file."""
    stem = f"figure{number}{name}"
    return {
        "png": report(
            below(layout.figure(stem, "png")),
            caption="../workflow/report/figure.rst",
            category="Figures",
            # Only one label: with two, the report has switches, and fails without a combination.
            labels={"figure": f"Figure {number} {name.removeprefix('-')}".strip()},
        ),
        "pdf": below(layout.figure(stem, "pdf")),
    }


FID_NETWORK = RUN.fid_network
SCHEMES = choices.schemes(RUN.config)
# Returns the memory, minutes and GPUs of a rule's jobs, by the rule's name.
ask = asker(RUN)

# The job of each data set has its own rule for sweeps (rules/resampling.smk). The resources that a
# profile sets for optimize_sweep, such as the partition, also apply to these rules. They must be
# set before the first rule is read.
for _dataset in RUN.datasets:
    _set = workflow.resource_settings.overwrite_resources
    if "optimize_sweep" in _set:
        _set.setdefault(f"optimize_sweep_{_dataset}", _set["optimize_sweep"])
