"""`glint run`: the live loop on a pair of glasses, with what it does shown in the terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device.cli.worn import LAPTOP, RADIO, open_worn
from device.habits import PATIENCE
from device.turn import Turn

if TYPE_CHECKING:
    from device.glasses import Glasses
    from device.hearing.ears import Ears
    from device.thinking.mind import Mind

_FILE = click.Path(path_type=Path)
WAKE_WORDS = "hey_jarvis"
CLOSING_S = 1.5  # what a model that is at work is waited for at the end


@click.command()
@click.option("--glasses", metavar="KIND", default=LAPTOP, show_default=True, help="What is worn: see below.")
@click.option("--camera", help="Camera number, or a picture, a folder of pictures or a video. Default: camera 0.")
@click.option("--mic", help="Microphone number or name, or a sound file. Default: the system's.")
@click.option("--speaker", help="Speaker number or name, or a WAV file to write. Default: the system's.")
@click.option("--push-to-talk", is_flag=True, help="Wake by Enter alone; no wake word is listened for.")
@click.option("--wake-words", default=WAKE_WORDS, show_default=True, help="Beside 'hey Glint', which always works.")
@click.option("--voice", type=click.Choice(["piper", "espeak", "system"]), default="piper", show_default=True)
@click.option("--recognizer", type=click.Choice(["moonshine", "vosk"]), default="moonshine", show_default=True)
@click.option("--vosk-model", type=_FILE, help="Folder of an unpacked Vosk model, for --recognizer vosk.")
@click.option("--model", type=_FILE, help="Folder of another vision-language model, as for glint ask.")
@click.option("--threads", type=click.IntRange(1, 64), default=2, show_default=True, help="Threads for each model.")
@click.option(
    "--patience",
    envvar=PATIENCE,
    show_envvar=True,
    type=click.FloatRange(1, 1000),
    default=1.0,
    show_default=True,
    help="Wait so many times longer for an answer before giving up: for slow devices.",
)
@click.option("--no-smart-turn", is_flag=True, help="End a question after 0.8 s of silence, without the model for it.")
@click.option("--no-echo", is_flag=True, help="No echo cancelling: for headphones.")
@click.option("--log", type=_FILE, help="Append every turn to this file, one JSON object a line.")
@click.option("--trace", is_flag=True, help="Show where the time of each turn went.")
@click.option("--offline", is_flag=True, help="Fetch nothing; fail when a model is not there.")
@click.option("--json", "as_json", is_flag=True, help="Print every turn as one JSON object a line, and nothing else.")
def run(
    glasses: str,
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
    Examples:
      glint run                              webcam, microphone, speaker of this machine
      glint run --push-to-talk               wake by Enter, where others talk too
      glint run --trace --log turns.jsonl    see and keep where the time goes
      glint run --no-echo --mic Headset --speaker Headset
      glint run --camera shelf.jpg --mic question.wav --speaker answer.wav

    \b
    Glasses:
      laptop                                 camera, microphone and speaker of this
                                             machine, or files in their place
      halo                                   Brilliant Labs Halo over Bluetooth
      tcp://HOST:PORT                        anything that speaks Glint's own
      serial:///dev/ttyACM0?baud=921600      wire format (docs/wire.md)

    \b
    What to say:
      Wake it with "hey Glint" or "hey Jarvis", or press Enter or space. Ask at
      once or after the sound: "Hey Glint, what is this?" After an answer go on
      asking for five seconds without waking it: "And what colour is it?"
      "Repeat", "louder", "quieter", "slower", "faster", "tell me more" and
      "describe that again in detail" do what they say.

    \b
    To interrupt:
      Speak over an answer, or press Enter: it falls silent and listens. "Stop" or
      "never mind" ends the conversation. If nobody had spoken after all, the
      answer goes on.

    \b
    States, as the terminal shows them:
      asleep      waits for a wake word or the button; the camera is not looked at
      listening   looks and listens to a question; six seconds of silence end it
      thinking    the question is over, the answer on its way
      speaking    the answer is heard, and you can interrupt it

    \b
    Sounds:
      two rising tones     awake, ask
      one tone             still thinking
      two falling tones    asleep again
      two low tones        something failed; the terminal says what

    Terminal: the last line shows the state, your words and the answer as they form; turns that are over scroll above,
    with the seconds from your last word to the first sound. In a pipe or a file these are plain lines; --json prints
    one Turn a line (transcript, answer, timings_ms in milliseconds, evidence, costs) and notes on standard error.
    Enter and space work in a terminal only.

    Devices that are unplugged are said once and work again when they are back. `glint doctor` says what is missing.

    Privacy: nothing leaves this machine and nothing is stored: no sound, no picture, no word. --log stores the turns,
    in words and numbers, and a file given as --speaker what was answered.

    The exit status is 0 after Ctrl-C and at the end of a recording, and 1 if something cannot be opened at the start.
    """
    from device.cli.interrupts import Interrupts
    from device.cli.live_display import open_display
    from device.cli.turn_log import TurnLog
    from device.face import Face
    from device.glasses import Display, Gauge, Led
    from device.habits import Habits
    from device.live import Live
    from device.watchdog import watched

    worn = mind = None
    with Interrupts() as interrupts:
        try:
            hint = "press Enter and ask" if options["push_to_talk"] else 'say "hey Glint" or press Enter'
            show = open_display(as_json, trace, hint)
            # Before the models: a wrong path should not cost the time of loading them.
            worn = watched(open_worn(glasses, camera, mic, speaker, on_note=partial(show.event, "note")))
            turns = TurnLog(log, lambda text: show.event("note", text)) if log else None
            options["no_echo"] |= glasses in RADIO  # they cancel it themselves
            mind, ears = load(**options)
            face = Face(worn, worn) if isinstance(worn, Display) and isinstance(worn, Led) else None

            def tell(kind: str, text: str) -> None:
                show.event(kind, text)
                if face is not None:
                    face.event(kind, text)

            def keep(turn: Turn) -> None:
                show.turn(turn)
                if face is not None:
                    face.turn(turn)
                if turns is not None:
                    turns.append(turn)

            gauge = worn if isinstance(worn, Gauge) else None
            habits = Habits().patient(mind.patience)
            with show:
                Live(worn, mind, ears, habits, on_event=tell, on_turn=keep, gauge=gauge).run()
        except KeyboardInterrupt:
            pass
        finally:
            interrupts.ignore()
            closed = _close(worn, mind)
        if not closed:
            sys.stdout.flush()
            os._exit(0)  # Python would wait for the model's thread, and the devices are released


