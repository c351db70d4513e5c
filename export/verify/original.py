"""The original in PyTorch, float32: what an export is held against. The same few questions whatever class it is of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

from export.vision.positions import correct_positions
from models.errors import GlintError


class Original:
    """A causal language model of transformers, with or without a picture side, in evaluation mode."""

    def __init__(self, model: Any):
        self.model = model

    @classmethod
    def open(cls, folder: Path, sees: bool) -> Original:
        """Raises GlintError when transformers cannot load it."""
        kind = AutoModelForImageTextToText if sees else AutoModelForCausalLM
        try:
            model = kind.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            reason = " ".join(str(error).split())
            raise GlintError(f"transformers cannot load the original in {folder} ({reason}).") from error
        correct_positions(model)
        return cls(model.eval())

    @property
    def layers(self) -> Any:
        """The modules of the language model's layers."""
        core = getattr(self.model, "model", self.model)
        for name in ("text_model", "language_model"):
            core = getattr(core, name, core)
        return core.layers

    def embed(self, ids: Sequence[int]) -> np.ndarray:
        """float32 [n, hidden]."""
        with torch.no_grad():
            return self.model.get_input_embeddings()(torch.tensor(list(ids))).numpy()

    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """float32 [n, vocabulary]."""
        with torch.no_grad():
            return self.model(input_ids=torch.tensor([list(ids)])).logits[0].float().numpy()

    def stages(self, embeddings: np.ndarray) -> dict[str, np.ndarray]:
        """The residual stream after the attention and the feed-forward part of each layer; float32 [n, hidden] all."""
        found: dict[str, np.ndarray] = {}
        hooks = []
        for i, layer in enumerate(self.layers):

            def after_attention(_: Any, inputs: Any, name: str = f"layers.{i}.attention") -> None:
                found[name] = inputs[0][0].numpy()

            def after_all(_: Any, __: Any, output: Any, name: str = f"layers.{i}.feed_forward") -> None:
                found[name] = (output[0] if isinstance(output, tuple) else output)[0].numpy()

            hooks.append(layer.post_attention_layernorm.register_forward_pre_hook(after_attention))
            hooks.append(layer.register_forward_hook(after_all))
        try:
            with torch.no_grad():
                self.model(inputs_embeds=torch.from_numpy(embeddings)[None])
        finally:
            for hook in hooks:
                hook.remove()
        return found

    def greedy(self, count: int, rows: int, **prompt: Any) -> tuple[np.ndarray, list[int]]:
        """Logits [rows, vocabulary] after the prompt's last tokens, and the `count` most likely ones to follow.

        No token ends those. prompt: what the model takes, tensors with a batch of one: input_ids, inputs_embeds,
        pixel_values and so on.
        """
        tokens: list[int] = []
        with torch.no_grad():
            out = self.model(**prompt, use_cache=True)
            logits = out.logits[0, -rows:].float().numpy()
            for _ in range(count):
                tokens.append(int(out.logits[0, -1].argmax()))
                if len(tokens) < count:
                    next_token = torch.tensor([tokens[-1:]])
                    out = self.model(input_ids=next_token, past_key_values=out.past_key_values, use_cache=True)
        return logits, tokens
