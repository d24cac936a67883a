# Scores: tidy rows, one distance each.

PRECISION_RECALL = in_files(config["evaluation"]["precision_recall"]["network"])


rule score_scheme:
    input:
        unpack(extension_features),
        draws=f"{R}/draws/{{dataset}}/{{scheme}}.h5",
        candidates=features("generated"),
        real=real_statistics(),
    output:
        f"{R}/scores/{{dataset}}/{{scheme}}/{{network}}.csv",
    log:
        f"{R}/logs/score_scheme/{{dataset}}/{{scheme}}/{{network}}.log",
    benchmark:
        f"{R}/benchmarks/score_scheme/{{dataset}}/{{scheme}}/{{network}}.tsv"
    group:
        "scores"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: moments_memory(w.network) * attempt,
        runtime=minutes("score_scheme", "scores/{dataset}/{scheme}/{network}.csv"),
    params:
        scoring=lambda w: scoring(n_real=DATASETS[w.dataset]["n_real"], **compared(w)),
    script:
        "../workflow/scripts/score_scheme.py"


rule score_precision_recall:
    input:
        draws=f"{R}/draws/{{dataset}}/random.h5",
        candidates=features("generated", PRECISION_RECALL),
        real=features("real", PRECISION_RECALL),
    output:
        f"{R}/scores/{{dataset}}/random/precision_recall.csv",
    log:
        f"{R}/logs/score_precision_recall/{{dataset}}.log",
    benchmark:
        f"{R}/benchmarks/score_precision_recall/{{dataset}}.tsv"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: pairs_memory(w.dataset, PRECISION_RECALL) * attempt,
        runtime=minutes(
            "score_precision_recall", "scores/{dataset}/random/precision_recall.csv"
        ),
    params:
        scoring=lambda w: scoring(
            **compared(w),
            n_real=DATASETS[w.dataset]["n_real"],
            repeats=config["evaluation"]["repeats"]["recall"],
            **config["evaluation"]["precision_recall"],
        ),
    script:
        "../workflow/scripts/score_precision_recall.py"


rule score_kernels:
    input:
        unpack(lambda w: extension_features(w, MAIN)),
        draws=f"{R}/draws/{{dataset}}/{{scheme}}.h5",
        candidates=features("generated", MAIN),
        real=features("real", MAIN),
    output:
        f"{R}/scores/{{dataset}}/{{scheme}}/kernels.csv",
    log:
        f"{R}/logs/score_kernels/{{dataset}}/{{scheme}}.log",
    benchmark:
        f"{R}/benchmarks/score_kernels/{{dataset}}/{{scheme}}.tsv"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: draws_memory(w.dataset, MAIN) * attempt,
        runtime=minutes("score_kernels", "scores/{dataset}/{scheme}/kernels.csv"),
    params:
        scoring=lambda w: scoring(
            **matched_sets(w),
            repeats=config["evaluation"]["repeats"]["table3"],
            subsets=config["evaluation"]["kid_subsets"],
            subset_size=config["evaluation"]["kid_subset_size"],
            exact=config["evaluation"]["kid_exact"],
            gamma_factors=config["evaluation"]["gamma_factors"],
        ),
    script:
        "../workflow/scripts/score_kernels.py"


rule score_sizes:
    input:
        real=features("real", MAIN),
        generated=features("generated", MAIN),
    output:
        f"{R}/scores/{{dataset}}/sizes.csv",
    log:
        f"{R}/logs/score_sizes/{{dataset}}.log",
    benchmark:
        f"{R}/benchmarks/score_sizes/{{dataset}}.tsv"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: moments_memory(MAIN, covariances=3) * attempt,
        runtime=minutes("score_sizes", "scores/{dataset}/sizes.csv"),
    params:
        scoring=lambda w: scoring(
            sizes=DATASETS[w.dataset]["sizes"],
            network=config["network"],
            **compared(w),
            repeats=config["evaluation"]["repeats"]["sizes"],
            fid_infinity=config["evaluation"]["fid_infinity"],
        ),
    script:
        "../workflow/scripts/score_sizes.py"


rule score_snapshots:
    input:
        real=lambda w: real_statistics(w.space, MAIN)(w),
        snapshots=snapshot_statistics,
    output:
        f"{R}/scores/{{dataset}}/snapshots-{{space}}.csv",
    log:
        f"{R}/logs/score_snapshots/{{dataset}}-{{space}}.log",
    benchmark:
        f"{R}/benchmarks/score_snapshots/{{dataset}}-{{space}}.tsv"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt
        * moments_memory(MAIN, covariances=len(DATASETS[w.dataset]["snapshots"])),
        runtime=minutes("score_snapshots", "scores/{dataset}/snapshots-{space}.csv"),
    params:
        scoring=lambda w: scoring(
            snapshots=DATASETS[w.dataset]["snapshots"],
            statistics=[str(path) for path in snapshot_statistics(w)],
            real=str(real_statistics(w.space, MAIN)(w)),
        ),
    script:
        "../workflow/scripts/score_snapshots.py"


# Data sets with numbers of the released code, and the networks that these are in, FID's first.
CHECKED = {
    name: list(
        dict.fromkeys([config["network"], *dataset["checks"].get("distances", {})])
    )
    for name, dataset in RESAMPLED.items()
    if "checks" in dataset
}


rule measure_checks:
    input:
        real=lambda w: [
            real_statistics(network=in_files(network))(w)
            for network in CHECKED[w.dataset]
        ],
        candidates=lambda w: [
            features("generated", in_files(network))(w)
            for network in CHECKED[w.dataset]
        ],
    output:
        f"{R}/checks/{{dataset}}.json",
    log:
        f"{R}/logs/measure_checks/{{dataset}}.log",
    benchmark:
        f"{R}/benchmarks/measure_checks/{{dataset}}.tsv"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: attempt
        * max(
            moments_memory(in_files(network), covariances=3)
            for network in CHECKED[w.dataset]
        ),
        runtime=minutes("measure_checks", "checks/{dataset}.json"),
    params:
        about=lambda w: scoring(
            networks=CHECKED[w.dataset],
            loss=DATASETS[w.dataset]["checks"].get("loss"),
            distances=DATASETS[w.dataset]["checks"].get("distances", {}),
            n_real=DATASETS[w.dataset]["n_real"],
            n_drawn=DATASETS[w.dataset]["n_generated"],
            **compared(w),
        ),
    script:
        "../workflow/scripts/measure_checks.py"
