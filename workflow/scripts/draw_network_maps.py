"""Draw Figure S2: maps of the Fréchet distance of each network, for the same images.

In: maps and examples in each network. Out: PNG and PDF.
"""

from fringe.figures import network_maps, save
from fringe.running.script import ScriptJob, run
from fringe.sensitivity import read_examples, read_sensitivity


def main(job: ScriptJob) -> None:
    """Draw one data set."""
    about = job.params.figure
    examples = [read_examples(path) for path in job.input.examples]
    found = [read_sensitivity(path) for path in job.input.maps]
    means = [each.maps.mean(axis=0) for each in found]
    figure = network_maps(
        examples[0].images,
        {name: each.maps for name, each in zip(about["networks"], examples, strict=True)},
        mean_maps=dict(zip(about["networks"], means, strict=True)),
        mean_image=found[0].image_sum / len(found[0]),
        title=about["title"],
        titles=about["titles"],
        simulated=about["simulated"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
