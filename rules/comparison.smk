# Comparison of generators, or audit of one generator. One job computes all distances in a network.

COMPARISONS = "|".join(RUN.config.comparisons) or "(?!)"


rule compare_main:
    input:
        unpack(for_job(inputs.compare, network=FID_NETWORK)),
    output:
        result=below(layout.compared("{comparison}", FID_NETWORK)),
        weights=below(layout.priced("{comparison}")),
    log:
        log_file("compare_main", "{comparison}"),
    benchmark:
        benchmark_file("compare_main", "{comparison}")
    wildcard_constraints:
        comparison=COMPARISONS,
    conda:
        "../envs/fringe.yaml"
    threads: 2
    resources:
        **ask("compare_main"),
    params:
        comparing=for_job(provenance.compare, network=FID_NETWORK),
    script:
        "../workflow/scripts/compare_main.py"


rule compare_control:
    input:
        unpack(for_job(inputs.compare)),
    output:
        below(layout.compared("{comparison}", "{network}")),
    log:
        log_file("compare_control", "{comparison}", "{network}"),
    benchmark:
        benchmark_file("compare_control", "{comparison}", "{network}")
    wildcard_constraints:
        comparison=COMPARISONS,
        network="|".join(map(re.escape, RUN.controls)) or "(?!)",
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("compare_control"),
    params:
        comparing=for_job(provenance.compare),
    script:
        "../workflow/scripts/compare_control.py"


# Distances of distorted real images, which show the differences that a control can detect.
rule measure_power:
    input:
        unpack(for_job(inputs.measure_power)),
    output:
        below(layout.power("{source}", "{network}")),
    log:
        log_file("measure_power", "{source}", "{network}"),
    benchmark:
        benchmark_file("measure_power", "{source}", "{network}")
    conda:
        "../envs/fringe.yaml"
    threads: 1 + RUN.config.extraction.workers
    resources:
        **ask("measure_power"),
    params:
        measured=for_job(provenance.measure_power),
        checkpoint=below(layout.checkpoint(layout.power("{source}", "{network}"))),
    script:
        "../workflow/scripts/measure_power.py"


# The classes that cause a difference, with images of the generators and their sensitivity maps.
rule figure_compared_classes:
    input:
        unpack(for_job(inputs.figure_compared_classes)),
    output:
        png=report(
            below(layout.class_figure("{comparison}", "{number}", "png")),
            caption="../workflow/report/compared_classes.rst",
            category="Verdict",
            labels={"question": "Which classes? {comparison}, model {number}"},
        ),
        pdf=below(layout.class_figure("{comparison}", "{number}", "pdf")),
    log:
        log_file("figure_compared_classes", "{comparison}", "{number}"),
    benchmark:
        benchmark_file("figure_compared_classes", "{comparison}", "{number}")
    wildcard_constraints:
        comparison=COMPARISONS,
        number="[0-9]+",
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("figure_compared_classes"),
    params:
        figure=for_job(exhibit_params.figure_compared_classes),
    script:
        "../workflow/scripts/draw_compared_classes.py"


rule judge_comparison:
    input:
        unpack(for_job(inputs.judge_comparison)),
    output:
        json=below(layout.judged("{comparison}", "json")),
        markdown=below(layout.judged("{comparison}", "md")),
        html=report(
            below(layout.judged("{comparison}", "html")),
            caption="../workflow/report/comparison.rst",
            category="Verdict",
            labels={"question": "Is it better? {comparison}"},
        ),
    log:
        log_file("judge_comparison", "{comparison}"),
    wildcard_constraints:
        comparison=COMPARISONS,
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        about=for_job(exhibit_params.judge_comparison),
    script:
        "../workflow/scripts/judge_comparison.py"


rule comparisons:
    input:
        inputs.comparisons(RUN),
    localrule: True
