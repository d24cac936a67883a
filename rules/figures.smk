# The paper's figures. Those of one data set carry its name; the others show all.


rule figure_overview:
    input:
        real=features("real", MAIN),
        generated=features("generated", MAIN),
        real_features=real_statistics("features", MAIN),
        real_logits=real_statistics("logits", MAIN),
        generated_features=lambda w: candidate_statistics(w.dataset, "features"),
        generated_logits=lambda w: candidate_statistics(w.dataset, "logits"),
    output:
        **drawn("1", "-{dataset}", "figure1"),
    log:
        f"{R}/logs/figure_overview/{{dataset}}.log",
    benchmark:
        f"{R}/benchmarks/figure_overview/{{dataset}}.tsv"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: moments_memory(MAIN, covariances=2) * attempt,
        runtime=minutes("figure_overview", "figures/figure1-{dataset}.png"),
    params:
        figure=lambda w: drawing_style(
            images=[identity(source) for source in compared(w).values()],
            n_real=DATASETS[w.dataset]["n_real"],
            n_generated=DATASETS[w.dataset]["n_generated"],
            network=config["network"],
            metrics_revision=revisions.METRICS,
            **compared(w),
            **subject(w.dataset),
        ),
    script:
        "../workflow/scripts/draw_overview.py"


rule figure_classes:
    input:
        real=features("real", MAIN),
        generated=features("generated", MAIN),
    output:
        **drawn("4a", "-{dataset}", "figure4a"),
    log:
        f"{R}/logs/figure_classes/{{dataset}}.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=lambda w: drawing_style(
            n_real=DATASETS[w.dataset]["n_real"],
            n_generated=DATASETS[w.dataset]["n_generated"],
            network=config["network"],
            **compared(w),
            **subject(w.dataset),
        ),
    script:
        "../workflow/scripts/draw_classes.py"


rule figure_weights:
    input:
        expand(
            f"{R}/weights/{{{{dataset}}}}/{{scheme}}.h5",
            scheme=["prelogits", *choices.released_schemes(config)],
        ),
    output:
        **drawn("{number}", "-{dataset}", "figure5"),
    log:
        f"{R}/logs/figure_weights/{{number}}-{{dataset}}.log",
    wildcard_constraints:
        number="5|17",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=lambda w: drawing_style(
            images=identity(DATASETS[w.dataset]["generated"]),
            rows=4 if w.number == "5" else 9,
            columns=5 if w.number == "5" else 16,
            seed=choices.grid_seed(config),
            **subject(w.dataset),
        ),
    script:
        "../workflow/scripts/draw_weights.py"


rule figure_sweep:
    input:
        sweep_scores,
    output:
        **drawn("{number}", caption="figure6"),
    log:
        f"{R}/logs/figure_sweep/{{number}}.log",
    wildcard_constraints:
        number="6|18",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=lambda w: drawing_style(
            datasets=sweep_datasets(w.number),
            titles=titles(),
            network=config["network"],
            control=choices.shown_control(config),
            schemes=choices.sweep_schemes(config),
            released=RELEASED,
            choices=config["choices"][f"figure{w.number}"],
            certified=config["optimization"]["method"] == "auto",
            protocols=protocols(sweep_datasets(w.number)),
        ),
    script:
        "../workflow/scripts/draw_sweep.py"


WITH_SIZES = [name for name, dataset in RESAMPLED.items() if dataset["sizes"]]


rule figure_sizes:
    input:
        expand(f"{R}/scores/{{dataset}}/sizes.csv", dataset=WITH_SIZES),
    output:
        **drawn("8a", caption="figure8a"),
    log:
        f"{R}/logs/figure_sizes.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=drawing_style(
            titles=titles(),
            network=config["network"],
            all_real={
                name: SOURCES[DATASETS[name]["real"]]["count"] for name in WITH_SIZES
            },
            protocols=protocols(WITH_SIZES),
            choices=config["choices"]["figure8a"],
        ),
    script:
        "../workflow/scripts/draw_sizes.py"


WITH_SNAPSHOTS = [name for name, dataset in RESAMPLED.items() if dataset["snapshots"]]


