"""Params of the jobs that make tables, figures and pages.

A result depends on its params, besides the scores and maps that it shows. Each function has the
name of a rule and returns the params of the rule's jobs (`fringe.plan.provenance`). Snakemake's
report shows these jobs, so texts in their params are `inert`.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fringe import revisions
from fringe.config import choices
from fringe.config.compared_classes import compared_sources
from fringe.config.datasets import Comparison
from fringe.config.model import Config
from fringe.config.sources import label_of
from fringe.networks import (
    is_timm,
    network_info,
    network_names,
    network_titles,
    network_weight_files,
)
from fringe.networks.weight_files import mismatch
from fringe.plan import exhibits, layout
from fringe.plan.captions import COMPARED_CLASSES, Caption, figure_caption, table_caption
from fringe.plan.deviations import Deviation, applying
from fringe.plan.exhibits import Exhibit
from fringe.plan.explorers import views
from fringe.plan.protocols import chosen_images, protocol
from fringe.plan.provenance import (
    Params,
    classifier_of,
    compared,
    images_of,
    published_statistics,
)
from fringe.plan.run import Run
from fringe.scores.protocol import PAPER_DATASETS, describe_label, plain_name
from fringe.texts import inert, restored

__all__ = [
    "figure_classes",
    "figure_compared_classes",
    "figure_comparison",
    "figure_convergence",
    "figure_examples",
    "figure_means",
    "figure_network_maps",
    "figure_networks",
    "figure_noise",
    "figure_noisy_images",
    "figure_overview",
    "figure_schemes",
    "figure_sensitivity_grid",
    "figure_sizes",
    "figure_snapshots",
    "figure_sweep",
    "figure_weights",
    "judge_comparison",
    "list_deviations",
    "list_left_out",
    "make_table",
    "table_asked",
    "verdict",
    "write_index",
    "write_self_check",
]

# The paper's scale of 0.05, assuming that it refers to [-1, 1], the range of a generator's output.
# The paper does not state the range.
EXAMPLE_SCALE = 0.025

# Rows and columns of each generator's grid.
COMPARISON_GRIDS = {"7": (4, 4), "19": (10, 6)}
WEIGHT_GRIDS = {"5": (4, 5), "17": (9, 16)}


def _titles(run: Run, datasets: Iterable[str] | None = None) -> Params:
    """Return display names of data sets, and of networks without a built-in display name.

    Data sets are by default those in tables and figures. Each has also a value that says whether a
    simulated generator made its images.
    """
    shown = run.resampled if datasets is None else datasets
    return {name: _title(run, name) for name in shown} | _network_titles(run)


def _title(run: Run, dataset: str) -> Params:
    """Return the display name of a data set, and whether a simulated generator made its images."""
    return {
        "title": run.datasets[dataset].title,
        "simulated": run.sources[run.generated(dataset)]["simulated"],
    }


def _network_titles(run: Run) -> Params:
    """Return the display names of networks that `fringe.scores.titles` does not contain.

    These are the titles of networks outside Fringe, and names of networks with unpublished weights.
    """
    titles = network_titles(run.networks.values())
    return {name: title for name, title in titles.items() if name not in network_names()} | {
        name: f"{titles.get(name, name)} (own weights {file['identity'][:8]})"
        for name, file in run.weight_files.items()
        if mismatch(Path(file["path"]), file["identity"], network_weight_files(name))
    }


def _in_paper(datasets: Iterable[str]) -> list[str]:
    """Return the data sets for which the paper prints numbers.

    Other data sets are not compared, so their results must not depend on a comparison.
    """
    return [name for name in datasets if plain_name(name) in PAPER_DATASETS]


def _protocols(run: Run, datasets: Iterable[str]) -> Params:
    """Return the settings of the measurements for each data set with numbers in the paper."""
    return {
        name: protocol(run.config, run.sources, run.weight_files, name).to_plain()
        for name in _in_paper(datasets)
    }


def _snapshot_protocols(run: Run, datasets: Iterable[str]) -> Params:
    """Return the settings of the FID of each snapshot; see `_protocols`."""
    return {
        name: {
            source: protocol(
                run.config, run.sources, run.weight_files, name, generated=source
            ).to_plain()
            for source in run.datasets[name].snapshots
        }
        for name in _in_paper(datasets)
    }


def _follows(run: Run, datasets: Iterable[str]) -> Params:
    """Return the protocol that a run names, and the settings of the data sets' measurements.

    The result is {} if the configuration names no protocol, so results of such runs stay valid.
    """
    if run.config.protocol is None:
        return {}
    names = list(datasets)
    measured = {
        name: protocol(run.config, run.sources, run.weight_files, name).to_plain() for name in names
    }
    parts = {}
    for name in names:
        real = run.sources[run.real(name)]
        whole = real["drawn_from"]
        if whole is not None and real["count"] < whole:
            parts[name] = [real["count"], whole]
    return {"follows": {"protocol": run.config.protocol, "measured": measured, "parts": parts}}


def _read_from_files(run: Run) -> Params:
    """Return the feature files that state the number of damaged images of each data set.

    The result is {} if no images are read from files.
    """
    found = {}
    for name in run.resampled:
        sources = dict.fromkeys([run.real(name), run.generated(name)])
        files = [source for source in sources if run.config.sources[source].in_files]
        if files:
            found[name] = [f"{source}/{run.fid_network}.h5" for source in files]
    return {"read": found} if found else {}


def _chosen(run: Run) -> Params:
    """Return a description of the images that are used for each data set.

    The result is {} if no images are read from files.
    """
    texts = {name: chosen_images(run.config, run.sources, name) for name in run.resampled}
    texts = {name: sentence for name, sentence in texts.items() if sentence}
    return {"chosen": texts} if texts else {}


# Tables and pages.


def make_table(run: Run, table: str) -> Params:
    """Return the params of a table."""
    config = run.config
    shown, repeats = exhibits.TABLES[table], config.evaluation.repeats
    return _inert(
        datasets=list(run.resampled),
        titles=_titles(run),
        network=config.network,
        controls=config.controls if shown.controls else [],
        repeats={"1": repeats.table1, "2": repeats.table2, "3": repeats.table3}[table],
        released={} if table == "1" else choices.released_steps(config, run.sources),
        **classifier_of(run),
        choices=config.choices[f"table{table}"],
        protocols=_protocols(run, run.resampled),
        **_follows(run, run.resampled),
        **_read_from_files(run),
        **_chosen(run),
        revision=revisions.TABLES,
    )


def table_asked(run: Run) -> Params:
    """Return the params of the table of requested metrics."""
    config = run.config
    networks = choices.asked_networks(config)
    return _inert(
        datasets=list(run.datasets),
        titles=_titles(run, run.datasets),
        networks={name: choices.asked_metrics(config, name) for name in networks},
        repeats=config.evaluation.repeats.metrics,
        **_follows(run, run.datasets),
        **_read_from_files(run),
        revision=revisions.TABLES,
    )


def verdict(run: Run) -> Params:
    """Return the params of the verdict."""
    config = run.config
    explained = choices.explained_datasets(config)
    return _inert(
        titles=_titles(run),
        network=config.network,
        controls=config.controls,
        convergence=choices.convergence_datasets(config),
        explained={name: run.datasets[name].region is not None for name in explained},
        scales=config.sensitivity.noise.scales,
        released=choices.released_steps(config, run.sources),
        protocols=_protocols(run, run.resampled),
        **_follows(run, run.resampled),
        **_read_from_files(run),
        **_chosen(run),
        **_published_distances(run),
        dims={name: network_info(name)[0] for name in (config.network, *config.controls)},
        trained_on={name: choices.trained_on(config, name) for name in config.controls},
        **classifier_of(run),
        **_own_schemes(run),
        revision=revisions.TABLES,
    )


def _published_distances(run: Run) -> dict[str, Any]:
    """Return published distances of each data set by network, or {} without them."""
    found = {
        name: {network: about.plain() for network, about in stated.items()}
        for name in run.resampled
        if (stated := run.datasets[name].published)
    }
    return {"published": found} if found else {}


def _own_schemes(run: Run) -> Params:
    """Return the scheme of each control whose own null space is measured, or {} without them."""
    own = choices.own_schemes(run.config)
    return {"null_spaces": {network: scheme for scheme, network in own.items()}} if own else {}


def list_deviations(run: Run) -> Params:
    """Return the params of the page on deviations: those that apply to the run's exhibits."""
    shown = ["verdict", *exhibits.names(run.config)]
    return _inert(
        deviations=[one.to_plain() for one in applying(run.config, shown)],
        revision=revisions.TABLES,
    )


