"""Where training and demo data come from: rendered scenes, labelled sets, imagery."""
