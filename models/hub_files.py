"""The small files of a Hugging Face folder: settings as JSON, the tokenizer and the names of its special tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from models.errors import GlintError

TOKENIZER_FILE = "tokenizer.json"


class HubFiles:
    """Each file is read when first wanted; one that is not there is as an empty one. Raises GlintError for damage."""

    def __init__(self, folder: Path):
        self.folder = folder

    def json(self, name: str) -> dict[str, Any]:
        """The object in a file of the folder; {} where there is no such file."""
        path = self.folder / name
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise GlintError(f"{path} cannot be read ({error}); fetch it again.") from error
        if not isinstance(content, dict):
            raise GlintError(f"{path} is damaged (it holds no object); fetch it again.")
        return content

    @cached_property
    def config(self) -> dict[str, Any]:
        return self.json("config.json")

    @cached_property
    def processor(self) -> dict[str, Any]:
        return self.json("processor_config.json")

    @cached_property
    def picture(self) -> dict[str, Any]:
        """The settings of the image processor, which newer folders keep inside those of the processor."""
        nested = self.processor.get("image_processor")
        return self.json("preprocessor_config.json") or (nested if isinstance(nested, dict) else {})

    @cached_property
    def tokenizer_config(self) -> dict[str, Any]:
        return self.json("tokenizer_config.json")

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return read_tokenizer(self.folder / TOKENIZER_FILE)

    @cached_property
    def special_tokens(self) -> dict[str, str]:
        """Texts by role: bos_token, eos_token, image_token and so on."""
        extra = self.tokenizer_config.get("extra_special_tokens")
        tables = self.json("special_tokens_map.json"), self.tokenizer_config, extra if isinstance(extra, dict) else {}
        return {role: text for table in tables for role, text in _roles(table).items()}

    def text_of(self, number: Any) -> str | None:
        """The token of an id, where it is one of the tokenizer's."""
        return self.tokenizer.id_to_token(number) if isinstance(number, int) and number >= 0 else None


def read_tokenizer(path: Path) -> Tokenizer:
    """A tokenizer that takes texts as they are. Raises GlintError when it is missing or cannot be read."""
    if not path.is_file():
        raise GlintError(f"{path.parent} has no {path.name}; a model's tokenizer must be there in that form.")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more special
        raise GlintError(f"{path} cannot be read ({error}); fetch the model again.") from error
    tokenizer.no_truncation()  # either may have been left switched on by whoever saved it
    tokenizer.no_padding()
    return tokenizer


def _roles(table: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for role, token in table.items():
        text = token.get("content") if isinstance(token, dict) else token
        if role.endswith("_token") and isinstance(text, str):
            found[role] = text
    return found
