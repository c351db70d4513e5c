"""`glint run`: the live loop on a pair of glasses, with what it does shown in the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device.turn import Turn

if TYPE_CHECKING:
    from device.live import Ears
    from device.thinking.mind import Mind

_FILE = click.Path(path_type=Path)
WAKE_WORDS = "hey_jarvis"


@click.command()
@click.option("--camera", help="Camera number, or a picture, a folder of pictures or a video. Default: camera 0.")
@click.option("--mic", help="Microphone number or name, or a sound file. Default: the system's.")
@click.option("--speaker", help="Speaker number or name, or a WAV file to write. Default: the system's.")
@click.option("--push-to-talk", is_flag=True, help="Wake by Enter alone; no wake word is listened for.")
@click.option("--wake-words", default=WAKE_WORDS, show_default=True, help="Beside 'hey Glint', which always works.")
@click.option("--voice", type=click.Choice(["piper", "espeak", "system"]), default="piper", show_default=True)
@click.option("--recognizer", type=click.Choice(["moonshine", "vosk"]), default="moonshine", show_default=True)
@click.option("--vosk-model", type=_FILE, help="Folder of an unpacked Vosk model, for --recognizer vosk.")
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads for each model.")
@click.option("--no-smart-turn", is_flag=True, help="End a question after 0.8 s of silence, without the model for it.")
@click.option("--no-echo", is_flag=True, help="No echo cancelling: for headphones.")
@click.option("--log", type=_FILE, help="Append every turn to this file, one JSON object a line.")
@click.option("--trace", is_flag=True, help="Show where the time of each turn went.")
@click.option("--offline", is_flag=True, help="Fetch nothing; fail when a model is not there.")
@click.option("--json", "as_json", is_flag=True, help="Print every turn as one JSON object a line, and nothing else.")
def run(
    camera: str | None,
    mic: str | None,
    speaker: str | None,
    log: Path | None,
    trace: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Listen and look all the time, and answer aloud. Ctrl-C ends it.

    \b
      glint run                                         webcam, microphone and speaker of this machine
      glint run --push-to-talk                          wake by Enter
      glint run --camera shelf.jpg --mic question.wav --speaker answer.wav

    Say "hey Glint" or "hey Jarvis", or press Enter, and ask. After an answer you can go on asking for five seconds
    without waking it again. Speak over an answer to interrupt it; "stop", "repeat", "louder", "slower", "never mind"
    and "tell me more" are understood.
    """
    from device.live import Live
    from device.open_glasses import open_glasses

    glasses = open_glasses(camera, mic, speaker)  # first: a wrong path should not cost the time of loading
    try:
        mind, ears = load(**options)
    except BaseException:
        glasses.close()
        raise
    show = _Display(as_json, trace)

    def keep(turn: Turn) -> None:
        show.turn(turn)
        if log:
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(turn.as_dict()) + "\n")

    live = Live(glasses, mind, ears, on_event=show.event, on_turn=keep)
    try:
        live.run()
    except KeyboardInterrupt:
        show.event("note", "bye")
    finally:
        glasses.close()
        mind.close()


def load(
    push_to_talk: bool = False,
    wake_words: str = WAKE_WORDS,
    voice: str = "piper",
    recognizer: str = "moonshine",
    vosk_model: Path | None = None,
    threads: int = 2,
    no_smart_turn: bool = False,
    no_echo: bool = False,
    offline: bool = False,
) -> tuple[Mind, Ears]:
    """Everything that thinks and listens, loaded. Raises GlintError for what is missing."""
    from device.assistant import load_model
    from device.hearing.recognizer import open_recognizer
    from device.live import Ears
    from device.speaking.voice import open_voice
    from device.thinking.mind import Mind
    from models import fetch
    from models.echo import EchoCanceller
    from models.smart_turn import SmartTurn
    from models.wake_word import WakeWord

    model = load_model(threads=threads, offline=offline)
    mind = Mind(
        open_recognizer(recognizer, vosk_model, threads=threads, offline=offline),
        model,
        open_voice(voice, threads=threads, offline=offline),
    )
    words = [] if push_to_talk else [word.strip() for word in wake_words.split(",") if word.strip()]
    finished = None
    if not no_smart_turn:
        finished = SmartTurn(fetch.ensure("smart-turn-v3", offline=offline), threads).finished
    ears = Ears(WakeWord(words) if words else None, None if no_echo else EchoCanceller(), finished)
    ears.by_name = not push_to_talk
    return mind, ears


class _Display:
    """One line a state, transcript and answer; with --json the turns alone."""

    def __init__(self, as_json: bool, trace: bool):
        from rich.console import Console

        self._json, self._trace = as_json, trace
        self._console = Console(highlight=False, stderr=as_json)

    def event(self, kind: str, text: str) -> None:
        if self._json:
            return
        style = {"state": "dim", "partial": "italic dim", "transcript": "bold", "note": "yellow"}.get(kind, "")
        label = {"transcript": "you", "answer": "glint", "partial": "..."}.get(kind, kind)
        self._console.print(f"{label:>9}  {text}", style=style)

    def turn(self, turn: Turn) -> None:
        if self._json:
            click.echo(json.dumps(turn.as_dict()))
        elif self._trace:
            longest = max(turn.timings_ms.values(), default=1.0) or 1.0
            for stage, ms in turn.timings_ms.items():
                bar = "\u2588" * max(1, round(40 * ms / longest))
                self._console.print(f"{stage.replace('_', ' '):>22} {ms:7.0f} ms {bar}", style="dim")
