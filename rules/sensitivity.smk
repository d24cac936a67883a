# Parts of generated images on which FID depends: maps, their means, examples, and tests with noise.


# Maps of the first images. They show the derivative of the FID of these images.
rule measure_sensitivity:
    input:
        unpack(for_job(inputs.measure_sensitivity)),
    output:
        below(layout.map_shard("{dataset}", "{network}", "{shard}")),
    log:
        log_file("measure_sensitivity", "{dataset}", "{network}", "{shard}"),
    benchmark:
        benchmark_file("measure_sensitivity", "{dataset}", "{network}", "{shard}")
    conda:
        "../envs/fringe.yaml"
    threads: 1 + RUN.config.extraction.workers
    resources:
        **ask("measure_sensitivity"),
    params:
        made_from=for_job(provenance.measure_sensitivity),
        n=lambda w: choices.explained_images(RUN.config, w.dataset),
    script:
        "../workflow/scripts/measure_sensitivity.py"


rule join_sensitivity:
    input:
        for_job(inputs.join_sensitivity),
    output:
        below(layout.maps("{dataset}", "{network}")),
    log:
        log_file("join_sensitivity", "{dataset}", "{network}"),
    group:
        "maps"
    conda:
        "../envs/fringe.yaml"
    params:
        made_from=for_job(provenance.join_sensitivity),
    script:
        "../workflow/scripts/join_sensitivity.py"


rule average_sensitivity:
    input:
        below(layout.maps("{dataset}", FID_NETWORK)),
    output:
        below(layout.map_means("{dataset}")),
    log:
        log_file("average_sensitivity", "{dataset}"),
    benchmark:
        benchmark_file("average_sensitivity", "{dataset}")
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("average_sensitivity"),
    params:
        averaged=for_job(provenance.average_sensitivity),
    script:
        "../workflow/scripts/average_sensitivity.py"


rule explain_examples:
    input:
        unpack(for_job(inputs.explain_examples)),
    output:
        below(layout.examples("{dataset}", "{network}", "{shown}")),
    log:
        log_file("explain_examples", "{dataset}", "{network}-{shown}"),
    benchmark:
        benchmark_file("explain_examples", "{dataset}", "{network}-{shown}")
    wildcard_constraints:
        shown="examples|grid",
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("explain_examples"),
    params:
        made_from=for_job(provenance.explain_examples),
    script:
        "../workflow/scripts/explain_examples.py"


rule measure_noise:
    input:
        unpack(for_job(inputs.measure_noise)),
    output:
        below(layout.noise("{dataset}", "{scale}")),
    log:
        log_file("measure_noise", "{dataset}", "{scale}"),
    benchmark:
        benchmark_file("measure_noise", "{dataset}", "{scale}")
    wildcard_constraints:
        scale="[0-9.e-]+",
    conda:
        "../envs/fringe.yaml"
    threads: 1 + RUN.config.extraction.workers
    resources:
        **ask("measure_noise"),
    params:
        measured=for_job(provenance.measure_noise),
    script:
        "../workflow/scripts/measure_noise.py"


rule measure_region:
    input:
        below(layout.maps("{dataset}", FID_NETWORK)),
    output:
        below(layout.region("{dataset}")),
    log:
        log_file("measure_region", "{dataset}"),
    group:
        "maps"
    conda:
        "../envs/fringe.yaml"
    params:
        region=for_job(provenance.measure_region),
    script:
        "../workflow/scripts/measure_region.py"
