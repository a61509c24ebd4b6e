"""Training: pretraining of small bases and adaptation (full environment)."""
