"""What the wearer can say that is about the conversation, not about the picture: stop, repeat, louder, slower."""

from __future__ import annotations

import re
from enum import Enum, auto

_PLEASE = r"(?:please |glint |okay |ok |now )*"
_THANKS = r"(?: please| now| glint| thanks| thank you)*"


class Command(Enum):
    STOP = auto()
    NEVER_MIND = auto()
    REPEAT = auto()
    LOUDER = auto()
    QUIETER = auto()
    SLOWER = auto()
    FASTER = auto()
    MORE = auto()  # describe the same picture again, in detail


_PATTERNS = {
    Command.STOP: r"stop(?: it| that| talking| speaking)?|(?:be )?quiet|shut up|silence|enough|that's enough",
    Command.NEVER_MIND: r"never ?mind|forget (?:it|that)|cancel|nothing",
    Command.REPEAT: r"(?:say|repeat)(?: (?:that|it))?(?: again)?|repeat|again|what did you say|pardon|come again",
    Command.LOUDER: r"(?:speak )?(?:louder|up)|louder|turn (?:it )?up|volume up",
    Command.QUIETER: r"(?:speak )?(?:quieter|softer)|turn (?:it )?down|volume down|not so loud",
    Command.SLOWER: r"(?:speak |talk |say it )?slower|slow down|(?:speak |talk )?more slowly|not so fast",
    Command.FASTER: r"(?:speak |talk )?faster|speed up",
    Command.MORE: r"(?:describe|tell me about) (?:that|it|this)(?: again)? in (?:more )?detail"
    r"|tell me more|more detail(?:s)?|describe (?:that|it) again",
}


def command_in(transcript: str) -> Command | None:
    """The command that the whole of a transcript is; None when it is a question."""
    said = re.sub(r"[^\w' ]", " ", transcript.lower().replace("\u2019", "'"))
    said = " ".join(said.split())
    for command, pattern in _PATTERNS.items():
        if re.fullmatch(f"{_PLEASE}(?:{pattern}){_THANKS}", said):
            return command
    words = said.split()
    # "Stop stop stop" is how people stop a machine.
    if words and set(words) == {"stop"}:
        return Command.STOP
    return None
