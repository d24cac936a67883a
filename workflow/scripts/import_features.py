"""Import features of another tool.

In: no files of the run. Out: ``features`` (n, D) and, if available, ``logits`` (n, C), both
float32, and ``labels`` (n,).
"""

from fringe.features.importing import import_features
from fringe.plan.planned import planned_features
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Import the features in one network."""
    about = job.params.made_from
    with planned_features(job.config, job.wildcards.source) as source:
        import_features(source, about["network"], job.output[0], about)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
