"""Models: the network, and the packages it travels in. Knows tensors, not files of pixels or CRS."""
