"""Our app for the glasses, unmodified, in the vendor's emulator: what it sends, draws and does without a host."""

import time

import numpy as np
import pytest

from firmware_bridge.halo import messages
from firmware_bridge.halo.app_source import FILE, VERSION_FILE, source, version
from firmware_bridge.halo.messages import (
    Audio,
    Click,
    Codec,
    Failed,
    HelloBack,
    Line,
    PhotoEnd,
    PhotoPart,
    Spoken,
    Status,
    ToGlasses,
)
from firmware_bridge.halo.screen import Screen

emulator = pytest.importorskip("halo_emulator")


class Camera:
    """Frame.camera, which the emulator lacks: a JPEG that is ready after a few looks."""

    def __init__(self, jpeg: bytes) -> None:
        self.jpeg, self._left, self.asked, self._looks = jpeg, b"", [], 0
        self.asleep = True

    def table(self, lua):
        table = lua.table()
        table.power_save, table.capture = self.power_save, self.capture
        table.image_ready, table.read = self.ready, self.read
        return table

    def power_save(self, asleep):
        self.asleep = asleep

    def capture(self, settings):
        if self.asleep:
            raise ValueError("camera is asleep")
        if settings["resolution"] != 640:
            raise ValueError("resolution is not supported")
        self.asked.append(settings["quality"])
        self._left, self._looks = self.jpeg, 0

    def ready(self):
        self._looks += 1
        return self._looks > 3

    def read(self, count):
        data, self._left = self._left[:count], self._left[count:]
        return data.decode("latin-1") if data else None


