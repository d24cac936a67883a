"""The page's explorer: a selection of images of a data set or comparison, with their numbers."""

from fringe.explorer.assembling import assemble
from fringe.explorer.choosing import Chosen, choose_images
from fringe.explorer.counts import count_sentences
from fringe.explorer.maps import map_maker, with_stored
from fringe.explorer.measure import Numbers, Shown, measure_images
from fringe.explorer.nearest import nearest_distances
from fringe.explorer.sets import GeneratedSet, Model, RealSet, measure_model
from fringe.explorer.thumbnails import Seen, look_at, make_sprites, thumbnail_size

__all__ = [
    "Chosen",
    "GeneratedSet",
    "Model",
    "Numbers",
    "RealSet",
    "Seen",
    "Shown",
    "assemble",
    "choose_images",
    "count_sentences",
    "look_at",
    "make_sprites",
    "map_maker",
    "measure_images",
    "measure_model",
    "nearest_distances",
    "thumbnail_size",
    "with_stored",
]
