# What the scores say, in words, and what the run cost. The report itself is `snakemake --report`:
# see README.md.


rule verdict:
    input:
        scores=expand(
            f"{R}/scores/{{dataset}}/{{scheme}}/{{network}}.csv",
            dataset=RESAMPLED,
            scheme=["random", *PRE_LOGITS],
            network=[MAIN, *CONTROLS],
        ),
        convergence=expand(f"{R}/convergence/{{dataset}}.csv", dataset=CONVERGENCE),
        region_noise=[path for dataset in EXPLAINED for path in noise_files(dataset)],
        region_shares=[
            f"{R}/sensitivity/{dataset}/region.csv"
            for dataset in EXPLAINED
            if "region" in DATASETS[dataset]
        ],
    output:
        markdown=f"{R}/verdict.md",
        html=report(
            f"{R}/verdict.html",
            caption="../workflow/report/verdict.rst",
            category="Verdict",
            labels={"question": "How much of FID is null space?"},
        ),
    log:
        f"{R}/logs/verdict.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        verdict=inert(
            {
                "titles": titles(),
                "network": config["network"],
                "controls": config["controls"],
                "convergence": CONVERGENCE,
                "explained": {name: "region" in DATASETS[name] for name in EXPLAINED},
                "scales": config["sensitivity"]["noise"]["scales"],
                "released": choices.released_steps(config, SOURCES),
                "protocols": protocols(RESAMPLED),
                **read_from_files(RESAMPLED),
                **chosen(RESAMPLED),
                "dims": {
                    name: network_info(name)[0]
                    for name in (config["network"], *config["controls"])
                },
                "trained_on": {
                    name: choices.trained_on(config, name)
                    for name in config["controls"]
                },
                "revision": revisions.TABLES,
            }
        ),
    script:
        "../workflow/scripts/write_verdict.py"


rule list_deviations:
    output:
        markdown=f"{R}/deviations.md",
        html=report(
            f"{R}/deviations.html",
            caption="../workflow/report/deviations.rst",
            category="Deviations",
            labels={"question": "Where does this differ from the paper?"},
        ),
    log:
        f"{R}/logs/list_deviations.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        about=inert(
            {
                "deviations": [
                    one.to_plain()
                    for one in applying(
                        config,
                        [
                            "verdict",
                            *exhibits_of([*rules.tables.input, *rules.figures.input]),
                        ],
                    )
                ],
                "revision": revisions.TABLES,
            }
        ),
    script:
        "../workflow/scripts/write_deviations.py"


LEFT_OUT = config.get("left_out")


rule list_left_out:
    output:
        markdown=f"{R}/left_out.md",
        # The report says so only if something is.
        html=(
            report(
                f"{R}/left_out.html",
                caption="../workflow/report/left_out.rst",
                category="Left out",
                labels={"question": "What is left out, and why?"},
            )
            if LEFT_OUT
            else f"{R}/left_out.html"
        ),
    log:
        f"{R}/logs/list_left_out.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        about=inert({"left_out": LEFT_OUT, "revision": revisions.TABLES}),
    script:
        "../workflow/scripts/write_left_out.py"


rule write_self_check:
    input:
        checks=expand(f"{R}/checks/{{dataset}}.json", dataset=CHECKED),
    output:
        markdown=f"{R}/self_check.md",
        html=report(
            f"{R}/self_check.html",
            caption="../workflow/report/self_check.rst",
            category="Self-check",
            labels={"question": "Are the first numbers the released code's?"},
        ),
    log:
        f"{R}/logs/write_self_check.log",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        about=inert(
            {
                "titles": {name: DATASETS[name]["title"] for name in CHECKED},
                "revision": revisions.TABLES,
            }
        ),
    script:
        "../workflow/scripts/write_self_check.py"


# All that a run makes is its input, so that it comes last: jobs leave their times in benchmark files
# and logs, which are nobody's output.
rule summarize_cost:
    input:
        rules.all_features.input,
        rules.tables.input,
        rules.figures.input,
        rules.verdict.output,
        rules.list_deviations.output,
        rules.list_left_out.output,
        rules.write_self_check.output if CHECKED else [],
    output:
        markdown=f"{R}/cost.md",
        html=report(
            f"{R}/cost.html",
            caption="../workflow/report/cost.rst",
            category="Cost",
            labels={"question": "How long did it take?"},
        ),
    log:
        f"{R}/logs/summarize_cost.log",
    conda:
        "../envs/fringe.yaml"
    params:
        revision=revisions.TABLES,
    script:
        "../workflow/scripts/write_cost.py"
