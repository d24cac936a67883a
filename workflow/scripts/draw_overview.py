"""Draw Figure 1: images, what the network makes of them, and where FID is measured.

In: features and logits of real and of generated images, and their means and covariances. Out: PNG
and PDF.
"""

from fringe.evaluation import load_gaussian, overview_of
from fringe.features import open_features
from fringe.figures import feature_overview, save
from fringe.plan.planned import planned_images
from fringe.running.script import ScriptJob, run

IMAGES = range(3)


def main(job: ScriptJob) -> None:
    """Draw one data set."""
    about, given = job.params.figure, job.input
    real, n_real = load_gaussian(given.real_features)
    generated, n_generated = load_gaussian(given.generated_features)
    found = overview_of(
        (open_features(given.real), open_features(given.generated)),
        {
            "features": (real, generated),
            "logits": (
                load_gaussian(given.real_logits)[0],
                load_gaussian(given.generated_logits)[0],
            ),
        },
        (about["n_real"], about["n_generated"]),
        (n_real, n_generated),
    )
    with (
        planned_images(job.config, about["real"]) as real_source,
        planned_images(job.config, about["generated"]) as generated_source,
    ):
        images = real_source.read(IMAGES), generated_source.read(IMAGES)
    figure = feature_overview(
        images[0],
        images[1],
        found,
        title=about["title"],
        network=about["network"],
        simulated=about["simulated"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