class Glasses(emulator.HaloEmulator):
    """The emulator with a camera and with its speaker's settings kept."""

    def __init__(self, folder, jpeg=b""):
        super().__init__(folder, print_handler=lambda text: self.printed.append(text))
        self.printed: list[str] = []
        self.camera = Camera(jpeg) if jpeg else None
        self.microphone_settings: list[dict] = []
        self.sounds: list[str] = []
        start, play = self._microphone.start, self._sound.play_async

        def started(settings):
            self.microphone_settings.append({str(key): settings[key] for key in settings})
            start(settings)

        def played(name, options=None):
            self.sounds.append(str(name))
            return play(name, options)

        self._microphone.start, self._sound.play_async = started, played

    def _build_runtime(self):
        super()._build_runtime()
        if self.camera:
            self._lua.globals().frame.camera = self.camera.table(self._lua)

    def told(self):
        return [message for data in self.get_bluetooth_sent() if (message := messages.parse(data)) is not None]

    def tell(self, code, data=b"", size=200):
        """As the vendor's library cuts a message into packets."""
        packet = bytes([code, len(data) >> 8, len(data) & 255]) + data[: size - 3]
        self.inject_bluetooth_data(packet)
        for at in range(size - 3, len(data), size - 1):
            self.inject_bluetooth_data(bytes([code]) + data[at : at + size - 1])

    def wait(self, kind, count=1, seconds=3.0):
        """The messages of a kind, once there are so many."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = [message for message in self.told() if isinstance(message, kind)]
            if len(found) >= count:
                return found
            time.sleep(0.005)
        raise AssertionError(f"no {kind.__name__} came, only {self.told()}; printed {self.printed}")

    def until(self, fulfilled, seconds=3.0):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if fulfilled():
                return
            time.sleep(0.005)
        raise AssertionError(f"it did not happen; printed {self.printed}")

    def shown(self) -> np.ndarray:
        return np.asarray(self.get_framebuffer().convert("RGB"))


@pytest.fixture
def glasses(tmp_path, request):
    (tmp_path / FILE).write_text(source())
    (tmp_path / VERSION_FILE).write_text(version() + "\n")
    made = Glasses(tmp_path, getattr(request, "param", b""))
    made.start(FILE)
    made.until(lambda: "glint ready" in made.printed)
    made.tell(ToGlasses.HELLO, messages.hello(False))
    made.wait(HelloBack)
    yield made
    made.stop()
    assert not made.is_running()


def test_it_says_what_it_is(glasses):
    (back,) = glasses.wait(HelloBack)
    assert back.version == version()
    assert back.firmware.startswith("0.8.12")
    assert glasses.wait(Status)[0] == Status(0.85, False, 0, False, 0)


def test_every_packet_is_acknowledged_as_the_vendor_s_library_wants_it(glasses):
    before = glasses.get_bluetooth_sent().count(b"\x01\x00\x00")
    glasses.tell(ToGlasses.TEXT, messages.lines([Line("x" * 200, 1, 1, 1, (255, 255, 255))]), size=100)
    glasses.until(lambda: glasses.get_bluetooth_sent().count(b"\x01\x00\x00") == before + 3)


def test_it_tells_the_battery_and_counts_clicks(glasses):
    glasses.set_battery_level(12)
    glasses.inject_button_single()
    (click,) = glasses.wait(Click)
    assert click == Click(1, 1)
    glasses.tell(ToGlasses.CLICKED, b"\1")
    glasses.tell(ToGlasses.PING)
    assert glasses.wait(Status, 2)[-1] == Status(0.12, False, 0, False, 1)


def test_a_double_tap_and_a_double_click(glasses):
    glasses.inject_imu_tap("double")
    assert glasses.wait(Click) == [Click(2, None)]
    glasses.inject_button_double()
    assert glasses.wait(Click, 2)[1] == Click(2, 1)


def test_a_click_that_nobody_confirms_is_told_again_and_at_last_to_the_wearer(glasses):
    glasses.inject_button_single()
    clicks = glasses.wait(Click, 3, seconds=4)
    assert set(clicks) == {Click(1, 1)}
    glasses.until(lambda: glasses.sounds == ["hit"])
    assert glasses.shown()[115:140].any()  # "No answer"


def test_the_microphone_sends_whole_numbered_frames(glasses):
    glasses.tell(ToGlasses.MICROPHONE, messages.microphone(5, Codec.LC3, 32))
    glasses.until(lambda: glasses.microphone_settings)
    settings = glasses.microphone_settings[-1]
    assert (settings["encoder"], settings["sample_rate"], settings["bitrate"], settings["duration"]) == (
        "lc3", 16000, 32000, 1000,
    )  # fmt: skip
    noise = np.random.default_rng(1).bytes(40 * 100)
    for at in range(0, len(noise), 250):  # never at the boundary of a frame
        glasses.inject_microphone_data(noise[at : at + 250])
    glasses.until(lambda: sum(len(audio.frames) for audio in glasses.told() if isinstance(audio, Audio)) == 4000)
    heard = glasses.wait(Audio)
    assert b"".join(audio.frames for audio in heard) == noise
    assert {audio.stream for audio in heard} == {5}
    assert all(len(audio.frames) % 40 == 0 for audio in heard)
    number = 0
    for audio in heard:
        assert audio.number == number
        number += len(audio.frames) // 40
    assert max(map(len, glasses.get_bluetooth_sent())) <= 240


@pytest.mark.parametrize(("codec", "depth"), [(Codec.PCM16, 16), (Codec.PCM8, 8)])
def test_the_microphone_in_pcm(glasses, codec, depth):
    glasses.tell(ToGlasses.MICROPHONE, messages.microphone(1, codec, 0))
    glasses.until(lambda: glasses.microphone_settings)
    assert glasses.microphone_settings[-1]["encoder"] == "pcm"
    assert glasses.microphone_settings[-1]["bit_depth"] == depth
    samples = np.random.default_rng(1).bytes(1600)
    glasses.inject_microphone_data(samples)
    glasses.until(lambda: sum(len(audio.frames) for audio in glasses.told() if isinstance(audio, Audio)) == 1600)
    assert b"".join(audio.frames for audio in glasses.wait(Audio)) == samples


def test_the_microphone_goes_off_when_it_is_told_to_and_when_the_link_drops(glasses):
    for switch_off in (
        lambda: glasses.tell(ToGlasses.MICROPHONE, messages.microphone(0, Codec.OFF, 0)),
        lambda: setattr(glasses._bluetooth, "_connected", False),
    ):
        glasses.tell(ToGlasses.MICROPHONE, messages.microphone(1, Codec.LC3, 32))
        glasses.until(lambda: glasses._microphone._streaming)
        switch_off()
        glasses.until(lambda: not glasses._microphone._streaming)


def test_the_wearer_hears_and_sees_that_the_host_is_gone_and_that_it_is_back(glasses):
    glasses.tell(ToGlasses.MICROPHONE, messages.microphone(1, Codec.LC3, 32))
    glasses._bluetooth._connected = False
    glasses.until(lambda: glasses.sounds == ["hit"])
    assert glasses.shown()[115:140].any()
    glasses._bluetooth._connected = True
    time.sleep(0.1)
    assert glasses.sounds == ["hit"]  # a link alone is no host
    glasses.tell(ToGlasses.HELLO, messages.hello(True))
    glasses.until(lambda: glasses.sounds == ["hit", "pickup"])
    assert not glasses.shown()[115:140].any()
    assert not glasses._microphone._streaming


def test_a_host_that_falls_silent_is_gone_although_the_link_is_up(glasses):
    glasses.tell(ToGlasses.MICROPHONE, messages.microphone(1, Codec.LC3, 32))
    glasses.until(lambda: glasses._microphone._streaming)
    glasses.until(lambda: not glasses._microphone._streaming, seconds=9)
    assert glasses.sounds == ["hit"]


def test_a_click_without_a_host_is_answered_by_the_glasses(glasses):
    glasses._bluetooth._connected = False
    glasses.until(lambda: glasses.sounds == ["hit"])
    glasses.inject_button_single()
    glasses.until(lambda: glasses.sounds == ["hit", "hit"])


@pytest.mark.parametrize("glasses", [np.random.default_rng(1).bytes(30_001)], indirect=True)
def test_a_photo_comes_byte_for_byte_while_the_microphone_goes_on(glasses):
    glasses.tell(ToGlasses.MICROPHONE, messages.microphone(1, Codec.LC3, 32))
    glasses.until(lambda: glasses._microphone._streaming)
    glasses.inject_microphone_data(bytes(40_000))
    glasses.tell(ToGlasses.CAPTURE, messages.capture(3, 2, 512))
    (end,) = glasses.wait(PhotoEnd)
    parts = glasses.wait(PhotoPart)
    assert b"".join(part.data for part in parts) == glasses.camera.jpeg
    assert [part.index for part in parts] == list(range(len(parts)))
    assert end == PhotoEnd(3, len(parts), 30_001)
    assert glasses.camera.asked == ["MEDIUM"]
    kinds = [type(message) for message in glasses.told()]
    assert kinds[kinds.index(PhotoPart) : kinds.index(PhotoEnd)].count(Audio) > 10


@pytest.mark.parametrize("glasses", [np.random.default_rng(1).bytes(3_000)], indirect=True)
def test_a_photo_that_is_asked_for_twice_is_taken_once(glasses):
    for _ in range(2):
        glasses.tell(ToGlasses.CAPTURE, messages.capture(3, 4, 640))
    glasses.wait(PhotoEnd)
    glasses.tell(ToGlasses.CAPTURE, messages.capture(4, 0, 640))
    assert [end.photo for end in glasses.wait(PhotoEnd, 2)] == [3, 4]
    assert glasses.camera.asked == ["VERY_HIGH", "VERY_LOW"]


def test_what_cannot_be_done_is_said_and_the_app_goes_on(glasses):
    glasses.tell(ToGlasses.CAPTURE, messages.capture(3, 2, 640))
    assert glasses.wait(Failed)[0] == Failed(ToGlasses.CAPTURE, "no camera")
    glasses.tell(ToGlasses.MICROPHONE, bytes([1, 1, 200]))  # 1600 kbit/s
    assert "Bitrate" in glasses.wait(Failed, 2)[1].why or "bitrate" in glasses.wait(Failed, 2)[1].why
    glasses.tell(ToGlasses.TEXT, b"\3abc")
    assert glasses.wait(Failed, 3)[2].what == ToGlasses.TEXT
    glasses.tell(ToGlasses.PING)
    assert glasses.wait(Status, 2)


def test_half_a_message_is_forgotten_when_another_one_comes(glasses):
    glasses.inject_bluetooth_data(bytes([ToGlasses.TEXT, 1, 0]) + b"half of it")
    glasses.tell(ToGlasses.PING)
    glasses.wait(Status, 2)
    glasses.tell(ToGlasses.TEXT, messages.lines([Line("whole", 60, 120, 2, (255, 255, 255))]))
    glasses.until(lambda: glasses.shown()[110:140].any())


def test_a_message_that_is_too_long_is_said_to_be_garbled(glasses):
    glasses.inject_bluetooth_data(bytes([ToGlasses.TEXT, 0, 4]) + b"abc")
    glasses.inject_bluetooth_data(bytes([ToGlasses.TEXT]) + b"defgh")
    assert glasses.wait(Failed)[0] == Failed(ToGlasses.TEXT, "garbled")


def test_nonsense_does_not_end_it(glasses):
    noise = np.random.default_rng(3)
    for _ in range(300):
        glasses.inject_bluetooth_data(noise.bytes(int(noise.integers(0, 60))))
    glasses.tell(ToGlasses.HELLO, messages.hello(False))
    glasses.wait(HelloBack, 2)


def test_the_speaker_is_opened_and_closed(glasses):
    glasses.tell(ToGlasses.SPEAKER, messages.speaker(Codec.LC3, 32, 70))
    assert glasses.wait(Spoken) == [Spoken(True)]
    assert glasses._speaker._streaming
    assert glasses._speaker._volume == 70
    glasses.tell(ToGlasses.SPEAKER, messages.speaker(Codec.OFF, 0, 0))
    assert glasses.wait(Spoken, 2)[1] == Spoken(False)
    assert not glasses._speaker._streaming


def test_cards_are_drawn_as_they_were_made(glasses):
    from PIL import Image

    from device.cards.card import text_card
    from device.cards.display import screen as card_pixels

    cards = [text_card("Glint", "This is a pineapple on a wooden table.")]
    screen = Screen()
    screen.show(cards)
    for message in screen.missing("halo", pictures=True):
        glasses.tell(*message)
        screen.sent(message)
    wanted = np.asarray(Image.fromarray(card_pixels(cards)).resize((196, 196), Image.Resampling.LANCZOS)).astype(int)
    glasses.until(lambda: np.abs(glasses.shown()[30:226, 30:226].astype(int) - wanted).mean() < 3.0)
    y, x = np.nonzero(glasses.shown()[:226].any(axis=2))
    assert np.hypot(x - 127.5, y - 127.5).max() < 128  # within the round display
    glasses.tell(ToGlasses.CLEAR)
    glasses.until(lambda: not glasses.shown().any())


def test_lines_of_text_and_the_light(glasses):
    glasses.tell(ToGlasses.TEXT, messages.lines([Line("Glint", 90, 100, 2, (127, 224, 195))]))
    glasses.until(lambda: (glasses.shown()[100:116] == (127, 224, 195)).all(axis=2).any())
    glasses.tell(ToGlasses.LIGHT, messages.light(0, 200, 80))
    glasses.until(lambda: tuple(glasses.shown()[245, 127]) == (0, 200, 80))
    glasses.tell(ToGlasses.LIGHT, messages.light(0, 0, 0))
    glasses.until(lambda: not glasses.shown()[240:].any())
