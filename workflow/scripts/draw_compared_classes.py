"""Draw the classes that cause a difference between two generators, with images and maps.

In: the classes, and features of real and generated images. Out: PNG and PDF.
"""

from fringe.comparison import stored_gaussian
from fringe.figures import ShownImages, compared_classes, save, shown_images
from fringe.plan.planned import planned_images, planned_network
from fringe.running.script import ScriptJob, run
from fringe.scores.comparison import read_main_measurement
from fringe.sensitivity import example_maps


def main(job: ScriptJob) -> None:
    """Draw one generator next to the first generator."""
    about = job.params.figure
    classes = read_main_measurement(job.input.main).class_shares[about["model"]["name"]]
    network = real = None
    if about["maps"]:
        network = planned_network(job.config, about["network"], about["precision"])
        real = stored_gaussian(job.input.real, about["n_real"])
    sides = {}
    for side in ("baseline", "model"):
        listed = [getattr(one, f"{side}_images") for one in classes]
        found = {number for each in listed for number in shown_images(each, about["maps"])}
        numbers, source = sorted(found), about[side]["source"]
        with planned_images(job.config, source) as opened:
            images = opened.read(numbers)
        maps = None
        if network is not None and real is not None:
            generated = stored_gaussian(job.input[side], about["n_generated"])
            names = [f"{source}: image {number}" for number in numbers]
            maps = example_maps(
                images,
                network,
                real,
                generated,
                about["n_generated"],
                batch_size=job.config.extraction.batch_size,
                called=names.__getitem__,
            )
        sides[side] = ShownImages(
            about[side]["name"],
            dict(zip(numbers, images, strict=True)),
            None if maps is None else dict(zip(numbers, maps, strict=True)),
        )
    figure = compared_classes(
        classes,
        **sides,
        title=about["title"],
        network=about["network"],
        simulated=about["simulated"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
