"""A seeded random network: the paper's own suggestion of a feature space without ImageNet."""
