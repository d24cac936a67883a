"""Draw Figure 1: images, the outputs of the network, and the spaces in which FID is measured.

In: features and logits of real and of generated images, and their means and covariances. Out: PNG
and PDF.
"""

from fringe.evaluation import MeasuredImages, load_gaussian, overview_of
from fringe.features import open_features
from fringe.figures import feature_overview, save
from fringe.plan.planned import planned_images
from fringe.running.script import ScriptJob, run

IMAGES = range(3)
SIDES = ("real", "generated")


def main(job: ScriptJob) -> None:
    """Draw one data set."""
    about, given = job.params.figure, job.input
    files = {side: open_features(given[side]) for side in SIDES}
    classified = files
    if "classifier" in about:
        classified = {side: open_features(given[f"classified_{side}"]) for side in SIDES}
    measured, counts = {}, {}
    for space in ("features", "logits"):
        sides = []
        for side, file in (files if space == "features" else classified).items():
            gaussian, counts[space, side] = load_gaussian(getattr(given, f"{side}_{space}"))
            known = space == "logits" or side in about["with_images"]
            stop = about[f"n_{side}"]
            sides.append(MeasuredImages(gaussian, file if known else None, space, stop=stop))
        measured[space] = (sides[0], sides[1])
    found = overview_of(
        (files["real"], files["generated"]),
        measured,
        (about["n_real"], about["n_generated"]),
        (counts["features", "real"], counts["features", "generated"]),
        classified=(classified["real"], classified["generated"]),
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
        classifier=about.get("classifier", ""),
        simulated=about["simulated"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
