"""Judge a comparison: is a lower distance real?

In: distances in all networks, distances of distorted real images in each control, the weights of
each price, features of the real images and of the first generator in the controls, and pictures of
classes. Out: JSON, Markdown and HTML.
"""

from fringe.comparison import (
    judge,
    load_weights,
    power_of,
    stored_controls,
    with_power,
    with_reactions,
    witness,
)
from fringe.report import write_comparison
from fringe.running.script import ScriptJob, run
from fringe.scores.adherence import read_following
from fringe.scores.compared_protocol import with_protocol
from fringe.scores.comparison import read_main_measurement, read_network_distances, write_result
from fringe.scores.power import read_power


def main(job: ScriptJob) -> None:
    """Combine the distances of all networks, and write the verdict."""
    about = job.params.about
    measured = read_main_measurement(job.input.main)
    controls = [read_network_distances(path) for path in job.input.controls]
    witnesses = [
        witness(
            one.network,
            measured.distances.network,
            about["trained_with"],
            trained_on=about["trained_on"][one.network],
            title=one.title,
        )
        for one in controls
    ]
    if powers := job.input.get("power"):
        # Absent if there were no images to distort.
        witnesses = [
            with_power(one, power_of(read_power(path), control.floor.distance.value))
            for one, path, control in zip(witnesses, powers, controls, strict=True)
        ]
    prices = with_reactions(
        measured.prices,
        load_weights(job.input.weights),
        stored_controls(controls, job.input.real, job.input.baseline),
    )
    found = judge(
        about["title"],
        [measured.distances, *controls],
        witnesses,
        compositions=measured.compositions,
        histogram_shares=measured.histogram_shares,
        class_shares=measured.class_shares,
        prices=prices,
        notes=about["notes"],
        seed=measured.distances.seed,
    )
    if (following := read_following(about.get("follows"))) is not None:
        found = with_protocol(found, following, about["follows"]["models"])
    write_result(job.output.json, found)
    pictures = dict(zip(about["illustrated"], job.input.get("classes", []), strict=True))
    write_comparison(found, job.output.markdown, job.output.html, pictures)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
