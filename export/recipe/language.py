"""The language model as it is trained: the frozen SmolLM2 with low-rank updates, and the picture connector.

Written for processors: the update is folded into the weight once a step (W + B A), so that a projection costs one
product, and its gradient is taken through the low-rank factors alone, never through the full matrix. That is a third
less arithmetic than letting autograd differentiate the folded weight (low-rank updates: Hu et al. 2021).

What rounding to 4 bits does to a folded weight is added to it as `noise`, refreshed from time to time because that is
slow, so that the updates learn around such errors (quantisation-aware training: Jacob et al. 2018). Once the model is
settled, the rounded weights stay as they are and only what ships unrounded goes on learning: the gains of the norms
and the connector (after norm tweaking: Li et al. 2023).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from export.recipe.features import WIDTH
from export.recipe.processor import fast_dtype
from models.gguf_weights import GgufWeights
from models.quantize import HEAD_BLOCK, block_for, quantize_4bit

RANK = 32
MEMORY = 0.99  # of the running mean of the squared inputs; of each pass of the model
PROJECTIONS = {  # GGUF names of the rows that share one product
    "qkv": ("attn_q", "attn_k", "attn_v"),
    "o": ("attn_output",),
    "gate_up": ("ffn_gate", "ffn_up"),
    "down": ("ffn_down",),
}
ADAPTER_NAMES = {
    "attn_q": "q",
    "attn_k": "k",
    "attn_v": "v",
    "attn_output": "o",
    "ffn_gate": "gate",
    "ffn_up": "up",
    "ffn_down": "down",
}


KeyValues = list[tuple[torch.Tensor, torch.Tensor]]


class _LowRankProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, folded, a, b):
        ctx.save_for_backward(x, folded, a, b)
        return x @ folded.T

    @staticmethod
    def backward(ctx, dy):
        x, folded, a, b = ctx.saved_tensors
        if not ctx.needs_input_grad[2]:
            return dy @ folded, None, None, None
        rows, grads = x.flatten(0, -2), dy.flatten(0, -2)
        down, up = rows @ a.to(x.dtype).T, grads @ b.to(x.dtype)
        return dy @ folded, None, (up.T @ rows).to(a.dtype), (grads.T @ down).to(b.dtype)


class Projection(nn.Module):
    """A frozen weight [out, in] with its update B A; call `fold()` after each optimiser step."""

    frozen: torch.Tensor
    noise: torch.Tensor | None
    squares: torch.Tensor  # running mean of the squared inputs [in]
    importance: torch.Tensor  # of the columns [in], as it is packed: float16

    def __init__(self, weight: torch.Tensor):
        super().__init__()
        self.register_buffer("frozen", weight.to(fast_dtype()), persistent=False)
        self.register_buffer("noise", None, persistent=False)
        self.register_buffer("squares", torch.zeros(weight.shape[1]), persistent=False)
        self.register_buffer("importance", torch.ones(weight.shape[1], dtype=torch.float16))
        self.a = nn.Parameter(torch.randn(RANK, weight.shape[1]) / math.sqrt(weight.shape[1]))
        self.b = nn.Parameter(torch.zeros(weight.shape[0], RANK))
        self.folded = self.frozen

    @torch.no_grad()
    def fold(self) -> None:
        self.folded = torch.addmm(self.frozen, self.b.to(self.frozen.dtype), self.a.to(self.frozen.dtype))
        if self.noise is not None:
            self.folded += self.noise

    @torch.no_grad()
    def rounding(self) -> torch.Tensor:
        """What 4-bit quantisation would add to the folded weight as it is now: [out, in]."""
        weight = self.frozen.float() + self.b @ self.a
        rounded = quantize_4bit(weight.numpy(), block_for(weight.shape[1]), self.importance.numpy()).dequantize()
        return (torch.from_numpy(rounded) - weight).to(self.frozen.dtype)

    @torch.no_grad()
    def settle(self) -> None:
        """Ends its learning, with factors that float16 holds exactly, so that what is packed rounds to the same."""
        for factor in (self.a, self.b):
            factor.copy_(factor.half())
            factor.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if torch.is_grad_enabled():
            self.squares.lerp_(x.detach().flatten(0, -2).float().square().mean(0), 1 - MEMORY)
        return _LowRankProduct.apply(x, self.folded, self.a, self.b)


class Layer(nn.Module):
    def __init__(self, weights: GgufWeights, index: int):
        super().__init__()
        shape = weights.shape
        self.heads, self.kv_heads, self.size, self.eps = shape.heads, shape.kv_heads, shape.head_size, shape.rms_eps

        def tensor(name: str) -> torch.Tensor:
            return torch.tensor(weights.tensor(f"blk.{index}.{name}.weight"))

        self.attention_norm, self.feed_norm = nn.Parameter(tensor("attn_norm")), nn.Parameter(tensor("ffn_norm"))
        self.parts = {
            name: Projection(torch.cat([tensor(part) for part in parts])) for name, parts in PROJECTIONS.items()
        }
        self.projections = nn.ModuleDict(self.parts)

    def forward(
        self,
        x: torch.Tensor,
        cos: torch.Tensor,
        sin: torch.Tensor,
        mask: torch.Tensor,
        past: tuple[torch.Tensor, torch.Tensor] | None = None,
        kept: KeyValues | None = None,
    ) -> torch.Tensor:
        """past: keys and values of earlier tokens, [b, kv_heads, n, size] each; kept: takes those of all tokens."""
        b, n, d = x.shape
        h = F.rms_norm(x, (d,), self.attention_norm.to(x.dtype), self.eps)
        q, k, v = (
            self.parts["qkv"](h)
            .view(b, n, -1, self.size)
            .transpose(1, 2)
            .split([self.heads, self.kv_heads, self.kv_heads], 1)
        )
        half = self.size // 2

        def rotate(y: torch.Tensor) -> torch.Tensor:
            return y * cos + torch.cat((-y[..., half:], y[..., :half]), -1) * sin

        repeat = self.heads // self.kv_heads
        q, k = rotate(q), rotate(k)
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        if kept is not None:
            kept.append((k, v))
        k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = x + self.parts["o"](attended.transpose(1, 2).reshape(b, n, d))
        h = F.rms_norm(x, (d,), self.feed_norm.to(x.dtype), self.eps)
        gate, up = self.parts["gate_up"](h).chunk(2, -1)
        return x + self.parts["down"](F.silu(gate) * up)


class Connector(nn.Module):
    """cells [b, 16, 1760] -> visual tokens [b, 16, hidden], on the scale of word embeddings."""

    def __init__(self, cells: int, hidden: int, scale: float):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.inner = nn.Linear(WIDTH, 1024)
        self.outer = nn.Linear(1024, hidden)
        self.place = nn.Parameter(torch.randn(cells, hidden) * 0.02)
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, cells: torch.Tensor) -> torch.Tensor:
        return self.scale * self.outer(F.gelu(self.inner(self.norm(cells)))) + self.place


class LanguageModel(nn.Module):
    """SmolLM2 with updates. `forward` gives the hidden states before the head, whose weight is `embeddings`."""

    embeddings: torch.Tensor

    def __init__(self, weights: GgufWeights):
        super().__init__()
        shape = weights.shape
        self.head_size, self.base, self.eps = shape.head_size, shape.rope_base, shape.rms_eps
        # Never trained, so it can be from the start what it will be in the bundle.
        embeddings = torch.from_numpy(quantize_4bit(weights.embeddings(), HEAD_BLOCK).dequantize())
        self.register_buffer("embeddings", embeddings.to(fast_dtype()), persistent=False)
        self.final_norm = nn.Parameter(torch.tensor(weights.tensor("output_norm.weight")))
        self.settled = False
        self.stack = [Layer(weights, i) for i in range(shape.layers)]
        self.layers = nn.ModuleList(self.stack)  # the names that parameters have in a checkpoint

    def gains(self) -> list[nn.Parameter]:
        return [self.final_norm, *(g for layer in self.stack for g in (layer.attention_norm, layer.feed_norm))]

    def updates(self) -> list[nn.Parameter]:
        return [factor for projection in self.projections() for factor in (projection.a, projection.b)]

    def settle(self) -> None:
        """From here on the updates stay as they are; refresh the noise once more."""
        self.settled = True
        for projection in self.projections():
            projection.settle()

    def projections(self) -> list[Projection]:
        return [p for layer in self.stack for p in layer.parts.values()]

    def fold(self) -> None:
        for projection in self.projections():
            projection.fold()

    def forward(
        self,
        x: torch.Tensor,
        positions: torch.Tensor,
        visible: torch.Tensor,
        past: KeyValues | None = None,
        kept: KeyValues | None = None,
    ) -> torch.Tensor:
        """x [b, n, hidden], positions int [b, n], visible bool [b, n, past + n] -> [b, n, hidden].

        past: keys and values of earlier tokens, a layer each; kept: an empty list that takes those of all tokens.
        """
        frequencies = self.base ** (-torch.arange(0, self.head_size, 2) / self.head_size)
        angles = positions[..., None].float() * frequencies
        cos = torch.cat([angles.cos()] * 2, -1)[:, None].to(x.dtype)
        sin = torch.cat([angles.sin()] * 2, -1)[:, None].to(x.dtype)
        mask = torch.zeros(visible.shape, dtype=x.dtype).masked_fill_(~visible, -30000.0)[:, None]
        for i, layer in enumerate(self.stack):
            x = layer(x, cos, sin, mask, past[i] if past else None, kept)
        return F.rms_norm(x, (x.shape[-1],), self.final_norm.to(x.dtype), self.eps)

    def adapter(self) -> dict[str, torch.Tensor]:
        """What was trained, by the names of models.adapted_weights: float16, but for the gains."""
        out = {"output_norm": self.final_norm.detach().clone()}
        for i, layer in enumerate(self.stack):
            out[f"layers.{i}.attention_norm"] = layer.attention_norm.detach().clone()
            out[f"layers.{i}.feed_forward_norm"] = layer.feed_norm.detach().clone()
            for name, parts in PROJECTIONS.items():
                projection = layer.parts[name]
                rows = self._rows(layer, name)
                for part, b in zip(parts, projection.b.detach().split(rows), strict=True):
                    key = f"layers.{i}.{ADAPTER_NAMES[part]}"
                    out[f"{key}.A"], out[f"{key}.B"] = projection.a.detach().half().clone(), b.half().clone()
                    out[f"{key}.importance"] = projection.importance.clone()
        return out

    @staticmethod
    def _rows(layer: Layer, name: str) -> list[int]:
        if name == "qkv":
            return [layer.heads * layer.size, layer.kv_heads * layer.size, layer.kv_heads * layer.size]
        total = layer.parts[name].b.shape[0]
        return [total // len(PROJECTIONS[name])] * len(PROJECTIONS[name])