def list_left_out(run: Run) -> Params:
    """Return the params of the page on results that are left out."""
    return _inert(left_out=run.config.left_out, revision=revisions.TABLES)


def write_self_check(run: Run) -> Params:
    """Return the params of the page that compares first numbers with the released code."""
    checked = choices.checked_datasets(run.config)
    return _inert(
        titles={name: run.datasets[name].title for name in checked},
        revision=revisions.TABLES,
    )


# The page of a run.


def write_index(run: Run) -> Params:
    """Return the params of the main page of a run.

    The page also depends on scores, tables, figures and verdicts. Texts are as shown on the page;
    places are relative to the folder of the run.
    """
    config = run.config
    shown = exhibits.in_page(config)
    pairs = {one.of: config.comparisons[one.of] for one in shown if one.number in exhibits.COMPARED}
    paired = dict.fromkeys(name for one in pairs.values() for name in one.pair.values())
    sized = exhibits.datasets_with(config, "sizes")
    differing = applying(config, ["verdict", *exhibits.names(config)] if shown else [])
    return _inert(
        run=config.run,
        seed=config.seed,
        verdict=restored(verdict(run)),
        **_follows(run, run.datasets),
        control=choices.shown_control(config) if config.controls else "",
        real={name: run.real(name) for name in run.resampled},
        candidates={name: run.candidates(name) for name in run.resampled},
        swept=exhibits.swept(config, "18") if choices.sweep_schemes(config) else [],
        all_real={name: run.sources[run.real(name)]["count"] for name in sized},
        snapshots=exhibits.datasets_with(config, "snapshots"),
        networks={
            name: [config.network, *run.datasets[name].alternatives]
            for name in exhibits.datasets_with(config, "alternatives")
        },
        pairs={name: one.pair for name, one in pairs.items()},
        pair_titles=_titles(run, paired),
        pair_protocols=_protocols(run, paired),
        recall=config.evaluation.precision_recall.network,
        comparisons={
            name: {"title": one.title, "real": run.real(one.datasets[0])}
            for name, one in config.comparisons.items()
        },
        explorers=[{"kind": one.kind, "name": one.name} for one in views(config)],
        exhibits=[*_exhibits(run, differing), *_class_figures(run)],
        lacking=[*_left_out(run), *exhibits.lacking(config)],
        deviations=[one.to_plain() for one in differing],
        links=[
            *(
                [layout.page(name, "html"), text]
                for name, text in exhibits.linked_pages(config).items()
            ),
            *map(list, exhibits.later_pages(config).items()),
        ],
        revision=revisions.PAGE,
    )


