# Scores: tidy rows with one distance each.


rule score_scheme:
    input:
        unpack(for_job(inputs.score_scheme)),
    output:
        below(layout.scores("{dataset}", "{scheme}", "{network}")),
    log:
        log_file("score_scheme", "{dataset}", "{scheme}", "{network}"),
    benchmark:
        benchmark_file("score_scheme", "{dataset}", "{scheme}", "{network}")
    group:
        "scores"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("score_scheme"),
    params:
        scoring=for_job(provenance.score_scheme),
    script:
        "../workflow/scripts/score_scheme.py"


# Distances in units of the floor, the distance between two sets of real images.
rule score_floor:
    input:
        unpack(for_job(inputs.score_floor)),
    output:
        below(layout.floor("{dataset}", "{network}")),
    log:
        log_file("score_floor", "{dataset}", "{network}"),
    benchmark:
        benchmark_file("score_floor", "{dataset}", "{network}")
    group:
        "scores"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("score_floor"),
    params:
        scoring=for_job(provenance.score_floor),
    script:
        "../workflow/scripts/score_floor.py"


rule score_asked:
    input:
        unpack(for_job(inputs.score_asked)),
    output:
        below(layout.asked_scores("{dataset}", "{scheme}", "{network}")),
    log:
        log_file("score_asked", "{dataset}", "{scheme}", "{network}"),
    benchmark:
        benchmark_file("score_asked", "{dataset}", "{scheme}", "{network}")
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("score_asked"),
    params:
        scoring=for_job(provenance.score_asked),
    script:
        "../workflow/scripts/score_asked.py"


rule score_precision_recall:
    input:
        unpack(for_job(inputs.score_precision_recall)),
    output:
        below(layout.scores("{dataset}", "random", "precision_recall")),
    log:
        log_file("score_precision_recall", "{dataset}"),
    benchmark:
        benchmark_file("score_precision_recall", "{dataset}")
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("score_precision_recall"),
    params:
        scoring=for_job(provenance.score_precision_recall),
    script:
        "../workflow/scripts/score_precision_recall.py"


rule score_kernels:
    input:
        unpack(for_job(inputs.drawn_and_real)),
    output:
        below(layout.scores("{dataset}", "{scheme}", "kernels")),
    log:
        log_file("score_kernels", "{dataset}", "{scheme}"),
    benchmark:
        benchmark_file("score_kernels", "{dataset}", "{scheme}")
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("score_kernels"),
    params:
        scoring=for_job(provenance.score_kernels),
    script:
        "../workflow/scripts/score_kernels.py"


rule score_sizes:
    input:
        unpack(for_job(inputs.score_sizes)),
    output:
        below(layout.sizes("{dataset}")),
    log:
        log_file("score_sizes", "{dataset}"),
    benchmark:
        benchmark_file("score_sizes", "{dataset}")
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("score_sizes"),
    params:
        scoring=for_job(provenance.score_sizes),
    script:
        "../workflow/scripts/score_sizes.py"


rule score_snapshots:
    input:
        unpack(for_job(inputs.score_snapshots)),
    output:
        below(layout.snapshots("{dataset}", "{space}")),
    log:
        log_file("score_snapshots", "{dataset}-{space}"),
    benchmark:
        benchmark_file("score_snapshots", "{dataset}-{space}")
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("score_snapshots"),
    params:
        scoring=for_job(provenance.score_snapshots),
    script:
        "../workflow/scripts/score_snapshots.py"


rule measure_checks:
    input:
        unpack(for_job(inputs.measure_checks)),
    output:
        below(layout.checks("{dataset}")),
    log:
        log_file("measure_checks", "{dataset}"),
    benchmark:
        benchmark_file("measure_checks", "{dataset}")
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("measure_checks"),
    params:
        about=for_job(provenance.measure_checks),
    script:
        "../workflow/scripts/measure_checks.py"
