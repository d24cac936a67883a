"""Parts of benchmarks/chaos.py: a small complete run, strikes at it, and a strict comparison."""
