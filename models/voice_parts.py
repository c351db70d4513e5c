"""What a voice that models.split_voice has cut in three is called on disk; models.piper runs it."""

PRIOR, FLOW, DECODER = "prior.onnx", "flow.onnx", "decoder.onnx"  # in the order in which they run
WEIGHTS = ".weights"  # in place of .onnx; they lie beside each
