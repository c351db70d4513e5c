"""Opens the picture side of a Hugging Face checkpoint: vision tower and connector, and nothing else of it.

Knows which tensors these are and where. The language model is never read, however large it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, Idefics3Model, LlavaModel, PretrainedConfig, PreTrainedModel, SmolVLMModel
from transformers.modeling_utils import no_init_weights

from export.tensor_files import tensor_files
from models.errors import GlintError

SIGLIP_HEAD = "vision_tower.vision_model.head."  # pools to one vector, which no language model is shown


@dataclass(frozen=True)
class Family:
    """model: transformers' class without a language head; parts: its attributes that make up the picture side."""

    model: type[PreTrainedModel]
    language: str
    parts: tuple[str, ...]
    towers: tuple[str, ...] = ()  # model types of towers, where there are several


FAMILIES = {
    "idefics3": Family(Idefics3Model, "text_model", ("vision_model", "connector")),
    "smolvlm": Family(SmolVLMModel, "text_model", ("vision_model", "connector")),
    "llava": Family(
        LlavaModel,
        "language_model",
        ("vision_tower", "multi_modal_projector"),
        ("clip_vision_model", "siglip_vision_model"),
    ),
}


def load_tower(folder: Path, image_size: int | None = None) -> PreTrainedModel:
    """The model in float32 and evaluation mode, without its language model.

    image_size: the side of the pictures that it shall be given. GlintError when the architecture, its tower, or the
    size is not supported, or a shard or a tensor is missing.
    """
    config = _config(folder)
    family = FAMILIES[config.model_type]
    side = image_size or config.vision_config.image_size
    _check_size(config, side)
    with torch.device("meta"), no_init_weights():
        model: Any = family.model(config)
    delattr(model, family.language)
    if config.vision_config.model_type == "siglip_vision_model":
        model.vision_tower.vision_model.use_head = False
        del model.vision_tower.vision_model.head
    missing = model.load_state_dict(_tensors(folder, family.parts), strict=False, assign=True).missing_keys
    if missing:
        raise GlintError(f"{folder} lacks the tensor {missing[0]!r} of the picture side; download the model again.")
    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.is_meta:  # position ids, the only ones that no checkpoint holds
                setattr(module, name, torch.arange(buffer.numel()).expand(buffer.shape))
    return model.eval().requires_grad_(False)


def _config(folder: Path) -> PretrainedConfig:
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise GlintError(f"{folder} has no config.json of a known architecture.") from error
    if config.model_type not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise GlintError(f"The picture side of {config.model_type!r} models cannot be exported (only of {known}).")
    towers, tower = FAMILIES[config.model_type].towers, config.vision_config.model_type
    if towers and tower not in towers:
        raise GlintError(f"The tower {tower!r} of {folder} cannot be exported (only {' and '.join(towers)}).")
    return config


def _check_size(config: PretrainedConfig, side: int) -> None:
    patch, factor = config.vision_config.patch_size, getattr(config, "scale_factor", 1)
    if side < patch * factor or side // patch % factor:
        step = patch * factor
        nearest = max(step, round(side / step) * step)
        raise GlintError(
            f"Pictures of {side} pixels do not divide into patches of {patch} in groups of {factor}; "
            f"the nearest size that does is {nearest}."
        )


def _tensors(folder: Path, parts: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """Float32, by the names they have in the model without a language head."""
    wanted: dict[Path, list[tuple[str, str]]] = {}
    for key, path in tensor_files(folder).items():
        name = key.removeprefix("model.")
        if name.split(".")[0] in parts and not name.startswith(SIGLIP_HEAD):
            wanted.setdefault(path, []).append((key, name))
    tensors = {}
    for path, names in wanted.items():
        try:
            with safe_open(path, framework="pt") as file:
                tensors.update({name: file.get_tensor(key).to(torch.float32) for key, name in names})
        except FileNotFoundError as error:
            raise GlintError(f"{path} is missing; download the model again.") from error
        except SafetensorError as error:
            raise GlintError(f"{path} is damaged ({error}); download the model again.") from error
    return tensors
