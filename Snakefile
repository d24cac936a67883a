# Fringe: what a Fréchet Inception Distance is really looking at.
#
# Data flows one way, and every arrow is a file below results/<run>/:
#
#   images/<source>/<shard>.h5              rendered images, where a generator makes them
#   images/<source>/unpacked.h5             images of a compressed array, all of them
#   features/<source>/<network>.h5          features and logits, linked from shards beside it, or imported
#   statistics/<source>/<network>/          means and covariances
#   weights/<dataset>/<scheme>.h5           optimized sampling weights
#   sensitivity/<dataset>/<network>.h5      what in each generated image FID looks at
#   convergence/<dataset>.csv               the released optimization beside ours: loss against time
#   draws/<dataset>/<scheme>.h5             which candidates each repeat draws
#   scores/<dataset>/<scheme>/<network>.csv tidy rows: one distance each
#   power/<source>/<network>.csv            what a network sees of real images that are distorted
#   comparisons/<name>/                     generators compared: distances by network, and a verdict
#   explorer/                               some images of each data set and comparison, for the page
#   tables/ figures/ verdict.md report.html what a person reads
#   cost.md                                 what the run took, beside what was planned
#   logs/ benchmarks/                       of every job
#   shards.json                             what is remembered of sizes
#
# What was learnt by reading data sets is remembered by all runs, in results/.fingerprints/.
#
# A run is described by one file: snakemake --cores 2 --configfile config/demo.yaml

import re

from snakemake.utils import min_version

min_version("9.20")

if "sources" not in config:

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "rules/common.smk"


# Of jobs with --sdm apptainer; otherwise nobody looks at it.
container: RUN.config.container


wildcard_constraints:
    dataset="[a-z0-9][a-z0-9_-]*",
    source="[A-Za-z0-9][A-Za-z0-9_.-]*",
    network="|".join(map(re.escape, RUN.networks)),
    shard="[0-9]+-[0-9]+",
    scheme="|".join(map(re.escape, SCHEMES)),
    space="features|logits",
    n="[0-9]+",


include: "rules/images.smk"
include: "rules/features.smk"
include: "rules/resampling.smk"
include: "rules/evaluation.smk"
include: "rules/comparison.smk"
include: "rules/sensitivity.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/page.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        # Features, tables, figures and the verdict; and what they took.
        rules.summarize_cost.input,
        rules.summarize_cost.output,
    localrule: True
