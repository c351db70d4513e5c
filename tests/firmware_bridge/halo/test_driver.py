"""The whole host side over an emulated Bluetooth, with the vendor's library and emulator, on a clock that runs fast."""

import asyncio
import io
import random
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from PIL import Image
from said import said

from device.cards.card import text_card
from device.cards.display import screen as card_pixels
from device.glasses import RATE, Light, Unplugged
from firmware_bridge.halo.driver import Driver
from firmware_bridge.halo.session import State, Timings

radio = pytest.importorskip("sim.radio")


class Wearer:
    """Somebody who wears emulated glasses, beside the driver that serves them."""

    def __init__(self, halo, air, driver: Driver, task: asyncio.Task) -> None:
        self.halo, self.air, self.driver, self.task = halo, air, driver, task
        self.notes: list[str] = []
        self.states: list[State] = []

    @property
    def state(self) -> State:
        return self.driver.session.state

    async def until(self, fulfilled: Callable[[], object], seconds: float = 40.0) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not fulfilled():
            assert loop.time() < end, f"waited {seconds} s: {self.state}, {self.driver.session.problem}, {self.notes}"
            await asyncio.sleep(0.02)

    async def runs(self, seconds: float = 60.0) -> None:
        await self.until(lambda: self.state is State.RUN, seconds)

    async def uses(self, seconds: float, look: bool = False) -> np.ndarray:
        """Listens, and looks, as the live loop does; what was heard."""
        loop, heard = asyncio.get_running_loop(), []
        end = loop.time() + seconds
        while loop.time() < end:
            try:
                if (chunk := self.driver.ear.read(0)) is not None:
                    heard.append(chunk)
                if look:
                    self.driver.eye.latest()
            except Unplugged:
                pass
            if not heard or chunk is None:
                await asyncio.sleep(0.01)
        return np.concatenate(heard) if heard else np.zeros(0, np.float32)


def wear(
    scene: Callable[[Wearer], Awaitable[None]], name: str | None = None, others: tuple = (), **halo: object
) -> Wearer:
    """Plays a scene, begun before the glasses are found; everything must end well within its deadlines."""

    async def life() -> Wearer:
        loop = asyncio.get_running_loop()
        worn = radio.EmulatedHalo(**halo)
        with radio.fake_bluetooth([*others, worn]) as air:
            driver = Driver(
                name,
                Timings(),
                random.Random(1),
                clock=loop.time,
                on_note=lambda text: wearer.notes.append(text),
                on_state=lambda state: wearer.states.append(state),
            )
            wearer = Wearer(worn, air, driver, asyncio.create_task(driver.run()))
            await scene(wearer)
            began = loop.time()
            driver.stop()
            await wearer.task
            assert loop.time() - began < 2.5
            assert not worn.listening
            assert not worn.connected
            return wearer

    return radio.run_fast(life())


@pytest.fixture(scope="module")
def pineapple(demo_photo) -> np.ndarray:
    image = Image.open(demo_photo).convert("RGB")
    image.thumbnail((640, 480))
    return np.asarray(image)


@pytest.mark.parametrize("mtu", [512, 247, 185])
def test_the_first_time_from_nothing_to_running_and_the_second_time_without_sending_the_app(mtu):
    async def scene(wearer):
        await wearer.runs()
        first = list(wearer.states)
        assert first == [
            State.SCAN, State.CONNECT, State.GREET, State.CHECK, State.UPLOAD, State.ATTACH, State.RUN,
        ]  # fmt: skip
        wearer.halo.reboot()
        await wearer.until(lambda: wearer.state is not State.RUN)
        await wearer.runs()
        assert State.UPLOAD not in wearer.states[len(first) :]
        assert wearer.driver.attached_to[0] == "Halo 4F"

    wear(scene, mtu=mtu)


