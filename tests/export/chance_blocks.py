"""The last blocks of an encoder that has learned nothing."""

from types import SimpleNamespace

import torch

from export.recipe.efficientnet_lite import InvertedResidual
from export.recipe.object_blocks import FIRST_BLOCK


def blocks_of_chance():
    """Blocks of the encoder's shapes with weights that mean nothing, and norms that do something."""
    torch.manual_seed(0)
    shapes = ((120, 720, 208, 5, 2, True), *[(208, 1248, 208, 5, 1, True)] * 4, (208, 1248, 352, 3, 1, True))
    encoder = SimpleNamespace(
        _blocks=[None] * FIRST_BLOCK + [InvertedResidual(*shape) for shape in shapes],
        _conv_head=torch.nn.Conv2d(352, 1280, 1, bias=False),
        _bn1=torch.nn.BatchNorm2d(1280, eps=1e-3),
    )
    for norm in [encoder._bn1, *(m for b in encoder._blocks[FIRST_BLOCK:] for m in b.modules())]:
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(norm.weight, 1, 3)
            torch.nn.init.normal_(norm.bias)
            norm.running_mean.normal_(0, 0.1)
            norm.eval()
    return encoder
