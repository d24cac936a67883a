# Fringe: what a Fréchet Inception Distance is really looking at.
#
# Data flow in one direction. Each step writes files to results/<run>/:
#
#   images/<source>/<shard>.h5              rendered images of a generator
#   images/<source>/unpacked.h5             all images of a compressed array
#   features/<source>/<network>.h5          features and logits, linked from shards, or imported
#   statistics/<source>/<network>/          means and covariances
#   weights/<dataset>/<scheme>.h5           optimized sampling weights
#   sensitivity/<dataset>/<network>.h5      maps of the parts of images on which FID depends
#   convergence/<dataset>.csv               loss against time of the released optimization and Fringe's
#   draws/<dataset>/<scheme>.h5             the candidates that each repeat draws
#   scores/<dataset>/<scheme>/<network>.csv tidy rows with one distance each
#   power/<source>/<network>.csv            distances of distorted real images in a network
#   comparisons/<name>/                     comparison of generators: distances by network, and a verdict
#   explorer/                               images of each data set and comparison, for the page
#   tables/ figures/ verdict.md report.html results for readers
#   cost.md                                 actual and planned cost of the run
#   logs/ benchmarks/                       logs and times of every job
#   shards.json                             sizes of shards
#
# Hashes of data sets are shared by all runs, in results/.fingerprints/.
#
# One file describes a run: snakemake --cores 2 --configfile config/demo.yaml

import re

from snakemake.utils import min_version

min_version("9.20")

if "sources" not in config:

    configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "rules/common.smk"


# The container image of jobs with --sdm apptainer. Otherwise it is not used.
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
        # Features, tables, figures, the verdict and the cost of the run.
        rules.summarize_cost.input,
        rules.summarize_cost.output,
    localrule: True
