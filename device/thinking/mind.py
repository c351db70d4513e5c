"""The worker that looks, understands and answers: one thread, because the model's caches allow no two at once.

Jobs are done in the order they come; a cancelled guess makes way within a token. Knows models, not sensors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from device.cards.of_answer import card_of
from device.evidence import Answer
from device.experts.instruments import open_instruments
from device.glasses import RATE
from device.heap import trim_heap
from device.hearing.own_voice import has_only_words_of, is_own_voice
from device.hearing.sentence import asks_nothing
from device.hearing.wake_phrase import without_wake_word
from device.routing.router import meant_command, route
from device.skills.commands import Command, command_in
from device.skills.timers import Running, Timers, ringing
from device.steps import Act, Step
from device.thinking.answerer import Answerer
from device.thinking.attempt import Attempt, Cancelled, Past, until_cancelled
from device.thinking.care import with_care
from device.thinking.support import Sayable, own_words, passed
from device.thinking.turn_taking import TurnTaking
from models.speech import NoSpeech, Recognizer, Voice
from models.spoken_text import pieces as pieces_of
from models.vision_language import View, VisionLanguageModel

ANSWER_DEADLINE_S = 8.0  # an answer that takes longer has said enough
# Chance of an intent from the first words of a question. Of 592 training questions of coco and daquar that want nothing
# read 12 reach it, of 518 phrasings that do, as heard in noise, 270.
FORESEEN = 0.7
MORE_DETAIL = "Describe what you see."
TIMER = "timer"
# Samples of silence put behind what was said: recognisers drop the last word of a recording that stops at once.
TRAILING = 3200
NOT_WORDS = ("", "you", "uh", "um", "hm", "hmm", "mm")  # what recognisers write for a noise
SPOKEN_S = 1.3  # of an utterance, the moments around it among them: shorter ones may be a cough
NO_PICTURE = "I cannot see anything. Check the camera."
TOO_LONG = "That took too long. Please ask again."
WENT_WRONG = "Something went wrong. Please ask again."


@dataclass
class Mind:
    """volume: 1 is as the voice comes; alone: for what else computes, so that it does not do so at the same time.

    patience: so many times longer than usual may an answer take, on a slow device.
    """

    recognizer: Recognizer
    model: VisionLanguageModel
    voice: Voice
    volume: float = 1.0
    alone: TurnTaking = field(default_factory=TurnTaking)
    patience: float = 1.0

    def __post_init__(self) -> None:
        self._worker = ThreadPoolExecutor(1, "mind")
        self._apologist = ThreadPoolExecutor(1, "apologies")  # the other may be what does not come back
        self._jobs: list[Future] = []
        self.timers = Timers()
        self.answerer = Answerer(lambda: self.model, open_instruments(loaded=self.model), self.alone)
        self.answerer.patience = self.patience
        self._submit(lambda: route("What is this?"))  # what the first question would wait for, half a second

    @property
    def waiting(self) -> int:
        """Jobs that are not done, the one at hand among them."""
        self._jobs = [job for job in self._jobs if not job.done()]
        return len(self._jobs)

    @property
    def idle(self) -> bool:
        return self.waiting == 0

    def close(self) -> None:
        """Waits for the job at hand; those behind it are dropped."""
        self._worker.shutdown(wait=True, cancel_futures=True)
        self._apologist.shutdown(wait=True, cancel_futures=True)

    def look(self, pixels: np.ndarray) -> Future[View | None]:
        """uint8 RGB [height, width, 3] -> its view, once it has been encoded and read."""
        return self._submit(lambda: self.look_now(pixels))

    def look_now(self, pixels: np.ndarray) -> View:
        """The same at once, for an attempt that is being worked on."""
        return self.alone.call(self.model.look, pixels)

    def hear(self, utterance: np.ndarray) -> Future[str]:
        """float32 [n] at 16 kHz -> its words, "" where nobody speaks."""
        return self._submit(lambda: self._words(utterance))

    def foresee(self, words: str, looking: Callable[[], View | None], past: Past | None) -> Future[bool]:
        """Reads the text in the picture while a question that will want it is still being asked; whether it did.

        words: of the question so far. looking and past: as an attempt is given them.
        """
        return self._submit(lambda: self._foresee(words, looking, past))

    def _foresee(self, words: str, looking: Callable[[], View | None], past: Past | None) -> bool:
        coming = route(words)
        if not coming.route.reads or coming.chance < FORESEEN or (view := looking()) is None:
            return False
        self.alone.call(self.answerer.scene(view, past.scene if past else None).read)
        return True

    def attempt(
        self,
        utterance: np.ndarray,
        looking: Callable[[], View | None] | None,
        past: Past | None,
        play: Callable[[np.ndarray, int], None],
        trouble: str | None = None,
        before: np.ndarray | None = None,
        own_words: str = "",
    ) -> Attempt:
        """Starts on a guess. trouble: what to say when the question needs a picture and there is none to look at."""
        attempt = Attempt(utterance, looking, past, play, before, own_words)
        self._submit(lambda: self._work(attempt, trouble or NO_PICTURE))
        return attempt

    def speak(self, attempt: Attempt, text: Sayable) -> None:
        """Adds a text to an attempt, piece by piece. Raises TypeError for one that has not passed the gate."""
        if not isinstance(text, Sayable):
            raise TypeError(f"{text!r} has not passed the gate (device.thinking.support)")
        for piece in pieces_of(text):
            said = piece
            trim_heap()  # what ran before has left free what the voice's weights need
            for samples in self.alone.pieces(self.voice.speak(piece)):
                attempt.check()
                attempt.say(said, self._loud(samples), self.voice.rate)
                said = ""

    def say(self, text: str, play: Callable[[np.ndarray, int], None], past: Past | None = None) -> Attempt:
        """Speaks a text that no question asked for, at once. What it states rests on what the past turn did."""
        attempt = Attempt(np.zeros(0, np.float32), None, past, play)
        attempt.turn.evidence = past.turn.evidence if past is not None else []
        attempt.turn.answer = said = passed(text, attempt.turn.evidence)
        attempt.release()
        self._submit(lambda: self._guarded(attempt, lambda: self.speak(attempt, said)))
        return attempt

    def ring(self, timer: Running, play: Callable[[np.ndarray, int], None], past: Past | None = None) -> Attempt:
        """Says that a timer is over."""
        attempt = Attempt(np.zeros(0, np.float32), None, past, play)
        attempt.release()
        self._submit(lambda: self._guarded(attempt, lambda: self._speak_answer(attempt, ringing(timer), TIMER)))
        return attempt

    def _speak_answer(self, attempt: Attempt, answer: Answer, answered_by: str) -> None:
        attempt.turn.answered_by, attempt.turn.evidence = answered_by, list(answer.claims)
        attempt.turn.answer = said = passed(answer.text, answer.claims)
        self.speak(attempt, said)

    def apologise(self, error: Exception, play: Callable[[np.ndarray, int], None]) -> None:
        """Says in one sentence that something has failed, as well as the voice can."""
        text = TOO_LONG if isinstance(error, TimeoutError) else WENT_WRONG

        def speak() -> None:
            # The voice itself may be what failed; the earcon has said so. It waits for no turn: another may hang.
            with suppress(Exception):
                for samples in self.voice.speak(text):
                    play(self._loud(samples), self.voice.rate)

        self._apologist.submit(speak)

    def adjust(self, command: Command) -> None:
        """Louder, quieter, slower, faster: how everything is said from now on."""
        if command is Command.LOUDER:
            self.volume = min(4.0, self.volume * 1.6)
        elif command is Command.QUIETER:
            self.volume = max(0.1, self.volume / 1.6)
        elif command is Command.SLOWER:
            self.voice.pace = min(2.0, self.voice.pace * 1.25)
        elif command is Command.FASTER:
            self.voice.pace = max(0.5, self.voice.pace * 0.8)

    def more(self, attempt_past: Past, play: Callable[[np.ndarray, int], None]) -> Attempt:
        """Describes the picture of the turn before again."""
        attempt = Attempt(np.zeros(0, np.float32), None, attempt_past, play)
        attempt.turn.transcript = MORE_DETAIL
        attempt.look_back()
        attempt.release()
        self._submit(lambda: self._guarded(attempt, lambda: self._answer(attempt, MORE_DETAIL, attempt_past.view)))
        return attempt

    def _submit(self, job: Callable) -> Future:
        submitted = self._worker.submit(job)
        self._jobs = [*(job for job in self._jobs if not job.done()), submitted]
        return submitted

    def _words(self, utterance: np.ndarray) -> str:
        try:
            text = self.alone.call(self.recognizer.text, np.pad(utterance, (0, TRAILING))).strip()
        except NoSpeech:
            return ""
        return "" if text.strip(" .!?,").lower() in NOT_WORDS else text

    def _question(self, attempt: Attempt) -> str:
        words = self._words(attempt.utterance)
        attempt.wordless = not words and len(attempt.utterance) >= SPOKEN_S * RATE
        said = without_wake_word(words).strip()
        if is_own_voice(said, attempt.own_words):
            return ""
        if attempt.own_words and asks_nothing(said) and command_in(said) is None:
            attempt.hushed = not has_only_words_of(said, attempt.own_words)
            return said if attempt.hushed else ""
        if said and attempt.before is not None and command_in(said) is None:
            whole = np.concatenate([attempt.before, attempt.utterance])
            return without_wake_word(self._words(whole)).strip()
        return said

    def _work(self, attempt: Attempt, trouble: str) -> None:
        def work() -> None:
            attempt.check()
            start = time.perf_counter()
            attempt.turn.question_from = "speech"
            attempt.turn.transcript = self._question(attempt)
            attempt.turn.timings_ms["transcribe"] = 1e3 * (time.perf_counter() - start)
            attempt.transcribed.set()
            attempt.check()
            if not attempt.turn.transcript or attempt.hushed:
                return
            attempt.command = command_in(attempt.turn.transcript)
            if attempt.command is not None:
                return
            # Before whatever is only guessed from a phrasing: "I want it to be over" must not be taken for "stop".
            refused = self.answerer.refuse(attempt.turn.transcript, attempt.turn)
            if refused is not None:
                self._speak_all(attempt, refused)
                return
            if (reply := self.timers.reply(attempt.turn.transcript)) is not None:
                attempt.effect, attempt.turn.card = reply.do, reply.card
                self._speak_answer(attempt, reply.answer, TIMER)
                return
            again = self._again(attempt)
            if again is None and self._about_before(attempt):
                return
            question, view = again or attempt.choose()
            if view is None:
                attempt.turn.answer = trouble
                self.speak(attempt, own_words(trouble))
            else:
                self._answer(attempt, question, view)

        self._guarded(attempt, work)

    def _about_before(self, attempt: Attempt) -> bool:
        """Whether it is a command, or about the answer before; then that is told."""
        attempt.command = meant_command(attempt.turn.transcript)
        if attempt.command is not None:
            return True
        past = attempt.past
        told = self.answerer.explain(attempt.turn.transcript, past.turn if past else None, attempt.turn)
        if told is not None:
            attempt.look_back()
            self._speak_all(attempt, told)
        return told is not None

    def _again(self, attempt: Attempt) -> tuple[str, View | None] | None:
        """For "think again": the question before, about the picture before, with the wish for care."""
        past, (rest, careful) = attempt.past, with_care(attempt.turn.transcript)
        before = with_care(past.turn.transcript)[0] if past is not None else ""
        if rest or not careful or past is None or not before:
            return None
        attempt.look_back()
        return f"Think carefully: {before}", past.view

    def _answer(self, attempt: Attempt, question: str, view: View | None) -> None:
        if view is None:
            self.speak(attempt, own_words(NO_PICTURE))
            return
        attempt.asked_at = time.perf_counter()
        if attempt.scene is None:
            attempt.scene = self.answerer.scene(view, attempt.past.scene if attempt.past else None)
        if attempt.past and view is attempt.past.view:
            attempt.turn.steps.append(Step(Act.LOOKED, "the same picture as before"))
        clauses = self.answerer.answer(
            question, view, attempt.scene, attempt.turn, ANSWER_DEADLINE_S, should_stop=lambda: attempt.cancelled
        )
        self._speak_all(attempt, clauses)
        attempt.turn.card = card_of(attempt.turn, attempt.scene)

    def _speak_all(self, attempt: Attempt, clauses: Iterator[Sayable]) -> None:
        for clause in until_cancelled(clauses, attempt):
            self.speak(attempt, clause)

    def _guarded(self, attempt: Attempt, work: Callable[[], None]) -> None:
        try:
            work()
        except Cancelled:
            pass
        except Exception as error:  # whatever goes wrong in an answer, the loop goes on and says so
            attempt.error = error
        finally:
            attempt.finished.set()
            if not attempt.cancelled:
                trim_heap()

    def _loud(self, samples: np.ndarray) -> np.ndarray:
        if samples.dtype == np.int16:
            samples = samples.astype(np.float32) / 32768
        return np.clip(samples * np.float32(self.volume), -1, 1)
