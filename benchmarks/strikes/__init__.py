"""Parts of benchmarks/chaos.py: a small complete run, strikes, and a strict comparison."""
