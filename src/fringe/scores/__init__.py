"""Tidy rows of scores, and the cells, titles and numbers that are derived from the rows."""
