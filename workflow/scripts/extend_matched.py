"""Draw images beyond the candidates for Top-1 bins that candidates do not fill (Table 1).

In: real and candidate logits. Out: ``indices`` (k,) of the images, their ``classes``, and the
number of images that are still missing.
"""

from pathlib import Path

from fringe.config.choices import class_network
from fringe.evaluation import draw_on, save_extension
from fringe.features import open_features, top1_classes
from fringe.plan.planned import planned_network, planned_source
from fringe.resampling import shortage
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Draw until every bin is full, or the limit is reached."""
    config = job.config
    dataset = config.datasets[job.wildcards.dataset]
    batch = config.extraction.batch_size
    limit, checkpoint = job.params.limit, Path(job.params.checkpoint)
    candidates = top1_classes(open_features(job.input.candidates))
    real = top1_classes(open_features(job.input.real), stop=dataset.n_real)
    missing = shortage(real, candidates, dataset.n_generated)
    count = len(candidates)
    print(f"{sum(missing.values())} places of {len(missing)} classes missing")
    whole = -(-limit // batch) * batch  # the last batch is complete too
    with planned_source(config, dataset.generated, whole) as source:
        found = draw_on(
            source,
            planned_network(config, class_network(config), config.extraction.precision),
            missing,
            count,
            limit,
            batch_size=batch,
            workers=config.extraction.workers,
            checkpoint=checkpoint,
            key=job.params.made_from["made_from"],
        )
    print(
        f"{len(found.indices)} places filled by images {count} to {found.seen - 1}; "
        f"short, by class: {found.missing}"
    )
    save_extension(job.output[0], found, limit, job.params.made_from)
    if not found.missing:
        checkpoint.unlink(
            missing_ok=True
        )  # otherwise kept, so that a higher limit continues from it


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
