"""Exports a tiny Idefics3 or SmolVLM into the layout that is published for SmolVLM: three graphs under onnx/.

Names and shapes of inputs and outputs are those of HuggingFaceTB/SmolVLM-256M-Instruct's onnx folder.
"""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn
from transformers import AutoModelForImageTextToText, PreTrainedModel

SETTINGS = ("config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.json")


def publish(source: Path, folder: Path, half: bool = False) -> PreTrainedModel:
    """Writes the folder, in float32; returns the PyTorch model. half: keys, values and pictures in float16."""
    (folder / "onnx").mkdir(parents=True)
    for name in (*SETTINGS, *TOKENIZER):
        if (source / name).exists():
            shutil.copy(source / name, folder / name)
    model = AutoModelForImageTextToText.from_pretrained(source, dtype=torch.float32).eval()
    parts = model.model
    tower = parts.vision_model.config
    pictures = torch.rand(1, 2, 3, tower.image_size, tower.image_size)
    mask = torch.ones(1, 2, tower.image_size, tower.image_size, dtype=torch.bool)
    suffix = "_fp16" if half else ""
    _export(
        _Encoder(parts),
        (pictures.half() if half else pictures, mask),
        folder / f"onnx/vision_encoder{suffix}.onnx",
        ["pixel_values", "pixel_attention_mask"],
        ["image_features"],
        {"pixel_values": {0: "batch_size", 1: "num_images", 3: "height", 4: "width"}}
        | {"pixel_attention_mask": {0: "batch_size", 1: "num_images", 2: "height", 3: "width"}}
        | {"image_features": {0: "num_images"}},
    )
    words = {0: "batch_size", 1: "sequence_length"}
    _export(
        parts.text_model.embed_tokens,
        (torch.zeros(1, 3, dtype=torch.long),),
        folder / f"onnx/embed_tokens{suffix}.onnx",
        ["input_ids"],
        ["inputs_embeds"],
        {"input_ids": words, "inputs_embeds": words},
    )
    text = parts.text_model.config
    size = text.head_dim if getattr(text, "head_dim", None) else text.hidden_size // text.num_attention_heads
    past = [torch.zeros(1, text.num_key_value_heads, 4, size) for _ in range(2 * text.num_hidden_layers)]
    pasts = [f"past_key_values.{i}.{kind}" for i in range(text.num_hidden_layers) for kind in ("key", "value")]
    presents = [name.replace("past_key_values", "present") for name in pasts]
    _export(
        _Decoder(parts.text_model, model.lm_head),
        (
            torch.zeros(1, 3, text.hidden_size),
            torch.ones(1, 7, dtype=torch.long),
            torch.arange(4, 7)[None],
            *(one.half() if half else one for one in past),
        ),
        folder / f"onnx/decoder_model_merged{suffix}.onnx",
        ["inputs_embeds", "attention_mask", "position_ids", *pasts],
        ["logits", *presents],
        {"inputs_embeds": words, "position_ids": words, "logits": words}
        | {"attention_mask": {0: "batch_size", 1: "total_sequence_length"}}
        | {name: {0: "batch_size", 2: "past_sequence_length"} for name in pasts}
        | {name: {0: "batch_size", 2: "total_sequence_length"} for name in presents},
    )
    return model


def add_smaller(folder: Path, part: str) -> Path:
    """A variant of a part with weights in 8 bits, as published under the name of `_quantized`."""
    path = folder / f"onnx/{part}_quantized.onnx"
    quantize_dynamic(folder / f"onnx/{part}.onnx", path, weight_type=QuantType.QUInt8)
    return path


def with_weights_beside(path: Path) -> None:
    """Moves the weights of a graph into <name>_data, as graphs of more than 2 GB have them."""
    onnx.save(onnx.load(path), path, save_as_external_data=True, location=f"{path.name}_data", size_threshold=0)


def _export(
    module: nn.Module, inputs: tuple, path: Path, names: list[str], outputs: list[str], axes: dict[str, dict[int, str]]
) -> None:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), inputs, path, input_names=names, output_names=outputs, dynamic_axes=axes, opset_version=17,
            dynamo=False,
        )  # fmt: skip


class _Encoder(nn.Module):
    """The positions of a full picture are worked out once: how transformers does it cannot be traced."""

    def __init__(self, parts: PreTrainedModel):
        super().__init__()
        self.tower, self.connector = parts.vision_model, parts.connector
        tower, embeddings = parts.vision_model.config, parts.vision_model.embeddings
        blank, side = torch.zeros(1, 3, tower.image_size, tower.image_size), tower.image_size // tower.patch_size
        with torch.no_grad():
            patches = embeddings.patch_embedding(blank).flatten(2).transpose(1, 2)
            full = torch.ones(1, side, side, dtype=torch.bool)
            self.register_buffer("positions", embeddings(pixel_values=blank, patch_attention_mask=full) - patches)

    def forward(self, pictures: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        pictures = (pictures * mask[:, :, None]).flatten(0, 1).float()
        embeddings = self.tower.embeddings
        patches = embeddings.patch_embedding(pictures).flatten(2).transpose(1, 2)
        hidden = self.tower.encoder(inputs_embeds=patches + self.positions, attention_mask=None).last_hidden_state
        return self.connector(self.tower.post_layernorm(hidden))


class _Decoder(nn.Module):
    """The Llama decoder over keys and values that come in and go out, to which transformers' cache does not trace."""

    def __init__(self, text: PreTrainedModel, head: nn.Module):
        super().__init__()
        self.text, self.head = text, head

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, *past: torch.Tensor):
        seen = torch.arange(mask.shape[1])[None, None] <= positions[:, :, None]
        bias = torch.where(seen & mask[:, None].bool(), 0.0, torch.finfo(torch.float32).min)[:, None]
        cos, sin = self.text.rotary_emb(hidden, positions)
        present = []
        for number, layer in enumerate(self.text.layers):
            attention = layer.self_attn
            normed = layer.input_layernorm(hidden)
            query, key, value = (
                project(normed).unflatten(-1, (-1, attention.head_dim)).transpose(1, 2)
                for project in (attention.q_proj, attention.k_proj, attention.v_proj)
            )
            query, key = (x * cos[:, None] + _rotated(x) * sin[:, None] for x in (query, key))
            old_key, old_value = past[2 * number : 2 * number + 2]
            key, value = torch.cat([old_key.float(), key], 2), torch.cat([old_value.float(), value], 2)
            present += [key.to(old_key.dtype), value.to(old_key.dtype)]
            groups = attention.num_key_value_groups
            key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
            weights = (query @ key.transpose(2, 3) * attention.scaling + bias).softmax(-1)
            hidden = hidden + attention.o_proj((weights @ value).transpose(1, 2).flatten(2))
            hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
        return self.head(self.text.norm(hidden)), *present


def _rotated(x: torch.Tensor) -> torch.Tensor:
    first, second = x.chunk(2, -1)
    return torch.cat([-second, first], -1)
