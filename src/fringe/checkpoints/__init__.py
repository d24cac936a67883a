"""Checkpoint files of networks and generators, read without executing anything in them."""

from fringe.checkpoints.read import flatten, read_pickle, read_state
from fringe.checkpoints.record import Record

__all__ = ["Record", "flatten", "read_pickle", "read_state"]