def _exhibits(run: Run, differing: Sequence[Deviation]) -> list[Params]:
    """Return the tables and figures of the page, in the order of the paper."""
    found = []
    for one in exhibits.in_page(run.config):
        is_figure = one.kind == "Figure"
        caption = (
            figure_caption(run.config, one)
            if is_figure
            else Caption(table_caption(run.config, one.number), "")
        )
        found.append(
            {
                "stem": one.stem,
                "name": f"{one.kind} {one.number}",
                "of": one.title,
                "caption": caption.text,
                "seen": caption.seen,
                "picture": layout.figure(one.stem, "png") if is_figure else "",
                "metrics": [] if is_figure else _printed_metrics(run.config, one),
                "links": [[place, place.rpartition(".")[2].upper()] for place in one.places],
                "differs": [each.topic for each in differing if one.name in each.exhibits],
            }
        )
    return found


def _printed_metrics(config: Config, table: Exhibit) -> list[str]:
    """Return the metrics that a table prints."""
    if table.number == exhibits.ASKED_TABLE:
        return list(config.evaluation.metrics)
    return list(exhibits.TABLES[table.number].metrics)


def _class_figures(run: Run) -> list[Params]:
    """Return the class figures of each comparison's models. The paper has no such figures."""
    found = []
    for name, comparison in run.config.comparisons.items():
        baseline = next(iter(comparison.trainings))
        for number, model in run.illustrated_models(name).items():
            places = [layout.class_figure(name, str(number), one) for one in ("png", "pdf")]
            found.append(
                {
                    "stem": f"classes-{name}-{number}",
                    "name": "Classes of a comparison",
                    "of": f"{comparison.title}: {model} minus {baseline}",
                    "caption": COMPARED_CLASSES.text,
                    "seen": COMPARED_CLASSES.seen,
                    "picture": places[0],
                    "metrics": [],
                    "links": [[place, place.rpartition(".")[2].upper()] for place in places],
                    "differs": [],
                }
            )
    return found