@pytest.mark.parametrize("mtu", [512, 247, 185])
def test_a_click_a_photo_a_card_and_both_ways_of_sound(mtu, pineapple):
    question = said("What is written on the sign above the door?")

    async def scene(wearer):
        driver, halo = wearer.driver, wearer.halo
        await wearer.runs()
        halo.press()
        await wearer.until(driver.pressed, 2)
        assert not driver.pressed()
        halo.tap("double")
        await wearer.until(driver.pressed, 2)
        halo.tap("single")
        await asyncio.sleep(0.5)
        assert not driver.pressed()

        await wearer.uses(1.0)
        halo.hear(question)
        heard = await wearer.uses(len(question) / RATE + 0.5)
        # The same speech: the best match of the two loudness curves is near 1.
        assert _alike(heard, question) > 0.9
        assert driver.ear.lost_frames == 0

        await wearer.uses(5.0, look=True)
        frame = driver.eye.latest()
        assert frame is not None
        assert frame.pixels.shape[1] == 640
        sent = np.asarray(Image.fromarray(pineapple).resize(frame.pixels.shape[1::-1]))
        assert np.abs(frame.pixels.astype(int) - sent).mean() < 12
        assert 0 <= asyncio.get_running_loop().time() - frame.at < 5

        cards = [text_card("Glint", "A pineapple.")]
        driver.screen.show(cards)
        driver.screen.light(Light.BLUE)
        wanted = np.asarray(Image.fromarray(card_pixels(cards)).resize((196, 196), Image.Resampling.LANCZOS)).astype(
            int
        )
        await wearer.until(lambda: np.abs(_pixels(halo)[30:226, 30:226] - wanted).mean() < 3, 8)
        await wearer.until(lambda: tuple(_pixels(halo)[245, 127]) == (60, 120, 255), 4)

        began = asyncio.get_running_loop().time()
        driver.mouth.play(question, RATE)
        await wearer.until(lambda: driver.mouth.pending_s() == 0, 10)
        await asyncio.sleep(0.5)
        assert _alike(halo.spoken(began), question) > 0.9
        assert not halo.machine.errors

    wear(scene, mtu=mtu, picture=pineapple)


def test_a_photo_comes_as_the_camera_made_it(pineapple):
    async def scene(wearer):
        await wearer.runs()
        taken: list[bytes] = []
        wearer.halo.spoil_photo(lambda jpeg: taken.append(jpeg) or jpeg)
        await wearer.until(lambda: wearer.driver.eye.latest() is not None, 8)
        pixels = wearer.driver.eye.latest().pixels
        assert np.array_equal(pixels, np.asarray(Image.open(io.BytesIO(taken[0])).convert("RGB")))

    wear(scene, picture=pineapple)


def test_the_microphone_is_off_without_a_link_and_old_sound_is_never_heard(pineapple):
    async def scene(wearer):
        driver, halo = wearer.driver, wearer.halo
        with pytest.raises(Unplugged, match="looking for the glasses"):
            driver.ear.read(0)
        await wearer.runs()
        await wearer.uses(1.0)
        assert halo.listening
        halo.hear(np.full(20 * RATE, 0.5, np.float32))
        await asyncio.sleep(0.5)  # unread sound piles up
        halo.drop()
        await asyncio.sleep(0.05)
        assert not halo.listening
        with pytest.raises(Unplugged, match="lost"):
            driver.ear.read(0)
        assert halo.sounds[-1][1] == "hit"
        assert halo.texts[-1][1] == "No Glint"
        halo._said.clear()  # nobody speaks any more
        await wearer.runs()
        assert np.abs(await wearer.uses(3.0)).max() < 0.05
        assert halo.listening
        assert halo.sounds[-1][1] == "pickup"
        assert "Halo 4F is back." in wearer.notes
        assert any("is lost" in note for note in wearer.notes)

    wear(scene)


def test_nobody_listens_and_the_microphone_goes_off():
    async def scene(wearer):
        await wearer.runs()
        assert not wearer.halo.listening
        await wearer.uses(1.0)
        assert wearer.halo.listening
        await wearer.until(lambda: not wearer.halo.listening, 6)

    wear(scene)


def test_a_dropped_link_silences_what_was_said_and_the_speaker_says_so():
    async def scene(wearer):
        await wearer.runs()
        wearer.driver.mouth.play(np.zeros(5 * RATE, np.float32), RATE)
        await asyncio.sleep(0.5)
        wearer.halo.drop()
        await asyncio.sleep(0.05)
        assert wearer.driver.mouth.pending_s() == 0
        with pytest.raises(Unplugged):
            wearer.driver.mouth.play(np.zeros(100, np.float32), RATE)
        with pytest.raises(Unplugged):
            wearer.driver.eye.latest()

    wear(scene)


def test_stop_is_heard_within_the_time_that_may_be_ahead():
    async def scene(wearer):
        loop, rng = asyncio.get_running_loop(), np.random.default_rng(1)
        await wearer.runs()
        wearer.driver.mouth.play(rng.normal(0, 0.2, 5 * RATE).astype(np.float32), RATE)
        await asyncio.sleep(2.0)
        wearer.driver.mouth.stop()
        stopped = loop.time()
        await asyncio.sleep(1.5)
        after = wearer.halo.spoken(stopped + 0.5)
        assert not len(after) or np.abs(after).max() < 1e-3

    wear(scene)


@pytest.mark.parametrize("trouble", ["crash", "stall", "deafen"])
def test_an_app_that_does_not_answer_is_started_again(trouble):
    async def scene(wearer):
        await wearer.runs()
        await wearer.uses(1.0)
        {
            "crash": wearer.halo.crash,
            "stall": lambda: wearer.halo.stall(8),
            "deafen": lambda: wearer.halo.deafen(8),
        }[trouble]()
        await wearer.until(lambda: wearer.state is not State.RUN, 12)
        await wearer.runs()
        assert "Halo 4F is back." in wearer.notes
        assert wearer.halo.sounds[-1][1] == "pickup"
        assert len(await wearer.uses(2.0)) > RATE

    wear(scene)


