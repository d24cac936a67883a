"""Draw Figure 10b: images with noise in the important half, in the other half, and everywhere.

In: sensitivity maps. Out: PNG and PDF.
"""

from fringe.figures import noise_examples, save
from fringe.plan.planned import planned_images
from fringe.running.script import ScriptJob, run
from fringe.sensitivity import REGIONS, NoisySource, read_sensitivity

IMAGES = 3  # few, so that each is shown at about its own size


def main(job: ScriptJob) -> None:
    """Draw one data set."""
    about = job.params.figure
    maps = read_sensitivity(job.input[0]).maps
    generated = job.config.datasets[job.wildcards.dataset].generated
    shown = range(min(IMAGES, len(maps)))
    with planned_images(job.config, generated) as source:
        panels = {"clean": source.read(shown)}
        for region in REGIONS:
            noisy = NoisySource(source, maps, region, about["scale"], about["seed"])
            panels[region] = noisy.read(shown)
    figure = noise_examples(
        panels,
        about["scale"],
        title=about["title"],
        network=about["network"],
        maps=maps[: len(shown)],
        simulated=about["simulated"],
        choices=about["choices"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
