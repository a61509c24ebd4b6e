"""Figures of merit: heights and land cover against a reference, on arrays."""
