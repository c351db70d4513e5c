"""A tokenizer's chat template, rendered as transformers renders it, without transformers.

Templates come with models that others made: they run in Jinja's sandbox, where they reach nothing but what they are
given.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from models.errors import GlintError

Message = Mapping[str, Any]
"""{"role": "user", "content": text, or a list of {"type": "text", "text": text} and {"type": "image"}}."""


class ChatTemplate:
    """tokens: the texts of the special tokens that templates name: bos_token, eos_token, ..."""

    def __init__(self, source: str, tokens: Mapping[str, str]):
        """Raises GlintError for what is no Jinja template, or when jinja2 is not installed."""
        try:
            import jinja2
        except ImportError:
            raise GlintError("Reading a chat template needs jinja2; pip install jinja2.") from None
        try:
            self._template = _environment().from_string(source)
        except jinja2.TemplateError as error:
            raise GlintError(f"The chat template is damaged ({_one_line(error)}).") from error
        self._tokens = dict(tokens)

    def render(self, messages: Sequence[Message], begin_answer: bool = True) -> str:
        """The prompt of a conversation. begin_answer: with what stands before the assistant's next turn.

        Raises GlintError when the template refuses these messages or needs something that is not there.
        """
        try:
            return self._template.render(
                messages=messages, tools=None, documents=None, add_generation_prompt=begin_answer, **self._tokens
            )
        except Exception as error:  # a template is a program: whatever it does wrong is its own
            raise GlintError(f"The chat template cannot be used ({_one_line(error)}).") from error


def _environment() -> Any:
    import jinja2
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %}` marks what the assistant said, for training; here it is just rendered."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return jinja2.nodes.Scope(body, lineno=line)

    def refuse(message: str) -> None:
        raise jinja2.TemplateError(message)

    def to_json(value: Any, ensure_ascii: bool = False, **options: Any) -> str:
        return json.dumps(value, ensure_ascii=ensure_ascii, **options)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = to_json
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
