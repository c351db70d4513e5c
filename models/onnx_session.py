"""How every small speech model is opened in onnxruntime: few threads, no spinning, no memory held in reserve."""

from pathlib import Path

import onnxruntime


def open_session(
    path: Path, threads: int, sparing: bool = False, as_stored: bool = False
) -> onnxruntime.InferenceSession:
    """Open a .onnx or .ort file on the CPU. Raises onnxruntime's own errors for a damaged one.

    sparing: convolutions work on tensors as they are stored, without copies in the processor's favourite layout.
    as_stored: nothing is looked for to make the graph better, so that opening it takes a few runs and not fifty.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Spinning burns a core between the short runs of a decoder, and on glasses every core has other work.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Every sentence and every recording has another length: a plan for one is memory wasted on the next.
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = False  # it would keep the most that this model ever needed, beside all others'
    # A .ort file is copied while it is loaded; mapped, it takes no memory of ours meanwhile.
    options.add_session_config_entry("session.use_memory_mapped_ort_model", "1")
    if as_stored:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    if sparing:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
