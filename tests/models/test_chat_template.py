"""Chat templates as they come with models, and what they must not do."""

import pytest

from models.chat_template import ChatTemplate
from models.errors import GlintError

ASK = [{"role": "user", "content": "Hello"}]


def rendered(source, messages=ASK, **tokens):
    return ChatTemplate(source, tokens).render(messages)


def test_special_tokens_and_the_begin_of_an_answer():
    source = (
        "{{ bos_token }}{% for message in messages %}\n    <{{ message.role }}>{{ message['content'] | trim }}"
        "{{ eos_token }}\n    {%- endfor %}\n{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    assert rendered(source, bos_token="[", eos_token="]") == "[    <user>Hello]<assistant>"
    assert ChatTemplate(source, {}).render(ASK, begin_answer=False) == "    <user>Hello"


def test_what_transformers_adds_to_jinja():
    """The generation tag, loop controls, tojson without escaping of HTML, and the date."""
    source = (
        "{% generation %}{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ m | tojson }}"
        "{% endfor %}{% endgeneration %}{{ strftime_now('%Y') | length }}"
    )
    twice = [{"role": "user", "content": "<ü>"}, *ASK]
    assert rendered(source, twice) == '{"role": "user", "content": "<ü>"}4'


@pytest.mark.parametrize(
    ("source", "about"),
    [
        ("{% for message in messages %}", "damaged"),
        ("{{ raise_exception('Only the system may\nspeak here.') }}", "Only the system may speak here"),
        ("{{ tools.first.name }}", "cannot be used"),
        ("{{ messages[0].content.speaker.name }}", "cannot be used"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "cannot be used"),
        ("{{ messages.append(1) }}", "cannot be used"),
        ("{% include '/etc/passwd' %}", "cannot be used"),
        ("{% for i in range(1000000000) %}{% endfor %}", "cannot be used"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(source, about):
    with pytest.raises(GlintError, match=about) as error:
        rendered(source)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(").")
