# Tables 1, 2 and 3.


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


rule tables:
    input:
        inputs.tables(RUN),
    localrule: True
