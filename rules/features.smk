# Features and logits of every image, and their means and covariances.

TO_FETCH = weights_to_fetch()


rule fetch_weights:
    output:
        f"{config['weights_dir']}/{{file}}",
    log:
        f"{R}/logs/fetch_weights/{{file}}.log",
    wildcard_constraints:
        file="|".join(map(re.escape, TO_FETCH)) or "(?!)",
    localrule: True
    conda:
        "../envs/fringe.yaml"
    params:
        network=lambda w: TO_FETCH[w.file],
    script:
        "../workflow/scripts/fetch_weights.py"


rule extract_features:
    input:
        images=rendered_shard,
        unpacked=unpacked_images,
        weights=network_weights_file,
    output:
        f"{R}/features/{{source}}/{{network}}/{{shard}}.h5",
    log:
        f"{R}/logs/extract_features/{{source}}/{{network}}/{{shard}}.log",
    benchmark:
        f"{R}/benchmarks/extract_features/{{source}}/{{network}}/{{shard}}.tsv"
    conda:
        "../envs/fringe.yaml"
    # One thread for each shard's network: the last bits of a convolution depend on the number of
    # threads, and two shards at a time are faster than one on two threads.
    threads: 1 + config["extraction"]["workers"]
    resources:
        mem_mb=lambda w, attempt: extraction_memory(w) * attempt,
        runtime=minutes("extract_features", "features/{source}/{network}/{shard}.h5"),
        gpu=0 if config["device"] == "cpu" else 1,
    params:
        made_from=shard_made_from,
    script:
        "../workflow/scripts/extract_features.py"


rule link_features:
    input:
        lambda w: [
            f"{R}/features/{w.source}/{w.network}/{shard}.h5"
            for shard in SOURCES[w.source]["shards"]
        ],
    output:
        f"{R}/features/{{source}}/{{network}}.h5",
    log:
        f"{R}/logs/link_features/{{source}}/{{network}}.log",
    group:
        "features"
    conda:
        "../envs/fringe.yaml"
    params:
        made_from=lambda w: {
            "images": identity(w.source),
            "count": SOURCES[w.source]["count"],
            **made_by(w.network),
        },
    script:
        "../workflow/scripts/link_features.py"


rule measure_statistics:
    input:
        features=measured_features,
    output:
        f"{R}/statistics/{{source}}/{{network}}/{{space}}-{{n}}.h5",
    log:
        f"{R}/logs/measure_statistics/{{source}}/{{network}}/{{space}}-{{n}}.log",
    benchmark:
        f"{R}/benchmarks/measure_statistics/{{source}}/{{network}}/{{space}}-{{n}}.tsv"
    group:
        "features"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: moments_memory(w.network) * attempt,
        runtime=minutes(
            "measure_statistics", "statistics/{source}/{network}/{space}-{n}.h5"
        ),
    params:
        revision=revisions.METRICS,
        published=published_statistics,
    script:
        "../workflow/scripts/measure_statistics.py"


rule all_features:
    input:
        feature_files(),
    localrule: True