def _left_out(run: Run) -> list[str]:
    """Return a line for each result that is left out because files are missing."""
    left_out = run.config.left_out
    return [
        f"{one['what']}: left out, because {', '.join(one['because'])} is missing."
        for one in (left_out["exhibits"] if left_out else [])
    ]


# Figures.


def _inert(**params: Any) -> Params:
    found: Params = inert(params)
    return found


def _figure(run: Run, **others: Any) -> Params:
    """Return the params of every figure, and ``others``."""
    style = {key: value for key, value in run.config.figures.plain().items() if key != "seed"}
    return _inert(style=style, revision=revisions.FIGURES, **others)


def _of_dataset(run: Run, dataset: str, **others: Any) -> Params:
    """Return the params of a figure of one data set: the title, and ``others``."""
    return _figure(run, **others, **_title(run, dataset))


def figure_overview(run: Run, dataset: str) -> Params:
    """Return the params of Figure 1."""
    sides = compared(run, dataset)
    return _of_dataset(
        run,
        dataset,
        images=[images_of(run, source) for source in sides.values()],
        n_real=run.datasets[dataset].n_real,
        n_generated=run.datasets[dataset].n_generated,
        network=run.config.network,
        **classifier_of(run),
        metrics_revision=revisions.METRICS,
        errors_revision=revisions.ERRORS,
        # Only statistics of features are ever published, not of logits.
        with_images=[
            side
            for side, source in sides.items()
            if not published_statistics(run, source, run.fid_network, "features")
        ],
        **sides,
    )


def figure_classes(run: Run, dataset: str) -> Params:
    """Return the params of Figure 4a."""
    return _of_dataset(
        run,
        dataset,
        n_real=run.datasets[dataset].n_real,
        n_generated=run.datasets[dataset].n_generated,
        network=choices.class_network(run.config),
        **compared(run, dataset),
    )


def figure_weights(run: Run, dataset: str, number: str) -> Params:
    """Return the params of Figures 5 and 17."""
    rows, columns = WEIGHT_GRIDS[number]
    return _of_dataset(
        run,
        dataset,
        images=images_of(run, run.generated(dataset)),
        rows=rows,
        columns=columns,
        seed=choices.grid_seed(run.config),
    )


def figure_sweep(run: Run, number: str) -> Params:
    """Return the params of Figures 6 and 18."""
    config, datasets = run.config, exhibits.swept(run.config, number)
    return _figure(
        run,
        datasets=datasets,
        titles=_titles(run),
        network=config.network,
        control=choices.shown_control(config),
        schemes=choices.sweep_schemes(config),
        released=bool(choices.released_schemes(config)),
        **classifier_of(run),
        choices=config.choices[f"figure{number}"],
        certified=config.optimization.method == "auto",
        protocols=_protocols(run, datasets),
    )


