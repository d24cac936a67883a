# Sampling weights, and which candidates every repeat of a scheme draws.


rule optimize_weights:
    input:
        unpack(optimized_space),
        judged=real_statistics("features", MAIN),
    output:
        f"{R}/weights/{{dataset}}/{{scheme}}.h5",
    log:
        f"{R}/logs/optimize_weights/{{dataset}}/{{scheme}}.log",
    benchmark:
        f"{R}/benchmarks/optimize_weights/{{dataset}}/{{scheme}}.tsv"
    wildcard_constraints:
        scheme="prelogits|logits|prelogits-released",
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: optimization_memory(w.dataset) * attempt,
        runtime=minutes("optimize_weights", "weights/{dataset}/{scheme}.h5"),
        gpu=0 if config["device"] == "cpu" else 1,
    params:
        made_from=lambda w: {
            **matched_sets(w),
            **judged(w.dataset),
            "optimization": choices.optimization_settings(config, w.scheme),
            "revision": revisions.RESAMPLING,
            "metrics_revision": revisions.METRICS,
        },
        checkpoint=f"{R}/weights/{{dataset}}/{{scheme}}.checkpoint",
    script:
        "../workflow/scripts/optimize_weights.py"


# Top-N and Middle-N weights of one N: of those that are there, only if features came again, or if
# one is forced. All others are made by the rules below.
rule optimize_sweep:
    input:
        unpack(lambda w: sweep_inputs(w.dataset)),
    output:
        f"{R}/weights/{{dataset}}/{{scheme}}.h5",
    log:
        f"{R}/logs/optimize_sweep/{{dataset}}/{{scheme}}.log",
    benchmark:
        f"{R}/benchmarks/optimize_sweep/{{dataset}}/{{scheme}}.tsv"
    wildcard_constraints:
        scheme="|".join(choices.sweep_schemes(config)) or "(?!)",
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: sweep_memory(w.dataset) * attempt,
        runtime=minutes("optimize_sweep", "weights/{dataset}/{scheme}.h5"),
        gpu=0 if config["device"] == "cpu" else 1,
    params:
        made_from=lambda w: sweep_made_from(w.dataset),
    script:
        "../workflow/scripts/optimize_sweep.py"


# Those of a data set that are not there, or made from other things, in one job. (A job makes all
# its outputs or none, so the others cannot be among them; a rule without wildcards goes before one
# with.) Which these are is settled when the workflow is read, and is the same in a job that reads it
# again, because that job alone writes them, all at its end.
for dataset in DATASETS:
    if lacking := sweep_to_make(dataset):

        rule:
            name:
                f"optimize_sweep_{dataset}"
            input:
                **sweep_inputs(dataset),
            output:
                lacking,
            log:
                f"{R}/logs/optimize_sweep/{dataset}.log",
            benchmark:
                f"{R}/benchmarks/optimize_sweep/{dataset}.tsv"
            conda:
                "../envs/fringe.yaml"
            threads: 1
            resources:
                mem_mb=growing(sweep_memory(dataset)),
                runtime=sweep_minutes(lacking),
                gpu=0 if config["device"] == "cpu" else 1,
            params:
                made_from=sweep_made_from(dataset),
            script:
                "../workflow/scripts/optimize_sweep.py"


rule draw_random:
    output:
        f"{R}/draws/{{dataset}}/random.h5",
    log:
        f"{R}/logs/draw/{{dataset}}/random.log",
    group:
        "scores"
    conda:
        "../envs/fringe.yaml"
    params:
        drawing=lambda w: {
            "candidates": SOURCES[DATASETS[w.dataset]["generated"]]["count"],
            **drawing(w, "random"),
        },
    script:
        "../workflow/scripts/draw_random.py"


# As many of each random draw as Top-1 matching could fill: what the count does to a score.
rule draw_random_filled:
    input:
        matched=f"{R}/draws/{{dataset}}/matched.h5",
    output:
        f"{R}/draws/{{dataset}}/random-filled.h5",
    log:
        f"{R}/logs/draw/{{dataset}}/random-filled.log",
    group:
        "scores"
    conda:
        "../envs/fringe.yaml"
    params:
        drawing=lambda w: {
            "candidates": SOURCES[DATASETS[w.dataset]["generated"]]["count"],
            **drawing(w, "random-filled"),
        },
    script:
        "../workflow/scripts/draw_random_filled.py"


