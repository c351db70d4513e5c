"""A copy of the encoder's last blocks that the object head may change for itself.

The encoder that ships stays as it is: its tokens and hints hang on it. But its last blocks were made for one name a
picture. The copy starts from the same checkpoint and is given what these blocks are given in vision.onnx, the last
stage of stride 16, as the bytes that stand there; it is trained with the head, and packed beside it in whole numbers
(object_graph). Depthwise kernels stay as they are: on processors their gradient takes longer than all the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from export.recipe.efficientnet_lite import EfficientNetLite
from export.recipe.object_features import CELLS

FIRST_BLOCK = 15  # all blocks of stage 6, the only one of stage 7 and the convolution after it are copied
SKIPPED = 0.2  # share of the photos of a step for which a block with a residual is left out (Huang et al. 2016)
CEILING = 6.0  # of ReLU6


@dataclass(frozen=True)
class Convolution:
    """One convolution with its norm folded in. weight float32 [out, in / groups, k, k]; bias float32 [out].

    stride: with 2 it is centred on the odd cells, as TensorFlow pads grids of an even side.
    """

    weight: np.ndarray
    bias: np.ndarray
    stride: int = 1

    @property
    def depthwise(self) -> bool:
        return self.weight.shape[1] == 1


@dataclass(frozen=True)
class FoldedBlocks:
    """What is packed. convolutions: expansion, depthwise and projection of each block, then the last one.

    ranges: least and greatest value of each projection and, where the block has a residual, of the sum after it.
    """

    convolutions: list[Convolution]
    ranges: list[tuple[float, float]]


class NormedConvolution(nn.Module):
    """A convolution with a norm that no longer changes: its gain is a constant, its shift a bias that is learned."""

    gain: torch.Tensor

    def __init__(self, convolution: nn.Conv2d, norm: nn.BatchNorm2d):
        super().__init__()
        assert norm.running_var is not None
        assert norm.running_mean is not None
        self.stride = convolution.stride[0]
        self.weight = nn.Parameter(convolution.weight.detach().clone(), requires_grad=convolution.groups == 1)
        gain = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
        self.register_buffer("gain", gain[:, None, None, None].clone())
        self.bias = nn.Parameter((norm.bias - norm.running_mean * gain).detach())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """float32 [b, h, w, in] -> [b, h / stride, w / stride, out], padded with zeros."""
        weight = self.weight * self.gain
        if weight.shape[1] > 1:
            return F.linear(x, weight.flatten(1), self.bias)
        out, _, kernel, _ = weight.shape
        # Strided, or with its bias in it, the way back takes many times as long.
        grid = F.conv2d(x.permute(0, 3, 1, 2), weight, None, padding=kernel // 2, groups=out).permute(0, 2, 3, 1)
        return grid[:, self.stride - 1 :: self.stride, self.stride - 1 :: self.stride] + self.bias

    def folded(self) -> Convolution:
        return Convolution((self.weight * self.gain).detach().numpy(), self.bias.detach().numpy(), self.stride)


class Block(nn.Module):
    """An inverted residual without its residual: expansion, depthwise convolution, projection.

    skipped: share of the photos of a training step for which a block with a residual is left out (Huang et al. 2016).
    """

    skipped = SKIPPED

    def __init__(self, block: Any):
        super().__init__()
        self.residual: bool = block.residual
        self.expand = NormedConvolution(block._expand_conv, block._bn0)
        self.depthwise = NormedConvolution(block._depthwise_conv, block._bn1)
        self.project = NormedConvolution(block._project_conv, block._bn2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.project(F.relu6(self.depthwise(F.relu6(self.expand(x)))))
        if self.training and self.residual and self.skipped:
            y = y * ((torch.rand(len(x), 1, 1, 1) >= self.skipped) / (1 - self.skipped)).to(y.dtype)
        return y


class LastBlocks(nn.Module):
    """forward: [b, 49, 4 * ENTRY_WIDTH], bytes as object_features.gather has them -> float32 [b, 49, 1280], 0..6.

    scale and zero: how the bytes at the entry are meant (object_features.quantisation).
    """

    def __init__(self, encoder: EfficientNetLite, scale: float, zero: int):
        super().__init__()
        self.scale, self.zero = scale, zero
        self.blocks = nn.ModuleList(Block(block) for block in list(encoder._blocks)[FIRST_BLOCK:])
        self.last = NormedConvolution(encoder._conv_head, encoder._bn1)

    def forward(self, entry: torch.Tensor) -> torch.Tensor:
        return F.relu6(self.last(list(self._values(entry))[-1])).flatten(1, 2)

    def _values(self, entry: torch.Tensor) -> Iterator[torch.Tensor]:
        """Each projection and, after it, its sum with what the block was given, if there is one."""
        grid = ((entry.float() - self.zero) * self.scale).transpose(1, 2).unflatten(2, (CELLS, CELLS))
        x = F.pixel_shuffle(grid, 2).permute(0, 2, 3, 1).contiguous()
        for block in self.blocks:
            y = block(x)
            yield y
            if block.residual:
                y = x + y
                yield y
            x = y

    def _parts(self) -> list[NormedConvolution]:
        return [part for part in self.modules() if isinstance(part, NormedConvolution)]

    @torch.no_grad()
    def take(self, convolutions: Sequence[Convolution]) -> None:
        """Goes on from other weights than those of the encoder, as `folded` gives them."""
        for part, convolution in zip(self._parts(), convolutions, strict=True):
            part.weight.copy_(torch.from_numpy(convolution.weight) / part.gain)
            part.bias.copy_(torch.from_numpy(convolution.bias))

    @torch.no_grad()
    def folded(self, entries: np.ndarray) -> FoldedBlocks:
        """entries: uint8 [n, 49, 4 * ENTRY_WIDTH] of training views, on which the ranges are measured."""
        batches = [list(self._values(part)) for part in torch.from_numpy(entries).split(64)]
        ranges = [
            (min(float(value.min()) for value in values), max(float(value.max()) for value in values))
            for values in zip(*batches, strict=True)
        ]
        return FoldedBlocks([part.folded() for part in self._parts()], ranges)
