"""What a voice that models.split_voice has cut in two is called on disk; models.piper runs it."""

FORMAT = 1  # raise it when what is written changes, so that older folders are made anew
LATENTS, DECODER = "latents.onnx", "decoder.onnx"
