"""Opens whatever an export starts from: a Hugging Face folder or Hub id, a GGUF file, or a folder of our own weights.

Knows which files make up each. Does not know what is made of them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from safetensors import safe_open
from tokenizers import Tokenizer

from export.architectures import TEXT_MODELS, Architecture, architecture_of, text_config
from export.hub import fetch_model, is_hub_id
from export.safetensors_weights import SafetensorsWeights
from export.tensor_files import tensor_files
from models import fetch
from models.adapted_weights import AdaptedWeights
from models.assemble import CONFIG_FILE, NETWORKS
from models.bundle import ADAPTER_FILE, VISION_FILE
from models.catalog import catalog
from models.chat_prompt import read_prompt
from models.decoder_matrices import DecoderWeights
from models.errors import GlintError
from models.gguf_weights import GgufWeights
from models.hub_files import HubFiles
from models.manifest import MANIFEST_FILE
from models.processor import Processor, read_processor
from models.progress import silent
from models.sources import Progress

_EMBEDDINGS = "embed_tokens.weight"
_LICENCE = re.compile(r"^license:\s*[\"']?([\w.+-]+)", re.MULTILINE)
_OWN = Architecture("Glint", ("efficientnet_lite2",))
_NO_COLOUR = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


class Checkpoint(Protocol):
    """A model as its authors gave it out.

    source: as the user named it; revision: of the Hub, a commit; licence: as the authors state it. original: the folder
    that transformers opens; None: what `weights` gives is the original. picture_side: the folder that the picture
    encoder is exported from; None: the model sees nothing.
    """

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def revision(self) -> str | None: ...
    @property
    def licence(self) -> str | None: ...
    @property
    def architecture(self) -> Architecture: ...
    @property
    def original(self) -> Path | None: ...
    @property
    def picture_side(self) -> Path | None: ...

    def inputs(self) -> Mapping[str, Path]:
        """Every file that is read, by name."""

    def weights(self) -> DecoderWeights:
        """The language model. Raises GlintError when a file or a tensor is missing."""

    def tokenizer(self) -> Tokenizer:
        """As it goes into the bundle."""

    def processor(self, image_size: int | None = None) -> Processor:
        """How pictures and prompts are made. Raises GlintError when there is no chat template."""

    def config(self) -> dict[str, Any]:
        """What else goes into the manifest's config."""

    def picture_weights(self) -> int:
        """How many numbers the picture side has, about."""


def open_checkpoint(model: str, progress: Progress = silent) -> Checkpoint:
    """Opens a model; one on the Hub (owner/name, owner/name@revision) is fetched first.

    Raises GlintError, in one sentence, for what is not there, is not supported, or lacks a part.
    """
    path = Path(model).expanduser()
    if path.is_file():
        if path.suffix != ".gguf":
            raise GlintError(f"{path} is no model; give a Hugging Face folder, a Hub id or a .gguf file.")
        return GgufCheckpoint(path)
    if path.is_dir():
        return _open_folder(path, model, None, None)
    if path.suffix == ".gguf" or not is_hub_id(model):
        raise GlintError(f"There is no {model}; give a Hugging Face folder, a Hub id (owner/name) or a .gguf file.")
    fetched = fetch_model(model, progress, lambda config: architecture_of(_read_json(config), model))
    return _open_folder(fetched.folder, model, fetched.revision, fetched.licence)


def _open_folder(folder: Path, source: str, revision: str | None, licence: str | None) -> Checkpoint:
    if (folder / MANIFEST_FILE).exists():
        raise GlintError(f"{folder} has been exported already; use it with --model {folder}.")
    config = _read_json(folder / CONFIG_FILE)
    if "prompt" in config and "version" in config and "model_type" not in config:
        return OwnCheckpoint(folder, config)
    architecture = architecture_of(config, source)
    if not any(folder.glob("*.safetensors")):
        if (folder / "onnx").is_dir():
            raise GlintError(f"{source} holds ONNX files and no weights to export; use it with --model as it is.")
        others = sorted(path.name for pattern in ("*.bin", "*.pth", "*.pt") for path in folder.glob(pattern))
        instead = f", only {others[0]}" if others else ""
        raise GlintError(f"{source} has no weights as safetensors{instead}; save it with safe_serialization=True.")
    name = source.partition("@")[0].rstrip("/").rsplit("/", 1)[-1] if revision else folder.resolve().name
    return FolderCheckpoint(name, source, revision, licence or _licence(folder), architecture, folder)


