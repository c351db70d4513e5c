"""Hugging Face folders of every architecture that can be exported, small enough to be made in a test.

Each has a tokenizer with a chat template, processor files as its family publishes them, and safetensors written by
transformers. The language models have learned one text by heart, so that greedy decoding is decisive: the numbers of
an untrained model are so close together that its text changes with the order of a sum.

    folder = write_tiny(tmp_path / "model", "smolvlm")          # one of TINY
    folder = write_tiny(tmp_path / "model", "llama", shards=3)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    MistralConfig,
    PretrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
)

HIDDEN, LAYERS, IMAGE, PATCH, SCALE = 128, 3, 64, 8, 2
MOST_STEPS = 200  # of learning TEXT
LONGEST_EDGE = 192  # of a picture before it is cut into tiles of IMAGE
TEXT = (
    "The red bus stops at the green corner by the river. Two people read a blue sign and wait. "
    "A small dog looks at the bread in the window of the old shop. "
)

_ROWS = [f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)]
_SPECIAL = [
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    *("<end_of_utterance>", "<fake_token_around_image>", "<global-img>", "<image>", *_ROWS),
]
_CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
_MISTRAL = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}"
    "{% endfor %}"
)
_SMOLVLM = (
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}"
    "{% if message['content'][0]['type'] == 'image' %}{{':'}}{% else %}{{': '}}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
_LLAVA = (  # `generation` is a tag that only transformers' own Jinja environment knows
    "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}"
    "{# Render all images first #}{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}"
    "{{ '<image>\\n' }}{% endfor %}{# Render all text next #}{% if message['role'] != 'assistant' %}"
    "{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ content['text'] + ' '}}"
    "{% endfor %}{% else %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}"
    "{% generation %}{{ content['text'] + ' '}}{% endgeneration %}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)


def write_tiny(folder: Path, kind: str, shards: int = 1) -> Path:
    """Writes the model of one of TINY; `shards`: into at least how many safetensors files, with an index."""
    return TINY[kind](folder, shards)


def _language(
    folder: Path,
    shards: int,
    config: PretrainedConfig,
    template: str,
    spaced: bool = False,
    learned: PretrainedConfig | None = None,
) -> Path:
    """learned: of a model that computes the same, whose weights serve."""
    tokenizer = _tokenizer(spaced)
    for each in filter(None, (config, learned)):
        each.update({"vocab_size": tokenizer.get_vocab_size(), **_ends(tokenizer)})
    model = AutoModelForCausalLM.from_config(config)
    model.load_state_dict(_learned((learned or config).to_json_string(use_diff=False), spaced))
    _save(folder, model, shards)
    _write_tokenizer(folder, tokenizer, template)
    return folder


def _text(kind: type[PretrainedConfig] = LlamaConfig, **settings: Any) -> PretrainedConfig:
    return kind(
        **{
            "hidden_size": HIDDEN,
            "intermediate_size": 192,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 2048,
            "rms_norm_eps": 1e-5,
            "rope_theta": 10_000.0,
            "tie_word_embeddings": False,
            "initializer_range": 0.08,
            "dtype": "float32",
            **settings,
        }
    )


def _idefics3(folder: Path, shards: int, kind: str = "idefics3") -> Path:
    """Idefics3 and SmolVLM differ in the names of their classes and in the defaults of their processors."""
    tokenizer = _tokenizer()
    text = _text(vocab_size=tokenizer.get_vocab_size(), **_ends(tokenizer))
    config_class, model_class, processor = {
        "idefics3": (Idefics3Config, Idefics3ForConditionalGeneration, "Idefics3"),
        "smolvlm": (SmolVLMConfig, SmolVLMForConditionalGeneration, "SmolVLM"),
    }[kind]
    config = config_class(
        text_config=text.to_dict(),
        vision_config=_tower(size={"longest_edge": LONGEST_EDGE}, max_image_size={"longest_edge": IMAGE}),
        scale_factor=SCALE,
        image_token_id=tokenizer.token_to_id("<image>"),
        tie_word_embeddings=False,
        **_ends(tokenizer),
    )
    torch.manual_seed(0)
    model = model_class(config)
    learned = _learned(text.to_json_string(use_diff=False), False)
    model.model.text_model.load_state_dict(
        {key.removeprefix("model."): value for key, value in learned.items() if key != "lm_head.weight"}
    )
    model.lm_head.weight.data.copy_(learned["lm_head.weight"])
    _enliven(model.model.vision_model, model.model.connector)
    _save(folder, model, shards)
    _write_tokenizer(folder, tokenizer, None, f"{processor}Processor")
    tokens = (IMAGE // PATCH // SCALE) ** 2
    _write_json(folder / "chat_template.json", {"chat_template": _SMOLVLM})
    _write_json(folder / "processor_config.json", {"image_seq_len": tokens, "processor_class": f"{processor}Processor"})
    _write_json(
        folder / "preprocessor_config.json",
        {
            "do_convert_rgb": True,
            "do_image_splitting": True,
            "do_normalize": True,
            "do_pad": True,
            "do_rescale": True,
            "do_resize": True,
            "image_mean": [0.5, 0.5, 0.5],
            "image_processor_type": f"{processor}ImageProcessor",
            "image_std": [0.5, 0.5, 0.5],
            "max_image_size": {"longest_edge": IMAGE},
            "processor_class": f"{processor}Processor",
            "resample": 1,  # Lanczos
            "rescale_factor": 1 / 255,
            "size": {"longest_edge": LONGEST_EDGE},
        },
    )
    return folder


def _llava(folder: Path, shards: int, tower: str = "clip") -> Path:
    tokenizer = _tokenizer(spaced=True)
    text = _text(vocab_size=tokenizer.get_vocab_size(), **_ends(tokenizer))
    clip = tower == "clip"
    config = LlavaConfig(
        text_config=text.to_dict(),
        vision_config=_tower(model_type="clip_vision_model" if clip else "siglip_vision_model", projection_dim=HIDDEN),
        image_token_index=tokenizer.token_to_id("<image>"),
        image_seq_length=(IMAGE // PATCH) ** 2,
        vision_feature_layer=-2 if clip else -1,
        vision_feature_select_strategy="default" if clip else "full",
        projector_hidden_act="gelu",
        tie_word_embeddings=False,
        **_ends(tokenizer),
    )
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(config)
    learned = _learned(text.to_json_string(use_diff=False), True)
    model.model.language_model.load_state_dict(
        {key.removeprefix("model."): value for key, value in learned.items() if key != "lm_head.weight"}
    )
    model.lm_head.weight.data.copy_(learned["lm_head.weight"])
    _enliven(model.model.vision_tower, model.model.multi_modal_projector)
    _save(folder, model, shards)
    _write_tokenizer(folder, tokenizer, None, "LlavaProcessor")
    _write_json(folder / "chat_template.json", {"chat_template": _LLAVA})
    _write_json(
        folder / "processor_config.json",
        {
            "image_token": "<image>",
            "num_additional_image_tokens": int(clip),
            "patch_size": PATCH,
            "processor_class": "LlavaProcessor",
            "vision_feature_select_strategy": config.vision_feature_select_strategy,
        },
    )
    square = {"height": IMAGE, "width": IMAGE}
    common = {"do_normalize": True, "do_rescale": True, "do_resize": True, "resample": 3, "rescale_factor": 1 / 255}
    if clip:
        common |= {
            "crop_size": square,
            "do_center_crop": True,
            "do_convert_rgb": True,
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_processor_type": "CLIPImageProcessor",
            "image_std": [0.26862954, 0.26130258, 0.27577711],
            "size": {"shortest_edge": IMAGE},
        }
    else:
        common |= {
            "image_mean": [0.5, 0.5, 0.5],
            "image_processor_type": "SiglipImageProcessor",
            "image_std": [0.5, 0.5, 0.5],
            "size": square,
        }
    _write_json(folder / "preprocessor_config.json", {**common, "processor_class": "LlavaProcessor"})
    return folder


def _tower(**settings: Any) -> dict[str, Any]:
    return {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "image_size": IMAGE,
        "patch_size": PATCH,
        **settings,
    }


def _enliven(tower: torch.nn.Module, connector: torch.nn.Module) -> None:
    """Makes visual tokens as large as words, and biases and gains other than the zeros and ones that they begin as."""
    torch.manual_seed(1)
    for weight in connector.parameters():
        if weight.dim() == 2:
            torch.nn.init.normal_(weight, std=0.3 / weight.shape[1] ** 0.5)
    for weight in (*tower.parameters(), *connector.parameters()):
        if weight.dim() == 1:
            weight.data += 0.1 * torch.randn_like(weight)


_Maker = Callable[[Path, int], Path]
TINY: dict[str, _Maker] = {
    "llama": lambda folder, shards: _language(folder, shards, _text(), _CHATML),
    "llama-tied": lambda folder, shards: _language(folder, shards, _text(tie_word_embeddings=True), _CHATML),
    "llama-heads": lambda folder, shards: _language(  # heads * head size is not the hidden size; rotary scaling
        folder,
        shards,
        _text(
            head_dim=48,
            num_key_value_heads=1,
            rope_scaling={
                "rope_type": "llama3",
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 256,
            },
        ),
        _CHATML,
    ),
    "mistral": lambda folder, shards: _language(
        folder, shards, _text(MistralConfig, head_dim=32, sliding_window=None), _MISTRAL, spaced=True, learned=_text()
    ),
    "qwen2": lambda folder, shards: _language(folder, shards, _text(Qwen2Config, tie_word_embeddings=True), _CHATML),
    "idefics3": lambda folder, shards: _idefics3(folder, shards),
    "smolvlm": lambda folder, shards: _idefics3(folder, shards, "smolvlm"),
    "llava-clip": lambda folder, shards: _llava(folder, shards),
    "llava-siglip": lambda folder, shards: _llava(folder, shards, "siglip"),
}
VISUAL = ("idefics3", "smolvlm", "llava-clip", "llava-siglip")


@cache
def _tokenizer(spaced: bool = False) -> Tokenizer:
    """Byte-level BPE as SmolLM2's or, spaced, as SentencePiece has it, with <s> in front of all, as Llama 2's."""
    if spaced:
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        tokenizer.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        )
        special = ["<unk>", "<s>", "</s>"]
        alphabet = [*special, *(f"<0x{byte:02X}>" for byte in range(256))]
        trainer = trainers.BpeTrainer(vocab_size=560, special_tokens=alphabet, show_progress=False)
        # Without this the trainer would merge across words.
        tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
        tokenizer.train_from_iterator([TEXT, _MISTRAL, _LLAVA, "USER: ASSISTANT: What is this?\n"], trainer)
        tokenizer.pre_tokenizer = None
        # The byte pieces are no special tokens, they only had to be in the vocabulary.
        content = json.loads(tokenizer.to_str())
        content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] in special]
        tokenizer = Tokenizer.from_str(json.dumps(content))
        tokenizer.add_special_tokens([AddedToken("<image>", special=True, normalized=False), "<pad>"])
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
        )
        return tokenizer
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([TEXT, "User: Assistant: What is this?\n user assistant system"], trainer)
    return tokenizer


def _ends(tokenizer: Tokenizer) -> dict[str, int]:
    if tokenizer.token_to_id("</s>") is not None:
        names = {"bos_token_id": "<s>", "eos_token_id": "</s>", "pad_token_id": "<pad>"}
    else:
        names = {"bos_token_id": "<|im_start|>", "eos_token_id": "<|im_end|>", "pad_token_id": "<|im_end|>"}
    return {key: tokenizer.token_to_id(name) for key, name in names.items()}


def _write_tokenizer(folder: Path, tokenizer: Tokenizer, template: str | None, processor: str | None = None) -> None:
    tokenizer.save(str(folder / "tokenizer.json"))
    spaced = tokenizer.token_to_id("</s>") is not None
    config: dict[str, Any] = {
        "added_tokens_decoder": {
            str(number): {
                "content": token.content,
                "lstrip": token.lstrip,
                "normalized": token.normalized,
                "rstrip": token.rstrip,
                "single_word": token.single_word,
                "special": token.special,
            }
            for number, token in tokenizer.get_added_tokens_decoder().items()
        },
        "clean_up_tokenization_spaces": False,
        "model_max_length": 2048,
        "tokenizer_class": "LlamaTokenizer" if spaced else "GPT2Tokenizer",
    }
    if spaced:
        config |= {"add_bos_token": True, "add_eos_token": False, "legacy": False, "unk_token": "<unk>"}
        config |= {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
    else:
        end = "<end_of_utterance>" if processor else "<|im_end|>"
        config |= {"add_prefix_space": False, "unk_token": "<|endoftext|>"}
        config |= {"bos_token": "<|im_start|>", "eos_token": end, "pad_token": "<|im_end|>"}
    if template is not None:
        config["chat_template"] = template
    if processor is not None:
        config["processor_class"] = processor
    _write_json(folder / "tokenizer_config.json", config)


@cache
def _learned(config_json: str, spaced: bool) -> dict[str, torch.Tensor]:
    """The weights of a language model that goes on with TEXT, over and over, from wherever it is."""
    settings = json.loads(config_json)
    kinds: dict[str, type[PretrainedConfig]] = {"llama": LlamaConfig, "mistral": MistralConfig, "qwen2": Qwen2Config}
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(kinds[settings["model_type"]](**settings))
    if settings["model_type"] == "qwen2":  # initialised with zeros, which would hide a bias that is left out
        for name, parameter in model.named_parameters():
            if name.endswith(".bias"):
                torch.nn.init.normal_(parameter, std=0.1)
    ids = torch.tensor(_tokenizer(spaced).encode(TEXT * 8, add_special_tokens=False).ids)
    asked = "<|im_start|>user\nWhat is this? Answer briefly.<|im_end|>\n<|im_start|>assistant\n"
    asked = f"{__doc__} {_CHATML} {_SMOLVLM}" if spaced else f"{__doc__} {8 * asked}"
    words = torch.tensor(_tokenizer(spaced).encode(asked, add_special_tokens=False).ids)
    vocabulary, rows, before, length = settings["vocab_size"], 6, 24, 96
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small that threads only wait for each other
    for _ in range(MOST_STEPS):
        starts = torch.randint(0, len(ids) // 2, (rows,))
        starts[::2] = 0  # what follows a prompt is the beginning of the text, and else what follows is what comes next
        batch = torch.stack([ids[start : start + length] for start in starts.tolist()]).roll(before, 1)
        batch[:, :before] = torch.randint(0, vocabulary, (rows, before))  # whatever stands there, a picture or words,
        for row, start in enumerate(torch.randint(0, len(words) - before, (rows // 2,)).tolist()):
            batch[row, :before] = words[start : start + before]
        places = torch.arange(length).repeat(rows, 1)
        places[:, before:] += torch.randint(0, 512, (rows, 1))  # and however long it is
        known = (torch.arange(length) > before) | ((torch.arange(length) == before) & (starts == 0)[:, None])
        loss = model(input_ids=batch, position_ids=places, labels=batch.where(known, torch.tensor(-100))).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < 0.01:
            break
    torch.set_num_threads(threads)
    return {key: value.detach().clone() for key, value in model.state_dict().items()}


def _save(folder: Path, model: PreTrainedModel, shards: int) -> None:
    size = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    model.save_pretrained(folder, max_shard_size=size if shards == 1 else size // shards)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")
