"""Inputs of jobs that depend on more than the wildcards of the rule.

Each function has the name of a rule, or is shared by several rules. It takes the wildcards on which
the inputs depend, and returns the paths by the names of the inputs. Other inputs are patterns in
the rules.

Images and weight files are inputs only as long as the output has to be made. If they are removed,
or made again, existing outputs that were made from the same data (`fringe.plan.provenance`) stay
valid. In this case the inputs are left out. They are not marked as `ancient`, because Snakemake
would then ignore changed params of later jobs when images have to be made again.
"""

from pathlib import Path

from fringe.config import choices
from fringe.networks import file_name, network_info
from fringe.plan import exhibits, layout, provenance
from fringe.plan.explorers import views
from fringe.plan.run import Run

__all__ = [
    "Files",
    "Inputs",
    "all_features",
    "compare",
    "comparisons",
    "draw_matched",
    "drawn_and_real",
    "explain_examples",
    "explore_comparison",
    "explore_dataset",
    "explorers",
    "extend_matched",
    "extract_features",
    "extract_matched",
    "features_of",
    "figure_classes",
    "figure_compared_classes",
    "figure_comparison",
    "figure_network_maps",
    "figure_networks",
    "figure_noise",
    "figure_overview",
    "figure_schemes",
    "figure_sizes",
    "figure_snapshots",
    "figure_sweep",
    "figure_weights",
    "figures",
    "join_sensitivity",
    "judge_comparison",
    "kept_shard",
    "link_features",
    "make_table",
    "measure_checks",
    "measure_convergence",
    "measure_noise",
    "measure_power",
    "measure_sensitivity",
    "measure_statistics",
    "optimize_sweep",
    "optimize_weights",
    "score_asked",
    "score_floor",
    "score_precision_recall",
    "score_scheme",
    "score_sizes",
    "score_snapshots",
    "table_asked",
    "tables",
    "verdict",
    "write_index",
    "write_self_check",
]

Files = str | list[str]  # one file, or a list of any number of files
Inputs = dict[str, Files]


def features_of(run: Run, source: str, network: str) -> str:
    """Return the file of a source's features."""
    return run.path(layout.features(source, network))


def _real_features(run: Run, dataset: str, network: str) -> str:
    return features_of(run, run.real(dataset), network)


def _candidates(run: Run, dataset: str, network: str) -> str:
    return features_of(run, run.generated(dataset), network)


def _real_statistics(run: Run, dataset: str, network: str, space: str = "features") -> str:
    """Return the file with the mean and covariance of a data set's real images."""
    n = run.datasets[dataset].n_real
    return run.path(layout.statistics(run.real(dataset), network, space, n))


def _generated_statistics(
    run: Run, dataset: str, network: str, n: int, space: str = "features"
) -> str:
    """Return the file with the mean and covariance of the first ``n`` generated images."""
    return run.path(layout.statistics(run.generated(dataset), network, space, n))


def kept_shard(run: Run, source: str, shard: str) -> Files:
    """Return the file of a shard's images, or [] unless they are rendered and kept."""
    kept = choices.is_rendered(run.config, source) and run.config.extraction.keep_images
    return run.path(layout.image_shard(source, shard)) if kept else []


def _unpacked(run: Run, source: str) -> Files:
    """Return the unpacked file of a source, or [] unless the source is compressed as a whole."""
    kept = run.sources[source]["packed"] and run.config.extraction.keep_images
    return run.path(layout.unpacked_images(source)) if kept else []


def _weight_files(run: Run, network: str) -> Files:
    """Return the file of a network's weights; [] if it has none."""
    name = run.networks[network]
    return run.weight_files[name]["path"] if name in run.weight_files else []


# Features.


def all_features(run: Run) -> list[str]:
    """Return all feature files of a run. A lost file is made again even if no result needs it."""
    return [
        features_of(run, source, network)
        for source in run.sources
        for network in choices.networks_of_source(run.config, source)
    ]