@dataclass
class FolderCheckpoint:
    """A folder as transformers writes it."""

    name: str
    source: str
    revision: str | None
    licence: str | None
    architecture: Architecture
    original: Path

    @property
    def picture_side(self) -> Path | None:
        return self.original if self.architecture.sees else None

    def inputs(self) -> Mapping[str, Path]:
        patterns = ("*.json", "*.jinja", "*.safetensors")
        return {path.name: path for pattern in patterns for path in sorted(self.original.glob(pattern))}

    def weights(self) -> DecoderWeights:
        return SafetensorsWeights(self.original, self._text_config(), self._prefix())

    def tokenizer(self) -> Tokenizer:
        return HubFiles(self.original).tokenizer

    def processor(self, image_size: int | None = None) -> Processor:
        return read_processor(self.original, image_size)

    def config(self) -> dict[str, Any]:
        return {}

    def picture_weights(self) -> int:
        text, count = self._prefix(), 0
        for path in sorted(self.original.glob("*.safetensors")) if self.architecture.sees else ():
            with safe_open(path, framework="numpy") as file:
                for name in file.keys():  # noqa: SIM118 (it is no mapping)
                    if not name.startswith(text) and not name.endswith("lm_head.weight"):
                        count += math.prod(file.get_slice(name).get_shape())
        return count

    def _prefix(self) -> str:
        names = tensor_files(self.original)
        prefix = next((name.removesuffix(_EMBEDDINGS) for name in names if name.endswith(_EMBEDDINGS)), None)
        if prefix is None:
            raise GlintError(f"{self.source} has no tensor {_EMBEDDINGS}, so it holds no language model that is known.")
        return prefix

    def _text_config(self) -> dict[str, Any]:
        whole = _read_json(self.original / CONFIG_FILE)
        text = text_config(whole)
        if self.architecture.sees and "tie_word_embeddings" in whole:  # the outer one is what transformers goes by
            text["tie_word_embeddings"] = whole["tie_word_embeddings"]
        return text


class GgufCheckpoint:
    """A GGUF file: a language model with its tokenizer."""

    revision = original = picture_side = None

    def __init__(self, path: Path):
        self._path = path
        self._weights = GgufWeights(path)
        self.source = str(path)
        self.name = path.stem
        self.architecture = TEXT_MODELS[self._weights.architecture]
        self.licence: str | None = self._weights.text_of("general.license")

    def inputs(self) -> Mapping[str, Path]:
        return {self._path.name: self._path}

    def weights(self) -> DecoderWeights:
        return AdaptedWeights(self._weights)

    def tokenizer(self) -> Tokenizer:
        return self._weights.tokenizer()

    def processor(self, image_size: int | None = None) -> Processor:
        prompt, notes = read_prompt(_GgufFiles(self._weights, self._path.parent), None)
        return Processor({}, prompt, *_NO_COLOUR, tuple(notes))

    def config(self) -> dict[str, Any]:
        return {}

    def picture_weights(self) -> int:
        return 0


class _GgufFiles(HubFiles):
    """What a folder's small files would say, out of the one file."""

    def __init__(self, weights: GgufWeights, folder: Path):
        super().__init__(folder)
        self._weights = weights

    def json(self, name: str) -> dict[str, Any]:
        if name == "tokenizer_config.json":
            return {"chat_template": self._weights.chat_template() or ""}
        return {}

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return self._weights.tokenizer()

    @cached_property
    def special_tokens(self) -> dict[str, str]:
        names = {"bos": "bos_token", "eos": "eos_token", "unknown": "unk_token", "padding": "pad_token"}
        return {names[role]: text for role, text in self._weights.special_tokens().items()}


@dataclass
class OwnCheckpoint:
    """config.json, adapter.safetensors and vision.onnx, as in models/weights; the base model is fetched if need be.

    The base is the one that the catalogue names for a model of this name, or else a GGUF file in the folder.
    """

    _folder: Path
    _config: Mapping[str, Any]
    revision: None = None
    licence: str | None = None
    original: None = None
    architecture: Architecture = _OWN

    def __post_init__(self) -> None:
        self.name, self.source = str(self._config["name"]), str(self._folder)
        self.licence = self._config.get("licences", {}).get("weights")
        self.picture_side = self._folder if (self._folder / VISION_FILE).exists() else None

    @cached_property
    def _base(self) -> Path:
        own = sorted(self._folder.glob("*.gguf"))
        if own:
            return own[0]
        model = catalog().models.get(self.name)
        if model is None or model.base is None:
            raise GlintError(f"{self._folder} needs a base model that is not known; put its .gguf file beside it.")
        return next(fetch.ensure(model.base).glob("*.gguf"))

    def inputs(self) -> Mapping[str, Path]:
        own = {name: self._folder / name for name in (CONFIG_FILE, ADAPTER_FILE, *NETWORKS)}
        return {self._base.name: self._base} | {name: path for name, path in own.items() if path.exists()}

    def weights(self) -> DecoderWeights:
        adapter = self._folder / ADAPTER_FILE
        return AdaptedWeights(GgufWeights(self._base), adapter if adapter.exists() else None)

    def tokenizer(self) -> Tokenizer:
        return GgufWeights(self._base).tokenizer()

    def processor(self, image_size: int | None = None) -> Processor:
        return Processor({}, dict(self._config["prompt"]), *_NO_COLOUR, ())

    def config(self) -> dict[str, Any]:
        return dict(self._config)

    def picture_weights(self) -> int:
        return 0 if self.picture_side is None else (self._folder / VISION_FILE).stat().st_size  # 8 bits each


def _licence(folder: Path) -> str | None:
    """What the front matter of the model's card says."""
    try:
        text = (folder / "README.md").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = _LICENCE.search(text.split("---")[1]) if text.startswith("---") and text.count("---") > 1 else None
    return found[1] if found else None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise GlintError(f"{path.parent} has no {path.name}, so it is not a model's folder.") from None
    except (OSError, ValueError) as error:
        raise GlintError(f"{path} is not a readable JSON file ({error}); fetch it again.") from error
    if not isinstance(content, dict):
        raise GlintError(f"{path} is damaged (it holds no object); fetch it again.")
    return content
