"""The configuration of a run: read, checked and completed, and what it asks for."""
