# Features and logits of all images, and their means and covariances.

TO_FETCH = weight_files_to_fetch(RUN.config, RUN.weight_files)


rule fetch_weight_file:
    output:
        f"{RUN.config.weights_dir}/{{file}}",
    log:
        log_file("fetch_weight_file", "{file}"),
    wildcard_constraints:
        file="|".join(map(re.escape, TO_FETCH)) or "(?!)",
    localrule: True
    conda:
        "../envs/fringe.yaml"
    params:
        network=lambda w: TO_FETCH[w.file],
    script:
        "../workflow/scripts/fetch_weight_file.py"


rule extract_features:
    input:
        unpack(for_job(inputs.extract_features)),
    output:
        below(layout.feature_shard("{source}", "{network}", "{shard}")),
    log:
        log_file("extract_features", "{source}", "{network}", "{shard}"),
    benchmark:
        benchmark_file("extract_features", "{source}", "{network}", "{shard}")
    conda:
        "../envs/fringe.yaml"
    # One thread for the network of a shard, because the last bits of a convolution depend on the
    # number of threads, and two shards at a time are faster than one shard on two threads.
    threads: 1 + RUN.config.extraction.workers
    resources:
        **ask("extract_features"),
    params:
        made_from=for_job(provenance.extract_features),
    script:
        "../workflow/scripts/extract_features.py"


rule link_features:
    input:
        for_job(inputs.link_features),
    output:
        below(layout.features("{source}", "{network}")),
    log:
        log_file("link_features", "{source}", "{network}"),
    group:
        "features"
    conda:
        "../envs/fringe.yaml"
    params:
        made_from=for_job(provenance.link_features),
    script:
        "../workflow/scripts/link_features.py"


# Replaces link_features for sources that are features of another tool.
ruleorder: import_features > link_features


rule import_features:
    output:
        below(layout.features("{source}", "{network}")),
    log:
        log_file("import_features", "{source}", "{network}"),
    wildcard_constraints:
        source="|".join(map(re.escape, choices.given_features(RUN.config))) or "(?!)",
    group:
        "features"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("import_features"),
    params:
        made_from=for_job(provenance.import_features),
    script:
        "../workflow/scripts/import_features.py"


rule measure_statistics:
    input:
        unpack(for_job(inputs.measure_statistics)),
    output:
        below(layout.statistics("{source}", "{network}", "{space}", "{n}")),
    log:
        log_file("measure_statistics", "{source}", "{network}", "{space}-{n}"),
    benchmark:
        benchmark_file("measure_statistics", "{source}", "{network}", "{space}-{n}")
    group:
        "features"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("measure_statistics"),
    params:
        revision=revisions.METRICS,
        published=for_job(provenance.published_statistics),
    script:
        "../workflow/scripts/measure_statistics.py"


rule all_features:
    input:
        inputs.all_features(RUN),
    localrule: True