def extract_features(run: Run, source: str, network: str, shard: str) -> Inputs:
    """Return images and network weights, as long as the shard has to be made."""
    done = layout.feature_shard(source, network, shard)
    made_from = provenance.extract_features(run, source, network, shard)
    if provenance.is_made(run, done, made_from):
        return {"images": [], "unpacked": [], "weight_file": []}
    return {
        "images": kept_shard(run, source, shard),
        "unpacked": _unpacked(run, source),
        "weight_file": _weight_files(run, network),
    }


def link_features(run: Run, source: str, network: str) -> list[str]:
    """Return all shards of features of a source."""
    return [
        run.path(layout.feature_shard(source, network, shard))
        for shard in run.sources[source]["shards"]
    ]


def measure_statistics(run: Run, source: str, network: str, space: str) -> Inputs:
    """Return the features to measure, or none if there are published statistics."""
    if provenance.published_statistics(run, source, network, space):
        return {"features": []}
    return {"features": features_of(run, source, network)}


# Weights and draws.


def optimize_weights(run: Run, dataset: str, scheme: str) -> Inputs:
    """Return real statistics and candidates in a scheme's space, and the judge's statistics."""
    network = file_name(choices.scheme_network(run.config, scheme))
    if scheme == "logits":
        real = _real_statistics(run, dataset, run.class_network, "logits")
    else:
        real = _real_statistics(run, dataset, network)
    return {
        "real": real,
        "candidates": _candidates(run, dataset, network),
        "judged": _real_statistics(run, dataset, network),
        **(_classified(run, dataset) if scheme == "logits" else {}),
    }


def _classified(run: Run, dataset: str) -> Inputs:
    """Return the candidates in the network that counts classes; {} if this is FID's network."""
    if choices.own_classifier(run.config) is None:
        return {}
    return {"classified": _candidates(run, dataset, run.class_network)}


def optimize_sweep(run: Run, dataset: str) -> Inputs:
    """Return the features and statistics for the Top-N and Middle-N weights of a data set."""
    network = run.fid_network
    return {
        "real": _real_features(run, dataset, run.class_network),
        "candidates": _candidates(run, dataset, network),
        "judged": _real_statistics(run, dataset, network),
        **_classified(run, dataset),
    }


def measure_convergence(run: Run, dataset: str) -> Inputs:
    """Return the features, and the weights of Fringe's and of the released algorithm."""
    network = run.fid_network
    released = choices.released_schemes(run.config)
    return {
        "real": _real_statistics(run, dataset, network),
        "candidates": _candidates(run, dataset, network),
        "weights": run.path(layout.weights(dataset, "prelogits")),
        "released": [run.path(layout.weights(dataset, scheme)) for scheme in released],
    }


def _is_extended(run: Run, dataset: str) -> bool:
    """Return whether Top-1 matching can draw images beyond the candidates."""
    return choices.is_rendered(run.config, run.generated(dataset))


def extend_matched(run: Run, dataset: str) -> Inputs:
    """Return real images and candidates, and the network as long as the list has to be made."""
    network = run.class_network
    made_from = provenance.extend_matched(run, dataset)
    made = provenance.is_made(run, layout.matched(dataset), made_from)
    return {
        "real": _real_features(run, dataset, network),
        "candidates": _candidates(run, dataset, network),
        "weight_file": [] if made else _weight_files(run, network),
    }


def extract_matched(run: Run, dataset: str, network: str) -> Inputs:
    """Return the list of images, and the network as long as the features have to be made."""
    done = layout.matched_features(dataset, network)
    made = provenance.is_made(run, done, provenance.extract_matched(run, dataset, network))
    return {
        "extension": run.path(layout.matched(dataset)),
        "weight_file": [] if made else _weight_files(run, network),
    }


def draw_matched(run: Run, dataset: str) -> Inputs:
    """Return real images and candidates, and the images beyond the candidates if there are any."""
    extended = _is_extended(run, dataset)
    return {
        **({"extension": run.path(layout.matched(dataset))} if extended else {}),
        "real": _real_features(run, dataset, run.class_network),
        "candidates": _candidates(run, dataset, run.class_network),
    }


# Scores.


