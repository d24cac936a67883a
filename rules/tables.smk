# Tables 1, 2 and 3, and the table of the metrics in the configuration.


rule make_table:
    input:
        for_job(inputs.make_table),
    output:
        csv=below(layout.table("table{table}", "csv")),
        markdown=below(layout.table("table{table}", "md")),
        latex=below(layout.table("table{table}", "tex")),
        html=report(
            below(layout.table("table{table}", "html")),
            caption="../workflow/report/table.rst",
            category="Tables",
            labels={"table": "Table {table}"},
        ),
    log:
        log_file("make_table", "{table}"),
    wildcard_constraints:
        table="|".join(exhibits.TABLES),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        table=for_job(exhibit_params.make_table),
    script:
        "../workflow/scripts/make_table.py"


rule table_asked:
    input:
        inputs.table_asked(RUN),
    output:
        csv=below(layout.table(f"table{exhibits.ASKED_TABLE}", "csv")),
        markdown=below(layout.table(f"table{exhibits.ASKED_TABLE}", "md")),
        latex=below(layout.table(f"table{exhibits.ASKED_TABLE}", "tex")),
        html=report(
            below(layout.table(f"table{exhibits.ASKED_TABLE}", "html")),
            caption="../workflow/report/asked_metrics.rst",
            category="Tables",
            labels={"table": f"Table {exhibits.ASKED_TABLE}"},
        ),
    log:
        log_file("table_asked"),
    group:
        "pages"
    conda:
        "../envs/fringe.yaml"
    params:
        table=exhibit_params.table_asked(RUN),
    script:
        "../workflow/scripts/table_asked.py"


rule tables:
    input:
        inputs.tables(RUN),
    localrule: True
