"""A bundle: one folder with everything a vision-language model needs at run time, described by its manifest.

Knows which files there are, how long they are and what they hash to. Does not know how to run any of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.decoder_layout import DecoderLayout
from models.errors import GlintError
from models.integrity import sha256_of
from models.manifest import MANIFEST_FILE, REMEDY, FileRecord, read_manifest, write_manifest

FORMAT = 4  # raise it when what assembly writes changes, so that older bundles are built anew
DECODER_GRAPH_FILE = "decoder.onnx"
DECODER_WEIGHTS_FILE = "decoder.weights"
TOKENIZER_FILE = "tokenizer.json"
VISION_FILE = "vision.onnx"
CAPTIONS_WEIGHTS_FILE = "captions.weights"  # its weights
CAPTIONS_FILE = "captions.onnx"  # where the model has a network of its own that describes pictures
ANSWERS_FILE = "answers.onnx"  # where it has one that chooses short answers
NAMES_FILE = "names.onnx"  # where it has one that says what a thing is called
ADAPTER_FILE = "adapter.safetensors"  # of the sources


@dataclass(frozen=True)
class Bundle:
    """An opened bundle. `config` is what came with the trained weights: prompt template, hint names, metrics, licences.

    sources: SHA-256 of every file it was made from, by file name.
    """

    folder: Path
    name: str
    version: str
    decoder: DecoderLayout
    config: Mapping[str, Any]
    sources: Mapping[str, str]
    files: Mapping[str, FileRecord]

    @classmethod
    def open(cls, folder: Path) -> Bundle:
        """Reads the manifest and checks it, and that every file is there in full length. Takes a millisecond.

        Raises GlintError otherwise. A changed byte inside a file is found by verify(), not here.
        """
        content = read_manifest(folder, FORMAT)
        try:
            bundle = cls(
                folder,
                content["name"],
                content["version"],
                DecoderLayout(**content["decoder"]),
                content["config"],
                content["sources"],
                content["files"],
            )
        except (LookupError, TypeError) as error:
            path = folder / MANIFEST_FILE
            raise GlintError(f"{path} is damaged (it is not a bundle's manifest); {REMEDY}.") from error
        for name, record in bundle.files.items():
            bundle._check_size(name, record)
        return bundle

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(record.bytes for record in self.files.values())

    @property
    def sees(self) -> bool:
        """Whether it has a vision encoder."""
        return VISION_FILE in self.files

    @property
    def captions(self) -> bool:
        """Whether it has a network of its own that describes pictures."""
        return CAPTIONS_FILE in self.files

    @property
    def answers(self) -> bool:
        """Whether it has a network of its own that chooses short answers."""
        return ANSWERS_FILE in self.files

    @property
    def names(self) -> bool:
        """Whether it has a network of its own that says what a thing is called."""
        return NAMES_FILE in self.files

    def path(self, name: str) -> Path:
        """Where one of its files lies. Raises GlintError when the bundle has no such file."""
        if name not in self.files:
            raise GlintError(f"The model {self.name} in {self.folder} has no {name}.")
        return self.folder / name

    def verify(self) -> None:
        """Hashes every file (about 0.1 s for 130 MB). Raises GlintError for the first that is not as it was made."""
        for name, record in self.files.items():
            self._check_size(name, record)
            try:
                damaged = sha256_of(self.folder / name) != record.sha256
            except OSError as error:
                raise GlintError(f"{self.folder / name} cannot be read ({error.strerror}).") from error
            if damaged:
                raise GlintError(f"{self.folder / name} is damaged (its checksum does not match); {REMEDY}.")

    def write_manifest(self) -> None:
        """Writes the manifest into the folder; the last step of making a bundle."""
        content = {
            "name": self.name,
            "version": self.version,
            "decoder": asdict(self.decoder),
            "config": self.config,
            "sources": self.sources,
        }
        write_manifest(self.folder, FORMAT, content, self.files)

    def _check_size(self, name: str, record: FileRecord) -> None:
        try:
            size = (self.folder / name).stat().st_size
        except OSError:
            raise GlintError(f"{self.folder / name} is missing; {REMEDY}.") from None
        if size != record.bytes:
            raise GlintError(f"{self.folder / name} has {size} bytes instead of {record.bytes}; {REMEDY}.")
