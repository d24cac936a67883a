"""Features of images: extraction in shards, and the files they are kept in.

Importing this package does not import PyTorch; extracting does.
"""

from fringe.features.extract import extract_shard
from fringe.features.store import FeatureFile, link_shards, open_features, verify
from fringe.revisions import FEATURES as REVISION

__all__ = [
    "REVISION",
    "FeatureFile",
    "extract_shard",
    "link_shards",
    "open_features",
    "verify",
]
