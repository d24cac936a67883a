# Images that a generator makes, or that lie in one compressed array, kept so that every network and
# every shard reads the same files.


rule render_images:
    output:
        f"{R}/images/{{source}}/{{shard}}.h5",
    log:
        f"{R}/logs/render_images/{{source}}/{{shard}}.log",
    benchmark:
        f"{R}/benchmarks/render_images/{{source}}/{{shard}}.tsv"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: rendering_memory(w) * attempt,
        runtime=minutes("render_images", "images/{source}/{shard}.h5"),
        gpu=lambda w: (
            1
            if config["device"] != "cpu"
            and config["sources"][w.source]["kind"] == "generator"
            else 0
        ),
    params:
        made_from=lambda w: {
            "images": shard_identity(w),
            "revision": IMAGES_REVISION,
        },
    script:
        "../workflow/scripts/render_images.py"


# A compressed array can only be read from its beginning, which each shard of each network would do.
rule unpack_images:
    output:
        f"{R}/images/{{source}}/unpacked.h5",
    log:
        f"{R}/logs/unpack_images/{{source}}.log",
    benchmark:
        f"{R}/benchmarks/unpack_images/{{source}}.tsv"
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        mem_mb=lambda w, attempt: 1500 * attempt,
        runtime=minutes("unpack_images", "images/{source}/unpacked.h5"),
    params:
        made_from=lambda w: {"images": SOURCES[w.source]["packed"].identity},
    script:
        "../workflow/scripts/unpack_images.py"
