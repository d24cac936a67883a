"""Features of images: extraction in shards, and the files of features.

An import of this package does not import PyTorch. An extraction imports it.
"""

from fringe.features.extract import activations, extract_shard
from fringe.features.joined import Features, JoinedFeatures
from fringe.features.store import FeatureFile, link_shards, open_features, verify
from fringe.features.top1 import top1_classes
from fringe.features.warned import damage_of, warned_shards, warned_sources
from fringe.revisions import FEATURES as REVISION

__all__ = [
    "REVISION",
    "FeatureFile",
    "Features",
    "JoinedFeatures",
    "activations",
    "damage_of",
    "extract_shard",
    "link_shards",
    "open_features",
    "top1_classes",
    "verify",
    "warned_shards",
    "warned_sources",
]