def test_an_app_that_ends_is_noticed_at_once():
    async def scene(wearer):
        loop = asyncio.get_running_loop()
        await wearer.runs()
        began = loop.time()
        wearer.halo.crash()
        await wearer.until(lambda: wearer.state is not State.RUN, 1)
        await wearer.until(lambda: wearer.halo.sounds, 4)
        assert loop.time() - began < 3
        assert "Our app on Halo 4F has ended; I start it again." in wearer.notes

    wear(scene)


@pytest.mark.parametrize(
    "spoil",
    [lambda jpeg: jpeg[:900], lambda jpeg: None, lambda jpeg: b"\xff\xd8" + bytes(3000) + b"\xff\xd9"],
    ids=["cut off", "no photo", "nonsense"],
)
def test_a_broken_photo_is_taken_again(spoil, pineapple):
    async def scene(wearer):
        await wearer.runs()
        wearer.halo.spoil_photo(spoil)
        await wearer.until(lambda: wearer.driver.eye.latest() is not None, 12)
        assert wearer.state is State.RUN
        assert State.DEGRADE not in wearer.states

    wear(scene, picture=pineapple)


def test_a_camera_that_brings_nothing_is_said_and_asked_again(pineapple):
    async def scene(wearer):
        await wearer.runs()
        for _ in range(3):
            wearer.halo.spoil_photo(lambda jpeg: jpeg[:500])
        said_so = []

        def gone() -> bool:
            try:
                wearer.driver.eye.latest()
            except Unplugged as why:
                said_so.append(str(why))
            return bool(said_so)

        await wearer.until(gone, 20)
        assert "The camera of Halo 4F brings no picture" in said_so[0]

        def seen() -> bool:
            try:
                return wearer.driver.eye.latest() is not None
            except Unplugged:
                return False

        await wearer.until(seen, 20)

    wear(scene, picture=pineapple)


def test_bluetooth_that_is_off_is_said_and_tried_again():
    async def scene(wearer):
        wearer.air.off_until = asyncio.get_running_loop().time() + 7
        await wearer.until(lambda: any("Bluetooth is off" in note for note in wearer.notes), 5)
        with pytest.raises(Unplugged, match="switch it on"):
            wearer.driver.ear.read(0)
        await wearer.runs()

    wear(scene)


def test_glasses_that_are_not_there_are_said_and_looked_for_again():
    async def scene(wearer):
        wearer.halo.hide(25)
        await wearer.until(lambda: any("was not found" in note for note in wearer.notes), 12)
        await wearer.runs()

    wear(scene)


def test_other_glasses_are_named_and_left_alone():
    other = radio.EmulatedHalo(name="Halo 08")

    async def scene(wearer):
        wearer.halo.hide(20)
        await wearer.until(lambda: any("Halo 08" in note for note in wearer.notes), 15)
        await wearer.runs()
        assert wearer.driver.attached_to[0] == "Halo 4F"
        assert not other.connected

    wear(scene, name="Halo 4F", others=(other,))


def test_old_firmware_is_one_sentence_and_no_upload():
    async def scene(wearer):
        await wearer.until(lambda: any("too old (0.7.9; 0.8.7 is needed)" in note for note in wearer.notes), 20)
        await asyncio.sleep(60)
        assert State.UPLOAD not in wearer.states
        assert wearer.states.count(State.SCAN) <= 4

    wear(scene, firmware="0.7.9")


def test_firmware_whose_packets_run_into_each_other_is_sent_one_at_a_time(pineapple):
    async def scene(wearer):
        await wearer.runs()
        assert wearer.driver._attaching.link().receive_buffer_size == 1
        wearer.driver.screen.show([text_card("Glint", "A pineapple on a wooden table, and a knife.")])
        await wearer.uses(4.0, look=True)
        assert wearer.driver.eye.latest() is not None
        assert not wearer.halo.machine.errors
        assert _pixels(wearer.halo)[30:226].any()

    wear(scene, firmware="0.8.8", picture=pineapple)


def test_a_click_that_gets_lost_counts_once_in_the_end():
    async def scene(wearer):
        now = asyncio.get_running_loop().time
        await wearer.runs()
        wearer.halo.link.storms.append(radio.Storm(now(), now() + 0.5, drop=1.0, ways=(radio.DOWN,)))
        wearer.halo.press()
        await asyncio.sleep(0.4)
        assert not wearer.driver.pressed()
        await wearer.until(wearer.driver.pressed, 3)
        await asyncio.sleep(6.0)
        assert not wearer.driver.pressed()
        assert wearer.halo.sounds == []

    wear(scene)


