"""What the jobs of each rule cost: a module for each stage, as in the folder ``rules``."""
