"""Prompts and pictures of models.processor against those of transformers' own processors, on tiny models' folders."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from tiny_models import VISUAL, write_tiny
from tokenizers import Tokenizer
from transformers import (
    AutoTokenizer,
    CLIPImageProcessor,
    Idefics3ImageProcessor,
    Idefics3Processor,
    LlavaImageProcessor,
    LlavaProcessor,
    SiglipImageProcessor,
)
from transformers.models.idefics3.processing_idefics3 import get_image_prompt_string
from transformers.models.smolvlm.image_processing_smolvlm import SmolVLMImageProcessor

from models.errors import GlintError
from models.picture_plan import PicturePlan
from models.processor import read_processor
from models.prompt import PromptTemplate
from models.prompt_ids import PromptIds

QUESTION = "Two people read a blue sign. What is this?"
SIZES = ((64, 64), (65, 64), (200, 300), (40, 400), (700, 53), (2, 2), (30, 31), (5, 5000), (1000, 1000))


def picture(height, width):
    noise = np.random.default_rng(height * width).integers(0, 256, (7, 5, 3), np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    kinds = "llama", "mistral", *VISUAL
    return {kind: write_tiny(tmp_path_factory.mktemp(kind) / "model", kind) for kind in kinds}


def setting(folder, name, key):
    return json.loads((folder / name).read_text())[key]


def theirs(folder, kind):
    """transformers' processor of a folder."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    template = setting(folder, "chat_template.json", "chat_template")
    processor = json.loads((folder / "processor_config.json").read_text())
    if kind in ("idefics3", "smolvlm"):
        # SmolVLM's own cannot be made without packages for videos; it writes the same texts.
        images = {"idefics3": Idefics3ImageProcessor, "smolvlm": SmolVLMImageProcessor}[kind].from_pretrained(folder)
        return Idefics3Processor(Idefics3ImageProcessor.from_pretrained(folder), tokenizer, 16, template), images
    images = (CLIPImageProcessor if kind == "llava-clip" else SiglipImageProcessor).from_pretrained(folder)
    names = "patch_size", "vision_feature_select_strategy", "num_additional_image_tokens"
    return LlavaProcessor(images, tokenizer, chat_template=template, **{n: processor[n] for n in names}), images


def ours(folder, pixels, tokens):
    """(ids of the prompt, what the encoder is given), for an encoder of so many visual tokens a picture."""
    found = read_processor(folder)
    plan = PicturePlan.read(found.picture)
    cut = plan.cut(pixels)
    prompt = PromptIds(Tokenizer.from_file(str(folder / "tokenizer.json")), PromptTemplate(**found.prompt), plan)
    mean, std = (np.array(colour, np.float32) for colour in (found.mean, found.std))
    return prompt.whole(cut.rows, cut.columns, tokens, QUESTION), (cut.pixels / np.float32(255) - mean) / std


