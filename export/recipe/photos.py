"""Every training photo and what is known about it, out of a data folder laid out as its README says.

Splits: flickr8k and grocery have files of their own; everywhere else the photos with crc32(basename) % 5 == 0 are held
out (dev). Nothing here returns a held-out photo unless it is asked for by `split="dev"`.
"""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

NAME_SETS = ("grocery", "caltech101", "clothing", "trashnet")


@dataclass
class Photo:
    """`file` is relative to the data folder; `source` is the set it comes from."""

    file: str
    source: str
    captions: list[str] = field(default_factory=list)
    objects: list[str] | None = None
    name: str | None = None
    kind: str | None = None
    questions: list[tuple[str, list[str]]] = field(default_factory=list)


def held_out(file: str) -> bool:
    return zlib.crc32(Path(file).name.encode()) % 5 == 0


def _lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def _answers(row: dict) -> list[str]:
    """One entry per vote, capped at ten, most frequent first."""
    if isinstance(row.get("answers"), dict):
        return [a for a, votes in sorted(row["answers"].items(), key=lambda x: -x[1]) for _ in range(votes)]
    return row.get("answers") or [row["answer"]]


def load_photos(data: Path, split: str) -> list[Photo]:
    """All photos of `split` ("train" or "dev")."""
    photos: dict[str, Photo] = {}

    def photo(folder: str, row: dict) -> Photo:
        file = f"{folder}/{row['file']}"
        return photos.setdefault(file, Photo(file, folder))

    for name in ("train", "extra") if split == "train" else ("dev",):
        for row in _lines(data / f"flickr8k/{name}.jsonl"):
            photo("flickr8k", row).captions = row["captions"]
    for row in _lines(data / f"names/grocery/{'train' if split == 'train' else 'val'}.jsonl"):
        item = photo("names/grocery", row)
        item.name, item.kind = row["name"], row["kind"]
    rest: dict[str, list[dict]] = defaultdict(list)
    for folder, file in {
        "coco": "objects.jsonl",
        "coco_extra": "captions.jsonl",
        "daquar": "qa.jsonl",
        **{f"names/{name}": "names.jsonl" for name in NAME_SETS[1:]},
    }.items():
        rest[folder] = [r for r in _lines(data / folder / file) if held_out(r["file"]) == (split == "dev")]
    for folder, rows in rest.items():
        for row in rows:
            item = photo(folder, row)
            item.captions = row.get("captions", item.captions)
            item.objects = row.get("objects", item.objects)
            item.name = row.get("name", item.name)
            if "question" in row:
                item.questions.append((row["question"], _answers(row)))
    for row in _lines(data / "coco/vqa.jsonl"):
        if held_out(row["file"]) == (split == "dev"):
            photo("coco", row).questions.append((row["question"], _answers(row)))
    return list(photos.values())