def _drawn(run: Run, dataset: str, scheme: str, network: str) -> Inputs:
    """Return the draws of a scheme, and the features of all images that the draws may contain."""
    extended = scheme == "matched" and _is_extended(run, dataset)
    beyond = {
        "extension": run.path(layout.matched(dataset)),
        "further": run.path(layout.matched_features(dataset, network)),
    }
    return {
        **(beyond if extended else {}),
        "draws": run.path(layout.draws(dataset, scheme)),
        "candidates": _candidates(run, dataset, network),
    }


def _known_features(run: Run, source: str, network: str, space: str = "features") -> Files:
    """Return the features behind a source's statistics, or [] if the statistics are published."""
    published = provenance.published_statistics(run, source, network, space)
    return [] if published else features_of(run, source, network)


def score_scheme(run: Run, dataset: str, scheme: str, network: str) -> Inputs:
    """Return draws, statistics of the real images, and real features if an error needs them."""
    known = {"real_features": _known_features(run, run.real(dataset), network)}
    return {
        **_drawn(run, dataset, scheme, network),
        "real": _real_statistics(run, dataset, network),
        **(known if choices.has_error(scheme) else {}),
    }


def score_floor(run: Run, dataset: str, network: str) -> Inputs:
    """Return the real images, and the draws of the schemes in Figure 16."""
    return {
        **_drawn(run, dataset, "matched", network),
        "draws": [run.path(layout.draws(dataset, scheme)) for scheme in exhibits.GRID_SCHEMES],
        "real": _real_features(run, dataset, network),
    }


def drawn_and_real(run: Run, dataset: str, scheme: str) -> Inputs:
    """Return the drawn images and the real images, for metrics other than FID."""
    return {
        **_drawn(run, dataset, scheme, run.fid_network),
        "real": _real_features(run, dataset, run.fid_network),
    }


def score_asked(run: Run, dataset: str, scheme: str, network: str) -> Inputs:
    """Return drawn images, all real images, and network weights if they are needed for logits."""
    name = run.networks[network]
    by_weights = choices.asks_classifier(run.config, dataset, name)
    return {
        **_drawn(run, dataset, scheme, network),
        "real": _real_features(run, dataset, network),
        "weight_file": _weight_files(run, network) if by_weights else [],
    }


def score_precision_recall(run: Run, dataset: str) -> Inputs:
    """Return random images and real images in the network of precision and recall."""
    network = run.config.evaluation.precision_recall.network
    return {
        **_drawn(run, dataset, "random", network),
        "real": _real_features(run, dataset, network),
    }


def score_sizes(run: Run, dataset: str) -> Inputs:
    """Return the features from which samples are drawn."""
    return {
        "real": _real_features(run, dataset, run.fid_network),
        "generated": _candidates(run, dataset, run.fid_network),
    }


def score_snapshots(run: Run, dataset: str, space: str) -> Inputs:
    """Return statistics and features of the real images and of each snapshot."""
    network = provenance.network_of_space(run, space)
    return {
        "real": _real_statistics(run, dataset, network, space),
        "real_features": _known_features(run, run.real(dataset), network, space),
        "snapshots": provenance.snapshot_statistics(run, dataset, space),
        "features": [
            features_of(run, source, network)
            for source in provenance.snapshots_with_images(run, dataset, space)
        ],
    }


def compare(run: Run, comparison: str, network: str) -> Inputs:
    """Return the features of a comparison in one network, and logits for Top-1 classes."""
    about = run.config.comparisons[comparison]
    real = run.real(about.datasets[0])
    made = [run.generated(dataset) for dataset in about.datasets]
    found: Inputs = {
        "real": [features_of(run, real, network)],
        "models": [features_of(run, source, network) for source in made],
        "held_out": [features_of(run, about.held_out, network)] if about.held_out else [],
    }
    if run.has_top1(comparison):
        found["real_logits"] = [features_of(run, real, run.class_network)]
        found["logits"] = [features_of(run, source, run.class_network) for source in made]
    return found


