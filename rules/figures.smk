# The paper's figures. Figures of one data set have its name; the others show all data sets.


rule figure_overview:
    input:
        unpack(for_job(inputs.figure_overview)),
    output:
        **figure_files("1", "-{dataset}"),
    log:
        log_file("figure_overview", "{dataset}"),
    benchmark:
        benchmark_file("figure_overview", "{dataset}")
    conda:
        "../envs/fringe.yaml"
    threads: 1
    resources:
        **ask("figure_overview"),
    params:
        figure=for_job(exhibit_params.figure_overview),
    script:
        "../workflow/scripts/draw_overview.py"


rule figure_classes:
    input:
        unpack(for_job(inputs.figure_classes)),
    output:
        **figure_files("4a", "-{dataset}"),
    log:
        log_file("figure_classes", "{dataset}"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=for_job(exhibit_params.figure_classes),
    script:
        "../workflow/scripts/draw_classes.py"


rule figure_weights:
    input:
        for_job(inputs.figure_weights),
    output:
        **figure_files("{number}", "-{dataset}"),
    log:
        log_file("figure_weights", "{number}-{dataset}"),
    wildcard_constraints:
        number="5|17",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=for_job(exhibit_params.figure_weights),
    script:
        "../workflow/scripts/draw_weights.py"


rule figure_sweep:
    input:
        for_job(inputs.figure_sweep),
    output:
        **figure_files("{number}"),
    log:
        log_file("figure_sweep", "{number}"),
    wildcard_constraints:
        number="6|18",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=for_job(exhibit_params.figure_sweep),
    script:
        "../workflow/scripts/draw_sweep.py"


rule figure_sizes:
    input:
        inputs.figure_sizes(RUN),
    output:
        **figure_files("8a"),
    log:
        log_file("figure_sizes"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=exhibit_params.figure_sizes(RUN),
    script:
        "../workflow/scripts/draw_sizes.py"


rule figure_snapshots:
    input:
        inputs.figure_snapshots(RUN),
    output:
        **figure_files("9"),
    log:
        log_file("figure_snapshots"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=exhibit_params.figure_snapshots(RUN),
    script:
        "../workflow/scripts/draw_snapshots.py"


rule figure_schemes:
    input:
        unpack(for_job(inputs.figure_schemes)),
    output:
        **figure_files("16", "-{dataset}"),
    log:
        log_file("figure_schemes", "{dataset}"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    resources:
        **ask("figure_schemes"),
    params:
        figure=for_job(exhibit_params.figure_schemes),
    script:
        "../workflow/scripts/draw_schemes.py"


rule figure_networks:
    input:
        inputs.figure_networks(RUN),
    output:
        **figure_files("8b"),
    log:
        log_file("figure_networks"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=exhibit_params.figure_networks(RUN),
    script:
        "../workflow/scripts/draw_networks.py"


rule figure_comparison:
    input:
        unpack(for_job(inputs.figure_comparison)),
    output:
        **figure_files("{number}", "-{comparison}"),
    log:
        log_file("figure_comparison", "{number}-{comparison}"),
    wildcard_constraints:
        number="7|19",
        comparison="|".join(
            name for name, one in RUN.config.comparisons.items() if one.pair
        )
        or "(?!)",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=for_job(exhibit_params.figure_comparison),
    script:
        "../workflow/scripts/draw_comparison.py"


rule figure_convergence:
    input:
        below(layout.convergence("{dataset}")),
    output:
        **figure_files("S1", "-{dataset}"),
    log:
        log_file("figure_convergence", "{dataset}"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=for_job(exhibit_params.figure_convergence),
    script:
        "../workflow/scripts/draw_convergence.py"


rule figure_pipeline:
    input:
        below(layout.examples("{dataset}", FID_NETWORK, "examples")),
    output:
        **figure_files("2", "-{dataset}"),
    log:
        log_file("figure_pipeline", "{dataset}"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=for_job(exhibit_params.figure_examples),
    script:
        "../workflow/scripts/draw_pipeline.py"


rule figure_examples:
    input:
        below(layout.examples("{dataset}", FID_NETWORK, "examples")),
    output:
        **figure_files("{number}", "-{dataset}"),
    log:
        log_file("figure_examples", "{number}-{dataset}"),
    wildcard_constraints:
        number="3|13",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=for_job(exhibit_params.figure_examples),
    script:
        "../workflow/scripts/draw_examples.py"


rule figure_means:
    input:
        below(layout.map_means("{dataset}")),
    output:
        **figure_files("{number}", "-{dataset}"),
    log:
        log_file("figure_means", "{number}-{dataset}"),
    wildcard_constraints:
        number="4b|12|15",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=for_job(exhibit_params.figure_means),
    script:
        "../workflow/scripts/draw_means.py"


rule figure_noise:
    input:
        for_job(inputs.figure_noise),
    output:
        **figure_files("10a", "-{dataset}"),
    log:
        log_file("figure_noise", "{dataset}"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=for_job(exhibit_params.figure_noise),
    script:
        "../workflow/scripts/draw_noise.py"


rule figure_sensitivity_grid:
    input:
        below(layout.examples("{dataset}", FID_NETWORK, "grid")),
    output:
        **figure_files("11", "-{dataset}"),
    log:
        log_file("figure_sensitivity_grid", "{dataset}"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=for_job(exhibit_params.figure_sensitivity_grid),
    script:
        "../workflow/scripts/draw_sensitivity_grid.py"


rule figure_noisy_images:
    input:
        below(layout.maps("{dataset}", FID_NETWORK)),
    output:
        **figure_files("10b", "-{dataset}"),
    log:
        log_file("figure_noisy_images", "{dataset}"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=for_job(exhibit_params.figure_noisy_images),
    script:
        "../workflow/scripts/draw_noisy_images.py"


rule figure_network_maps:
    input:
        unpack(for_job(inputs.figure_network_maps)),
    output:
        **figure_files("S2", "-{dataset}"),
    log:
        log_file("figure_network_maps", "{dataset}"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        figure=for_job(exhibit_params.figure_network_maps),
    script:
        "../workflow/scripts/draw_network_maps.py"


rule figures:
    input:
        inputs.figures(RUN),
    localrule: True
