"""What a result layer is: the word by which the result group knows it."""

ROLE_PROPERTY = "semantic3d/role"
"""Custom property of a result layer: its role, saved with the project."""

HILLSHADE = "hillshade"
LAND_COVER = "land_cover"
HEIGHT = "height"
SIGMA = "sigma"
PROBABILITIES = "probabilities"
SHADOW = "shadow"
ERROR = "error"

TOP_TO_BOTTOM = (HILLSHADE, ERROR, SHADOW, LAND_COVER, HEIGHT, SIGMA, PROBABILITIES)
"""Order in the group: the hillshade is multiplied onto whichever layer is seen below it."""

HIDDEN = (SIGMA, PROBABILITIES)
"""Loaded, but not ticked: they would hide what lies below them."""