def _close(glasses: Glasses | None, mind: Mind | None) -> bool:
    """Releases the devices and waits a moment for the models; False if they are still at work then."""
    deadline = time.monotonic() + CLOSING_S
    thinking = threading.Thread(target=mind.close if mind else lambda: None, daemon=True)
    thinking.start()
    if glasses is not None:
        glasses.close()
    thinking.join(max(0.0, deadline - time.monotonic()))
    return not thinking.is_alive()


def load(
    push_to_talk: bool = False,
    wake_words: str = WAKE_WORDS,
    voice: str = "piper",
    recognizer: str = "moonshine",
    vosk_model: Path | None = None,
    model: Path | None = None,
    threads: int = 2,
    no_smart_turn: bool = False,
    no_echo: bool = False,
    patience: float = 1.0,
    offline: bool = False,
) -> tuple[Mind, Ears]:
    """Everything that thinks and listens, loaded. Raises GlintError for what is missing."""
    from device.assistant import load_model
    from device.heap import trim_heap
    from device.hearing.ears import Ears
    from device.hearing.near_voice import open_echo
    from device.hearing.recognizer import open_recognizer
    from device.speaking.voice import open_voice
    from device.thinking.mind import Mind
    from models import fetch
    from models.errors import GlintError
    from models.smart_turn import SmartTurn
    from models.wake_word import WakeWord

    hearing = open_recognizer(recognizer, vosk_model, threads=threads, offline=offline)
    loaded = load_model(model, threads, offline)
    if not loaded.sees:
        raise GlintError(f"{loaded.name} is a language model and sees no pictures; give one that does with --model.")
    mind = Mind(
        hearing,
        loaded,
        open_voice(voice, threads=threads, offline=offline),
        patience=patience,
    )
    words = [] if push_to_talk else [word.strip() for word in wake_words.split(",") if word.strip()]
    finished = None
    if not no_smart_turn:
        smart_turn = SmartTurn(fetch.ensure("smart-turn-v3", offline=offline), threads)
        finished = partial(mind.alone.call, smart_turn.finished)
    ears = Ears(WakeWord(words) if words else None, None if no_echo else open_echo(), finished)
    ears.by_name = not push_to_talk
    trim_heap()
    return mind, ears
