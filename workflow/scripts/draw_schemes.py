"""Draw Figure 16: images drawn with three schemes, with the FID of each scheme.

In: draws and scores. Out: PNG and PDF.
"""

from fringe.evaluation import load_draws
from fringe.figures import save, scheme_grids
from fringe.plan.planned import planned_images
from fringe.running.script import ScriptJob, run
from fringe.scores.cells import score_cell
from fringe.scores.rows import read_scores
from fringe.seeds import random_stream


def main(job: ScriptJob) -> None:
    """Draw one data set, from the first repeat of each scheme."""
    about = job.params.figure
    rows, columns = 8, 5
    dataset = job.config.datasets[job.wildcards.dataset]
    shown = {}
    for scheme, path in zip(about["schemes"], job.input.draws, strict=True):
        indices, _ = load_draws(path)
        stream = random_stream(about["seed"], "grid", scheme)
        shown[scheme] = stream.permutation(indices[0])[: rows * columns]
    # Matching may have drawn images beyond the candidates. These few images are not kept. They are
    # made again, also on a machine without a GPU.
    device = "cpu" if job.config.device == "cpu" else "auto"
    count = 1 + max(int(indices.max()) for indices in shown.values())
    config = job.config.model_copy(update={"device": device})
    with planned_images(config, dataset.generated, at_least=count) as source:
        grids = {scheme: source.read(indices) for scheme, indices in shown.items()}
    scores = read_scores(job.input.scores)
    asked = {"dataset": job.wildcards.dataset, "network": about["network"]}
    figure = scheme_grids(
        grids,
        title=about["title"],
        rows=rows,
        columns=columns,
        fids={scheme: score_cell(scores, scheme=scheme, **asked) for scheme in grids},
        simulated=about["simulated"],
        certified=about["certified"],
        style=about["style"],
    )
    save(figure, job.output.png, job.output.pdf, about["style"])


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
