# Images of a generator or of a compressed array, kept in files that every network and shard reads.


rule render_images:
    output:
        below(layout.image_shard("{source}", "{shard}")),
    log:
        log_file("render_images", "{source}", "{shard}"),
    benchmark:
        benchmark_file("render_images", "{source}", "{shard}")
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("render_images"),
    params:
        made_from=for_job(provenance.render_images),
    script:
        "../workflow/scripts/render_images.py"


# A compressed array can only be read from its beginning. Without this rule, each shard of each
# network would read the array again.
rule unpack_images:
    output:
        below(layout.unpacked_images("{source}")),
    log:
        log_file("unpack_images", "{source}"),
    benchmark:
        benchmark_file("unpack_images", "{source}")
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("unpack_images"),
    params:
        made_from=for_job(provenance.unpack_images),
    script:
        "../workflow/scripts/unpack_images.py"
