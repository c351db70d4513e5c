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

import numpy as np

from device.glasses import CHUNK, RATE, Ended, Gauge, Glasses, Unplugged
from device.habits import Habits, State
from device.hearing.ears import Ears
from device.hearing.endpoint import Endpointer, Heard
from device.hearing.sentence import sentence
from device.hearing.waking import Call, Waking
from device.power import Power, Thrift
from device.privacy import Sensors
from device.routing.english import NOT_CAUGHT
from device.seeing.eye import Eye
from device.skills.commands import Command
from device.speaking.earcons import RATE as EARCON_RATE
from device.speaking.earcons import earcon
from device.telling import Telling
from device.thinking.attempt import Attempt
from device.thinking.conversation import Conversation
from device.thinking.mind import Mind
from device.turn import Turn

USUAL = Habits()
SILENCE = np.zeros(CHUNK, np.float32)


class Live:
    """One assistant on one pair of glasses. `on_turn` gets each finished Turn.

    `on_event(kind, text)` is told of state, partial, transcript, saying (the answer as far as it goes), command, note.
    gauge: battery and thermometer, None where there are none.
    """

    def __init__(
        self,
        glasses: Glasses,
        mind: Mind,
        ears: Ears,
        habits: Habits = USUAL,
        on_event: Callable[[str, str], None] = lambda kind, text: None,
        on_turn: Callable[[Turn], None] = lambda turn: None,
        gauge: Gauge | None = None,
    ):
        self._glasses, self._mind, self._ears = glasses, mind, ears
        self._habits = self._usual_habits = habits
        self._tell, self._on_turn = Telling(on_event), on_turn
        self._gauge, self._power, self._sensors = gauge, Power(), Sensors()
        self._endpointer = Endpointer(ears.finished, ears.pace)
        self._waking = Waking(self._endpointer, ears.wake_words, mind.hear if ears.by_name else None)
        self._eye = Eye(glasses.camera, mind.look, mind.look_now, self._note)
        self._talk = Conversation(self._turn_over)
        self.state = State.ASLEEP
        self._heard_s = 0.0  # the loop's clock: seconds of sound heard
        self._since = 0.0  # on that clock, when the state was entered
        self._looked_at = self._partial_at = -1.0
        self._partial: Future[str] | None = None
        self._attempt: Attempt | None = None
        self._ended_at = 0.0
        self._hummed = self._closing = False

    def run(self) -> None:
        """Until `close` is called or a recording that plays the microphone is over and answered."""
        try:
            while not self._closing:
                try:
                    chunk = self._glasses.microphone.read(0.5)
                except Ended:
                    self._drain()
                    return
                except Unplugged as gone:
                    self._note(str(gone))
                    time.sleep(CHUNK / RATE)
                    chunk = None
                self._step(chunk)
        finally:
            self._drop_attempt()
            self._endpointer.close()

    def close(self) -> None:
        """Ends `run` soon, from any thread."""
        self._closing = True

    def _step(self, chunk: np.ndarray | None) -> None:
        """A turn goes on to its end, and timers ring, although nothing is heard any more."""
        try:
            if chunk is None and self.state is State.ASLEEP:
                self._ring()
            else:
                self.hear(SILENCE if chunk is None else chunk)
        except Exception as error:  # a fault in one turn must not end the assistant
            self._fail(error)

    def hear(self, chunk: np.ndarray) -> None:
        """One step of the loop: float32 [CHUNK]."""
        self._heard_s += CHUNK / RATE
        self._mind_power()
        pressed = self._glasses.button.pressed()
        if self._power.thrift is Thrift.ALL:
            if self.state is not State.ASLEEP:
                self._glasses.speaker.stop()
                self._sleep("asleep")
            return
        if self.state in (State.ASLEEP, State.LISTENING) and not self._endpointer.begun:
            self._ring()
        if self.state is State.ASLEEP:
            self._asleep(chunk, pressed)
            return
        self._sensors.microphone_s += CHUNK / RATE
        if not self._eye.trouble:
            self._sensors.camera_s += CHUNK / RATE
        if self._heard_s - self._looked_at >= self._habits.look_every_s:
            self._looked_at = self._heard_s
            self._sensors.frames += self._eye.watch()
        if self._ears.echo:
            played = self._glasses.speaker.played(len(chunk), self._glasses.microphone.late_s())
            chunk = self._ears.echo.cancel(chunk, played)
        if self.state is State.LISTENING:
            self._listening(chunk)
        elif self.state is State.THINKING:
            self._thinking(chunk, pressed)
        else:
            self._speaking(chunk, pressed)

    # Asleep: cheap, until somebody calls or the button is pressed.

    def _asleep(self, chunk: np.ndarray, pressed: bool) -> None:
        call = self._waking.feed(chunk)
        if pressed or call:
            self._wake()
        if call:
            self._take_up(call)

    def _take_up(self, call: Call) -> None:
        """The question, or its beginning, may have been in the same breath as the name."""
        if self._endpointer.begun:
            if call.question and self._endpointer.silence_s >= self._ears.pace.guess:
                self._guess()
        elif call.question:  # its end has gone by
            self._guess(call.utterance)
            self._end_of_question()

    def _wake(self) -> None:
        self._sensors.forget()
        self._waking.reset()
        self._endpointer.judging = True
        self._enter(State.LISTENING)
        self._earcon("awake")
        self._eye.look()

    # Listening: the picture is read while the wearer speaks; every pause is a guess at the end.

    def _listening(self, chunk: np.ndarray) -> None:
        heard = self._endpointer.feed(chunk)
        if heard is Heard.QUIET:
            patience = self._habits.follow_up_s if self._talk.past else self._habits.patience_s
            if self._heard_s - self._since > patience:
                self._sleep("asleep")
        elif heard is Heard.BEGUN:
            self._eye.look()
            self._partial_at = self._heard_s
        elif heard is Heard.PAUSED:
            self._guess()
        elif heard is Heard.RESUMED:
            self._drop_attempt()
            self._eye.look()  # what was heard before may have been the end of the call, and something else was seen
        elif heard is Heard.SPEECH:
            self._show_partial()
        elif heard is Heard.PAUSE:
            self._judge_words()
        elif heard is Heard.ENDED:
            self._end_of_question()

    def _show_partial(self) -> None:
        if self._partial is not None and self._partial.done():
            words, self._partial = self._partial.result(), None
            self._tell.event("partial", words)
            self._mind.foresee(words, self._eye.promise(self._habits.camera_s), self._talk.past)
        # The longer the question, the more a transcript of it costs.
        every_s = max(self._habits.partial_every_s, self._endpointer.speaking_s / 8)
        if self._heard_s - self._partial_at >= every_s and self._partial is None and self._mind.idle:
            self._partial_at = self._heard_s
            self._partial = self._mind.hear(self._endpointer.utterance)

    def _judge_words(self) -> None:
        """Tells the endpointer whether what was said is a sentence, as soon as the words are known."""
        attempt = self._attempt
        if attempt is not None and attempt.transcribed.is_set():
            self._endpointer.said = sentence(attempt.turn.transcript)
            self._tell.show("partial", attempt.turn.transcript)

    def _guess(self, utterance: np.ndarray | None = None) -> None:
        self._drop_attempt()
        if self._eye.frame is None:
            self._eye.look()
        interrupted = self._talk.interrupted
        self._attempt = attempt = self._mind.attempt(
            self._endpointer.utterance if utterance is None else utterance,
            self._eye.promise(self._habits.camera_s),
            self._talk.past,
            self._glasses.speaker.play,
            self._eye.trouble,
            self._talk.first_half,
            interrupted.attempt.all_text if interrupted else "",
        )
        if (frame := self._eye.frame) is not None:
            attempt.turn.frame = frame
            attempt.turn.picture = f"frame at {self._heard_s - (time.monotonic() - frame.at):.2f} s"

    def _end_of_question(self) -> None:
        self._ended_at = time.monotonic() - self._endpointer.silence_s
        if self._attempt is None:
            self._guess()
        assert self._attempt is not None
        self._attempt.turn.timings_ms["endpoint"] = 1e3 * self._endpointer.silence_s
        self._hummed = False
        self._enter(State.THINKING)
        self._attempt.release()

    # Thinking: the answer is on its way; speech that goes on takes the turn back.

    def _thinking(self, chunk: np.ndarray, pressed: bool) -> None:
        attempt = self._attempt
        assert attempt is not None
        heard, waited_s = self._endpointer.feed(chunk), self._heard_s - self._since
        goes_on = heard in (Heard.RESUMED, Heard.SPEECH) and self._endpointer.voiced_run >= self._ears.pace.onset
        if attempt.sounding:
            if len(attempt.utterance):
                self._endpointer.answered()
            else:
                self._endpointer.reset()
            self._talk.move_on(to_answer=True)
            self._enter(State.SPEAKING)
            self._tell.show("transcript", attempt.turn.transcript)
        elif goes_on or pressed:
            self._drop_attempt()
            self._eye.look()
            self._enter(State.LISTENING)
        elif attempt.finished.is_set():
            self._finished_silently(attempt)
        elif waited_s > (longest_s := self._habits.thinking_s + len(attempt.utterance) / RATE / 5):
            self._fail(TimeoutError(f"no answer within {longest_s:.0f} s"))
        elif waited_s > self._habits.thinking_sound_s and not self._hummed:
            self._hummed = True
            self._earcon("thinking")

    def _finished_silently(self, attempt: Attempt) -> None:
        """Nothing was said in answer: a command, noise taken for speech, or an error."""
        self._endpointer.reset()
        if attempt.error is not None:
            self._fail(attempt.error)
            return
        self._tell.show("transcript", attempt.turn.transcript)
        if attempt.command is not None:
            again = self._talk.last_words()
            self._talk.move_on()
            self._obey(attempt.command, again)
        elif attempt.hushed:
            self._talk.move_on()
            self._attempt = None
            self._enter(State.LISTENING)
        elif self._talk.interrupted is not None:
            self._tell.event("note", "resumed")
            self._attempt = self._talk.rest(self._glasses.speaker.play)
            self._enter(State.THINKING)
        elif attempt.wordless and self._talk.past is None:
            self._say(NOT_CAUGHT)
        else:
            # Nothing was said, or only the wake word: the question may still come.
            self._attempt = None
            self._enter(State.LISTENING)

    def _obey(self, command: Command, again: str) -> None:
        self._tell.event("command", command.name.lower())
        speaker, past, mind = self._glasses.speaker, self._talk.past, self._mind
        if command in (Command.STOP, Command.NEVER_MIND):
            speaker.stop()
            self._sleep("asleep")
            return
        mind.adjust(command)
        if command is Command.MORE and past is not None and past.view is not None:
            self._attempt = mind.more(past, speaker.play)
            self._ended_at = time.monotonic()
            self._enter(State.THINKING)
        else:
            self._say(again or "I have not said anything yet.")

    def _say(self, text: str) -> None:
        self._attempt = self._mind.say(text, self._glasses.speaker.play, self._talk.past)
        self._ended_at = time.monotonic()
        self._enter(State.THINKING)

    def _ring(self) -> None:
        """Tells of a timer that is over; who is speaking is not interrupted."""
        timer = self._mind.timers.due()
        if timer is None:
            return
        if self.state is State.ASLEEP:
            self._sensors.forget()
            self._waking.reset()
            self._endpointer.judging = True
        self._drop_attempt()
        self._earcon("timer")
        self._attempt = self._mind.ring(timer, self._glasses.speaker.play, self._talk.past)
        self._ended_at = time.monotonic()
        self._enter(State.THINKING)

    # Speaking: whoever speaks over it is listened to.

    def _speaking(self, chunk: np.ndarray, pressed: bool) -> None:
        attempt, speaker = self._attempt, self._glasses.speaker
        assert attempt is not None
        self._tell.show("saying", attempt.turn.answer)
        if self._endpointer.feed(chunk) is Heard.BEGUN or pressed:
            self._interrupt(attempt, pressed)
        elif attempt.finished.is_set() and speaker.pending_s() == 0:
            self._time_first_sound(attempt)
            self._talk.finish(attempt)
            if attempt.error is not None:
                self._fail(attempt.error)
                return
            self._attempt = None
            self._endpointer.reset()
            self._enter(State.LISTENING)

    def _interrupt(self, attempt: Attempt, pressed: bool) -> None:
        unheard_s = self._glasses.speaker.pending_s()
        self._glasses.speaker.stop()
        attempt.cancel()
        self._time_first_sound(attempt)
        # Nobody interrupts an answer that soon: the wearer had not finished.
        soon = self._heard_s - self._since < self._habits.second_thought_s
        self._talk.interrupt(attempt, unheard_s, goes_on=soon and not pressed and len(attempt.utterance) > 0)
        self._tell.event("note", "interrupted")
        if pressed:
            self._endpointer.reset()
        self._attempt = None
        self._eye.look()
        self._enter(State.LISTENING)

    def _time_first_sound(self, attempt: Attempt) -> None:
        if attempt.first_sound_at is not None:
            attempt.turn.timings_ms.setdefault("first_audio", 1e3 * (attempt.first_sound_at - self._ended_at))

    # What all states need.

    def _mind_power(self) -> None:
        if self._gauge is None:
            return
        if said := self._power.update(self._gauge.condition()):
            self._note(said)
            usual = self._usual_habits
            self._habits = usual if self._power.thrift is Thrift.NONE else usual.sparing()
            self._mind.answerer.thrift = self._power.thrift

    def _turn_over(self, turn: Turn) -> None:
        turn.receipt = self._sensors.receipt()
        self._on_turn(turn)
        turn.frame = None  # whoever keeps turns need not keep pictures

    def _enter(self, state: State) -> None:
        if state is not self.state:
            self._tell.event("state", state.value)
        self.state, self._since = state, self._heard_s
        # Over its own voice surer signs of speech are wanted: what the echo canceller leaves is short and faint.
        self._endpointer.answering = state is State.SPEAKING
        self._endpointer.onset = self._habits.interruption_onset if state is State.SPEAKING else self._ears.pace.onset

    def _sleep(self, sound: str) -> None:
        self._drop_attempt()
        self._talk.forget()
        self._earcon(sound)
        self._endpointer.reset()
        self._endpointer.judging = False
        self._waking.reset()
        self._enter(State.ASLEEP)

    def _fail(self, error: Exception) -> None:
        self._note(f"{type(error).__name__}: {error}")
        attempt = self._attempt
        if attempt is not None and attempt.turn.answer and not attempt.sounding:
            self._talk.finish(attempt)  # unheard, but not lost
        self._sleep("failed")
        if not isinstance(error, Unplugged):
            self._mind.apologise(error, self._glasses.speaker.play)

    def _note(self, text: str) -> None:
        self._tell.note(text, self._heard_s)

    def _drop_attempt(self) -> None:
        if self._attempt is not None:
            self._attempt.cancel()
            self._attempt = None

    def _earcon(self, name: str) -> None:
        try:
            self._glasses.speaker.play(earcon(name), EARCON_RATE)
        except Unplugged as gone:
            self._note(str(gone))

    def _drain(self) -> None:
        """A recording is over: silence is heard until what was asked has been answered."""
        deadline = time.monotonic() + 3 * self._habits.thinking_s
        while self.state is not State.ASLEEP and time.monotonic() < deadline and not self._closing:
            waiting = self.state in (State.THINKING, State.SPEAKING)
            self._step(SILENCE)
            if waiting:
                time.sleep(CHUNK / RATE / 4)
