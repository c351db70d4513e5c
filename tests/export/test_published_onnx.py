"""Folders in the layout that onnx-community publishes, run as they are, against the PyTorch model."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from published_onnx import add_smaller, publish, with_weights_beside
from tiny_models import write_tiny
from transformers import Idefics3ImageProcessor, Idefics3Processor, PreTrainedTokenizerFast

from device.assistant import load_model
from models.errors import GlintError
from models.onnx_community import is_published
from models.vision_language import Reply

QUESTION = "What is this?"
SIZES = ((64, 64), (300, 200), (2, 2), (700, 52))


def picture(height, width, seed=0):
    noise = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp("source") / "model", "smolvlm")


@pytest.fixture(scope="module")
def published(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published") / "tiny"
    return folder, publish(source, folder)


@pytest.fixture(scope="module")
def processor(source):
    """Idefics3's: SmolVLM's differs from it in how videos are read, and needs packages for that."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(source)
    settings = json.loads((source / "processor_config.json").read_text())
    template = json.loads((source / "chat_template.json").read_text())["chat_template"]
    return Idefics3Processor(
        Idefics3ImageProcessor.from_pretrained(source), tokenizer, settings["image_seq_len"], chat_template=template
    )


@pytest.fixture(scope="module")
def model(published):
    return load_model(published[0])


