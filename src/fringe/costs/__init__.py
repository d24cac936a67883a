"""Time and memory of jobs, and the resources that jobs request from a scheduler."""
