"""The language model of a bundle against the original: its logits, its text, its perplexity, its layers one by one.

Two questions are kept apart. Whether the graph computes what it should: against PyTorch holding the very values that
are stored, with activations in float32, where only the order of sums may differ. And what rounding costs: against the
original, as it is run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper

from export.perplexity import WINDOW, runtime_score, text_surprise, torch_score
from export.verify.measure import (
    GREEDY_TOKENS,
    Difference,
    Stage,
    centred,
    compare_logits,
    equal_leading,
    stages_of,
)
from export.verify.original import Original
from models.bundle import DECODER_GRAPH_FILE, Bundle
from models.decoder import Decoder

_SCORED = 96  # tokens whose logits are compared


def compare_decoder(decoder: Decoder, original: Original, ids: Sequence[int], prompt: Sequence[int]) -> dict[str, Any]:
    """ids: of a text, for logits and perplexity; prompt: what 64 greedy tokens go on from."""
    scored = list(ids[:_SCORED])
    figures = compare_logits(decoder.score(decoder.new_cache(), decoder.embed(scored)), original.logits(scored))
    cache = decoder.new_cache()
    logits = decoder.prefill(cache, decoder.embed(prompt))
    written = list(decoder.generate(cache, logits, GREEDY_TOKENS))
    _, expected = original.greedy(GREEDY_TOKENS, 1, input_ids=torch.tensor([list(prompt)]))
    window = min(WINDOW, decoder.layout.max_tokens)
    here = text_surprise(runtime_score(decoder), ids, window)
    there = text_surprise(torch_score(original.model), ids, window)
    ratio, error = here.ratio_to(there)
    return {
        **figures,
        "greedy_equal_tokens": equal_leading(written, expected),
        "perplexity_reference": there.perplexity,
        "perplexity": here.perplexity,
        "perplexity_ratio": ratio,
        "perplexity_ratio_error": error,
        "perplexity_tokens": len(ids),
    }


def compare_graph(bundle: Bundle, rounded: Original, ids: Sequence[int]) -> Difference:
    """Of the logits; rounded: the model in PyTorch with the values that the bundle stores."""
    scored = list(ids[:_SCORED])
    exact = _run(bundle, rounded.embed(scored), ["logits"], exact=True)
    return Difference.of(centred(exact["logits"]), centred(rounded.logits(scored)))


def decoder_stages(
    bundle: Bundle, decoder: Decoder, original: Original, ids: Sequence[int], exact: bool
) -> list[Stage]:
    """The embeddings, and the residual stream after each half of each layer.

    exact: with the original's embeddings and activations in float32, whatever was chosen.
    """
    scored = list(ids[:_SCORED])
    outputs = {}
    for i in range(bundle.decoder.layers):
        last = i + 1 == bundle.decoder.layers
        outputs[f"layers.{i}.attention"] = f"layers.{i}.feed_forward_residual"
        outputs[f"layers.{i}.feed_forward"] = "head_residual" if last else f"layers.{i + 1}.attention_residual"
    reference = original.embed(scored)
    embeddings = reference if exact else decoder.embed(scored)
    found = _run(bundle, embeddings, list(outputs.values()), exact)
    exported = {"embeddings": embeddings, **{name: found[output] for name, output in outputs.items()}}
    return stages_of(exported, {"embeddings": reference, **original.stages(reference)})


def _run(bundle: Bundle, embeddings: np.ndarray, outputs: list[str], exact: bool) -> dict[str, np.ndarray]:
    """Values of the graph by name, [n, ...] each. exact: activations stay float32, whatever was chosen."""
    model = onnx.load(bundle.path(DECODER_GRAPH_FILE), load_external_data=False)
    if exact:
        for node in model.graph.node:
            for attribute in node.attribute:
                if attribute.name == "accuracy_level":
                    attribute.i = 1
    known = {output.name for output in model.graph.output}
    extra = [name for name in outputs if name not in known]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in extra)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(bundle.folder))
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    new, layout = len(embeddings), bundle.decoder
    empty = np.zeros((1, layout.kv_heads, 0, layout.head_size), np.float32)
    inputs = {
        "inputs_embeds": embeddings[None],
        "seqlens_k": np.array([new - 1], np.int32),
        "total_sequence_length": np.array(new, np.int32),
        "logit_rows": np.arange(new),
        **{f"past_{kind}.{i}": empty for i in range(layout.layers) for kind in ("key", "value")},
    }
    return {name: value[0] for name, value in zip(outputs, session.run(outputs, inputs), strict=True)}