def inputs_of(processor, pixels, question=QUESTION):
    content = [{"type": "image"}, {"type": "text", "text": question}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    return processor(text=text, images=[Image.fromarray(pixels)], return_tensors="pt")


def greedy(model, inputs, count=24, ends=None):
    with torch.no_grad():
        used = {name: value for name, value in inputs.items() if name != "token_type_ids"}
        ids = model.generate(**used, max_new_tokens=count, do_sample=False, eos_token_id=ends)
    return ids[0, inputs["input_ids"].shape[1] :].tolist()


@pytest.mark.parametrize("size", SIZES)
def test_prompt_tiles_and_answer_are_those_of_pytorch(published, processor, model, size):
    pixels = picture(*size)
    inputs = inputs_of(processor, pixels)
    view = model.look(pixels)
    assert model.prompt_ids(view, QUESTION) == inputs["input_ids"][0].tolist()
    tiles = model.encoder.plan.cut(pixels).pixels
    np.testing.assert_allclose(
        inputs["pixel_values"][0].permute(0, 2, 3, 1).numpy(), (tiles / 255 - 0.5) / 0.5, atol=1e-6
    )
    with torch.no_grad():
        features = published[1].model.get_image_features(inputs["pixel_values"], inputs["pixel_attention_mask"])
    np.testing.assert_allclose(view.seen.tokens, features.flatten(0, 1).numpy(), atol=1e-4)
    reply = model.answer(view, QUESTION, max_tokens=24)
    expected = greedy(published[1], inputs, ends=list(model.end_ids))
    assert reply.tokens == [token for token in expected if token not in model.end_ids]
    assert len(reply.tokens) > 8


@pytest.mark.parametrize("size", [(1, 1), (300, 4000), (3, 900)])
def test_any_picture_is_looked_at(model, size):
    """transformers' own processor takes a picture of one or three rows for one of so many channels."""
    assert model.answer(model.look(picture(*size)), QUESTION, max_tokens=8).tokens


def test_a_question_without_a_picture(published, processor, model):
    content = [{"type": "text", "text": QUESTION}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    inputs = processor(text=text, return_tensors="pt")
    assert model.prompt_ids(None, QUESTION) == inputs["input_ids"][0].tolist()
    assert model.answer(None, QUESTION, max_tokens=24).tokens == greedy(published[1], inputs, ends=list(model.end_ids))


def test_a_view_can_be_asked_again_and_left_in_the_middle(model):
    view = model.look(picture(80, 120))
    first = model.answer(view, QUESTION, max_tokens=12)
    pieces = model.ask(view, "Another question?", Reply(), max_tokens=12)
    next(pieces)
    pieces.close()
    assert model.answer(view, QUESTION, max_tokens=12).tokens == first.tokens
    assert first.chance == pytest.approx(np.prod(np.exp(first.log_probabilities)))


def test_every_position_can_be_scored(published, model):
    """What prefill gives for the last position, score gives for each."""
    ids = model.tokenizer.encode("The red bus stops at the green corner", add_special_tokens=False).ids
    scores = model.decoder.score(model.decoder.new_cache(), model.decoder.embed(ids))
    with torch.no_grad():
        expected = published[1](input_ids=torch.tensor([ids])).logits[0].numpy()
    np.testing.assert_allclose(scores, expected, atol=2e-3)


def test_the_smallest_intact_variant_runs(published, tmp_path):
    folder = tmp_path / "several"
    shutil.copytree(published[0], folder)
    for part in ("vision_encoder", "embed_tokens", "decoder_model_merged"):
        smaller = add_smaller(folder, part)
        assert smaller.stat().st_size < (folder / f"onnx/{part}.onnx").stat().st_size
    view = load_model(folder).look(picture(80, 120))
    exact = load_model(published[0]).look(picture(80, 120))
    difference = np.abs(view.seen.tokens - exact.seen.tokens).max()
    assert 1e-5 < difference < 0.5 * np.abs(exact.seen.tokens).max()
    (folder / "onnx/vision_encoder_q4.onnx").write_text("version https://git-lfs.github.com/spec/v1\n")  # a pointer
    again = load_model(folder).look(picture(80, 120))
    np.testing.assert_array_equal(again.seen.tokens, view.seen.tokens)


def test_half_precision_and_weights_beside_the_graph(source, published, tmp_path):
    folder = tmp_path / "half"
    publish(source, folder, half=True)
    for path in list((folder / "onnx").glob("*.onnx")):
        with_weights_beside(path)
    pixels = picture(80, 120)
    half, whole = (load_model(where) for where in (folder, published[0]))
    np.testing.assert_allclose(half.look(pixels).seen.tokens, whole.look(pixels).seen.tokens, atol=0.02)
    assert half.answer(half.look(pixels), QUESTION).tokens == whole.answer(whole.look(pixels), QUESTION).tokens
    (folder / "onnx/decoder_model_merged_fp16.onnx_data").unlink()
    with pytest.raises(GlintError, match="decoder_model_merged_fp16"):
        load_model(folder)


def test_more_tiles_than_the_context_holds(published, tmp_path):
    folder = tmp_path / "short"
    shutil.copytree(published[0], folder)
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["max_position_embeddings"] = 256
    (folder / "config.json").write_text(json.dumps(config))
    model = load_model(folder)
    view = model.look(picture(300, 300))
    assert 0 < view.seen.rows < 3
    assert model.answer(view, QUESTION, max_tokens=12).tokens


@pytest.mark.parametrize(
    ("damage", "about"),
    [
        (lambda f: (f / "onnx/vision_encoder.onnx").unlink(), "vision_encoder"),
        (lambda f: (f / "onnx/embed_tokens.onnx").unlink(), "embed_tokens"),
        (lambda f: (f / "onnx/embed_tokens.onnx").write_bytes(b"\x08\x07nothing"), "embed_tokens"),
        (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), "tokenizer.json"),
        (lambda f: (f / "chat_template.json").unlink(), "chat template"),
        (lambda f: (f / "preprocessor_config.json").write_text('{"size": '), "preprocessor_config.json"),
        (lambda f: (f / "config.json").write_text("{}"), "vision_config"),
        (
            lambda f: shutil.copy(f / "onnx/embed_tokens.onnx", f / "onnx/decoder_model_merged.onnx"),
            "decoder|graph",
        ),
    ],
)
def test_what_is_missing_or_damaged_is_said_in_one_sentence(published, tmp_path, damage, about):
    folder = tmp_path / "broken"
    shutil.copytree(published[0], folder)
    damage(folder)
    with pytest.raises(GlintError, match=about) as error:
        load_model(folder)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")


def test_a_checkpoint_is_told_from_what_is_ready_to_run(source, published):
    assert is_published(published[0])
    assert not is_published(source)
    with pytest.raises(GlintError, match="glint export"):
        load_model(source)
