"""Formulas for the cost of jobs, with a module for each file in the folder ``rules``."""
