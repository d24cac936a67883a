# What in each generated image FID looks at: maps, their means, examples, and proofs by noise.


# Maps of the first images, which make up the FID whose derivative they show.
rule measure_sensitivity:
    input:
        images=images_to_explain,
        unpacked=unpacked_to_explain,
        weights=weights_to_explain,
        real=real_statistics(),
        generated=generated_statistics,
    output:
        f"{R}/sensitivity/{{dataset}}/{{network}}/{{shard}}.h5",
    log:
        f"{R}/logs/measure_sensitivity/{{dataset}}/{{network}}/{{shard}}.log",
    benchmark:
        f"{R}/benchmarks/measure_sensitivity/{{dataset}}/{{network}}/{{shard}}.tsv"
    conda:
        "../envs/fringe.yaml"
    threads: 1 + config["extraction"]["workers"]
    resources:
        mem_mb=lambda w, attempt: explanation_memory(w, makers=shard_makers(w))
        * attempt,
        runtime=minutes(
            "measure_sensitivity", "sensitivity/{dataset}/{network}/{shard}.h5"
        ),
        gpu=0 if config["device"] == "cpu" else 1,
    params:
        made_from=maps_made_from,
        n=lambda w: choices.explained_images(config, w.dataset),
    script:
        "../workflow/scripts/measure_sensitivity.py"


rule join_sensitivity:
    input:
        explained_shards,
    output:
        f"{R}/sensitivity/{{dataset}}/{{network}}.h5",
    log:
        f"{R}/logs/join_sensitivity/{{dataset}}/{{network}}.log",
    group:
        "maps"
    conda:
        "../envs/fringe.yaml"
    params:
        made_from=explained,
    script:
        "../workflow/scripts/join_sensitivity.py"


rule average_sensitivity:
    input:
        f"{R}/sensitivity/{{dataset}}/{MAIN}.h5",
    output:
        f"{R}/sensitivity/{{dataset}}/means.h5",
    log:
        f"{R}/logs/average_sensitivity/{{dataset}}.log",
    benchmark:
        f"{R}/benchmarks/average_sensitivity/{{dataset}}.tsv"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        # It reads, or makes, all images of the most frequent classes.
        mem_mb=lambda w, attempt: explanation_memory(w, MAIN) * attempt,
        runtime=minutes("average_sensitivity", "sensitivity/{dataset}/means.h5"),
        gpu=making_gpus,
    params:
        averaged=lambda w: {
            "images": identity(DATASETS[w.dataset]["generated"]),
            "network": config["network"],
            "classes": choices.shown_classes(config, w.dataset),
            "revision": revisions.SENSITIVITY,
        },
    script:
        "../workflow/scripts/average_sensitivity.py"


rule explain_examples:
    input:
        maps=f"{R}/sensitivity/{{dataset}}/{{network}}.h5",
        real=real_statistics(),
        others=example_statistics,
    output:
        f"{R}/sensitivity/{{dataset}}/{{network}}-{{shown}}.h5",
    log:
        f"{R}/logs/explain_examples/{{dataset}}/{{network}}-{{shown}}.log",
    benchmark:
        f"{R}/benchmarks/explain_examples/{{dataset}}/{{network}}-{{shown}}.tsv"
    wildcard_constraints:
        shown="examples|grid",
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: explanation_memory(w) * attempt,
        runtime=minutes(
            "explain_examples", "sensitivity/{dataset}/{network}-{shown}.h5"
        ),
        gpu=0 if config["device"] == "cpu" else 1,
    params:
        made_from=lambda w: {
            **explained(w),
            "examples": choices.shown_images(config, w.dataset, w.shown),
            # Figure 2 shows one image step by step.
            "closeup": w.shown == "examples" and w.network == MAIN,
        },
    script:
        "../workflow/scripts/explain_examples.py"


rule measure_noise:
    input:
        maps=f"{R}/sensitivity/{{dataset}}/{MAIN}.h5",
        real=real_statistics("features", MAIN),
    output:
        f"{R}/sensitivity/{{dataset}}/noise-{{scale}}.csv",
    log:
        f"{R}/logs/measure_noise/{{dataset}}/{{scale}}.log",
    benchmark:
        f"{R}/benchmarks/measure_noise/{{dataset}}/{{scale}}.tsv"
    wildcard_constraints:
        scale="[0-9.e-]+",
    conda:
        "../envs/fringe.yaml"
    threads: 1 + config["extraction"]["workers"]
    resources:
        mem_mb=lambda w, attempt: attempt
        * explanation_memory(w, MAIN, makers=1 + config["extraction"]["workers"]),
        runtime=minutes("measure_noise", "sensitivity/{dataset}/noise-{scale}.csv"),
        gpu=0 if config["device"] == "cpu" else 1,
    params:
        measured=lambda w: {
            **explained(w, MAIN),
            "images": identity(DATASETS[w.dataset]["generated"]),
            "count": choices.noise_images(config, w.dataset),
            "seed": config["seed"],
        },
    script:
        "../workflow/scripts/measure_noise.py"


