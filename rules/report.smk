# Pages with the verdict, deviations, omissions, self-check and cost. The report itself is made by
# `snakemake --report`: see docs/results.md.


rule verdict:
    input:
        **inputs.verdict(RUN),
    output:
        **page_files(
            "verdict",
            category="Verdict",
            labels={"question": "How much of FID is null space?"},
        ),
    log:
        log_file("verdict"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        verdict=exhibit_params.verdict(RUN),
    script:
        "../workflow/scripts/write_verdict.py"


rule list_deviations:
    output:
        **page_files(
            "deviations",
            category="Deviations",
            labels={"question": "Where does this differ from the paper?"},
        ),
    log:
        log_file("list_deviations"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        about=exhibit_params.list_deviations(RUN),
    script:
        "../workflow/scripts/write_deviations.py"


rule list_left_out:
    output:
        # The report shows the page only if something is left out.
        **page_files(
            "left_out",
            category="Left out",
            labels={"question": "What is left out, and why?"},
            shown=RUN.config.left_out is not None,
        ),
    log:
        log_file("list_left_out"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        about=exhibit_params.list_left_out(RUN),
    script:
        "../workflow/scripts/write_left_out.py"


rule write_self_check:
    input:
        **inputs.write_self_check(RUN),
    output:
        **page_files(
            "self_check",
            category="Self-check",
            labels={"question": "Are the first numbers the released code's?"},
        ),
    log:
        log_file("write_self_check"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        about=exhibit_params.write_self_check(RUN),
    script:
        "../workflow/scripts/write_self_check.py"


# All results of a run are inputs, so that this job runs last. The times of jobs are in benchmark
# files and logs, which are not outputs of any rule.
rule summarize_cost:
    input:
        rules.all_features.input,
        rules.tables.input,
        rules.figures.input,
        rules.verdict.output if RUN.resampled else [],
        rules.comparisons.input,
        rules.write_index.output,
        rules.list_deviations.output,
        rules.list_left_out.output,
        rules.write_self_check.output if choices.checked_datasets(RUN.config) else [],
    output:
        **page_files(
            "cost", category="Cost", labels={"question": "How long did it take?"}
        ),
    log:
        log_file("summarize_cost"),
    conda:
        "../envs/fringe.yaml"
    params:
        revision=revisions.TABLES,
    script:
        "../workflow/scripts/write_cost.py"
