"""Features of images: extraction in shards, and the files they are kept in.

Importing this package does not import PyTorch; extracting does.
"""

from fringe.features.extract import REVISION, extract_shard
from fringe.features.store import FeatureFile, link_shards, open_features, verify

__all__ = [
    "REVISION",
    "FeatureFile",
    "extract_shard",
    "link_shards",
    "open_features",
    "verify",
]
