# Tables 1, 2 and 3.


# The schemes that each table compares with random images, and whether it has controls and KID.
TABLES = {
    1: {
        "schemes": ["random", "matched", "random-filled"],
        "controls": True,
        "kernels": False,
    },
    2: {
        "schemes": ["random", *PRE_LOGITS, "logits"],
        "controls": True,
        "kernels": False,
    },
    3: {"schemes": ["random", *PRE_LOGITS], "controls": False, "kernels": True},
}


rule make_table:
    input:
        table_scores,
    output:
        csv=f"{R}/tables/table{{table}}.csv",
        markdown=f"{R}/tables/table{{table}}.md",
        latex=f"{R}/tables/table{{table}}.tex",
        html=report(
            f"{R}/tables/table{{table}}.html",
            caption="../workflow/report/table.rst",
            category="Tables",
            labels={"table": "Table {table}"},
        ),
    log:
        f"{R}/logs/make_table/{{table}}.log",
    wildcard_constraints:
        table="[123]",
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        table=lambda w: inert(
            {
                "datasets": list(RESAMPLED),
                "titles": titles(),
                "network": config["network"],
                "controls": (
                    config["controls"] if TABLES[int(w.table)]["controls"] else []
                ),
                "repeats": config["evaluation"]["repeats"][f"table{w.table}"],
                "released": (
                    {} if w.table == "1" else choices.released_steps(config, SOURCES)
                ),
                "choices": config["choices"][f"table{w.table}"],
                "protocols": protocols(RESAMPLED),
                **read_from_files(RESAMPLED),
                **chosen(RESAMPLED),
                "revision": revisions.TABLES,
            }
        ),
    script:
        "../workflow/scripts/make_table.py"


rule tables:
    input:
        expand(
            f"{R}/tables/table{{table}}.{{kind}}",
            table=TABLES,
            kind=["csv", "md", "tex", "html"],
        ),
    localrule: True