def figure_sizes(run: Run) -> Params:
    """Return the params of Figure 8a."""
    datasets = exhibits.datasets_with(run.config, "sizes")
    return _figure(
        run,
        titles=_titles(run),
        network=run.config.network,
        all_real={name: run.sources[run.real(name)]["count"] for name in datasets},
        protocols=_protocols(run, datasets),
        choices=run.config.choices["figure8a"],
    )


def figure_snapshots(run: Run) -> Params:
    """Return the params of Figure 9."""
    datasets = exhibits.datasets_with(run.config, "snapshots")
    return _figure(
        run,
        datasets=datasets,
        titles=_titles(run),
        network=run.config.network,
        **classifier_of(run),
        protocols=_snapshot_protocols(run, datasets),
        choices=run.config.choices["figure9"],
    )


def figure_schemes(run: Run, dataset: str) -> Params:
    """Return the params of Figure 16."""
    return _of_dataset(
        run,
        dataset,
        schemes=list(exhibits.GRID_SCHEMES),
        certified=run.config.optimization.method == "auto",
        network=run.config.network,
        images=images_of(run, run.generated(dataset)),
        seed=choices.grid_seed(run.config),
    )


def figure_networks(run: Run) -> Params:
    """Return the params of Figure 8b."""
    datasets = exhibits.datasets_with(run.config, "alternatives")
    return _figure(
        run,
        titles=_titles(run),
        networks={
            name: [run.config.network, *run.datasets[name].alternatives] for name in datasets
        },
        protocols=_protocols(run, datasets),
        choices=run.config.choices["figure8b"],
    )


def figure_comparison(run: Run, number: str, comparison: str) -> Params:
    """Return the params of Figures 7 and 19."""
    config = run.config
    about = config.comparisons[comparison]
    datasets = list(about.pair.values())
    shown = {"title": about.title, "generators": about.pair}
    return _figure(
        run,
        comparison={key: shown[key] for key in about.plain() if key in shown},
        images={name: images_of(run, run.generated(name)) for name in datasets},
        titles=_titles(run, datasets),
        network=config.network,
        control=choices.shown_control(config),
        recall=config.evaluation.precision_recall.network,
        grid=COMPARISON_GRIDS[number],
        choices=config.choices[f"figure{number}"],
        protocols=_protocols(run, datasets),
        seed=choices.grid_seed(config),
    )


def figure_compared_classes(run: Run, comparison: str, number: str) -> Params:
    """Return the params of the class figure of a comparison's model."""
    config = run.config
    about = config.comparisons[comparison]
    names = list(about.trainings)
    sides = {}
    for side, name in (("baseline", names[0]), ("model", names[int(number)])):
        source = run.generated(about.trainings[name][0])
        sides[side] = {"name": name, "source": source, "images": images_of(run, source)}
    dataset = run.datasets[about.datasets[0]]
    return _figure(
        run,
        title=about.title,
        **sides,
        n_real=dataset.n_real,
        n_generated=dataset.n_generated,
        network=config.network,
        precision=config.extraction.precision,
        maps=network_info(config.network).maps,
        simulated=any(run.sources[one["source"]]["simulated"] for one in sides.values()),
        sensitivity_revision=revisions.SENSITIVITY,
    )


def judge_comparison(run: Run, comparison: str) -> Params:
    """Return the params of the verdict on a comparison."""
    about = run.config.comparisons[comparison]
    return _inert(
        title=about.title,
        trained_with=list(about.trained_with),
        trained_on={name: choices.trained_on(run.config, name) for name in run.config.controls},
        notes=_comparison_notes(run, about),
        controls=list(run.config.controls),
        **_compared_follow(run, about),
        illustrated=list(run.illustrated_models(comparison).values()),
        revision=revisions.COMPARISON,
    )


def _compared_follow(run: Run, about: Comparison) -> Params:
    """Return `_follows` for a comparison, with the data set that represents each model."""
    found = _follows(run, about.datasets)
    models = {name: trainings[0] for name, trainings in about.trainings.items()}
    return {"follows": {**found["follows"], "models": models}} if found else {}