@pytest.mark.parametrize("kind", VISUAL)
def test_ids_and_pixels(folders, kind):
    processor, images = theirs(folders[kind], kind)
    content = [{"type": "image"}, {"type": "text", "text": QUESTION}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    tokens = 16 if kind in ("idefics3", "smolvlm") else 64
    for size in SIZES:
        pixels = picture(*size)
        inputs = processor(text=text, images=[Image.fromarray(pixels)], return_tensors="np")
        ids, given = ours(folders[kind], pixels, tokens)
        assert ids == inputs["input_ids"][0].tolist(), size
        expected = images(Image.fromarray(pixels), return_tensors="np")["pixel_values"]
        expected = expected[0] if expected.ndim == 5 else expected
        np.testing.assert_allclose(given, expected.transpose(0, 2, 3, 1), atol=1e-5, err_msg=str(size))


@pytest.mark.parametrize("grid", [(0, 0), (1, 1), (1, 2), (3, 2), (4, 4)])
def test_texts_around_any_grid(folders, grid):
    texts = PicturePlan.read(read_processor(folders["smolvlm"]).picture).texts(*grid)
    expected = get_image_prompt_string(*grid, 3, "<fake_token_around_image>", "<image>", "<global-img>")
    assert ("<image>" * 3).join(texts) == expected


@pytest.mark.parametrize("kind", ["llama", "mistral"])
def test_language_models(folders, kind):
    found = read_processor(folders[kind])
    template = PromptTemplate(**found.prompt)
    tokenizer = AutoTokenizer.from_pretrained(folders[kind])
    messages = [{"role": "user", "content": QUESTION}]
    expected = tokenizer.apply_chat_template(messages, add_generation_prompt=True)
    mine = Tokenizer.from_file(str(folders[kind] / "tokenizer.json"))
    assert mine.encode(template.without_picture(QUESTION), add_special_tokens=False).ids == expected
    assert found.picture == {}
    assert template.end == tokenizer.eos_token


def test_llava_can_pad(folders, tmp_path):
    folder = tmp_path / "pad"
    shutil.copytree(folders["llava-clip"], folder)
    settings = json.loads((folder / "preprocessor_config.json").read_text()) | {"do_pad": True}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    images = LlavaImageProcessor.from_pretrained(folder)
    for size in SIZES:
        expected = images(Image.fromarray(picture(*size)), return_tensors="np")["pixel_values"]
        _, given = ours(folder, picture(*size), 64)
        np.testing.assert_allclose(given, expected.transpose(0, 2, 3, 1), atol=1e-5, err_msg=str(size))


@pytest.mark.parametrize("edge", [80, 96])
def test_a_crop_of_a_larger_picture(folders, tmp_path, edge):
    folder = tmp_path / "crop"
    shutil.copytree(folders["llava-clip"], folder)
    settings = json.loads((folder / "preprocessor_config.json").read_text()) | {"size": {"shortest_edge": edge}}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    images = CLIPImageProcessor.from_pretrained(folder, do_normalize=False, do_rescale=False)
    for size in SIZES:
        expected = images(Image.fromarray(picture(*size)), return_tensors="np")["pixel_values"]
        cut = PicturePlan.read(read_processor(folder).picture).cut(picture(*size)).pixels
        np.testing.assert_array_equal(cut, expected.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("kind", VISUAL)
def test_without_a_processor_it_is_derived_and_said(folders, tmp_path, kind):
    """From config.json and the tokenizer alone; what they do not tell (the longest edge) is four tiles."""
    folder = tmp_path / "bare"
    shutil.copytree(folders[kind], folder)
    (folder / "preprocessor_config.json").unlink()
    (folder / "processor_config.json").unlink()
    whole, bare = read_processor(folders[kind]), read_processor(folder)
    longest = {"longest_edge": 256} if kind in ("idefics3", "smolvlm") else {}
    assert bare.picture == {**whole.picture, **longest}
    assert (bare.prompt, bare.mean, bare.std) == (whole.prompt, whole.mean, whole.std)
    assert "preprocessor_config.json" in bare.notes[0]
    assert "mean" in bare.notes[1]
    assert whole.notes == ()


def test_another_image_size_keeps_the_grid(folders):
    picture = read_processor(folders["smolvlm"], 32).picture
    assert (picture["tile"], picture["longest_edge"]) == (32, 96)
    picture = read_processor(folders["llava-siglip"], 128).picture
    assert (picture["height"], picture["width"]) == (128, 128)


def changed(folder, name, change):
    settings = json.loads((folder / name).read_text()) if (folder / name).exists() else {}
    change(settings)
    (folder / name).write_text(json.dumps(settings))


@pytest.mark.parametrize(
    ("name", "change", "about"),
    [
        ("preprocessor_config.json", lambda s: s.update(image_grid_pinpoints=[[64, 128]]), "LLaVA-NeXT"),
        ("preprocessor_config.json", lambda s: s.update(resample=17), "damaged"),
        ("preprocessor_config.json", lambda s: s.update(image_mean=[0.5]), "damaged"),
        ("preprocessor_config.json", lambda s: s.update(crop_size={"height": 64, "width": 32}), "squares"),
        ("preprocessor_config.json", lambda s: s.update(size="large"), "damaged|pixels"),
        ("chat_template.json", lambda s: s.clear(), "no chat template"),
        ("chat_template.json", lambda s: s.update(chat_template="{{ messages[0].content[1].text }}"), "picture"),
        ("chat_template.json", lambda s: s.update(chat_template="{{ raise_exception('no') }}"), "no"),
        ("chat_template.json", lambda s: s.update(chat_template="{% for %}"), "damaged"),
        ("config.json", lambda s: s.update(image_token_index=None, image_token_id=None), "stands for a picture"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(folders, tmp_path, name, change, about):
    folder = tmp_path / "broken"
    shutil.copytree(folders["llava-clip"], folder)
    changed(folder, name, change)
    if "stands" in about:
        changed(folder, "processor_config.json", lambda s: s.update(image_token="<none>"))
        tokenizer = (folder / "tokenizer.json").read_text().replace("<image>", "<im age>")
        (folder / "tokenizer.json").write_text(tokenizer)
    with pytest.raises(GlintError, match=about) as error:
        read_processor(folder)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")


def test_a_template_of_text_alone_gets_the_picture_before_the_question(folders, tmp_path):
    folder = tmp_path / "text"
    shutil.copytree(folders["llava-clip"], folder)
    plain = (
        "{% for message in messages %}{{ message.role.upper() + ': ' + message.content + ' ' }}{% endfor %}ASSISTANT:"
    )
    changed(folder, "chat_template.json", lambda s: s.update(chat_template=plain))
    found = read_processor(folder)
    assert found.prompt["head"] == "<s>USER: "
    assert found.prompt["ask"] == "\n{question} ASSISTANT:"
    assert len(found.notes) == 1


def test_where_a_template_may_lie(folders, tmp_path):
    """A file of its own counts before tokenizer_config.json, where there may be several by name."""
    folder = tmp_path / "several"
    shutil.copytree(folders["llama"], folder)
    named = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": "<{{ messages[0].content }}>"}]
    changed(folder, "tokenizer_config.json", lambda s: s.update(chat_template=named))
    assert read_processor(folder).prompt["alone"] == "<{question}>"
    (folder / "chat_template.jinja").write_text("[{{ messages[0].content }}]")
    assert read_processor(folder).prompt["alone"] == "[{question}]"


def test_a_date_in_the_prompt_is_told(folders, tmp_path):
    folder = tmp_path / "dated"
    shutil.copytree(folders["llama"], folder)
    (folder / "chat_template.jinja").write_text("{{ strftime_now('%Y') }} {{ messages[0].content }}")
    found = read_processor(folder)
    assert found.prompt["alone"].endswith(" {question}")
    assert "date" in found.notes[0]


def test_every_end_is_known(folders, tmp_path):
    folder = tmp_path / "ends"
    shutil.copytree(folders["smolvlm"], folder)
    found = read_processor(folder).prompt
    assert (found["end"], found["other_ends"]) == ("<|im_end|>", ["<end_of_utterance>"])
    changed(folder, "generation_config.json", lambda s: s.update(eos_token_id=[0, 2]))
    found = read_processor(folder).prompt
    assert (found["end"], found["other_ends"]) == ("<|endoftext|>", ["<|im_end|>", "<end_of_utterance>"])
