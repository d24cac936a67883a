"""Measure the first numbers that the released code prints, for one data set.

In: real statistics and candidates' features, by network. Out: JSON.
"""

from fringe.evaluation import load_gaussian, measure_checks
from fringe.features import open_features
from fringe.running.script import ScriptJob, run
from fringe.scores.self_check import write_checks


def main(job: ScriptJob) -> None:
    """Measure every check of the data set."""
    about = job.params.about
    networks = about["networks"]
    real = {
        network: load_gaussian(path)[0]
        for network, path in zip(networks, job.input.real, strict=True)
    }
    candidates = {
        network: open_features(path)
        for network, path in zip(networks, job.input.candidates, strict=True)
    }
    found = measure_checks(
        real,
        candidates,
        about["distances"],
        loss=about["loss"],
        n_real=about["n_real"],
        n_drawn=about["n_drawn"],
        seed=about["seed"],
    )
    write_checks(job.output[0], found)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