# Which images beyond the candidates fill the bins that these leave short. One job: when the last
# bin is full is not known before.
rule extend_matched:
    input:
        real=features("real", MAIN),
        candidates=features("generated", MAIN),
        weights=weights_to_draw_on,
    output:
        f"{R}/matched/{{dataset}}.h5",
    log:
        f"{R}/logs/extend_matched/{{dataset}}.log",
    benchmark:
        f"{R}/benchmarks/extend_matched/{{dataset}}.tsv"
    conda:
        "../envs/fringe.yaml"
    threads: 1 + config["extraction"]["workers"]
    resources:
        mem_mb=lambda w, attempt: drawing_on_memory(w.dataset, MAIN) * attempt,
        runtime=minutes("extend_matched", "matched/{dataset}.h5"),
        gpu=0 if config["device"] == "cpu" else 1,
    params:
        made_from=lambda w: extension_made_from(w.dataset),
        limit=settled_limit,
        checkpoint=f"{R}/matched/{{dataset}}.checkpoint",
    script:
        "../workflow/scripts/extend_matched.py"


rule extract_matched:
    input:
        extension=f"{R}/matched/{{dataset}}.h5",
        weights=weights_to_extract_matched,
    output:
        f"{R}/matched/{{dataset}}/{{network}}.h5",
    log:
        f"{R}/logs/extract_matched/{{dataset}}/{{network}}.log",
    benchmark:
        f"{R}/benchmarks/extract_matched/{{dataset}}/{{network}}.tsv"
    conda:
        "../envs/fringe.yaml"
    threads: 1 + config["extraction"]["workers"]
    resources:
        mem_mb=lambda w, attempt: drawing_on_memory(w.dataset, w.network) * attempt,
        runtime=minutes("extract_matched", "matched/{dataset}/{network}.h5"),
        gpu=0 if config["device"] == "cpu" else 1,
    params:
        made_from=matched_features_made_from,
    script:
        "../workflow/scripts/extract_matched.py"


rule draw_matched:
    input:
        unpack(extension_of),
        real=features("real", MAIN),
        candidates=features("generated", MAIN),
    output:
        f"{R}/draws/{{dataset}}/matched.h5",
    log:
        f"{R}/logs/draw/{{dataset}}/matched.log",
    group:
        "scores"
    conda:
        "../envs/fringe.yaml"
    params:
        drawing=lambda w: {**matched_sets(w), **drawing(w, "matched")},
    script:
        "../workflow/scripts/draw_matched.py"


rule draw_weighted:
    input:
        f"{R}/weights/{{dataset}}/{{scheme}}.h5",
    output:
        f"{R}/draws/{{dataset}}/{{scheme}}.h5",
    log:
        f"{R}/logs/draw/{{dataset}}/{{scheme}}.log",
    wildcard_constraints:
        scheme="prelogits|logits|prelogits-released|(top|middle)[0-9]+",
    group:
        "scores"
    conda:
        "../envs/fringe.yaml"
    params:
        drawing=lambda w: {
            **drawing(w, w.scheme),
            "sampling": config["evaluation"]["sampling"],
        },
    script:
        "../workflow/scripts/draw_weighted.py"


# Where the released optimization is measured beside ours (Figure S1).
CONVERGENCE = choices.convergence_datasets(config)


# On the device and with as many threads as optimize_weights: the times of both are compared.
rule measure_convergence:
    input:
        real=real_statistics("features", MAIN),
        candidates=features("generated", MAIN),
        weights=f"{R}/weights/{{dataset}}/prelogits.h5",
        released=expand(
            f"{R}/weights/{{{{dataset}}}}/{{scheme}}.h5",
            scheme=choices.released_schemes(config)[:1],
        ),
    output:
        f"{R}/convergence/{{dataset}}.csv",
    log:
        f"{R}/logs/measure_convergence/{{dataset}}.log",
    benchmark:
        f"{R}/benchmarks/measure_convergence/{{dataset}}.tsv"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: released_memory(w) * attempt,
        gpu=0 if config["device"] == "cpu" else 1,
        runtime=minutes("measure_convergence", "convergence/{dataset}.csv"),
    params:
        measured=lambda w: {
            **matched_sets(w),
            **(
                choices.optimization_settings(config, "prelogits-released")
                if choices.released_schemes(config)
                else {"steps": config["convergence"]["steps"]}
            ),
            "revision": revisions.RESAMPLING,
            "metrics_revision": revisions.METRICS,
        },
        checkpoint=f"{R}/convergence/{{dataset}}.checkpoint",
    script:
        "../workflow/scripts/measure_convergence.py"
