"""What a voice that models.split_voice has cut in two is called on disk; models.piper runs it."""

LATENTS, DECODER = "latents.onnx", "decoder.onnx"
WEIGHTS = ".weights"  # in place of .onnx; they lie beside each
