"""Whether an exported bundle does what the original does: PyTorch and onnxruntime side by side on the same inputs."""
