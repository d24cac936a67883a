# The page of a run, and its explorers: images of each data set and comparison, with their numbers.


rule explore_dataset:
    input:
        unpack(for_job(inputs.explore_dataset)),
    output:
        below(layout.explorer("dataset", "{dataset}")),
    log:
        log_file("explore_dataset", "{dataset}"),
    benchmark:
        benchmark_file("explore_dataset", "{dataset}")
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("explore_dataset"),
    params:
        exploring=for_job(provenance.explore_dataset),
    script:
        "../workflow/scripts/explore_dataset.py"


rule explore_comparison:
    input:
        unpack(for_job(inputs.explore_comparison)),
    output:
        below(layout.explorer("comparison", "{comparison}")),
    log:
        log_file("explore_comparison", "{comparison}"),
    benchmark:
        benchmark_file("explore_comparison", "{comparison}")
    wildcard_constraints:
        comparison=COMPARISONS,
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("explore_comparison"),
    params:
        exploring=for_job(provenance.explore_comparison),
    script:
        "../workflow/scripts/explore_comparison.py"


rule write_index:
    input:
        **inputs.write_index(RUN),
    output:
        below(layout.INDEX),
    log:
        log_file("write_index"),
    conda:
        "../envs/fringe.yaml"
    params:
        about=exhibit_params.write_index(RUN),
    script:
        "../workflow/scripts/write_index.py"
