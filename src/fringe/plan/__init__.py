"""A run: where its results lie, what each reads, and what each depends on."""
