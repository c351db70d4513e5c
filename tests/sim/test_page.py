"""The page as its users meet it: `glint sim` with the real models, in real headless Chromium."""

import subprocess

import numpy as np
import pytest
from browser import browser, simulator, until
from said import RATE, room, said
from sound_server import SINK, SoundServer

from models.audio import open_wav, to_int16
from models.fetch import ensure
from models.moonshine import Moonshine

pytestmark = [pytest.mark.slow, pytest.mark.real_time]
LAPTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def address():
    with simulator() as address:
        yield address


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A question about a picture."""
    path = tmp_path_factory.mktemp("recording") / "question.wav"
    with open_wav(path, RATE) as file:
        pieces = [room(1), 0.8 * said("Hey Glint, what kind of fruit is this?"), room(3)]
        file.writeframes(to_int16(np.concatenate(pieces)).tobytes())
    return path


def put_on(page, address, picture=None):
    page.goto(address)
    if picture is not None:
        page.set_input_files("#pick", picture)
        until(lambda: page.inner_text("#source"))
    page.get_by_role("button", name="Put on").click()
    until(lambda: page.inner_text("#state") == "asleep")


def ask(page, question):
    turns = page.locator("#conversation li").count()
    page.get_by_label("Question to be said for you").fill(question)
    page.keyboard.press("Enter")
    until(lambda: page.locator("#conversation li").count() > turns)
    return page.locator("#conversation li").last.inner_text()


class Loudspeaker:
    """Records what comes out of the sound server's loudspeaker."""

    def __init__(self, folder):
        self._path = folder / "heard.raw"
        command = ["parec", f"--device={SINK}.monitor", "--format=s16le", "--channels=1", f"--rate={RATE}", "--raw"]
        with self._path.open("wb") as file:
            self._process = subprocess.Popen([*command, "--latency-msec=20"], stdout=file)

    def heard(self):
        """float32 [n] at RATE: everything until now."""
        self._process.terminate()
        self._process.wait(20)
        data = self._path.read_bytes()
        return np.frombuffer(data[: len(data) // 2 * 2], np.int16).astype(np.float32) / 32768


def test_a_question_goes_in_through_the_browser_and_the_answer_is_heard_coming_back(
    address, recording, demo_photo, tmp_path, monkeypatch
):
    server = SoundServer(tmp_path)
    server.start(monkeypatch)
    server.plug_voice()
    loudspeaker = Loudspeaker(tmp_path)
    try:
        with browser("real") as chromium:
            page = chromium.new_page(viewport=LAPTOP)
            put_on(page, address, demo_photo)
            page.wait_for_timeout(1000)
            server.say(recording)
            until(lambda: page.locator("#conversation li").count(), 90)
            until(lambda: page.inner_text("#state") == "listening")
            page.wait_for_timeout(800)
            assert "fruit" in page.inner_text("#conversation").lower()  # the first words are not always heard right
            assert "pineapple" in page.inner_text("#conversation").lower()
            assert "Glint" in page.inner_text("#cards")
            assert "green" in page.get_attribute("#led", "class")
            stages = page.locator("#timeline th").all_inner_texts()
            assert {"end of question", "transcribe", "first token", "first sound"} <= set(stages)
            widths = [box.bounding_box()["width"] for box in page.locator("#timeline .bar").all()]
            assert min(widths) >= 3
            assert max(widths) > 50
            assert "0 bytes" in page.inner_text("#receipt")
            assert "ineapple" in page.inner_text("#evidence-list")
            assert page.locator("#evidence-boxes .box").count() >= 1
            assert page.evaluate("document.getElementById('evidence-picture').naturalWidth") > 100
    finally:
        sound = loudspeaker.heard()
        server.close()
    voiced = np.flatnonzero(np.abs(sound) > 0.02)
    assert len(voiced), "nothing came out of the loudspeaker"
    words = Moonshine(ensure("moonshine-tiny-en")).text(sound[max(0, voiced[0] - 3200) : voiced[-1] + 6400])
    assert "pine" in words.lower() or "apple" in words.lower(), words


def test_what_is_typed_is_asked_aloud_and_an_answer_can_be_broken_off(address, demo_photo):
    with browser() as chromium:
        page = chromium.new_page(viewport=LAPTOP)
        put_on(page, address, demo_photo)
        assert "pineapple" in ask(page, "What is this?").lower()
        page.get_by_label("Question to be said for you").fill("Describe what you see.")
        page.keyboard.press("Enter")
        until(lambda: page.inner_text("#state") == "speaking")
        page.get_by_role("button", name="Wake").click()
        until(lambda: page.inner_text("#state") == "listening", 5)


def test_it_can_be_used_by_keyboard_alone_and_everything_has_a_name(address, demo_photo):
    with browser() as chromium:
        page = chromium.new_page(viewport=LAPTOP)
        page.goto(address)
        page.set_input_files("#pick", demo_photo)
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "put-on":
                break
        page.keyboard.press("Enter")
        until(lambda: page.inner_text("#state") == "asleep")
        page.keyboard.press("w")
        until(lambda: page.inner_text("#state") == "listening")
        page.keyboard.press("s")
        assert page.get_attribute("#shutter", "aria-pressed") == "true"
        page.keyboard.press("s")
        page.keyboard.press("m")
        until(lambda: "microphone is off" in page.inner_text("#note").lower())
        page.keyboard.press("m")
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll('button, input, video, img, [role]')]
            .filter((it) => !(it.textContent.trim()
                || it.getAttribute('aria-label') || it.getAttribute('aria-labelledby')
                || it.alt || it.labels?.length || it.getAttribute('role') || it.hidden)).map((it) => it.outerHTML)"""
        )
        assert unnamed == []
        assert page.locator("[role=status], [role=alert], [role=log]").count() >= 3


def test_sliders_and_faults_are_felt(address, demo_photo):
    with browser() as chromium:
        page = chromium.new_page(viewport=LAPTOP)
        put_on(page, address, demo_photo)
        page.get_by_label("Battery", exact=False).last.fill("12")
        until(lambda: "Battery low, 12 %" in page.inner_text("#cards"))
        page.get_by_label("Battery", exact=False).last.fill("100")
        until(lambda: "full power" in page.inner_text("#cards"))
        page.get_by_label("camera broken").check()
        assert "cannot see" in ask(page, "What is this?").lower()
        page.get_by_label("camera broken").uncheck()
        assert "pineapple" in ask(page, "What is this?").lower()
        page.get_by_label("radio link down").check()
        page.get_by_role("button", name="Wake").click()
        page.wait_for_timeout(500)
        page.get_by_label("radio link down").uncheck()
        until(lambda: page.inner_text("#state") in ("listening", "asleep"))
        assert "pineapple" in ask(page, "What is this?").lower()


def test_two_tabs_and_one_that_closes_in_the_middle_of_an_answer(address, demo_photo):
    with browser() as chromium:
        first, second = chromium.new_page(), chromium.new_page()
        put_on(first, address, demo_photo)
        second.goto(address)
        second.get_by_role("button", name="Put on").click()
        until(lambda: "worn in another tab" in second.inner_text("#note"))
        assert first.inner_text("#state") == "asleep"
        second.set_input_files("#pick", demo_photo)
        second.get_by_role("button", name="Put on").click()
        until(lambda: "Another tab" in first.inner_text("#note"))
        until(lambda: second.inner_text("#state") == "asleep")
        second.get_by_label("Question to be said for you").fill("Describe what you see.")
        second.keyboard.press("Enter")
        until(lambda: second.inner_text("#state") == "speaking")
        second.close()
        put_on(first, address, demo_photo)
        assert "pineapple" in ask(first, "What is this?").lower()


def test_a_browser_that_permits_nothing_says_so_and_still_answers(address, demo_photo):
    with browser(devices=None) as chromium:
        page = chromium.new_page()
        put_on(page, address)
        until(lambda: "gives no microphone" in page.inner_text("#trouble"))
        until(lambda: "gives no camera" in page.inner_text("#trouble"))
        page.set_input_files("#pick", demo_photo)
        assert "pineapple" in ask(page, "What is this?").lower()


def test_files_that_are_no_pictures_and_folders_and_videos(address, demo_photo, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    (tmp_path / "notes.txt").write_text("hello")
    with browser() as chromium:
        page = chromium.new_page(viewport=LAPTOP)
        page.goto(address)
        page.set_input_files("#pick", tmp_path / "notes.txt")
        until(lambda: "no picture and no video" in page.inner_text("#note"))
        page.set_input_files("#pick", tmp_path / "broken.jpg")
        until(lambda: "broken.jpg cannot be read" in page.inner_text("#note"))
        page.set_input_files("#pick", [demo_photo, tmp_path / "broken.jpg"])
        until(lambda: "broken.jpg cannot be read" in page.inner_text("#note"))


@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_nothing_is_cut_off_on_a_laptop_and_on_a_phone(address, demo_photo, size, tmp_path):
    with browser() as chromium:
        page = chromium.new_page(viewport=size)
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        put_on(page, address, demo_photo)
        ask(page, "What is this?")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        outside = page.evaluate(
            """(width) => [...document.querySelectorAll('main *:not(.hidden):not(.hidden *)')].filter((it) => {
                const box = it.getBoundingClientRect();
                return box.width && (box.left < -1 || box.right > width + 1) && getComputedStyle(it).opacity !== '0';
            }).map((it) => it.outerHTML.slice(0, 80))""",
            size["width"],
        )
        assert outside == []
        assert faults == []
        picture = page.screenshot(full_page=True)
        assert len(picture) > 20_000


def test_an_answer_that_is_better_seen_is_a_card_whose_rows_point_at_the_picture(address, tmp_path):
    from PIL import Image

    from tests.drawn_text import drawn

    sign = tmp_path / "sign.png"
    Image.fromarray(drawn("EXIT\n<b>Closed</b>", (640, 480), 90, (60, 90))).save(sign)
    with browser() as chromium:
        page = chromium.new_page(viewport=LAPTOP)
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        put_on(page, address, sign)
        said = ask(page, "Read this sign.")
        assert "exit" in said.lower(), said
        card = page.locator("#card .glint")
        until(card.count)
        assert "<b>Closed" in card.inner_text()
        assert card.locator("b").count() == 0
        row = card.get_by_role("button", name="EXIT")
        row.focus()
        page.keyboard.press("Enter")
        assert card.locator("g.chosen").count() == 1
        assert row.get_attribute("aria-pressed") == "true"
        assert page.evaluate("document.querySelector('#card img').naturalWidth") > 100
        assert page.evaluate("document.getElementById('screen').naturalWidth") == 256
        assert page.locator("#screen").get_attribute("alt")
        assert faults == []


def test_no_address_but_its_own_is_asked_for_anything(address, demo_photo):
    with browser() as chromium:
        page = chromium.new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        put_on(page, address, demo_photo)
        assert {url.split("/static/")[0].rstrip("/") for url in asked if not url.startswith(("blob:", "data:"))} == {
            address.rstrip("/")
        }


def test_within_a_device_profile_the_gauges_are_the_devices():
    with simulator("--profile", "halo-host") as address, browser() as chromium:
        page = chromium.new_page()
        put_on(page, address)
        assert "Brilliant" in page.inner_text("#about")
        shown = page.inner_text("#celsius-value")
        page.get_by_label("Temperature").fill("65")
        until(lambda: "Too hot" in page.inner_text("#cards"))
        page.wait_for_timeout(3000)
        cooler = page.inner_text("#celsius-value")
        assert int(shown.split()[0]) < int(cooler.split()[0]) <= 65  # it cools down by itself from there


def test_a_box_is_drawn_where_the_evidence_lies(address):
    with browser() as chromium:
        page = chromium.new_page(viewport=LAPTOP)
        page.goto(address)
        drawn = page.evaluate(
            """async () => {
                const { boxesOf } = await import('./static/turn.js');
                const place = document.getElementById('evidence-shown');
                place.append(...boxesOf([
                    { finding: 'mug', box: [0.1, 0.2, 0.5, 0.6] }, { finding: 'kitchen', box: null },
                ]));
                const outer = place.getBoundingClientRect();
                return [...place.children].map((box) => {
                    const inner = box.getBoundingClientRect();
                    return [(inner.left - outer.left) / outer.width, (inner.top - outer.top) / outer.height,
                        (inner.right - outer.left) / outer.width, (inner.bottom - outer.top) / outer.height];
                });
            }"""
        )
        assert drawn == [pytest.approx([0.1, 0.2, 0.5, 0.6], abs=0.01)]