def judge_comparison(run: Run, comparison: str) -> Inputs:
    """Return the distances in all networks, and inputs that show how controls react to a price."""
    about = run.config.comparisons[comparison]
    first = about.datasets[0]
    return {
        "main": run.path(layout.compared(comparison, run.fid_network)),
        "weights": run.path(layout.priced(comparison)),
        "controls": [run.path(layout.compared(comparison, one)) for one in run.controls],
        "power": [
            run.path(layout.power(run.real(first), one))
            for one in run.controls
            # Features of another tool have no images that could be distorted.
            if run.config.sources[run.real(first)].has_images
        ],
        "real": [features_of(run, run.real(first), one) for one in run.controls],
        "baseline": [features_of(run, run.generated(first), one) for one in run.controls],
        "classes": [
            run.path(layout.class_figure(comparison, str(number), "png"))
            for number in run.illustrated_models(comparison)
        ],
    }


def figure_compared_classes(run: Run, comparison: str, number: str) -> Inputs:
    """Return the classes, FID's features, and the network as long as it is needed."""
    about = run.config.comparisons[comparison]
    baseline, *_ = firsts = [made[0] for made in about.trainings.values()]
    made = Path(run.path(layout.class_figure(comparison, number, "png"))).exists()
    asks = network_info(run.config.network).maps and not made
    return {
        "main": run.path(layout.compared(comparison, run.fid_network)),
        "real": _real_features(run, baseline, run.fid_network),
        "baseline": _candidates(run, baseline, run.fid_network),
        "model": _candidates(run, firsts[int(number)], run.fid_network),
        "weight_file": _weight_files(run, run.fid_network) if asks else [],
    }


def comparisons(run: Run) -> list[str]:
    """Return the verdicts on all comparisons."""
    return [
        run.path(layout.judged(comparison, suffix))
        for comparison in run.config.comparisons
        for suffix in ("json", "md", "html")
    ]


def measure_checks(run: Run, dataset: str) -> Inputs:
    """Return real statistics and candidates in each network with released numbers."""
    networks = choices.checked_networks(run.config, dataset)
    return {
        "real": [_real_statistics(run, dataset, network) for network in networks],
        "candidates": [_candidates(run, dataset, network) for network in networks],
    }


def measure_power(run: Run, source: str, network: str) -> Inputs:
    """Return the features of the real images, and the network until the result exists."""
    measured = Path(run.path(layout.power(source, network))).exists()
    return {
        "features": features_of(run, source, network),
        "weight_file": [] if measured else _weight_files(run, network),
    }


# What FID looks at.


def measure_sensitivity(run: Run, dataset: str, network: str, shard: str) -> Inputs:
    """Return FID's statistics, and images and network weights until the shard is made."""
    source = run.generated(dataset)
    done = layout.map_shard(dataset, network, shard)
    made_from = provenance.measure_sensitivity(run, dataset, network, shard)
    made = provenance.is_made(run, done, made_from)
    n = choices.explained_images(run.config, dataset)
    return {
        "images": [] if made else kept_shard(run, source, shard),
        "unpacked": [] if made else _unpacked(run, source),
        "weight_file": [] if made else _explaining_weight_files(run, network),
        "real": _real_statistics(run, dataset, network),
        "generated": _generated_statistics(run, dataset, network, n),
    }


def _explaining_weight_files(run: Run, network: str) -> Files:
    """Return the weight files of a network with maps, and of the network that counts classes."""
    found = _weight_files(run, network)
    if choices.own_classifier(run.config) is None or network != run.fid_network:
        return found
    files = [found, _weight_files(run, run.class_network)]
    return [file for file in files if isinstance(file, str)]


def join_sensitivity(run: Run, dataset: str, network: str) -> list[str]:
    """Return the maps of all shards with images for which FID is measured."""
    n = choices.explained_images(run.config, dataset)
    return [
        run.path(layout.map_shard(dataset, network, shard))
        for shard in run.sources[run.generated(dataset)]["shards"]
        if layout.parse_shard(shard)[0] < n
    ]


