"""Tidy rows of scores, and how cells, titles and numbers are made of them."""
