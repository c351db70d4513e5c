"""The recipe from photos to a bundle that answers, on a data set of a few dozen coloured squares, for a few steps."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install 'glint[export]'")

import torch

from models import fetch
from models.assemble import assemble
from models.vision_language import VisionLanguageModel

pytestmark = pytest.mark.real_time

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220), "yellow": (230, 220, 40)}


def square(colour, seed):
    noise = np.random.default_rng(seed).integers(-25, 25, (64, 64, 3))
    return np.clip(np.array(COLOURS[colour]) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")

    def photo(folder, file, colour, seed):
        path = root / folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), square(colour, seed)[:, :, ::-1])

    def write(path, rows):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("".join(json.dumps(row) + "\n" for row in rows))

    for split, count in {"train": 32, "extra": 2, "dev": 8}.items():
        rows = []
        for i in range(count):
            colour = list(COLOURS)[i % 4]
            rows.append({"file": f"images/{split}{i}.jpg", "captions": [f"A {colour} square lies here ."] * 5})
            photo("flickr8k", rows[-1]["file"], colour, i)
        write(f"flickr8k/{split}.jsonl", rows)
    for split in ("train", "val"):
        rows = [{"file": f"images/{split}{i}.jpg", "name": "Lime", "kind": "Lime"} for i in range(4)]
        for i, row in enumerate(rows):
            photo("names/grocery", row["file"], "green", 100 + i)
        write(f"names/grocery/{split}.jsonl", rows)
    for path in ("coco/objects", "coco/vqa", "coco_extra/captions", "daquar/qa"):
        write(f"{path}.jsonl", [])
    for name in ("caltech101", "clothing", "trashnet"):
        write(f"names/{name}/names.jsonl", [])
    return root


@pytest.mark.slow
def test_from_photos_to_a_bundle_that_answers(data, tmp_path):
    run, weights = tmp_path / "run", tmp_path / "weights"

    def recipe(*arguments):
        command = [sys.executable, "-m", "export.recipe", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def train(minutes):
        """The checkpoint that a run of so many minutes leaves, those before the checkpoint it found among them."""
        recipe("train", "--data", data, "--run", run, "--minutes", minutes)
        return torch.load(run / "checkpoint.pt", weights_only=True)

    # So few steps only warm the rate of learning up; test_recipe_learning has a test that it learns.
    first = train(0.25)
    # However long the first steps took: late enough for rewards and settled weights, and time for another step.
    last = train(first["spent"] / 60 / 0.85)
    assert 0 < first["step"] < last["step"]
    assert last["settled"]
    assert (run / "train.log").read_text().count("end: step") == 2
    recipe("pack", "--run", run, "--out", weights, "--version", "9.9.9")
    figures = json.loads(recipe("check", "--run", run, "--data", data, "--limit", 8).splitlines()[-1])
    assert figures["pictures"] == 8
    base = next(fetch.ensure("smollm2-135m-instruct-q4_1").glob("*.gguf"))
    bundle = assemble(base, weights, tmp_path / "bundle")
    assert bundle.version == "9.9.9"
    model = VisionLanguageModel.load(bundle)
    assert model.answer(model.look(square("red", 7)), "Describe what you see.").text