def explain_examples(run: Run, dataset: str, network: str, shown: str) -> Inputs:
    """Return all maps, and the statistics of the images to which an example is compared.

    An example is one of the n images with maps. An example that is made from a seed is added to
    n - 1 images instead.
    """
    added = "seeds" in choices.shown_images(run.config, dataset, shown)
    n = choices.explained_images(run.config, dataset) - added
    return {
        "maps": run.path(layout.maps(dataset, network)),
        "real": _real_statistics(run, dataset, network),
        "others": _generated_statistics(run, dataset, network, n),
    }


def measure_noise(run: Run, dataset: str) -> Inputs:
    """Return all maps in FID's network, and the statistics of the real images."""
    return {
        "maps": run.path(layout.maps(dataset, run.fid_network)),
        "real": _real_statistics(run, dataset, run.fid_network),
    }


# Tables, figures and pages.


def tables(run: Run) -> list[str]:
    """Return the files of all tables of a run."""
    return [run.path(place) for place in exhibits.targets(run.config, "Table")]


def figures(run: Run) -> list[str]:
    """Return the files of all figures of a run."""
    return [run.path(place) for place in exhibits.targets(run.config, "Figure")]


def make_table(run: Run, table: str) -> list[str]:
    """Return the scores that a table shows."""
    shown = exhibits.TABLES[table]
    kinds = [run.fid_network, *(run.controls if shown.controls else [])]
    kinds += exhibits.score_files(table)
    return [
        run.path(layout.scores(dataset, scheme, kind))
        for dataset in run.resampled
        for scheme in exhibits.table_schemes(run.config, table)
        for kind in kinds
    ]


def table_asked(run: Run) -> list[str]:
    """Return the scores of the requested metrics."""
    config = run.config
    found = []
    for dataset in run.datasets:
        for scheme in choices.asked_schemes(config, dataset):
            for network in choices.asked_networks(config):
                metrics = choices.asked_metrics(config, network)
                others = choices.asked_of_draws(config, network)
                if len(metrics) > len(others):
                    found.append(run.path(layout.scores(dataset, scheme, network)))
                if others:
                    found.append(run.path(layout.asked_scores(dataset, scheme, network)))
    return found


def figure_overview(run: Run, dataset: str) -> Inputs:
    """Return features of both sides, and their statistics in both spaces."""
    n = run.datasets[dataset].n_generated
    statistics: Inputs = {}
    for space in ("features", "logits"):
        network = provenance.network_of_space(run, space)
        statistics[f"real_{space}"] = _real_statistics(run, dataset, network, space)
        statistics[f"generated_{space}"] = _generated_statistics(run, dataset, network, n, space)
    classified = {}
    if choices.own_classifier(run.config) is not None:
        found = figure_classes(run, dataset)
        classified = {f"classified_{side}": file for side, file in found.items()}
    return {
        "real": _real_features(run, dataset, run.fid_network),
        "generated": _candidates(run, dataset, run.fid_network),
        **classified,
        **statistics,
    }


def figure_classes(run: Run, dataset: str) -> Inputs:
    """Return features of both sides in the network that counts classes."""
    return {
        "real": _real_features(run, dataset, run.class_network),
        "generated": _candidates(run, dataset, run.class_network),
    }


def figure_weights(run: Run, dataset: str) -> list[str]:
    """Return the weights in pre-logits, Fringe's first."""
    schemes = ["prelogits", *choices.released_schemes(run.config)]
    return [run.path(layout.weights(dataset, scheme)) for scheme in schemes]


def figure_schemes(run: Run, dataset: str) -> Inputs:
    """Return draws and FIDs of the schemes in Figure 16."""
    return {
        "draws": [run.path(layout.draws(dataset, scheme)) for scheme in exhibits.GRID_SCHEMES],
        "scores": [
            run.path(layout.scores(dataset, scheme, run.fid_network))
            for scheme in exhibits.GRID_SCHEMES
        ],
    }


def figure_sweep(run: Run, number: str) -> list[str]:
    """Return the scores of all schemes in FID's network and in one control."""
    return [
        run.path(layout.scores(dataset, scheme, network))
        for dataset in exhibits.swept(run.config, number)
        for scheme in (
            "random",
            *choices.pre_logits_schemes(run.config),
            *choices.sweep_schemes(run.config),
        )
        for network in (run.fid_network, run.shown_control)
    ]


