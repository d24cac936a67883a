"""What jobs take, and what they ask a scheduler for."""