rule measure_region:
    input:
        f"{R}/sensitivity/{{dataset}}/{MAIN}.h5",
    output:
        f"{R}/sensitivity/{{dataset}}/region.csv",
    log:
        f"{R}/logs/measure_region/{{dataset}}.log",
    group:
        "maps"
    conda:
        "../envs/fringe.yaml"
    params:
        region=lambda w: {
            "region": region_identity(w.dataset),
            "network": config["network"],
            "revision": revisions.SENSITIVITY,
        },
    script:
        "../workflow/scripts/measure_region.py"


rule figure_pipeline:
    input:
        f"{R}/sensitivity/{{dataset}}/{MAIN}-examples.h5",
    output:
        **drawn("2", "-{dataset}", "figure2"),
    log:
        f"{R}/logs/figure_pipeline/{{dataset}}.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=lambda w: drawing_style(network=config["network"], **subject(w.dataset)),
    script:
        "../workflow/scripts/draw_pipeline.py"


rule figure_examples:
    input:
        f"{R}/sensitivity/{{dataset}}/{MAIN}-examples.h5",
    output:
        **drawn("{number}", "-{dataset}", "figure3"),
    log:
        f"{R}/logs/figure_examples/{{number}}-{{dataset}}.log",
    wildcard_constraints:
        number="3|13",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=lambda w: drawing_style(network=config["network"], **subject(w.dataset)),
    script:
        "../workflow/scripts/draw_examples.py"


rule figure_means:
    input:
        f"{R}/sensitivity/{{dataset}}/means.h5",
    output:
        **drawn("{number}", "-{dataset}", "figure12"),
    log:
        f"{R}/logs/figure_means/{{number}}-{{dataset}}.log",
    wildcard_constraints:
        number="4b|12|15",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=lambda w: drawing_style(
            groups=shown_groups(w),
            activation=w.number == "15",
            network=config["network"],
            **subject(w.dataset),
        ),
    script:
        "../workflow/scripts/draw_means.py"


rule figure_noise:
    input:
        lambda w: noise_files(w.dataset),
    output:
        **drawn("10a", "-{dataset}", "figure10a"),
    log:
        f"{R}/logs/figure_noise/{{dataset}}.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        # An input that is new and not there yet would alone make nothing stale.
        figure=lambda w: drawing_style(
            scales=config["sensitivity"]["noise"]["scales"],
            choices=config["choices"]["figure10a"],
            network=config["network"],
            **subject(w.dataset),
        ),
    script:
        "../workflow/scripts/draw_noise.py"


rule figure_sensitivity_grid:
    input:
        f"{R}/sensitivity/{{dataset}}/{MAIN}-grid.h5",
    output:
        **drawn("11", "-{dataset}", "figure11"),
    log:
        f"{R}/logs/figure_sensitivity_grid/{{dataset}}.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=lambda w: drawing_style(
            shown=choices.shown_images(config, w.dataset, "grid"),
            network=config["network"],
            **subject(w.dataset),
        ),
    script:
        "../workflow/scripts/draw_sensitivity_grid.py"


# The paper's scale 0.05, if that is on [-1, 1], the range of a generator's output; the paper does
# not say.
EXAMPLE_SCALE = 0.025


rule figure_noisy_images:
    input:
        f"{R}/sensitivity/{{dataset}}/{MAIN}.h5",
    output:
        **drawn("10b", "-{dataset}", "figure10b"),
    log:
        f"{R}/logs/figure_noisy_images/{{dataset}}.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=lambda w: drawing_style(
            images=identity(DATASETS[w.dataset]["generated"]),
            scale=EXAMPLE_SCALE,
            choices=config["choices"]["figure10b"],
            network=config["network"],
            seed=config["seed"],
            **subject(w.dataset),
        ),
    script:
        "../workflow/scripts/draw_noisy_images.py"


rule figure_network_maps:
    input:
        maps=[f"{R}/sensitivity/{{dataset}}/{name}.h5" for name in EXPLAINERS],
        examples=[
            f"{R}/sensitivity/{{dataset}}/{name}-examples.h5" for name in EXPLAINERS
        ],
    output:
        **drawn("S2", "-{dataset}", "figureS2"),
    log:
        f"{R}/logs/figure_network_maps/{{dataset}}.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=lambda w: drawing_style(
            networks=choices.explaining_networks(config),
            titles=own_weights(),
            **subject(w.dataset),
        ),
    script:
        "../workflow/scripts/draw_network_maps.py"