def figure_sizes(run: Run) -> list[str]:
    """Return the FIDs of samples of several sizes."""
    return [run.path(layout.sizes(name)) for name in exhibits.datasets_with(run.config, "sizes")]


def figure_snapshots(run: Run) -> list[str]:
    """Return the FIDs of all trainings' snapshots in both spaces."""
    return [
        run.path(layout.snapshots(name, space))
        for name in exhibits.datasets_with(run.config, "snapshots")
        for space in ("features", "logits")
    ]


def figure_networks(run: Run) -> list[str]:
    """Return the scores of random images in FID's network and in its alternatives."""
    return [
        run.path(layout.scores(name, "random", network))
        for name in exhibits.datasets_with(run.config, "alternatives")
        for network in (run.fid_network, *run.datasets[name].alternatives)
    ]


def figure_comparison(run: Run, comparison: str) -> Inputs:
    """Return FID, one control's distance, recall and draws of a comparison's two generators."""
    compared = run.config.comparisons[comparison].pair.values()
    kinds = (run.fid_network, run.shown_control, "precision_recall")
    return {
        "scores": [
            run.path(layout.scores(name, "random", kind)) for name in compared for kind in kinds
        ],
        "draws": [run.path(layout.draws(name, "random")) for name in compared],
    }


def figure_noise(run: Run, dataset: str) -> list[str]:
    """Return the FIDs of a data set with noise of each scale, or [] without scales."""
    scales = run.config.sensitivity.noise.scales
    return [run.path(layout.noise(dataset, scale)) for scale in ([0, *scales] if scales else [])]


def figure_network_maps(run: Run, dataset: str) -> Inputs:
    """Return all maps and the examples of each network with sensitivity maps."""
    networks = choices.explaining_networks(run.config)
    return {
        "maps": [run.path(layout.maps(dataset, network)) for network in networks],
        "examples": [
            run.path(layout.examples(dataset, network, "examples")) for network in networks
        ],
    }


def explorers(run: Run) -> list[str]:
    """Return the files of the explorers of a run, in the order of `fringe.plan.explorers.views`."""
    return [run.path(one.place) for one in views(run.config)]


def explore_dataset(run: Run, dataset: str) -> Inputs:
    """Return features, weights, draws and maps of a data set, and the network of further maps.

    The network is an input only until the explorer is made.
    """
    network = run.fid_network
    mapped = dataset in choices.explained_datasets(run.config)
    made = Path(run.path(layout.explorer("dataset", dataset))).exists()
    classified: Inputs = {}
    if choices.own_classifier(run.config) is not None:
        drawn = _drawn(run, dataset, "matched", run.class_network)
        classified = {"classified_real": _real_features(run, dataset, run.class_network)}
        for name in ("candidates", "further"):
            if name in drawn:
                classified[f"classified_{name}"] = drawn[name]
    return {
        **classified,
        **_drawn(run, dataset, "matched", network),
        "real": _real_features(run, dataset, network),
        "measured": _real_statistics(run, dataset, network),
        "optimized": run.path(layout.weights(dataset, "prelogits")),
        "maps": run.path(layout.maps(dataset, network)) if mapped else [],
        "weight_file": _weight_files(run, network) if mapped and not made else [],
    }


def explore_comparison(run: Run, comparison: str) -> Inputs:
    """Return the features of a comparison's first trainings, and the network of their maps.

    The network is an input only until the explorer is made.
    """
    about = run.config.comparisons[comparison]
    firsts = [made[0] for made in about.trainings.values()]
    network = run.fid_network
    made = Path(run.path(layout.explorer("comparison", comparison))).exists()
    asks = network_info(run.config.network).maps and not made
    features: dict[str, Files] = {
        "real": [_real_features(run, firsts[0], network)],
        "models": [_candidates(run, dataset, network) for dataset in firsts],
    }
    logits = {}
    if run.has_top1(comparison):
        logits = {
            "real_logits": [_real_features(run, firsts[0], run.class_network)],
            "logits": [_candidates(run, dataset, run.class_network) for dataset in firsts],
        }
    return {**features, **logits, "weight_file": _weight_files(run, network) if asks else []}


