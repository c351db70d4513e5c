"""Configurations for optimum's ONNX exporter of what it cannot export: the picture side of vision-language models.

Idefics3, SmolVLM and LLaVA (CLIP or SigLIP tower), each with its connector, in the manner of
`optimum/exporters/onnx/model_configs.py`. Importing this registers them with optimum's TasksManager, after which its
own functions (`export`, `main_export` with task="feature-extraction") take these models.

A picture is always full: one square without padding. Its patch mask is then all ones, which attention need not be told,
and the places of its patches are constants, computed before tracing. What makes these models
untraceable (`unfold` of the pixel mask, a loop over pictures, `bucketize`) is thus never traced.
"""

from __future__ import annotations

from typing import Any

import torch
from optimum.exporters.onnx.config import VisionOnnxConfig
from optimum.exporters.onnx.model_patcher import ModelPatcher
from optimum.exporters.tasks import TasksManager
from optimum.utils import DummyInputGenerator, NormalizedVisionConfig
from transformers import PretrainedConfig, PreTrainedModel

from export.vision.positions import intended_positions

register_tasks_manager_onnx = TasksManager.create_register("onnx")


class Idefics3ModelPatcher(ModelPatcher):
    """pixel_values [b, c, image_size, image_size] -> image_features [b, t, d], and the hidden states if asked for."""

    def __init__(
        self, config: Idefics3OnnxConfig, model: PreTrainedModel, model_kwargs: dict[str, Any] | None = None
    ) -> None:
        super().__init__(config, model, model_kwargs)
        core: Any = getattr(model, "model", model)  # of a model with a language head
        tower, connector = core.vision_model, core.connector
        patches = config.image_size // tower.embeddings.patch_size
        full = torch.ones(1, patches, patches, dtype=torch.bool)
        positions = intended_positions(full, tower.embeddings.num_patches_per_side)

        def patched_forward(pixel_values: torch.Tensor) -> dict[str, Any]:
            patches = tower.embeddings.patch_embedding(pixel_values).flatten(2).transpose(1, 2)
            hidden_states = [patches + tower.embeddings.position_embedding(positions)]
            for layer in tower.encoder.layers:
                hidden_states.append(layer(hidden_states[-1], None))
            features = connector(tower.post_layernorm(hidden_states[-1]))
            return config.select_outputs(features, hidden_states)

        self.patched_forward = patched_forward


class LlavaModelPatcher(ModelPatcher):
    """As Idefics3ModelPatcher. Of the hidden states only those that the features depend on."""

    def __init__(
        self, config: LlavaOnnxConfig, model: PreTrainedModel, model_kwargs: dict[str, Any] | None = None
    ) -> None:
        super().__init__(config, model, model_kwargs)
        core: Any = getattr(model, "model", model)
        settings: Any = model.config
        self._embeddings = core.vision_tower.vision_model.embeddings
        self._places = _interpolated_places(self._embeddings, config.image_size)
        single = isinstance(settings.vision_feature_layer, int)
        layers = [settings.vision_feature_layer] if single else list(settings.vision_feature_layer)
        first = 1 if settings.vision_feature_select_strategy == "default" else 0  # 1: without the class token

        def patched_forward(pixel_values: torch.Tensor) -> dict[str, Any]:
            sized = {} if self._places is None else {"interpolate_pos_encoding": True}
            states = core.vision_tower(pixel_values, output_hidden_states=True, **sized).hidden_states
            selected = [states[layer][:, first:] for layer in layers]
            features = core.multi_modal_projector(selected[0] if single else torch.cat(selected, dim=-1))
            return config.select_outputs(features, states)

        self.patched_forward = patched_forward

    def __enter__(self) -> None:
        super().__enter__()
        if self._places is not None:
            self._embeddings.interpolate_pos_encoding = lambda *_: self._places

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        super().__exit__(exc_type, exc_value, traceback)
        if self._places is not None:
            del self._embeddings.interpolate_pos_encoding


class _TowerOnnxConfig(VisionOnnxConfig):
    """image_size: side of the pictures in pixels, the tower's own unless given.

    With `config.vision_config.output_hidden_states` the graph has outputs hidden_states.0 (the embeddings),
    hidden_states.1 (after the first layer) and so on.
    """

    NORMALIZED_CONFIG_CLASS = NormalizedVisionConfig.with_args(
        image_size="vision_config.image_size", num_channels="vision_config.num_channels"
    )
    ATOL_FOR_VALIDATION = 1e-4

    def __init__(
        self,
        config: PretrainedConfig,
        task: str = "feature-extraction",
        preprocessors: list[Any] | None = None,
        int_dtype: str = "int64",
        float_dtype: str = "fp32",
        image_size: int | None = None,
    ) -> None:
        super().__init__(config, task=task, preprocessors=preprocessors, int_dtype=int_dtype, float_dtype=float_dtype)
        self.image_size: int = image_size or config.vision_config.image_size

    def _create_dummy_input_generator_classes(self, **kwargs: Any) -> list[DummyInputGenerator]:
        generators = super()._create_dummy_input_generator_classes(**kwargs)
        for generator in generators:
            generator.height = generator.width = self.image_size
        return generators

    @property
    def inputs(self) -> dict[str, dict[int, str]]:
        return {"pixel_values": {0: "batch_size"}}

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        names = ["image_features"]
        if self._config.vision_config.output_hidden_states:
            names += [f"hidden_states.{i}" for i in range(self.num_hidden_states)]
        return {name: {0: "batch_size"} for name in names}

    @property
    def num_hidden_states(self) -> int:
        """The embeddings, and one after each layer that the features depend on."""
        return self._config.vision_config.num_hidden_layers + 1

    def select_outputs(self, features: torch.Tensor, hidden_states: Any) -> dict[str, Any]:
        """What a patched model returns."""
        outputs: dict[str, Any] = {"image_features": features}
        if self._config.vision_config.output_hidden_states:
            outputs["hidden_states"] = list(hidden_states)[: self.num_hidden_states]
        return outputs


@register_tasks_manager_onnx("idefics3", *["feature-extraction"])
class Idefics3OnnxConfig(_TowerOnnxConfig):
    _MODEL_PATCHER = Idefics3ModelPatcher


@register_tasks_manager_onnx("smolvlm", *["feature-extraction"])
class SmolVLMOnnxConfig(Idefics3OnnxConfig):
    pass


@register_tasks_manager_onnx("llava", *["feature-extraction"])
class LlavaOnnxConfig(_TowerOnnxConfig):
    _MODEL_PATCHER = LlavaModelPatcher

    @property
    def num_hidden_states(self) -> int:
        total = super().num_hidden_states
        layers = self._config.vision_feature_layer
        used = [layers] if isinstance(layers, int) else layers
        return 1 + max(layer if layer >= 0 else total + layer for layer in used)


def _interpolated_places(embeddings: Any, image_size: int) -> torch.Tensor | None:
    """Position embeddings [1, patches (+ 1), d] for pictures of another size than the tower's own; None for that."""
    if image_size == embeddings.image_size:
        return None
    patches = (image_size // embeddings.patch_size) ** 2
    own = embeddings.position_embedding.weight.shape[0] - embeddings.num_patches  # 1 where there is a class token
    with torch.no_grad():
        tokens = torch.zeros(1, patches + own, embeddings.embed_dim)
        return embeddings.interpolate_pos_encoding(tokens, image_size, image_size).clone()