def test_a_click_in_the_moment_in_which_it_begins_to_run_counts_once():
    async def scene(wearer):
        await wearer.until(lambda: wearer.state is State.ATTACH)
        await wearer.until(lambda: wearer.driver.attached_to[2])
        await wearer.runs()
        wearer.halo.press()  # before anything else has been done
        await wearer.until(wearer.driver.pressed, 3)
        await asyncio.sleep(3.0)
        assert not wearer.driver.pressed()

    wear(scene)


def test_a_slow_link_gets_small_photos_and_words_and_a_fast_one_better_ones_again(pineapple):
    link = radio.Link(bytes_per_s=7_000)

    async def scene(wearer):
        driver = wearer.driver
        await wearer.runs(120)
        driver.screen.show([text_card("Glint", "Slowly.")])
        await wearer.uses(30.0, look=True)
        assert driver.quality.level.name in ("poor", "low")
        assert wearer.halo.listening
        assert wearer.driver.eye.latest() is not None  # a photo takes several seconds there
        assert State.DEGRADE not in wearer.states
        await wearer.uses(12.0)  # nobody looks: the microphone may change its codec
        heard = await wearer.uses(5.0)
        assert len(heard) > 4.8 * RATE  # sound comes first
        link.bytes_per_s = 150_000
        await wearer.uses(60.0, look=True)
        assert driver.quality.level.name in ("good", "best")

    wear(scene, link=link, picture=pineapple)


def test_a_low_battery_reaches_the_gauge():
    async def scene(wearer):
        await wearer.runs()
        wearer.halo.battery = 0.12
        await wearer.until(lambda: wearer.driver.condition().battery == 0.12, 5)

    wear(scene)


def test_glasses_that_do_not_know_this_computer_are_paired():
    async def scene(wearer):
        await wearer.until(lambda: any("Hold the button" in note for note in wearer.notes), 30)
        wearer.halo.pair()
        await wearer.runs(120)
        assert State.BOND in wearer.states

    wear(scene, bonded=False)


@pytest.mark.parametrize("state", ["CONNECT", "GREET", "CHECK", "UPLOAD", "ATTACH", "RUN"])
def test_a_drop_in_any_state_is_got_over(state):
    async def scene(wearer):
        await wearer.until(lambda: wearer.state is State[state])
        await asyncio.sleep(0.2)
        wearer.halo.drop(0.1)
        await asyncio.sleep(0.5)
        await wearer.runs(90)
        assert len(await wearer.uses(2.0)) > RATE

    wear(scene)


@pytest.mark.parametrize("state", ["SCAN", "CONNECT", "GREET", "CHECK", "UPLOAD", "ATTACH", "WAIT"])
def test_closing_in_any_state_is_quick(state):
    async def scene(wearer):
        if state == "WAIT":
            wearer.halo.hide(30)
        await wearer.until(lambda: wearer.state is State[state])

    assert wear(scene).state is State.CLOSED


@pytest.mark.parametrize("fault", ["drop", "double", "merge", "swap"])
def test_packets_that_go_wrong_cost_nothing_that_lasts(fault, pineapple):
    async def scene(wearer):
        now = asyncio.get_running_loop().time
        await wearer.runs()
        wearer.halo.link.storms.append(radio.Storm(now(), now() + 15, **{fault: 0.1}))
        wearer.driver.screen.show([text_card("Glint", "In the storm.")])
        await wearer.uses(15.0, look=True)
        await wearer.runs()
        wearer.driver.screen.show([text_card("Glint", "After the storm.")])
        heard = await wearer.uses(8.0, look=True)
        assert len(heard) > 7 * RATE
        assert wearer.driver.eye.latest() is not None
        wearer.halo.press()
        await wearer.until(wearer.driver.pressed, 3)

    wear(scene, picture=pineapple)


def _pixels(halo) -> np.ndarray:
    return np.asarray(halo.screen().convert("RGB")).astype(int)


def _alike(heard: np.ndarray, sent: np.ndarray) -> float:
    """How well the loudness of the two agrees over time, in steps of 10 ms, at the best of all shifts: at most 1."""
    loud_heard, loud_sent = (np.abs(each[: len(each) // 160 * 160]).reshape(-1, 160).mean(1) for each in (heard, sent))
    assert len(loud_heard) >= 0.9 * len(loud_sent), "it is too short"
    padded = np.concatenate([np.zeros(len(loud_sent)), loud_heard, np.zeros(len(loud_sent))])
    best = 0.0
    for shift in range(len(padded) - len(loud_sent)):
        window = padded[shift : shift + len(loud_sent)]
        if window.std() > 0:
            best = max(best, float(np.corrcoef(window, loud_sent)[0, 1]))
    return best