def verdict(run: Run) -> Inputs:
    """Return the inputs of the verdict: scores, convergence, and tests with noise and regions."""
    explained = choices.explained_datasets(run.config)
    return {
        "scores": [
            *(
                run.path(layout.scores(dataset, scheme, network))
                for dataset in run.resampled
                for scheme in ("random", *choices.pre_logits_schemes(run.config))
                for network in (run.fid_network, *run.controls)
            ),
            *_null_spaces(run),
        ],
        "convergence": [
            run.path(layout.convergence(dataset))
            for dataset in choices.convergence_datasets(run.config)
        ],
        "region_noise": [path for dataset in explained for path in figure_noise(run, dataset)],
        "region_shares": [
            run.path(layout.region(dataset))
            for dataset in explained
            if run.datasets[dataset].region is not None
        ],
    }


def _null_spaces(run: Run) -> list[str]:
    """Return the scores for the verdict's sentences about classes and null spaces of networks.

    The list is empty if FID's network counts classes and no control has its own scheme.
    """
    own = {file_name(name): scheme for scheme, name in choices.own_schemes(run.config).items()}
    if choices.own_classifier(run.config) is None and not own:
        return []
    return [
        run.path(layout.scores(dataset, scheme, network))
        for dataset in run.resampled
        for network in (run.fid_network, *own)
        for scheme in ("matched", "random-filled", *([own[network]] if network in own else []))
    ]


def write_self_check(run: Run) -> Inputs:
    """Return the numbers that are compared with numbers of the released code."""
    checked = choices.checked_datasets(run.config)
    return {"checks": [run.path(layout.checks(dataset)) for dataset in checked]}


def write_index(run: Run) -> Inputs:
    """Return the inputs of a run's page: scores, verdicts, tables, figures and linked files.

    ``linked`` are files that the page links but does not read.
    """
    config = run.config
    schemes = ["random", "random-filled", "matched", *choices.pre_logits_schemes(config)]
    networks = [run.fid_network, *run.controls]
    scores = [
        run.path(layout.scores(dataset, scheme, network))
        for dataset in run.resampled
        for scheme in schemes
        for network in networks
    ]
    if choices.sweep_schemes(config) and run.resampled:
        scores += figure_sweep(run, "18")
    scores += _null_spaces(run)
    shown = exhibits.in_page(config)
    paired = [one.of for one in shown if one.number in exhibits.COMPARED]
    pairs = [figure_comparison(run, name) for name in dict.fromkeys(paired)]
    classes = [
        layout.class_figure(name, str(number), suffix)
        for name in config.comparisons
        for number in run.illustrated_models(name)
        for suffix in ("png", "pdf")
    ]
    drawn = [*(place for one in shown if one.kind == "Figure" for place in one.places), *classes]
    printed = [place for one in shown if one.kind == "Table" for place in one.places]
    pages = [layout.page(name, "html") for name in exhibits.linked_pages(config)]
    return {
        "scores": list(dict.fromkeys([*scores, *figure_networks(run)])),
        "floors": [
            run.path(layout.floor(dataset, network))
            for dataset in run.resampled
            for network in networks
        ],
        "pairs": list(dict.fromkeys(path for one in pairs for path in one["scores"])),
        "sizes": figure_sizes(run),
        "snapshots": figure_snapshots(run),
        **{
            name: files
            for name, files in verdict(run).items()
            if name in ("convergence", "region_noise", "region_shares")
        },
        "comparisons": [run.path(layout.judged(name, "json")) for name in config.comparisons],
        "explorers": explorers(run),
        "tables": [run.path(place) for place in printed if place.endswith(".csv")],
        "pictures": [run.path(place) for place in drawn if place.endswith(".png")],
        "linked": [
            *(run.path(place) for place in printed if not place.endswith(".csv")),
            *(run.path(place) for place in drawn if not place.endswith(".png")),
            *(run.path(layout.judged(name, "html")) for name in config.comparisons),
            *(run.path(place) for place in pages),
        ],
    }
