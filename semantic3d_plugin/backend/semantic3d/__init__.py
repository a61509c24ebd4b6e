"""Heights, their uncertainty and land cover from one aerial image."""
