"""What the answer head learns from: questions about photos with short answers, and what the model makes of each.

Read once, with the shipped model, and kept in the folder of the run.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import numpy as np
from rich.console import Console
from rich.progress import track

from export.recipe.encoder import read_rgb
from export.recipe.object_features import FIRST_CROP, MIRRORED, PLAIN, SECOND_CROP, show
from export.recipe.photos import Photo
from export.recipe.samples import DESCRIBE, NAME, tidy_answer, tidy_question
from models.answer_head import first_tokens, log_softmax, summary
from models.vision_language import VisionLanguageModel

VIEWS = (PLAIN, MIRRORED, FIRST_CROP, SECOND_CROP)
LAYERS = (4, 8, 12, 16, 20, 24, 28)
VOTE = 0.2  # share of the voters from which on an answer counts for the list
RARE = 2  # an answer that fewer questions have is left out
UNLISTED = 900  # photos that are asked what no list answers: what a thing is called, and what a scene shows


@dataclass(frozen=True)
class Asked:
    """shares: of the voters, by answer as it is spoken; {} for what no list answers."""

    file: str
    question: str
    shares: dict[str, float]


def asked_of(photos: Sequence[Photo]) -> list[Asked]:
    """All questions with answers, and some that the language model is to answer; the same in every run."""
    rng, out = random.Random(0), []
    for photo in photos:
        for question, answers in photo.questions:
            counts = Counter(map(tidy_answer, answers))
            shares = {answer: count / len(answers) for answer, count in counts.items()}
            out.append(Asked(photo.file, tidy_question(question), shares))
    others = [p for p in photos if not p.questions and (p.name or p.captions)]
    for photo in rng.sample(others, min(UNLISTED, len(others))):
        out.append(Asked(photo.file, rng.choice(NAME if photo.name else DESCRIBE), {}))
    return out


def listed(asked: Sequence[Asked]) -> list[str]:
    """The answers that are worth a place in the list, the most frequent first."""
    counts = Counter(answer for one in asked for answer, share in one.shares.items() if share >= VOTE)
    return [answer for answer, count in counts.most_common() if count >= RARE]


@dataclass(frozen=True)
class Material:
    """asked: the questions, answers: the list.

    questions: float16 [q, width], models.answer_head.summary of each. begun: float32 [q, answers + 1], log
    probabilities of what the language model would begin with. photos: [q], place of the question's photo in the
    following: cells uint8 [photos, views, 49, width], presence and hints float32 [photos, views, names].
    """

    asked: list[Asked]
    answers: list[str]
    questions: np.ndarray
    begun: np.ndarray
    photos: np.ndarray
    cells: np.ndarray
    presence: np.ndarray
    hints: np.ndarray


def read(load: Callable[[], VisionLanguageModel], data: Path, asked: list[Asked], folder: Path) -> Material:
    """load: gives a model of one thread; one for each core is used."""
    answers = listed(asked)
    files = list(dict.fromkeys(one.file for one in asked))
    place = {file: i for i, file in enumerate(files)}
    owners = np.array([place[one.file] for one in asked])
    if not (folder / "answers.npz").exists():
        _read_all(load, data, asked, answers, files, folder)
    with np.load(folder / "answers.npz") as kept:
        if kept["about"] != _about(asked):
            raise SystemExit(f"{folder} holds what was read of other questions; give another --run.")
        parts = {name: kept[name] for name in ("questions", "begun", "presence", "hints")}
    return Material(asked, answers, photos=owners, cells=np.load(folder / "answer_cells.npy", mmap_mode="r"), **parts)


def _about(asked: Sequence[Asked]) -> str:
    return json.dumps([[one.file, one.question] for one in asked])


def _read_all(
    load: Callable[[], VisionLanguageModel],
    data: Path,
    asked: Sequence[Asked],
    answers: list[str],
    files: Sequence[str],
    folder: Path,
) -> None:
    of: dict[str, list[int]] = {file: [] for file in files}
    for i, one in enumerate(asked):
        of[one.file].append(i)
    free: SimpleQueue[VisionLanguageModel] = SimpleQueue()
    count = os.cpu_count() or 1
    for _ in range(count):
        free.put(load())
    cells = None
    questions: list[np.ndarray] = [np.zeros(0)] * len(asked)
    begun, presence, hints = list(questions), [np.zeros(0)] * len(files), [np.zeros(0)] * len(files)

    def read_photo(row: int) -> None:
        nonlocal cells
        model = free.get()
        photo = read_rgb(data / files[row])
        view = model.look(photo)
        seen = [view.seen, *(model.encoder.encode(show(photo, files[row], v)) for v in VIEWS[1:])]
        assert cells is not None
        cells[row] = np.stack([one.cells for one in seen])
        presence[row], hints[row] = np.stack([one.presence for one in seen]), np.stack([one.scores for one in seen])
        for i in of[files[row]]:
            start = view.cache.length
            said = log_softmax(model.read_question(view.cache, asked[i].question))
            questions[i] = summary(model.values_since(view.cache, start), LAYERS).astype(np.float16)
            view.cache.rewind(start)
            begun[i] = np.append(said[firsts], said.max())
        free.put(model)

    model = free.get()
    firsts = first_tokens(model.tokenizer, tuple(answers))
    example = model.encoder.encode(read_rgb(data / files[0])).cells
    free.put(model)
    assert example is not None
    shape = len(files), len(VIEWS), *example.shape
    cells = np.lib.format.open_memmap(folder / "answer_cells.npy", "w+", np.uint8, shape)
    with ThreadPoolExecutor(count) as pool:
        done = pool.map(read_photo, range(len(files)))
        for _ in track(done, "reading questions", total=len(files), console=Console(stderr=True)):
            pass
    cells.flush()
    parts = {"questions": questions, "begun": begun, "presence": presence, "hints": hints}
    stacked = {name: np.stack(rows) for name, rows in parts.items()}
    np.savez(folder / "answers.part.npz", about=np.array(_about(asked)), **stacked)  # type: ignore[arg-type]
    (folder / "answers.part.npz").replace(folder / "answers.npz")
