"""Checkpoint files of networks and generators, read without executing anything in them."""

from fringe.checkpoints.read import check_program, flatten, kind_of, read_pickle, read_state
from fringe.checkpoints.record import Record
from fringe.checkpoints.unwrap import listed

__all__ = ["Record", "check_program", "flatten", "kind_of", "listed", "read_pickle", "read_state"]
