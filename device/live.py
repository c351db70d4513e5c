"""The turn loop: asleep, listening, thinking, speaking. A frame and a sound go in, a spoken answer comes out.

One thread reads the microphone and decides, chunk by chunk; another (device.thinking.mind) does what takes long. Every
wait has a deadline, and whatever fails, the loop says one short sentence and goes back to sleep.

While the wearer speaks the picture is looked at; at the first short pause the question is transcribed and answered on
trial, held back until the pause has become an end, and thrown away when the wearer goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import numpy as np

from device.glasses import CHUNK, RATE, Ended, Glasses, Unplugged
from device.hearing.endpoint import Endpointer, Heard, Pace
from device.hearing.wake_phrase import after_wake_phrase
from device.seeing.gaze import Gaze
from device.skills.commands import Command
from device.speaking.earcons import RATE as EARCON_RATE
from device.speaking.earcons import earcon
from device.thinking.attempt import Attempt, Past
from device.thinking.mind import TOO_DARK, Mind
from device.turn import Turn
from models.vision_language import View


class State(str, Enum):
    ASLEEP = "asleep"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


class WakeWords(Protocol):
    def heard(self, chunk: np.ndarray) -> str | None: ...
    def reset(self) -> None: ...


class Echo(Protocol):
    def cancel(self, heard: np.ndarray, played: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Habits:
    """patience_s: silence after waking before sleep; follow_up_s: the same after an answer; look_every_s: how often
    the camera is asked; thinking_s: longest wait for the first sound; wake_longest_s: no wake phrase is longer;
    partial_every_s: how often the transcript is shown; interruption_onset: voiced chunks in a row that interrupt;
    second_thought_s: speech that soon after an answer has begun belongs to the question that is being answered.
    """

    patience_s: float = 6.0
    follow_up_s: float = 5.0
    look_every_s: float = 0.2
    thinking_s: float = 10.0
    wake_longest_s: float = 8.0
    partial_every_s: float = 0.6
    interruption_onset: int = 4
    second_thought_s: float = 1.0


@dataclass
class Ears:
    """What listens: wake_words and echo may be absent; finished as in Endpointer; by_name: "hey Glint" wakes."""

    wake_words: WakeWords | None = None
    echo: Echo | None = None
    finished: Callable[[np.ndarray], float] | None = None
    pace: Pace = field(default_factory=Pace)
    by_name: bool = True


class Live:
    """One assistant on one pair of glasses. `on_event(kind, text)` is told of state, partial, transcript, answer, note.

    `on_turn` gets each finished Turn.
    """

    def __init__(
        self,
        glasses: Glasses,
        mind: Mind,
        ears: Ears,
        habits: Habits = Habits(),
        on_event: Callable[[str, str], None] = lambda kind, text: None,
        on_turn: Callable[[Turn], None] = lambda turn: None,
    ):
        self._glasses, self._mind, self._ears, self._habits = glasses, mind, ears, habits
        self._on_event, self._on_turn = on_event, on_turn
        self._endpointer = Endpointer(ears.finished, ears.pace)
        self._gaze = Gaze()
        self.state = State.ASLEEP
        self._heard_s = 0.0  # the loop's clock: seconds of sound heard
        self._since = 0.0  # on that clock, when the state was entered
        self._looked_at = -1.0
        self._looking: Future[View | None] | None = None
        self._trouble: str | None = None  # why there is no picture
        self._wake_guess: tuple[np.ndarray, Future[str]] | None = None
        self._partial: Future[str] | None = None
        self._partial_at = 0.0
        self._attempt: Attempt | None = None
        self._interrupted: tuple[Attempt, int] | None = None
        self._past: Past | None = None
        self._first_half: np.ndarray | None = None
        self._ended_at = 0.0
        self._closing = False
        self._told: set[str] = set()

    def run(self) -> None:
        """Until `close` is called or a recording that plays the microphone is over and answered."""
        while not self._closing:
            try:
                chunk = self._glasses.microphone.read(0.5)
            except Ended:
                self._drain()
                return
            except Unplugged as gone:
                self._note(str(gone))
                time.sleep(0.05)
                continue
            if chunk is not None:
                try:
                    self.hear(chunk)
                except Exception as error:  # a fault in one turn must not end the assistant
                    self._fail(error)

    def close(self) -> None:
        """Ends `run` soon, from any thread."""
        self._closing = True

    def hear(self, chunk: np.ndarray) -> None:
        """One step of the loop: float32 [CHUNK]."""
        self._heard_s += CHUNK / RATE
        self._watch()
        pressed = self._glasses.button.pressed()
        if self.state is State.ASLEEP:
            self._asleep(chunk, pressed)
        elif self.state is State.LISTENING:
            self._listening(chunk)
        elif self.state is State.THINKING:
            self._thinking(chunk)
        else:
            self._speaking(chunk, pressed)

    # Asleep: cheap, until a wake word, the button, or a sentence that begins with the name.

    def _asleep(self, chunk: np.ndarray, pressed: bool) -> None:
        heard = self._endpointer.feed(chunk)
        word = self._ears.wake_words.heard(chunk) if self._ears.wake_words else None
        if pressed or word:
            self._wake()
            return
        if self._wake_guess is not None and self._wake_guess[1].done():
            self._consider_name()
            return
        if self._ears.by_name and heard in (Heard.PAUSED, Heard.ENDED) and self._wake_guess is None:
            utterance = self._endpointer.utterance
            if len(utterance) <= self._habits.wake_longest_s * RATE:
                self._wake_guess = utterance, self._mind.hear(utterance)
        if heard is Heard.ENDED:
            self._endpointer.reset()

    def _consider_name(self) -> None:
        """Wakes if what was said while asleep begins with the name; the question may be in it already."""
        assert self._wake_guess is not None
        (utterance, said), self._wake_guess = self._wake_guess, None
        question = after_wake_phrase(said.result())
        if question is None:
            return
        self._wake()
        if question and self._endpointer.begun:
            self._guess()
        elif question:  # its end has gone by
            self._guess(utterance)
            self._end_of_question()

    def _wake(self) -> None:
        self._earcon("awake")
        self._look()
        self._enter(State.LISTENING)

    # Listening: the picture is read while the wearer speaks; every pause is a guess at the end.

    def _listening(self, chunk: np.ndarray) -> None:
        heard = self._endpointer.feed(chunk)
        if heard is Heard.QUIET:
            patience = self._habits.follow_up_s if self._past else self._habits.patience_s
            if self._heard_s - self._since > patience:
                self._sleep("asleep")
        elif heard is Heard.BEGUN:
            self._look()
            self._partial_at = self._heard_s
        elif heard is Heard.PAUSED:
            self._guess()
        elif heard is Heard.RESUMED:
            self._drop_attempt()
        elif heard is Heard.SPEECH:
            self._show_partial()
        elif heard is Heard.ENDED:
            self._end_of_question()

    def _show_partial(self) -> None:
        if self._partial is not None and self._partial.done():
            self._on_event("partial", self._partial.result())
            self._partial = None
        due = self._heard_s - self._partial_at >= self._habits.partial_every_s
        if due and self._partial is None and self._mind.idle:
            self._partial_at = self._heard_s
            self._partial = self._mind.hear(self._endpointer.utterance)

    def _guess(self, utterance: np.ndarray | None = None) -> None:
        self._drop_attempt()
        if self._looking is None:  # a camera takes a moment to open
            self._look()
        self._attempt = self._mind.attempt(
            self._endpointer.utterance if utterance is None else utterance,
            self._looking,
            self._past,
            self._glasses.speaker.play,
            self._trouble,
            self._first_half,
            self._interrupted[0].all_text if self._interrupted else "",
        )

    def _end_of_question(self) -> None:
        if self._attempt is None:
            self._guess()
        assert self._attempt is not None
        self._ended_at = time.monotonic() - self._endpointer.silence_s
        self._attempt.turn.timings_ms["endpoint"] = 1e3 * self._endpointer.silence_s
        self._attempt.release()
        self._enter(State.THINKING)

    # Thinking: the answer is on its way; speech that goes on takes the turn back.

    def _thinking(self, chunk: np.ndarray) -> None:
        attempt = self._attempt
        assert attempt is not None
        heard = self._endpointer.feed(chunk)
        if attempt.sounding:
            self._endpointer.reset()
            self._forget_interrupted()
            self._enter(State.SPEAKING)
            self._on_event("transcript", attempt.turn.transcript)
        elif heard in (Heard.RESUMED, Heard.SPEECH) and self._endpointer.voiced_run >= self._ears.pace.onset:
            self._drop_attempt()
            self._enter(State.LISTENING)
        elif attempt.finished.is_set():
            self._finished_silently(attempt)
        elif self._heard_s - self._since > self._habits.thinking_s:
            self._drop_attempt()
            self._fail(TimeoutError(f"no answer within {self._habits.thinking_s:.0f} s"))

    def _finished_silently(self, attempt: Attempt) -> None:
        """Nothing was said in answer: a command, noise taken for speech, or an error."""
        self._endpointer.reset()
        if attempt.error is not None:
            self._fail(attempt.error)
            return
        self._on_event("transcript", attempt.turn.transcript)
        interrupted = self._interrupted
        if attempt.command is not None:
            self._forget_interrupted()
            self._obey(attempt.command, interrupted)
        elif interrupted:
            self._interrupted = self._first_half = None
            self._resume(*interrupted)
        else:
            # Nothing was said, or only the wake word: the question may still come.
            self._attempt = None
            self._enter(State.LISTENING)

    def _obey(self, command: Command, interrupted: tuple[Attempt, int] | None) -> None:
        self._on_event("command", command.name.lower())
        speaker, past = self._glasses.speaker, self._past
        again = interrupted[0].all_text if interrupted else past.turn.answer if past else ""
        if command in (Command.STOP, Command.NEVER_MIND):
            speaker.stop()
            self._sleep("asleep")
            return
        if command is Command.LOUDER:
            self._mind.volume = min(4.0, self._mind.volume * 1.6)
        elif command is Command.QUIETER:
            self._mind.volume = max(0.1, self._mind.volume / 1.6)
        elif command in (Command.SLOWER, Command.FASTER):
            self._mind.voice.pace *= 1.25 if command is Command.SLOWER else 0.8
        if command is Command.MORE and past is not None and past.view is not None:
            self._attempt = self._mind.more(past, speaker.play)
        else:
            self._attempt = self._mind.say(again or "I have not said anything yet.", speaker.play, past)
        self._ended_at = time.monotonic()
        self._enter(State.THINKING)

    # Speaking: whoever speaks over it is listened to.

    def _speaking(self, chunk: np.ndarray, pressed: bool) -> None:
        attempt, speaker = self._attempt, self._glasses.speaker
        assert attempt is not None
        if self._ears.echo:
            chunk = self._ears.echo.cancel(chunk, speaker.played(len(chunk)))
        if self._endpointer.feed(chunk) is Heard.BEGUN or pressed:
            self._interrupt(attempt, pressed)
        elif attempt.finished.is_set() and speaker.pending_s() == 0:
            self._finish_turn(attempt)
            if attempt.error is not None:
                self._fail(attempt.error)
                return
            self._endpointer.reset()
            self._enter(State.LISTENING)

    def _interrupt(self, attempt: Attempt, pressed: bool) -> None:
        unheard = self._glasses.speaker.pending_s()
        self._glasses.speaker.stop()
        attempt.cancel()
        attempt.turn.answer = attempt.heard_text(unheard)
        self._interrupted = (attempt, attempt.clause_at(unheard))
        if not pressed and len(attempt.utterance) and self._heard_s - self._since < self._habits.second_thought_s:
            # Nobody interrupts an answer that soon: the wearer had not finished. The turn goes on.
            self._first_half = attempt.utterance
        else:
            self._remember(attempt)
        self._on_event("note", "interrupted")
        if pressed:
            self._endpointer.reset()
        self._attempt = None
        self._look()
        self._enter(State.LISTENING)

    def _resume(self, attempt: Attempt, clause: int) -> None:
        """The interruption was none: goes on with the clause that was cut."""
        self._on_event("note", "resumed")
        rest = attempt.spoken[clause:]
        going_on = Attempt(np.zeros(0, np.float32), None, self._past, self._glasses.speaker.play, turn=attempt.turn)
        going_on.view = attempt.view
        going_on.release()
        for piece in rest:
            going_on.say(*piece)
        going_on.finished.set()
        self._attempt = going_on
        self._enter(State.THINKING)

    def _forget_interrupted(self) -> None:
        """The answer that was interrupted will not go on; its turn is over, unless it was half a question's."""
        if self._interrupted is not None and self._first_half is None:
            self._report(self._interrupted[0].turn)
        self._interrupted = self._first_half = None

    def _finish_turn(self, attempt: Attempt) -> None:
        self._remember(attempt)
        self._report(attempt.turn)

    def _remember(self, attempt: Attempt) -> None:
        turn = attempt.turn
        if attempt.first_sound_at is not None and "first_audio" not in turn.timings_ms:
            turn.timings_ms["first_audio"] = 1e3 * (attempt.first_sound_at - self._ended_at)
        self._past = Past(turn, attempt.view or (self._past.view if self._past else None))

    def _report(self, turn: Turn) -> None:
        self._on_event("answer", turn.answer)
        self._on_turn(turn)

    # What all states need.

    def _enter(self, state: State) -> None:
        if state is not self.state:
            self._on_event("state", state.value)
        self.state, self._since = state, self._heard_s
        # Over its own voice surer signs of speech are wanted: what the echo canceller leaves is short.
        self._endpointer.onset = self._habits.interruption_onset if state is State.SPEAKING else self._ears.pace.onset

    def _sleep(self, sound: str) -> None:
        self._drop_attempt()
        self._forget_interrupted()
        self._past = None
        self._earcon(sound)
        self._endpointer.reset()
        if self._ears.wake_words:
            self._ears.wake_words.reset()
        self._enter(State.ASLEEP)

    def _fail(self, error: Exception) -> None:
        self._note(f"{type(error).__name__}: {error}")
        self._sleep("failed")

    def _note(self, text: str) -> None:
        if text not in self._told:  # a lost microphone is said once, not ten times a second
            self._told.add(text)
            self._on_event("note", text)

    def _drop_attempt(self) -> None:
        if self._attempt is not None:
            self._attempt.cancel()
            self._attempt = None

    def _earcon(self, name: str) -> None:
        try:
            self._glasses.speaker.play(earcon(name), EARCON_RATE)
        except Unplugged as gone:
            self._note(str(gone))

    def _watch(self) -> None:
        """Takes in the newest frame now and then."""
        awake = self.state is not State.ASLEEP
        if not awake or self._heard_s - self._looked_at < self._habits.look_every_s:
            return
        self._looked_at = self._heard_s
        self._take_frame()

    def _take_frame(self) -> None:
        self._trouble = None
        try:
            frame = self._glasses.camera.latest()
        except Unplugged as gone:
            self._note(str(gone))
            self._trouble = "I cannot see anything. The camera is gone."
            return
        if frame is not None:
            self._gaze.see(frame)

    def _look(self) -> None:
        """Starts to read the best picture of the last moment."""
        self._take_frame()
        best = self._gaze.best()
        self._looking = None
        if best is None or self._trouble:
            return
        frame, score = best
        if score.black:
            self._trouble = TOO_DARK
            return
        self._looking = self._mind.look(frame.pixels)

    def _drain(self) -> None:
        """A recording is over: silence is heard until what was asked has been answered."""
        silence = np.zeros(CHUNK, np.float32)
        deadline = time.monotonic() + 30
        while self.state is not State.ASLEEP and time.monotonic() < deadline and not self._closing:
            waiting = self.state in (State.THINKING, State.SPEAKING)
            self.hear(silence)
            if waiting:
                time.sleep(CHUNK / RATE / 4)
