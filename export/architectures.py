"""Which models can be exported, by the `model_type` of their config.json, and what is said of one that cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from rapidfuzz import fuzz, process

from models.errors import GlintError


@dataclass(frozen=True)
class Architecture:
    """name: as its authors write it. towers: model types of the picture encoders that it may have; none: text alone."""

    name: str
    towers: tuple[str, ...] = ()

    @property
    def sees(self) -> bool:
        return bool(self.towers)


TEXT_MODELS = {"llama": Architecture("Llama"), "mistral": Architecture("Mistral"), "qwen2": Architecture("Qwen2")}
PICTURE_MODELS = {
    "idefics3": Architecture("Idefics3", ("idefics3", "idefics3_vision")),
    "smolvlm": Architecture("SmolVLM", ("smolvlm", "smolvlm_vision", "idefics3", "idefics3_vision")),
    "llava": Architecture("LLaVA", ("clip_vision_model", "siglip_vision_model")),
}
ARCHITECTURES = {**TEXT_MODELS, **PICTURE_MODELS}
_RELATIVES = {  # of what is asked for most, the nearest by kinship rather than by spelling
    "idefics2": "idefics3",
    "gemma": "llama",
    "phi": "llama",
    "granite": "llama",
    "olmo": "llama",
    "smollm3": "llama",
    "mixtral": "mistral",
    "ministral": "mistral",
    "pixtral": "llava",
    "paligemma": "llava",
    "fastvlm": "llava",
    "moondream": "smolvlm",
    "florence": "smolvlm",
    "qwen": "qwen2",
}


def architecture_of(config: Mapping[str, Any], where: str) -> Architecture:
    """The architecture of a model by its config.json. Raises GlintError, naming those there are and the nearest.

    where: the model, for the message.
    """
    kind = config.get("model_type")
    if not isinstance(kind, str):
        raise GlintError(f"The config.json of {where} names no model_type, so it is not a model that can be exported.")
    found = ARCHITECTURES.get(kind)
    if found is None:
        _refuse(f"{where} is a {kind} model", kind)
    if found.sees:
        tower = _section(config, "vision_config").get("model_type")
        if tower is not None and tower not in found.towers:
            raise GlintError(
                f"{where} is a {found.name} model with a {tower} picture encoder, which cannot be exported; "
                f"supported: {', '.join(found.towers)}."
            )
        text = _section(config, "text_config").get("model_type", "llama")
        if text not in TEXT_MODELS:
            _refuse(f"{where} is a {found.name} model around a {text} language model", text, TEXT_MODELS)
    return found


def text_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a config.json that describes the language model."""
    return dict(_section(config, "text_config") or config)


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = config.get(name)
    return section if isinstance(section, Mapping) else {}


def _refuse(what: str, kind: str, among: Mapping[str, Architecture] = ARCHITECTURES) -> NoReturn:
    relative = next((near for start, near in _RELATIVES.items() if kind.startswith(start) and near in among), None)
    nearest = relative or process.extractOne(kind, list(among), scorer=fuzz.WRatio)[0]
    supported = ", ".join(f"{key} ({one.name})" for key, one in among.items())
    raise GlintError(f"{what}, which cannot be exported; supported: {supported}; the nearest is {nearest}.")
