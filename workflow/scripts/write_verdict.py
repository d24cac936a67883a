"""Write the verdict: how much of FID is in its perceptual null space.

In: scores, rows of the released optimization next to Fringe's, and of sensitivity. Out: Markdown
and HTML.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fringe.features import damage_of
from fringe.plan import layout
from fringe.report import verdict, write_verdicts
from fringe.running.script import ScriptJob, run
from fringe.scores.adherence import read_following
from fringe.scores.differences import read_protocols
from fringe.scores.region_noise import read_region_noise, read_region_shares
from fringe.scores.rows import read_scores


def main(job: ScriptJob) -> None:
    """Judge every data set."""
    about = job.params.verdict
    features = Path(layout.run_folder(job.config), layout.FEATURES)
    found = verdict(
        read_scores(job.input.scores),
        about["network"],
        about["controls"],
        about["titles"],
        dims=about["dims"],
        trained_on=about["trained_on"],
        convergence=_read(read_scores, job.input.get("convergence")),
        region_noise=_read(read_region_noise, job.input.get("region_noise")),
        region_shares=_read(read_region_shares, job.input.get("region_shares")),
        released=about["released"],
        protocols=read_protocols(about["protocols"]),
        following=read_following(about.get("follows")),
        # The number of damaged images is in feature files, which are inputs of scores only.
        damage=damage_of(features, about.get("read", {})),
        chosen=about.get("chosen"),
        classifier=about.get("classifier", ""),
        published=about.get("published"),
        null_spaces=about.get("null_spaces"),
    )
    write_verdicts(found, job.output.markdown, job.output.html)


def _read(read: Callable[[Iterable[str]], Any], files: Iterable[str] | None) -> Any:
    return read(files) if files else None


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
