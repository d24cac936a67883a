"""Write the page of the run: answers, images, curves and exhibits in one file.

In: scores, verdicts, tables, figures, and the images of the explorers. Out: HTML.
"""

from pathlib import Path

from fringe.features import damage_of
from fringe.page.build import write_index
from fringe.page.collect import collect
from fringe.plan import layout
from fringe.running.script import ScriptJob, run
from fringe.scores.explorer import read_explorer


def main(job: ScriptJob) -> None:
    """Write one page."""
    about = job.params.about
    explorers = {
        (view["kind"], view["name"]): read_explorer(path)
        for view, path in zip(about["explorers"], job.input.get("explorers", []), strict=True)
    }
    features = Path(layout.run_folder(job.config), layout.FEATURES)
    content = collect(
        about,
        dict(job.input.items()),
        damage=damage_of(features, about["verdict"].get("read", {})),
        explorers=explorers,
    )
    write_index(job.output[0], content)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