def _comparison_notes(run: Run, about: Comparison) -> list[str]:
    """Return notes about the images of a comparison for its readers."""
    simulated = [
        name
        for name, trainings in about.trainings.items()
        if any(run.sources[run.generated(one)]["simulated"] for one in trainings)
    ]
    unknown = [
        name for name in about.trained_with if name not in network_names() and not is_timm(name)
    ]
    used = [*compared_sources(run.config, about), *([about.held_out] if about.held_out else [])]
    given = [source for source in used if "features" in run.sources[source]]
    notes = [*_class_notes(run, about)]
    if given and len(given) < len(used):
        notes.append(
            f"The features of {', '.join(given)} come from a file; the other features are computed "
            "here. If the file was made with other network weights or another resizing, this "
            "counts as a difference."
        )
    if simulated:
        notes.append(f"The images of {', '.join(simulated)} are from a simulated generator.")
    if unknown:
        notes.append(
            f"Networks that Fringe does not know: {', '.join(unknown)}. A control is excluded for "
            "such a network only if the first parts of their names are equal."
        )
    return notes


def _class_notes(run: Run, about: Comparison) -> Iterator[str]:
    """Yield notes about the classes of each model's images, if generators are conditional."""
    rules: dict[str, list[str]] = {}  # models by the rule of their classes
    for name, trainings in about.trainings.items():
        labels = {label_of(run.config.sources[run.generated(one)]) for one in trainings}
        for rule in sorted(describe_label(label) for label in labels if label is not None):
            rules.setdefault(rule, []).append(name)
    if not rules:
        return
    listed = "; ".join(f"{', '.join(names)}: {rule}" for rule, names in rules.items())
    yield f"Classes of generated images: {listed}."
    if len(rules) > 1:
        yield (
            "The rule for classes is not the same for all models, so differences between such "
            "models include a difference in class frequencies."
        )


def figure_convergence(run: Run, dataset: str) -> Params:
    """Return the params of Figure S1."""
    return _of_dataset(run, dataset)


def figure_examples(run: Run, dataset: str) -> Params:
    """Return the params of Figures 2, 3 and 13."""
    return _of_dataset(run, dataset, network=run.config.network, **classifier_of(run))


def figure_means(run: Run, dataset: str, number: str) -> Params:
    """Return the params of Figures 4b, 12 and 15.

    Their groups are all images, and the images of each class. Figures 4b and 15 show only a few
    classes.
    """
    asked = choices.shown_classes(run.config, dataset)
    classes = asked if isinstance(asked, int) else len(asked)
    return _of_dataset(
        run,
        dataset,
        groups=1 + {"4b": min(3, classes), "12": classes, "15": min(4, classes)}[number],
        activation=number == "15",
        network=run.config.network,
        **classifier_of(run),
    )


def figure_noise(run: Run, dataset: str) -> Params:
    """Return the params of Figure 10a.

    The scales of the noise are included, because a new missing input does not make a result stale.
    """
    return _of_dataset(
        run,
        dataset,
        scales=run.config.sensitivity.noise.scales,
        choices=run.config.choices["figure10a"],
        network=run.config.network,
    )


def figure_noisy_images(run: Run, dataset: str) -> Params:
    """Return the params of Figure 10b."""
    return _of_dataset(
        run,
        dataset,
        images=images_of(run, run.generated(dataset)),
        scale=EXAMPLE_SCALE,
        choices=run.config.choices["figure10b"],
        network=run.config.network,
        seed=run.config.seed,
    )


def figure_sensitivity_grid(run: Run, dataset: str) -> Params:
    """Return the params of Figure 11."""
    return _of_dataset(
        run,
        dataset,
        shown=choices.shown_images(run.config, dataset, "grid"),
        network=run.config.network,
        **classifier_of(run),
    )


def figure_network_maps(run: Run, dataset: str) -> Params:
    """Return the params of Figure S2."""
    return _of_dataset(
        run,
        dataset,
        networks=choices.explaining_networks(run.config),
        titles=_network_titles(run),
    )
