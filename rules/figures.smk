# The paper's figures. Those of one data set carry its name; the others show all.


rule figure_classes:
    input:
        real=features("real", MAIN),
        generated=features("generated", MAIN),
    output:
        **drawn("4a", "-{dataset}", "figure4a"),
    log:
        f"{R}/logs/figure_classes/{{dataset}}.log",
    localrule: True
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
        f"{R}/weights/{{dataset}}/prelogits.h5",
    output:
        **drawn("{number}", "-{dataset}", "figure5"),
    log:
        f"{R}/logs/figure_weights/{{number}}-{{dataset}}.log",
    wildcard_constraints:
        number="5|17",
    localrule: True
    conda:
        "../envs/fringe.yaml"
    params:
        figure=lambda w: drawing_style(
            images=identity(DATASETS[w.dataset]["generated"]),
            rows=4 if w.number == "5" else 9,
            columns=5 if w.number == "5" else 16,
            seed=config["seed"],
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
    localrule: True
    conda:
        "../envs/fringe.yaml"
    params:
        figure=lambda w: drawing_style(
            datasets=sweep_datasets(w.number),
            titles=titles(),
            network=config["network"],
            control=config["controls"][-1],
            schemes=plan.sweep_schemes(config),
        ),
    script:
        "../workflow/scripts/draw_sweep.py"


WITH_SIZES = [name for name, dataset in DATASETS.items() if dataset["sizes"]]


rule figure_sizes:
    input:
        expand(f"{R}/scores/{{dataset}}/sizes.csv", dataset=WITH_SIZES),
    output:
        **drawn("8a", caption="figure8a"),
    log:
        f"{R}/logs/figure_sizes.log",
    localrule: True
    conda:
        "../envs/fringe.yaml"
    params:
        figure=drawing_style(
            titles=titles(),
            network=config["network"],
            all_real={
                name: SOURCES[DATASETS[name]["real"]]["count"] for name in WITH_SIZES
            },
        ),
    script:
        "../workflow/scripts/draw_sizes.py"


WITH_SNAPSHOTS = [name for name, dataset in DATASETS.items() if dataset["snapshots"]]


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
    localrule: True
    conda:
        "../envs/fringe.yaml"
    params:
        figure=drawing_style(
            datasets=WITH_SNAPSHOTS, titles=titles(), network=config["network"]
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
    localrule: True
    conda:
        "../envs/fringe.yaml"
    params:
        figure=lambda w: drawing_style(
            schemes=GRID_SCHEMES,
            network=config["network"],
            images=identity(DATASETS[w.dataset]["generated"]),
            seed=config["seed"],
            **subject(w.dataset),
        ),
    script:
        "../workflow/scripts/draw_schemes.py"


rule figures:
    input:
        expand(
            f"{R}/figures/figure{{number}}-{{dataset}}.{{kind}}",
            number=["4a", "5", "16", "17"],
            dataset=DATASETS,
            kind=["png", "pdf"],
        ),
        expand(
            f"{R}/figures/figure{{number}}.{{kind}}",
            number=[
                "6",
                "18",
                *(["8a"] if WITH_SIZES else []),
                *(["9"] if WITH_SNAPSHOTS else []),
            ],
            kind=["png", "pdf"],
        ),
    localrule: True
