"""The picture side of any small vision-language model as one ONNX graph: pixels in, visual tokens out.

`tower` opens a checkpoint, `onnx_configs` teaches optimum's exporter what it cannot export, `preprocessing` and
`precision` change what it wrote, `part` does it all; `reference` is the same in PyTorch, for comparison.
"""
