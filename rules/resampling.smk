# Sampling weights, and the candidates that each repeat of a scheme draws.

OPTIMIZED = "|".join(map(re.escape, choices.optimized_schemes(RUN.config)))


rule optimize_weights:
    input:
        unpack(for_job(inputs.optimize_weights)),
    output:
        below(layout.weights("{dataset}", "{scheme}")),
    log:
        log_file("optimize_weights", "{dataset}", "{scheme}"),
    benchmark:
        benchmark_file("optimize_weights", "{dataset}", "{scheme}")
    wildcard_constraints:
        scheme=OPTIMIZED,
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("optimize_weights"),
    params:
        made_from=for_job(provenance.optimize_weights),
        checkpoint=below(layout.checkpoint(layout.weights("{dataset}", "{scheme}"))),
    script:
        "../workflow/scripts/optimize_weights.py"


# Top-N and Middle-N weights for a single N. This rule runs only if the file exists and features were
# made again, or if the file is forced. All other files are made by the rules below.
rule optimize_sweep:
    input:
        unpack(for_job(inputs.optimize_sweep)),
    output:
        below(layout.weights("{dataset}", "{scheme}")),
    log:
        log_file("optimize_sweep", "{dataset}", "{scheme}"),
    benchmark:
        benchmark_file("optimize_sweep", "{dataset}", "{scheme}")
    wildcard_constraints:
        scheme="|".join(choices.sweep_schemes(RUN.config)) or "(?!)",
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("optimize_sweep"),
    params:
        made_from=for_job(provenance.optimize_sweep),
    script:
        "../workflow/scripts/optimize_sweep.py"


# All missing or outdated Top-N and Middle-N weights of a data set, in one job. Up-to-date weights
# cannot be outputs of the job, because a job makes all its outputs or none. A rule without wildcards
# takes precedence over a rule with wildcards. The list of weights is fixed when the workflow is read.
# The job reads the workflow again and finds the same list, because only this job writes the weights,
# and only at its end.
for dataset in RUN.datasets:
    if lacking := provenance.sweep_to_make(RUN, dataset):

        rule:
            name:
                f"optimize_sweep_{dataset}"
            input:
                **inputs.optimize_sweep(RUN, dataset),
            output:
                lacking,
            log:
                log_file("optimize_sweep", dataset),
            benchmark:
                benchmark_file("optimize_sweep", dataset)
            conda:
                "../envs/fringe.yaml"
            threads: 1
            resources:
                **ask("optimize_sweep", {"dataset": dataset}, lacking),
            params:
                made_from=provenance.optimize_sweep(RUN, dataset),
            script:
                "../workflow/scripts/optimize_sweep.py"


rule draw_random:
    output:
        below(layout.draws("{dataset}", "random")),
    log:
        log_file("draw", "{dataset}", "random"),
    group:
        "scores"
    conda:
        "../envs/fringe.yaml"
    params:
        drawing=for_job(provenance.draw_random, scheme="random"),
    script:
        "../workflow/scripts/draw_random.py"


# As many images of each random draw as Top-1 matching could fill, to show the effect of their number.
rule draw_random_filled:
    input:
        matched=below(layout.draws("{dataset}", "matched")),
    output:
        below(layout.draws("{dataset}", "random-filled")),
    log:
        log_file("draw", "{dataset}", "random-filled"),
    group:
        "scores"
    conda:
        "../envs/fringe.yaml"
    params:
        drawing=for_job(provenance.draw_random, scheme="random-filled"),
    script:
        "../workflow/scripts/draw_random_filled.py"


# Images beyond the candidates, for bins that the candidates do not fill. This is a single job, because
# the number of images until the last bin is full is unknown.
rule extend_matched:
    input:
        unpack(for_job(inputs.extend_matched)),
    output:
        below(layout.matched("{dataset}")),
    log:
        log_file("extend_matched", "{dataset}"),
    benchmark:
        benchmark_file("extend_matched", "{dataset}")
    conda:
        "../envs/fringe.yaml"
    threads: 1 + RUN.config.extraction.workers
    resources:
        **ask("extend_matched"),
    params:
        made_from=for_job(provenance.extend_matched),
        limit=for_job(provenance.settled_limit),
        checkpoint=below(layout.checkpoint(layout.matched("{dataset}"))),
    script:
        "../workflow/scripts/extend_matched.py"


rule extract_matched:
    input:
        unpack(for_job(inputs.extract_matched)),
    output:
        below(layout.matched_features("{dataset}", "{network}")),
    log:
        log_file("extract_matched", "{dataset}", "{network}"),
    benchmark:
        benchmark_file("extract_matched", "{dataset}", "{network}")
    conda:
        "../envs/fringe.yaml"
    threads: 1 + RUN.config.extraction.workers
    resources:
        **ask("extract_matched"),
    params:
        made_from=for_job(provenance.extract_matched),
    script:
        "../workflow/scripts/extract_matched.py"


rule draw_matched:
    input:
        unpack(for_job(inputs.draw_matched)),
    output:
        below(layout.draws("{dataset}", "matched")),
    log:
        log_file("draw", "{dataset}", "matched"),
    group:
        "scores"
    conda:
        "../envs/fringe.yaml"
    params:
        drawing=for_job(provenance.draw_matched),
    script:
        "../workflow/scripts/draw_matched.py"


rule draw_weighted:
    input:
        below(layout.weights("{dataset}", "{scheme}")),
    output:
        below(layout.draws("{dataset}", "{scheme}")),
    log:
        log_file("draw", "{dataset}", "{scheme}"),
    wildcard_constraints:
        scheme=f"{OPTIMIZED}|(top|middle)[0-9]+",
    group:
        "scores"
    conda:
        "../envs/fringe.yaml"
    params:
        drawing=for_job(provenance.draw_weighted),
    script:
        "../workflow/scripts/draw_weighted.py"


# The released optimization next to Fringe's (Figure S1). The device and the number of threads are as
# in optimize_weights, because the times of both are compared.
rule measure_convergence:
    input:
        unpack(for_job(inputs.measure_convergence)),
    output:
        below(layout.convergence("{dataset}")),
    log:
        log_file("measure_convergence", "{dataset}"),
    benchmark:
        benchmark_file("measure_convergence", "{dataset}")
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("measure_convergence"),
    params:
        measured=for_job(provenance.measure_convergence),
        checkpoint=below(layout.checkpoint(layout.convergence("{dataset}"))),
    script:
        "../workflow/scripts/measure_convergence.py"
