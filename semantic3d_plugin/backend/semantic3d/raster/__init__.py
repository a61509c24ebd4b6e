"""Georeferenced pixels: grids, reading, normalisation, resampling, tiles, writing. Knows no model."""
