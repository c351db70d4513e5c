"""A model's prompt, worked out from its chat template: what stands before the picture, after it, and around a question.

The template is rendered once with a mark for the question, and what it wrote is cut there: a bundle needs no Jinja.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.chat_template import ChatTemplate, Message
from models.errors import GlintError
from models.hub_files import HubFiles

_MARK = "\ue000"  # of the private use area: no template has a use for it
_QUESTION = "{question}"


def read_prompt(files: HubFiles, image: str | None) -> tuple[dict[str, Any], list[str]]:
    """The values of a PromptTemplate, and notes about what had to be guessed.

    image: the token that stands for a picture; None for a language model. Raises GlintError when there is no chat
    template, or one that cannot be used for a question about a picture.
    """
    source = _source(files)
    template = ChatTemplate(source, files.special_tokens)
    notes = ["the chat template tells the date, and the prompt keeps today's"] if "strftime_now" in source else []
    alone = _cut(template, [_MARK, _parts(None)], None)
    if image is None:
        if isinstance(alone, GlintError):
            raise alone
        text = alone[0]
        prompt = {"head": "", "ask": "", "alone": text.replace(_MARK, _QUESTION)}
    else:
        whole = _cut(template, [_parts(image), f"{image}\n{_MARK}"], image)
        if isinstance(whole, GlintError):
            raise whole
        text, form = whole
        if form:
            notes.append("the chat template knows no pictures; the picture was put on a line before the question")
        head, _, ask = text.partition(image)
        first = _first_tokens(files)
        begin = "" if _begins(files, text) else first
        words = "" if isinstance(alone, GlintError) else alone[0].replace(_MARK, _QUESTION)
        prompt = {
            "head": begin + head,
            "ask": ask.replace(_MARK, _QUESTION),
            "alone": words and ("" if _begins(files, words) else first) + words,
        }
    end, *others = _ends(files, template)
    return {**prompt, "hints": "", "no_hints": "", "end": end, "other_ends": others}, notes


def _source(files: HubFiles) -> str:
    path = files.folder / "chat_template.jinja"
    if path.is_file():
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise GlintError(f"{path} cannot be read ({error}); fetch it again.") from error
    tables = files.json("chat_template.json"), files.processor, files.tokenizer_config
    for template in (table.get("chat_template") for table in tables):
        if isinstance(template, list):  # several by name
            named = {one.get("name"): one.get("template") for one in template if isinstance(one, dict)}
            template = named.get("default")
        if isinstance(template, str) and template:
            return template
    raise GlintError(
        f"The tokenizer in {files.folder} has no chat template, so it is not known how the model is asked; "
        "take an instruction-tuned model, or put its chat_template.jinja there."
    )


def _parts(image: str | None) -> list[dict[str, str]]:
    text = {"type": "text", "text": _MARK}
    return [{"type": "image"}, text] if image else [text]


def _cut(template: ChatTemplate, forms: Sequence[Any], image: str | None) -> tuple[str, int] | GlintError:
    """What the template makes of the first of the forms of a question that it can use, and which; or what is wrong."""
    wrong: GlintError | None = None
    for number, content in enumerate(forms):
        message: Message = {"role": "user", "content": content}
        try:
            text = template.render([message])
        except GlintError as error:
            wrong = wrong or error
            continue
        in_order = image is None or (text.count(image) == 1 and text.index(image) < text.find(_MARK))
        # A template that expects text prints a list as Python writes it.
        if text.count(_MARK) == 1 and in_order and "'type'" not in text:
            return text, number
    return wrong or GlintError(
        "The chat template does not put the picture and then the question into the prompt once each, so it cannot be "
        "used."
        if image
        else "The chat template does not put the question into the prompt once, so it cannot be used."
    )


def _first_tokens(files: HubFiles) -> str:
    """What the tokenizer puts in front of every text by itself."""
    tokenizer = files.tokenizer
    bare, whole = (tokenizer.encode("a", add_special_tokens=add) for add in (False, True))
    extra = len(whole.ids) - len(bare.ids)
    for count in range(extra, 0, -1):
        if whole.ids[count : count + len(bare.ids)] == bare.ids:
            return "".join(whole.tokens[:count])
    return ""


def _begins(files: HubFiles, text: str) -> bool:
    first = files.special_tokens.get("bos_token")
    return first is not None and text.startswith(first)


def _ends(files: HubFiles, template: ChatTemplate) -> list[str]:
    """Tokens that end an answer: the model's, the tokenizer's and what the template puts behind one."""
    text_config = files.config.get("text_config")
    tables = files.json("generation_config.json"), files.config, text_config if isinstance(text_config, dict) else {}
    numbers: Any = next((table["eos_token_id"] for table in tables if table.get("eos_token_id") is not None), [])
    found = [files.text_of(number) for number in (numbers if isinstance(numbers, list) else [numbers])]
    found += [files.special_tokens.get("eos_token"), _after_answer(files, template)]
    known = [text for text in dict.fromkeys(found) if text and files.tokenizer.token_to_id(text) is not None]
    if not known:
        raise GlintError(f"The model in {files.folder} names no token that ends an answer, so it would never stop.")
    return known


def _after_answer(files: HubFiles, template: ChatTemplate) -> str | None:
    for question, answer in (("a", _MARK), (_text("a"), _text(_MARK))):
        talk: list[Message] = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        try:
            said, _, behind = template.render(talk, begin_answer=False).rpartition(_MARK)
        except GlintError:
            continue
        if not said or "'type'" in said:
            continue
        special = [token.content for token in files.tokenizer.get_added_tokens_decoder().values() if token.special]
        return max((text for text in special if behind.lstrip().startswith(text)), key=len, default=None)
    return None


def _text(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]
