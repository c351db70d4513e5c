"""The page as glasses, without a browser: what a tab sends, and what it is sent."""

import asyncio
import base64
import json
import threading
import time

import cv2
import numpy as np
import pytest

from device.cards.card import Card, Row, Rows, text_card
from device.cards.card import Picture as PicturePart
from device.evidence import Basis
from device.glasses import CHUNK, RATE, Light, Unplugged
from sim.page.glasses import PageGlasses
from sim.page.messages import Picture, Sound
from sim.page.tab import BACKLOG_S, Tab

pytestmark = pytest.mark.real_time


@pytest.fixture
def loop():
    """An event loop that runs in a thread, as the server's does."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def worn(loop):
    glasses = PageGlasses()
    glasses.wear(Tab(loop))
    sent(glasses.tab, loop)
    return glasses


def sent(tab, loop):
    """All that is on its way: JSON messages as dicts, speech as bytes."""
    messages = []
    while True:
        coming = asyncio.run_coroutine_threadsafe(asyncio.wait_for(tab.next(), 0.2), loop)
        try:
            message = coming.result()
        except (asyncio.TimeoutError, TimeoutError):
            return messages
        messages.append(json.loads(message) if isinstance(message, str) else message)


def kinds(messages):
    return [message["type"] if isinstance(message, dict) else "speech" for message in messages]


def jpeg(value, size=(48, 64)):
    return cv2.imencode(".jpg", np.full((*size, 3), value, np.uint8))[1].tobytes()


def test_without_a_page_everything_is_unplugged_and_says_what_to_do():
    glasses = PageGlasses()
    for use in (
        lambda: glasses.microphone.read(0.1),
        glasses.camera.latest,
        lambda: glasses.speaker.play(np.zeros(9), RATE),
    ):
        with pytest.raises(Unplugged, match="open the simulator's page"):
            use()
    assert glasses.speaker.pending_s() == 0
    glasses.speaker.stop()
    glasses.show([text_card("You", "Hello")])  # nobody sees it yet


def test_sound_comes_in_chunks_in_order(worn):
    samples = np.arange(CHUNK * 2 + 100).astype(np.int16)
    for at in range(0, len(samples), 320):
        worn.ear.heard(Sound(RATE, samples[at : at + 320]))
    heard = [worn.microphone.read(0.1) for _ in range(3)]
    assert heard[2] is None  # the rest waits for more
    assert np.array_equal(np.concatenate(heard[:2]) * 32768, samples[: 2 * CHUNK])
    assert 0 <= worn.microphone.late_s() < 1


def test_sound_of_another_rate_is_resampled(worn):
    tone = (10_000 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)).astype(np.int16)
    for at in range(0, len(tone), 960):
        worn.ear.heard(Sound(48_000, tone[at : at + 960]))
    heard = []
    while (chunk := worn.microphone.read(0.05)) is not None:
        heard.append(chunk)
    heard = np.concatenate(heard)
    assert len(heard) == pytest.approx(RATE, rel=0.06)
    spectrum = np.abs(np.fft.rfft(heard[2000:12000]))
    assert np.argmax(spectrum) * RATE / 10_000 == pytest.approx(440, abs=3)


def test_a_loop_that_is_behind_loses_the_oldest_sound(worn):
    for second in range(15):
        worn.ear.heard(Sound(RATE, np.full(RATE, 100 * second, np.int16)))
    first = worn.microphone.read(0.1)
    assert first.mean() * 32768 >= 400


def test_a_frame_is_asked_for_one_at_a_time(worn, loop):
    assert worn.camera.latest() is None
    assert worn.camera.latest() is None
    assert kinds(sent(worn.tab, loop)) == ["look"]
    assert worn.eye.saw(Picture(5, jpeg(200))) is None
    frame = worn.camera.latest()
    assert frame.pixels.shape == (48, 64, 3)
    assert frame.pixels.mean() == pytest.approx(200, abs=3)
    assert worn.eye.number(frame) == 5
    assert kinds(sent(worn.tab, loop)) == ["look"]


def test_a_broken_picture_is_left_out(worn):
    worn.eye.saw(Picture(1, jpeg(90)))
    assert "broken JPEG" in worn.eye.saw(Picture(2, b"\xff\xd8\xff\xe0nonsense"))
    assert worn.camera.latest().pixels.mean() == pytest.approx(90, abs=3)


def test_the_shutter_and_the_microphone_say_why_they_are_off(worn):
    worn.eye.saw(Picture(1, jpeg(90)))
    worn.eye.switch(False, "The shutter is closed.")
    with pytest.raises(Unplugged, match=r"The shutter is closed\."):
        worn.camera.latest()
    worn.eye.switch(True, "")
    assert worn.camera.latest() is None  # what was seen before is not shown as now
    worn.ear.switch(False, "")
    with pytest.raises(Unplugged, match="The microphone is off"):
        worn.microphone.read(0.1)


def test_a_microphone_that_is_switched_off_keeps_no_reader_waiting(worn):
    threading.Timer(0.1, worn.ear.switch, (False, "")).start()
    start = time.monotonic()
    worn.microphone.read(60.0)
    assert time.monotonic() - start < 30


def test_what_is_said_goes_to_the_page_in_order_and_stops_at_once(worn, loop):
    worn.speaker.play(np.full(RATE, 0.5, np.float32), RATE)
    worn.speaker.play(np.full(22_050, 0.5, np.float32), 22_050)
    assert worn.speaker.pending_s() == pytest.approx(2, abs=0.3)
    worn.speaker.stop()
    assert worn.speaker.pending_s() == 0
    assert kinds(sent(worn.tab, loop)) == ["silence"]  # what had not left yet is not said


def test_the_radio_link_loses_what_is_said_meanwhile_and_shows_what_is_so_by_then(worn, loop):
    worn.reach(False)
    for use in (lambda: worn.microphone.read(0.1), worn.camera.latest, lambda: worn.speaker.play(np.zeros(9), RATE)):
        with pytest.raises(Unplugged, match="radio link"):
            use()
    worn.ear.heard(Sound(RATE, np.zeros(RATE, np.int16)))
    worn.show([text_card("Glint", "Hello")])
    worn.light(Light.BLUE)
    worn.press()
    assert "cards" not in kinds(sent(worn.tab, loop))
    worn.reach(True)
    assert not worn.pressed()
    messages = {message["type"]: message for message in sent(worn.tab, loop)}
    assert messages["cards"]["cards"] == [{"title": "Glint", "text": "Hello"}]
    assert pixels_of(messages["cards"]["screen"]).shape == (256, 256, 3)
    assert messages["light"]["colour"] == "blue"
    assert worn.microphone.read(0.05) is None


def pixels_of(address):
    """The picture in a data address."""
    kind, _, data = address.partition(";base64,")
    assert kind == "data:image/png"
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)


def test_a_card_that_shows_more_than_words_is_sent_once_and_again_to_a_new_tab(worn, loop):
    price = Row(Basis.VERBATIM, 0.9, (0.5, 0.5, 0.9, 0.9), "<b>milk</b>", "2.49")
    card = Card("Price", (Rows((price,)), PicturePart()), answer="It says 2.49 euros.")
    picture = np.full((60, 80, 3), 200, np.uint8)
    worn.show([text_card("You", "How much is it?"), card], picture)
    worn.show([text_card("You", "How much is it? And"), card], picture)
    messages = sent(worn.tab, loop)
    assert kinds(messages).count("card") == 1
    (html,) = [message["html"] for message in messages if message["type"] == "card"]
    assert "&lt;b&gt;milk" in html
    assert "data:image/jpeg" in html
    shown = [message for message in messages if message["type"] == "cards"][-1]
    assert shown["cards"][-1] == {"title": "Price", "text": "It says 2.49 euros."}
    assert pixels_of(shown["screen"]).max() > 200
    worn.wear(Tab(loop))
    assert kinds(sent(worn.tab, loop)).count("card") == 1


def test_push_to_talk_hears_silence_for_a_moment_after_it_is_let_go(worn):
    worn.ear.hold(True)
    worn.ear.heard(Sound(RATE, np.full(CHUNK, 5000, np.int16)))
    worn.ear.hold(False)
    worn.ear.heard(Sound(RATE, np.full(CHUNK, 5000, np.int16)))
    assert worn.microphone.read(0.1).max() > 0.1
    assert worn.microphone.read(0.1).max() == 0
    time.sleep(1.6)
    worn.ear.heard(Sound(RATE, np.full(CHUNK, 5000, np.int16)))
    assert worn.microphone.read(0.1).max() > 0.1


def test_a_question_that_is_typed_is_heard_even_without_a_microphone(worn):
    worn.ear.switch(False, "There is none.")
    speaking = threading.Thread(target=worn.ear.prompt, args=(np.full(4 * CHUNK, 0.25, np.float32),))
    speaking.start()
    time.sleep(0.02)
    heard = [worn.microphone.read(1.0) for _ in range(4)]
    speaking.join()
    assert np.concatenate(heard).min() == 0.25
    with pytest.raises(Unplugged):
        worn.microphone.read(0.1)


def test_a_new_tab_shows_what_is_so_and_remembers_nothing_of_the_last(worn, loop):
    worn.show([text_card("You", "Hello")])
    worn.eye.saw(Picture(1, jpeg(90)))
    worn.ear.heard(Sound(RATE, np.zeros(CHUNK, np.int16)))
    worn.wear(Tab(loop))
    assert set(kinds(sent(worn.tab, loop))) == {"silence", "cards", "light"}
    assert worn.camera.latest() is None
    assert worn.microphone.read(0.05) is None


def test_a_slow_page_loses_what_is_old_and_never_blocks(loop):
    tab, gate = Tab(loop), threading.Event()
    loop.call_soon_threadsafe(gate.wait)  # the server is busy, and nobody waits for it
    for number in range(5000):
        tab.send("saying", text=str(number))
        tab.send("note", text=str(number))
    for _ in range(90):
        tab.speech(np.zeros(RATE, np.float32), RATE)
    gate.set()
    messages = sent(tab, loop)
    assert tab.behind
    assert len(messages) <= 501
    assert sum(kind == "speech" for kind in kinds(messages)) <= BACKLOG_S
    assert [m["text"] for m in messages if isinstance(m, dict) and m["type"] == "saying"] in ([], ["4999"])