rule figure_snapshots:
    input:
        expand(
            f"{R}/scores/{{dataset}}/snapshots-{{space}}.csv",
            dataset=WITH_SNAPSHOTS,
            space=["features", "logits"],
        ),
    output:
        **drawn("9", caption="figure9"),
    log:
        f"{R}/logs/figure_snapshots.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=drawing_style(
            datasets=WITH_SNAPSHOTS,
            titles=titles(),
            network=config["network"],
            protocols=snapshot_protocols(WITH_SNAPSHOTS),
            choices=config["choices"]["figure9"],
        ),
    script:
        "../workflow/scripts/draw_snapshots.py"


GRID_SCHEMES = ["random", "matched", "prelogits"]


rule figure_schemes:
    input:
        draws=expand(f"{R}/draws/{{{{dataset}}}}/{{scheme}}.h5", scheme=GRID_SCHEMES),
        scores=expand(
            f"{R}/scores/{{{{dataset}}}}/{{scheme}}/{MAIN}.csv", scheme=GRID_SCHEMES
        ),
    output:
        **drawn("16", "-{dataset}", "figure16"),
    log:
        f"{R}/logs/figure_schemes/{{dataset}}.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    resources:
        # Images beyond the candidates are made again.
        mem_mb=lambda w, attempt: attempt
        * (2000 + generator_memory(DATASETS[w.dataset]["generated"])),
    params:
        figure=lambda w: drawing_style(
            schemes=GRID_SCHEMES,
            certified=config["optimization"]["method"] == "auto",
            network=config["network"],
            images=identity(DATASETS[w.dataset]["generated"]),
            seed=choices.grid_seed(config),
            **subject(w.dataset),
        ),
    script:
        "../workflow/scripts/draw_schemes.py"


WITH_ALTERNATIVES = {
    name: dataset["alternatives"]
    for name, dataset in RESAMPLED.items()
    if dataset["alternatives"]
}


rule figure_networks:
    input:
        [
            f"{R}/scores/{dataset}/random/{network}.csv"
            for dataset, alternatives in WITH_ALTERNATIVES.items()
            for network in (MAIN, *map(in_files, alternatives))
        ],
    output:
        **drawn("8b", caption="figure8b"),
    log:
        f"{R}/logs/figure_networks.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=drawing_style(
            titles=titles(),
            networks={
                name: [config["network"], *alternatives]
                for name, alternatives in WITH_ALTERNATIVES.items()
            },
            protocols=protocols(WITH_ALTERNATIVES),
            choices=config["choices"]["figure8b"],
        ),
    script:
        "../workflow/scripts/draw_networks.py"


# Rows and columns of each generator's grid.
COMPARISON_GRIDS = {"7": (4, 4), "19": (10, 6)}


rule figure_comparison:
    input:
        scores=lambda w: compared_scores(w.comparison),
        draws=lambda w: [
            f"{R}/draws/{dataset}/random.h5"
            for dataset in config["comparisons"][w.comparison]["generators"].values()
        ],
    output:
        **drawn("{number}", "-{comparison}", "figure7"),
    log:
        f"{R}/logs/figure_comparison/{{number}}-{{comparison}}.log",
    wildcard_constraints:
        number="7|19",
        comparison="|".join(config["comparisons"]) or "(?!)",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=lambda w: drawing_style(
            comparison=config["comparisons"][w.comparison],
            images={
                dataset: identity(DATASETS[dataset]["generated"])
                for dataset in config["comparisons"][w.comparison][
                    "generators"
                ].values()
            },
            titles=titles(config["comparisons"][w.comparison]["generators"].values()),
            network=config["network"],
            control=choices.shown_control(config),
            recall=config["evaluation"]["precision_recall"]["network"],
            grid=COMPARISON_GRIDS[w.number],
            choices=config["choices"][f"figure{w.number}"],
            protocols=protocols(
                config["comparisons"][w.comparison]["generators"].values()
            ),
            seed=choices.grid_seed(config),
        ),
    script:
        "../workflow/scripts/draw_comparison.py"


rule figure_convergence:
    input:
        f"{R}/convergence/{{dataset}}.csv",
    output:
        **drawn("S1", "-{dataset}", "figureS1"),
    log:
        f"{R}/logs/figure_convergence/{{dataset}}.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=lambda w: drawing_style(**subject(w.dataset)),
    script:
        "../workflow/scripts/draw_convergence.py"


rule figures:
    input:
        [
            f"{R}/figures/{exhibit.stem}.{kind}"
            for exhibit in exhibits(config)
            if exhibit.kind == "Figure"
            for kind in ("png", "pdf")
        ],
    localrule: True
