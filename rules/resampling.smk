# Sampling weights, and which candidates every repeat of a scheme draws.


rule optimize_weights:
    input:
        unpack(optimized_space),
    output:
        f"{R}/weights/{{dataset}}/{{scheme}}.h5",
    log:
        f"{R}/logs/optimize_weights/{{dataset}}/{{scheme}}.log",
    benchmark:
        f"{R}/benchmarks/optimize_weights/{{dataset}}/{{scheme}}.tsv"
    wildcard_constraints:
        scheme="prelogits|logits|(top|middle)[0-9]+",
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 4000 * attempt,
        runtime=240,
    params:
        optimization=config["optimization"],
        made_from=lambda w: {
            **matched_sets(w),
            "revision": RESAMPLING_REVISION,
            "metrics_revision": METRICS_REVISION,
        },
        checkpoint=f"{R}/weights/{{dataset}}/{{scheme}}.checkpoint",
    script:
        "../workflow/scripts/optimize_weights.py"


rule draw_random:
    output:
        f"{R}/draws/{{dataset}}/random.h5",
    log:
        f"{R}/logs/draw/{{dataset}}/random.log",
    localrule: True
    conda:
        "../envs/fringe.yaml"
    params:
        drawing=lambda w: {
            "candidates": SOURCES[DATASETS[w.dataset]["generated"]]["count"],
            **drawing(w, "random"),
        },
    script:
        "../workflow/scripts/draw_random.py"


rule draw_matched:
    input:
        real=features("real", MAIN),
        candidates=features("generated", MAIN),
    output:
        f"{R}/draws/{{dataset}}/matched.h5",
    log:
        f"{R}/logs/draw/{{dataset}}/matched.log",
    localrule: True
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
        scheme="prelogits|logits|(top|middle)[0-9]+",
    localrule: True
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
CONVERGENCE = plan.convergence_datasets(config)


# On the device and with as many threads as optimize_weights: the times of both are compared.
rule measure_convergence:
    input:
        real=real_statistics("features", MAIN),
        candidates=features("generated", MAIN),
        weights=f"{R}/weights/{{dataset}}/prelogits.h5",
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
        runtime=600,
    params:
        measured=lambda w: {
            **matched_sets(w),
            "steps": config["convergence"]["steps"],
            "revision": RESAMPLING_REVISION,
            "metrics_revision": METRICS_REVISION,
        },
        checkpoint=f"{R}/convergence/{{dataset}}.checkpoint",
    script:
        "../workflow/scripts/measure_convergence.py"
