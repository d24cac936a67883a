"""Draw candidates with the Top-1 class histogram of the real images (Table 1).

In: real and candidate logits, and images beyond the candidates for incomplete bins, if the source
can make them. Out: ``indices`` (repeats, n), and the number of missing images.
"""

from fringe.evaluation import draw_matched, load_extension, save_draws
from fringe.features import open_features, top1_classes
from fringe.running.script import ScriptJob, run


def main(job: ScriptJob) -> None:
    """Draw for every repeat."""
    drawing = job.params.drawing
    extension = job.input.get("extension")
    draws, report = draw_matched(
        top1_classes(open_features(job.input.real), stop=drawing["n_real"]),
        top1_classes(open_features(job.input.candidates)),
        drawing["n"],
        drawing["repeats"],
        drawing["seed"],
        load_extension(extension) if extension else None,
    )
    print(
        f"{report['filled']} of {report['asked']} places filled, {report['beyond']} of them with "
        f"images beyond the candidates; {report['seen']} images looked at; short, by class:",
        report["unfilled"],
    )
    save_draws(job.output[0], draws, drawing, report)


if job := globals().get("snakemake"):  # Snakemake's job; absent when imported
    run(main, job)
