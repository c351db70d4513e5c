"""One turn from a file: a photo and a question go in, the answer comes out, and the Turn says how it went.

What can start early does: the picture is encoded and read into the model's cache while the recording is still being
transcribed and the voice is still being loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from device.cards.of_answer import card_of
from device.experts.instruments import open_instruments
from device.hearing.recognizer import open_recognizer
from device.routing.router import route
from device.rss import peak_rss_mb
from device.seeing.photo import read_photo
from device.speaking.voice import open_voice, say
from device.thinking.answerer import Answerer
from device.thinking.support import Sayable
from device.turn import Turn
from models import fetch
from models.audio import read_sound
from models.bundle import Bundle
from models.errors import GlintError
from models.manifest import MANIFEST_FILE
from models.speech import Transcript, Voice
from models.vision_language import View, VisionLanguageModel

DEFAULT_MODEL = "glint-135m"


@dataclass(frozen=True)
class Question:
    """What `ask` is asked: a question as text or as a sound file, and where the speech goes, if anywhere.

    image: the photo it is about; None for a model that answers without one.
    """

    image: Path | None = None
    text: str | None = None
    audio: Path | None = None
    speak: Path | None = None
    voice: str = "piper"
    recognizer: str = "moonshine"
    vosk_model: Path | None = None
    model: Path | None = None
    threads: int = 2
    offline: bool = False


def load_model(folder: Path | None = None, threads: int = 2, offline: bool = False) -> VisionLanguageModel:
    """The default model, fetched and assembled if need be, or the one in `folder`: a bundle, or ONNX as published.

    Raises GlintError when it is damaged, or a folder of a model that has to be exported first.
    """
    if folder is not None and not (folder / MANIFEST_FILE).exists():
        from models.onnx_community import is_published, load_published  # not on the way of the default model

        if is_published(folder):
            return load_published(folder, threads)
        if (folder / "config.json").exists():
            raise GlintError(
                f"{folder} holds a model that is not ready to run; make it so with: glint export {folder} --out FOLDER."
            )
    return VisionLanguageModel.load(Bundle.open(folder or fetch.ensure(DEFAULT_MODEL, offline=offline)), threads)


def ask(question: Question, on_text: Callable[[str], None] = lambda piece: None) -> Turn:
    """Answers one question; `on_text` gets the answer clause by clause.

    Raises GlintError for whatever is wrong with the photo, the recording, the question, a model or the output.
    """
    if (question.text is None) == (question.audio is None):
        raise GlintError("Give the question either as text or as a sound file, one of the two.")
    if question.text is not None and not question.text.strip():
        raise GlintError("The question is empty; ask something about the picture.")
    start = perf_counter()
    turn = Turn(picture=str(question.image) if question.image else None)
    clock = _Clock(turn)
    if question.image is None and question.model is None:
        raise GlintError("The default model answers questions about a picture; give one with --image.")
    picture = None
    if question.image is not None:
        with clock("read_picture"):
            picture = read_photo(question.image)
    sound = read_sound(question.audio) if question.audio else None
    _fetch_first(question)
    with ThreadPoolExecutor(4) as background:
        background.submit(route, "What is this?")  # loads what telling questions apart needs

        def look() -> tuple[VisionLanguageModel, View | None]:
            with clock("load_model"):
                model = load_model(question.model, question.threads, question.offline)
            return model, model.look(picture) if picture is not None else None

        def hear() -> Transcript:
            with clock("load_recognizer"):
                recognizer = open_recognizer(
                    question.recognizer, question.vosk_model, threads=question.threads, offline=question.offline
                )
            assert sound is not None
            return recognizer.transcribe(sound)

        looking = background.submit(look)
        hearing = background.submit(hear) if sound else None
        voicing = background.submit(_load_voice, question, clock) if question.speak else None
        if hearing is not None:
            turn.question_from = question.recognizer
            heard = hearing.result()
            turn.transcript = heard.text
            turn.timings_ms |= heard.timings_ms
        else:
            turn.transcript = " ".join((question.text or "").split())
        model, view = looking.result()
        answerer = Answerer(lambda: model, open_instruments(question.threads, question.offline, model))
        scene = answerer.scene(view) if view is not None else None
        if view is not None and scene is not None:
            clauses = answerer.answer(turn.transcript, view, scene, turn, deadline_s=None)
        else:
            clauses = answerer.answer_without_picture(turn.transcript, turn)
        clauses = _observed(clauses, on_text)
        if question.speak and voicing:
            spoken = say(voicing.result(), clauses, question.speak)
            turn.timings_ms |= {"first_audio": spoken.first_audio_ms, "speak": spoken.total_ms}
            turn.costs["speech_seconds"] = round(spoken.seconds, 2)
            turn.spoken_to = str(question.speak)
        else:
            for _ in clauses:
                pass
        turn.card = card_of(turn, scene)
    turn.timings_ms["total"] = 1e3 * (perf_counter() - start)
    turn.costs["peak_rss_mb"] = peak_rss_mb()
    return turn


class _Clock:
    """Writes how long a `with` block took into the turn."""

    def __init__(self, turn: Turn):
        self._turn = turn

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self._turn.timings_ms[stage] = 1e3 * (perf_counter() - start)


def _fetch_first(question: Question) -> None:
    """Fetches what is missing before anything is loaded side by side, so that progress bars come one at a time."""
    wanted = [
        (DEFAULT_MODEL, question.model is None),
        ("moonshine-tiny-en", question.audio is not None and question.recognizer == "moonshine"),
        ("piper-joe-medium", question.speak is not None and question.voice == "piper"),
    ]
    for name, needed in wanted:
        if needed and fetch.locate(name) is None:
            fetch.ensure(name, offline=question.offline)


def _load_voice(question: Question, clock: _Clock) -> Voice:
    with clock("load_voice"):
        return open_voice(question.voice, threads=question.threads, offline=question.offline)


def _observed(clauses: Iterator[Sayable], on_text: Callable[[str], None]) -> Iterator[Sayable]:
    for number, clause in enumerate(clauses):
        on_text(f" {clause}" if number else clause)
        yield clause
