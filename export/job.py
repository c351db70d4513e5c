"""Makes a bundle out of a checkpoint: in full or not at all, and from where it was broken off.

Knows the parts of a bundle and their order. Does not know how a part is made, nor whether it is right (export.verify).

Parts are made in `.NAME.partial` beside the bundle. Whoever interrupts keeps those that are finished, for the next
export of the same. Whatever else goes wrong leaves nothing behind.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from export.card import write_card
from export.checkpoint import Checkpoint
from export.parts import Parts
from models.bundle import FORMAT, TOKENIZER_FILE, VISION_FILE, Bundle
from models.decoder_graph import write_decoder
from models.decoder_layout import DecoderLayout
from models.decoder_matrices import DecoderWeights, Quantizer
from models.decoder_settings import DecoderSettings
from models.errors import GlintError
from models.integrity import sha256_of
from models.manifest import FileRecord, is_other_format, read_manifest
from models.picture_plan import PicturePlan
from models.processor import Processor
from models.progress import silent
from models.sources import Progress

_BYTES = {"int4": 0.67, "int8": 1.17, "fp16": 2.0, "fp32": 4.0}  # of a weight with its share of scales, at most
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class ExportSettings:
    """What the user chooses. vision: int8, fp16 or fp32; None: int8. image_size None: the encoder's own.

    rounding: "search" (models.quantize) or "gptq" (export.gptq), of int4 projections. calibration: photos, uint8 RGB
    [height, width, 3] each, by name.
    """

    decoder: DecoderSettings = field(default_factory=DecoderSettings)
    vision: str = "int8"
    image_size: int | None = None
    max_tokens: int = 2048
    rounding: str = "search"
    calibration: Mapping[str, np.ndarray] | None = None


_DEFAULTS = ExportSettings()


class ExportJob:
    """One export. Everything that can be refused is, before anything is written. Raises GlintError, OSError."""

    def __init__(
        self, checkpoint: Checkpoint, out: Path, settings: ExportSettings = _DEFAULTS, progress: Progress = silent
    ):
        self.checkpoint, self.settings = checkpoint, settings
        self._out = out.absolute()
        self._progress = progress
        self._staging = self._out.parent / f".{self._out.name}.partial"
        self._parts = Parts(self._staging)
        self.weights: DecoderWeights = checkpoint.weights()
        self.processor: Processor = checkpoint.processor(settings.image_size)
        if checkpoint.picture_side is None and settings.image_size is not None:
            raise GlintError(f"{checkpoint.name} sees no pictures, so --image-size has no use with it.")
        if settings.image_size is not None and settings.image_size < 1:
            raise GlintError("An image size is a number of pixels above 0.")
        if self._out.exists() and not _may_be_replaced(self._out):
            raise GlintError(f"{self._out} is there already and is no exported model; name another folder.")
        self._check_space()

    def run(self) -> Bundle:
        """Makes the folder, or replaces it. KeyboardInterrupt and SystemExit keep the parts that are finished."""
        from filelock import FileLock, Timeout

        try:
            self._staging.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error
        lock = FileLock(self._staging / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise GlintError(f"Another export into {self._out} is at work; wait for it to end.") from None
        try:
            bundle = self._make()
        except (KeyboardInterrupt, SystemExit):
            lock.release()
            self._parts.keep_finished()
            raise
        except BaseException as error:
            lock.release()
            shutil.rmtree(self._staging, ignore_errors=True)
            if isinstance(error, OSError):
                raise self._unwritable(error) from error
            raise
        lock.release()
        shutil.rmtree(self._staging, ignore_errors=True)
        return bundle

    @cached_property
    def quantizer(self) -> Quantizer | None:
        """What rounds the decoder's matrices; None: models.quantize. Made when it is first asked for, in minutes."""
        if self.settings.rounding != "gptq":
            return None
        from export.gptq import gptq_quantizer
        from export.study.calibration import text_sequences

        what = "watching the decoder read"
        self._progress(what, 0, 1000)
        sequences = text_sequences(self.weights, self.checkpoint.tokenizer())
        return gptq_quantizer(
            self.weights,
            sequences,
            self.settings.decoder,
            lambda share: self._progress(what, int(1000 * share), 1000),
        )

    def _make(self) -> Bundle:
        settings = self.settings
        sources = self._hashes()
        common = {"sources": sources, "glint": version("glint"), "format": FORMAT}
        config = self._config()
        notes = list(self.processor.notes)
        parts = []
        if self.checkpoint.picture_side is not None:
            seen = self._parts.get("vision", {**common, **self._vision_key()}, self._make_vision, self._progress)
            parts.append(seen)
            notes += seen.about["notes"]
            if "picture" in config:
                PicturePlan.read(config["picture"], seen.about["height"], seen.about["width"])
            if seen.about["hidden"] != self.weights.shape.hidden:
                raise GlintError(
                    f"The picture encoder gives {seen.about['hidden']} numbers a token, and the language model takes "
                    f"{self.weights.shape.hidden}; they are not of one model."
                )
        key = {"settings": asdict(settings.decoder), "max_tokens": settings.max_tokens, "rounding": settings.rounding}
        decoder = self._parts.get("decoder", {**common, **key}, self._make_decoder, self._progress)
        parts.append(decoder)
        layout = DecoderLayout(**decoder.about)
        if layout.max_tokens < settings.max_tokens:
            notes.append(f"The model was made for {layout.max_tokens} tokens, so that is all that it reads.")
        config["export"]["notes"] = [note[:1].upper() + note[1:].rstrip(".") + "." for note in notes]
        fresh = self._staging / "bundle"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        self.checkpoint.tokenizer().save(str(fresh / TOKENIZER_FILE))
        files = {TOKENIZER_FILE: FileRecord.of(fresh / TOKENIZER_FILE)}
        for part in parts:
            files |= {name: FileRecord(**record) for name, record in part.files.items()}
            for name in part.files:
                os.replace(part.folder / name, fresh / name)
        revision = self.checkpoint.revision or hashlib.sha256(json.dumps(sources).encode()).hexdigest()
        bundle = Bundle(
            folder=fresh,
            name=str(config.get("name", self.checkpoint.name)),
            version=str(config.get("version", revision[:12])),
            decoder=layout,
            config=config,
            sources=sources,
            files=dict(sorted(files.items())),
        )
        bundle.write_manifest()
        write_card(bundle)
        _flush(fresh)
        self._replace(fresh)
        return Bundle.open(self._out)

    def _config(self) -> dict[str, Any]:
        checkpoint, settings = self.checkpoint, self.settings
        config = checkpoint.config()
        config["prompt"] = self.processor.prompt
        if self.processor.picture:
            config["picture"] = self.processor.picture
        config.setdefault("licences", {checkpoint.name: checkpoint.licence or "not stated"})
        config["export"] = {
            "source": checkpoint.source,
            "revision": checkpoint.revision,
            "architecture": checkpoint.architecture.name,
            "decoder": asdict(settings.decoder),
            "rounding": settings.rounding,
        }
        if checkpoint.picture_side is not None:
            config["export"]["vision"] = {
                "precision": settings.vision,
                "image_size": settings.image_size,
                "calibration_photos": len(settings.calibration or {}),
            }
        return config

    def _vision_key(self) -> dict[str, Any]:
        settings, processor = self.settings, self.processor
        given = settings.calibration or {}
        photos = {name: hashlib.sha256(photo.tobytes()).hexdigest() for name, photo in given.items()}
        return {
            "precision": settings.vision,
            "image_size": settings.image_size,
            "colours": [processor.mean, processor.std],
            "photos": photos,
            "libraries": {name: version(name) for name in ("torch", "transformers", "optimum")},
        }

    def _make_vision(self, folder: Path) -> dict[str, Any]:
        from export.vision.part import export_vision

        assert self.checkpoint.picture_side is not None
        part = export_vision(
            self.checkpoint.picture_side,
            folder / VISION_FILE,
            self.settings.vision,
            mean=self.processor.mean,
            std=self.processor.std,
            image_size=self.settings.image_size,
            calibration=self._calibration(),
            progress=self._progress,
        )
        return asdict(part)

    def _calibration(self) -> Sequence[np.ndarray]:
        photos = list((self.settings.calibration or {}).values())
        if not self.processor.picture:
            return photos
        plan = PicturePlan.read(self.processor.picture)
        return [tile for photo in photos for tile in plan.cut(photo).pixels]

    def _make_decoder(self, folder: Path) -> dict[str, Any]:
        layout = write_decoder(
            self.weights,
            folder,
            self.settings.max_tokens,
            lambda share: self._progress("decoder", int(1000 * share), 1000),
            self.settings.decoder,
            self.quantizer,
        )
        return asdict(layout)

    def _hashes(self) -> dict[str, str]:
        inputs = self.checkpoint.inputs()
        total, done, hashes = sum(path.stat().st_size for path in inputs.values()), 0, {}
        for name, path in inputs.items():
            self._progress("checking the model's files", done, total)
            hashes[name] = sha256_of(path)
            done += path.stat().st_size
        self._progress("checking the model's files", done, total)
        return hashes

    def _replace(self, fresh: Path) -> None:
        old = self._staging / "old"
        if self._out.exists():
            os.replace(self._out, old)
        os.replace(fresh, self._out)

    def _unwritable(self, error: OSError) -> GlintError:
        if error.errno in _NO_SPACE:
            what = f"The disk of {self._out.parent} is full, so nothing was exported"
            return GlintError(f"{what}; free {_mb(self._needed)}.")
        return GlintError(f"{self._out} could not be made ({error.strerror or error}), so nothing was exported.")

    @cached_property
    def _needed(self) -> int:
        """Bytes on the disk while it is made, roughly and rather too many."""
        shape, settings = self.weights.shape, self.settings.decoder
        products = sum(shape.rows(name) * shape.columns(name) for name in ("q", "k", "v", "o", "gate", "up", "down"))
        tables = shape.vocabulary * shape.hidden * (1 if self.weights.head(slice(0, 1)) is None else 2)
        decoder = shape.layers * products * _BYTES[settings.projections] + tables * _BYTES[settings.head]
        rotary = 4 * self.settings.max_tokens * shape.head_size
        vision = self.checkpoint.picture_weights() * (4 + _BYTES[self.settings.vision])  # with the exporter's own file
        return int(decoder + rotary + vision) + 20_000_000

    def _check_space(self) -> None:
        place = self._out.parent
        while not place.exists():
            place = place.parent
        free = shutil.disk_usage(place).free
        if self._needed > free:
            raise GlintError(
                f"The export takes {_mb(self._needed)} of disk space and {place} has {_mb(free)}; "
                "free some, or name a folder on a larger disk with --out."
            )


def _may_be_replaced(path: Path) -> bool:
    """An empty folder, or a bundle of this or another version of Glint: many others have a manifest.json too."""
    if not path.is_dir():
        return False
    if not any(path.iterdir()) or is_other_format(path, FORMAT):
        return True
    try:
        return bool(read_manifest(path, FORMAT)["files"])
    except GlintError:
        return False


def _flush(folder: Path) -> None:
    """Has the files on the disk before they take their place."""
    for path in folder.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def _mb(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"
