"""Which place a patch has in the towers of Idefics3 and SmolVLM, and transformers' mistake about it.

A patch at i of m has place floor(i * n / m) among the n of the tower, which is i in a full picture of the tower's own
size. transformers 4.55.1 to 4.57.6 compute it in floating point with a factor of 1 - 1e-6, which in float32 makes it
0, 0, 1, 2 and so on: every patch a row and a column off (huggingface/transformers#41190; in bfloat16, in which these
models are trained, the factor rounds to 1). Earlier versions may miss single places by rounding, at 27 patches for one.
"""

from __future__ import annotations

import inspect
import types
from typing import Any

import torch
from torch import nn


def intended_positions(mask: torch.Tensor, side: int) -> torch.Tensor:
    """Position ids int64 [b, rows * columns] of the patches of pictures in a tower of side x side places.

    mask: bool [b, rows, columns], which patches are of the picture; these start at the upper left and are a rectangle.
    """
    rows, columns = mask[:, :, 0].sum(1, keepdim=True), mask[:, 0].sum(1, keepdim=True)
    down = torch.arange(mask.shape[1], device=mask.device) * side // rows
    right = torch.arange(mask.shape[2], device=mask.device) * side // columns
    return (down[:, :, None] * side + right[:, None]).where(mask, 0).flatten(1)


def correct_positions(model: nn.Module) -> bool:
    """Gives the patches of a model of transformers the places they should have, where its version does not.

    Returns whether it had to. Models of other architectures stay as they are.
    """
    wrong = [module for module in model.modules() if _has_places(module) and not _is_right(module)]
    for embeddings in wrong:
        embeddings.forward = types.MethodType(_forward, embeddings)
    return bool(wrong)


def _has_places(module: nn.Module) -> bool:
    return (
        hasattr(module, "num_patches_per_side")
        and "patch_attention_mask" in inspect.signature(module.forward).parameters
    )


def _is_right(embeddings: Any) -> bool:
    """Watches the module give a full picture its places."""
    seen: list[torch.Tensor] = []
    hook = embeddings.position_embedding.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    side, weight = embeddings.num_patches_per_side, embeddings.patch_embedding.weight
    pixels = weight.new_zeros(1, weight.shape[1], embeddings.image_size, embeddings.image_size)
    try:
        with torch.no_grad():
            embeddings(pixels, torch.ones(1, side, side, dtype=torch.bool, device=weight.device))
    finally:
        hook.remove()
    return torch.equal(seen[0].flatten(), torch.arange(side**2, device=weight.device))


def _forward(self: Any, pixel_values: torch.Tensor, patch_attention_mask: torch.Tensor) -> torch.Tensor:
    patches = self.patch_embedding(pixel_values).flatten(2).transpose(1, 2)
    return patches + self.position_embedding(intended_positions(patch_attention_mask, self.num_patches_per_side))
