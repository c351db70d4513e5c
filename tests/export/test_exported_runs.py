"""Tiny models, exported in float32 and asked by the runtime, against PyTorch's greedy answer."""

import shutil
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import VISUAL, write_tiny
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoTokenizer

from device.assistant import load_model
from export.checkpoint import open_checkpoint
from export.job import ExportJob, ExportSettings
from export.vision.positions import correct_positions
from models.decoder_settings import DecoderSettings
from models.errors import GlintError

QUESTION = "What is this?"
SIZES = ((200, 300), (30, 400), (1, 1))
EXACT = ExportSettings(decoder=DecoderSettings(projections="fp32", head="fp32"), vision="fp32")


def picture(height, width):
    noise = np.random.default_rng(height * width).integers(0, 256, (7, 5, 3), np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """kind -> (folder of the original, its bundle); each is made once."""

    @cache
    def export(kind):
        folder = tmp_path_factory.mktemp(kind)
        source = write_tiny(folder / "source", kind)
        return source, ExportJob(open_checkpoint(str(source)), folder / "bundle", EXACT).run()

    return export


@pytest.fixture(scope="module", params=VISUAL)
def seeing(request, exported):
    """(the exported model in the runtime, the original in PyTorch)."""
    source, bundle = exported(request.param)
    original = AutoModelForImageTextToText.from_pretrained(source, dtype=torch.float32).eval()
    correct_positions(original)
    return load_model(bundle.folder), original


@pytest.mark.parametrize("size", SIZES)
def test_a_picture_gets_the_answer_that_pytorch_gives(seeing, size):
    model, original = seeing
    view = model.look(picture(*size))
    plan = model.encoder.plan
    ids = torch.tensor([model.prompt_ids(view, QUESTION)])
    cut = plan.cut(picture(*size)).pixels
    clip = plan.fit == "crop"
    mean = np.array((0.48145466, 0.4578275, 0.40821073) if clip else (0.5,) * 3, np.float32)
    std = np.array((0.26862954, 0.26130258, 0.27577711) if clip else (0.5,) * 3, np.float32)
    pixels = torch.from_numpy(((cut / np.float32(255) - mean) / std).transpose(0, 3, 1, 2))
    with torch.no_grad():
        answer = original.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            pixel_values=pixels[None] if plan.fit == "tiles" else pixels,
            max_new_tokens=32,
            do_sample=False,
            eos_token_id=list(model.end_ids),
        )[0, ids.shape[1] :].tolist()
    reply = model.answer(view, QUESTION, max_tokens=32)
    assert reply.tokens == [token for token in answer if token not in model.end_ids]
    assert len(reply.tokens) > 4


@pytest.mark.parametrize("kind", ["mistral", "qwen2"])
def test_a_language_model_answers_as_pytorch_does(exported, kind):
    source, bundle = exported(kind)
    model = load_model(bundle.folder)
    assert not model.sees
    original = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32).eval()
    messages = [{"role": "user", "content": QUESTION}]
    ids = AutoTokenizer.from_pretrained(source).apply_chat_template(
        messages, add_generation_prompt=True, return_tensors="pt"
    )
    with torch.no_grad():
        answer = original.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=32, do_sample=False,
            eos_token_id=list(model.end_ids),
        )[0, ids.shape[1] :].tolist()  # fmt: skip
    reply = model.answer(None, QUESTION, max_tokens=32)
    assert reply.tokens == [token for token in answer if token not in model.end_ids]
    assert len(reply.tokens) > 4


def changed(bundle, folder, **fields):
    """A copy of a bundle, with something else in its manifest."""
    shutil.copytree(bundle.folder, folder)
    replace(bundle, folder=folder, **fields).write_manifest()
    return folder


def test_a_context_too_short_for_all_tiles_gets_fewer(exported, tmp_path):
    _, bundle = exported("smolvlm")
    model = load_model(changed(bundle, tmp_path / "short", decoder=replace(bundle.decoder, max_tokens=256)))
    view = model.look(picture(300, 300))
    assert (view.seen.rows, view.seen.columns) == (2, 2)
    assert model.answer(view, QUESTION).tokens


def test_a_manifest_for_another_size_is_said(exported, tmp_path):
    _, bundle = exported("smolvlm")
    config = {**bundle.config, "picture": {**bundle.config["picture"], "tile": 32}}
    with pytest.raises(GlintError, match="32 x 32"):
        load_model(changed(bundle, tmp_path / "other", config=config))
