"""Running a model over an image: the ONNX session and the tiling engine."""
