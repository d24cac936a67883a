"""Image sources: anything with a length, a fingerprint and images read by index."""

from fringe.sources.base import REVISION, ImageSource, as_path
from fringe.sources.data_sets import is_there, open_source
from fringe.sources.folder import FolderSource
from fringe.sources.generated import GeneratedSource
from fringe.sources.given_features import GivenFeatures, holds_features
from fringe.sources.hdf5 import Hdf5Source
from fringe.sources.imitation import ImitationSource
from fringe.sources.lmdb import LmdbSource
from fringe.sources.npz import NpzSource
from fringe.sources.opening import fingerprint, source_from_spec
from fringe.sources.parquet import ParquetSource
from fringe.sources.photos import PhotoSource, photographs
from fringe.sources.rendered import KeptImages, RenderedShard, copied_to_scratch, render_shard
from fringe.sources.selection import Selection, Shuffled
from fringe.sources.tar import TarSource
from fringe.sources.zip import ZipSource

__all__ = [
    "REVISION",
    "FolderSource",
    "GeneratedSource",
    "GivenFeatures",
    "Hdf5Source",
    "ImageSource",
    "ImitationSource",
    "KeptImages",
    "LmdbSource",
    "NpzSource",
    "ParquetSource",
    "PhotoSource",
    "RenderedShard",
    "Selection",
    "Shuffled",
    "TarSource",
    "ZipSource",
    "as_path",
    "copied_to_scratch",
    "fingerprint",
    "holds_features",
    "is_there",
    "open_source",
    "photographs",
    "render_shard",
    "source_from_spec",
]
