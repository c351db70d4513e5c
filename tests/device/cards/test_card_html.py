"""The page that stands alone, in real headless Chromium, and what must not happen on it."""

import re
import time

import numpy as np
import pytest
from browser import browser

from device.cards.card import Card, Picture, Row, Rows, Shape, Text, Timer
from device.cards.html import export_html, fragment, page
from device.evidence import Basis
from models.errors import GlintError
from tests.device.cards.test_card_model import EVERYTHING, LEFT, RIGHT

ODD = "</p><script>window.evil = 1</script><img src=x onerror='window.evil = 1'>\"><svg onload=window.evil=1>&lt;b&gt;"
EVIL = Card(
    ODD,
    (
        Text(Basis.VERBATIM, 0.9, LEFT, ODD),
        Rows((Row(Basis.INFERRED, 0.9, RIGHT, ODD, ODD), Row(name=ODD, best=True)), Shape.LIST, ODD),
        Rows((Row(Basis.INFERRED, 0.9, RIGHT, ODD, ODD, 1.0),), Shape.BARS, ODD),
        Timer(ODD, 0.0, 1.0),
        Picture(),
    ),
    ODD,
    ODD,
    ODD,
)
PICTURE = np.random.default_rng(0).integers(0, 255, (120, 200, 3), np.uint8)


@pytest.fixture(scope="module")
def chromium():
    with browser(devices=None) as running:
        yield running


@pytest.fixture
def opened(chromium, tmp_path):
    """Exports a card and opens the file; whatever goes wrong or is asked for on the way fails the test."""
    faults, asked, contexts = [], [], []

    def show(card, width=1280, **options):
        path = tmp_path / "card.html"
        export_html(card, path, PICTURE)
        context = chromium.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: faults.append(message.text))
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(path.as_uri())
        return tab

    yield show
    for context in contexts:
        context.close()
    assert faults == []
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]


def test_what_was_read_can_do_nothing_on_the_page(opened):
    tab = opened(EVIL)
    tab.wait_for_timeout(300)
    assert tab.evaluate("window.evil") is None
    assert tab.locator("script").count() == 1
    assert tab.locator("article img").count() == 1
    assert tab.inner_text("article").count("<script>window.evil = 1</script>") >= 8
    for html in (fragment(EVIL, PICTURE), page(EVIL, PICTURE)):
        assert ODD not in html
        assert re.findall(r"<[^>]* on\w+=", html) == []


def test_a_script_that_slipped_through_would_not_run(chromium, tmp_path):
    """Two locks: should an escape be forgotten one day, the page itself allows no script but its own."""
    path = tmp_path / "card.html"
    path.write_text(page(EVERYTHING).replace("</article>", "<script>window.evil = 1</script></article>"))
    tab = chromium.new_page()
    tab.goto(path.as_uri())
    assert tab.evaluate("window.evil") is None
    tab.close()


def test_the_file_asks_for_nothing_and_holds_the_picture(opened):
    tab = opened(EVERYTHING)
    assert tab.evaluate("document.querySelector('article img').naturalWidth") == 200
    assert "http" not in page(EVERYTHING, PICTURE).replace("http-equiv", "")
    assert tab.title() == "Which?"
    assert tab.locator("h1").inner_text() == "Which?"


def test_a_row_and_its_place_choose_each_other_by_mouse_and_keyboard(opened):
    tab = opened(EVERYTHING)
    that = tab.get_by_role("button", name="that")
    place = tab.locator("figure g[data-place='2']")
    that.click()
    assert "chosen" in place.get_attribute("class")
    assert that.get_attribute("aria-pressed") == "true"
    assert tab.locator("g.chosen").count() == 1
    that.click()
    assert tab.locator("g.chosen").count() == 0
    tab.locator("body").click(position={"x": 1, "y": 1})
    for _ in range(8):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.textContent") == "that":
            break
    tab.keyboard.press("Enter")
    assert tab.locator("g.chosen").count() == 1
    tab.keyboard.press("Escape")
    assert tab.locator("g.chosen").count() == 0
    place.locator("rect").last.click()
    assert that.get_attribute("aria-pressed") == "true"


def test_bars_and_boxes_are_where_the_values_and_places_are(opened):
    tab = opened(EVERYTHING)
    widths = [box.bounding_box()["width"] for box in tab.locator(".scale").all()]
    longest = tab.locator(".scale .amount").nth(1).bounding_box()["width"]
    assert longest == pytest.approx(widths[1], abs=1)
    picture = tab.locator("figure.looked").bounding_box()
    box = tab.locator("figure g[data-place='2']").locator("rect").last.bounding_box()
    top = (RIGHT[1] - 0.1) / 0.9  # the crop begins a tenth down
    assert (box["x"] - picture["x"]) / picture["width"] == pytest.approx(RIGHT[0], abs=0.02)
    assert (box["y"] - picture["y"]) / picture["height"] == pytest.approx(top, abs=0.02)


def test_a_timer_counts_down(opened):
    tab = opened(Card("Timer", (Timer("tea", time.time() + 62, 300),)))
    first = tab.get_by_role("timer").inner_text()
    tab.wait_for_timeout(2200)
    seconds = [60 * int(m) + int(s) for m, s in (t.split(":") for t in (first, tab.get_by_role("timer").inner_text()))]
    assert 1 <= seconds[0] - seconds[1] <= 4
    over = opened(Card("Timer", (Timer("tea", time.time() - 5, 300),)))
    assert over.get_by_role("timer").inner_text() == "0:00"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_cut_off_and_everything_can_be_told_from_the_ground(opened, width, scheme):
    tab = opened(EVERYTHING, width, color_scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    contrasts = tab.evaluate(
        """() => {
            const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map((v) => { v /= 255;
                return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126*r + .7152*g + .0722*b; };
            const ground = (it) => { for (; it; it = it.parentElement) {
                const c = getComputedStyle(it).backgroundColor; if (c !== 'rgba(0, 0, 0, 0)') return c; } };
            return [...document.querySelectorAll('article :is(h1, h2, p, th, td, button, li span, caption)')]
                .filter((it) => it.textContent.trim() && !it.closest('.hidden')).map((it) => {
                    const [a, b] = [light(getComputedStyle(it).color), light(ground(it))].sort((x, y) => y - x);
                    return (a + .05) / (b + .05); });
        }"""
    )
    assert len(contrasts) > 8
    assert min(contrasts) >= 4.5


def test_screen_readers_hear_guesses_and_see_a_table():
    html = fragment(EVERYTHING, PICTURE)
    assert "(a guess)" in html
    assert '<th scope="row">' in html
    assert 'alt="The picture that was looked at, with the places marked"' in html
    assert html.count('aria-hidden="true"') >= 3  # bars and boxes say nothing that the words do not


def test_without_a_picture_nothing_points_at_one():
    card = Card("Why", (Rows((Row(Basis.VERBATIM, box=LEFT, name="EXIT"),), Shape.LIST),))
    assert "<button" not in fragment(card)
    assert "<button" not in fragment(EVERYTHING)
    assert "<figure" not in fragment(EVERYTHING)


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(GlintError, match="cannot be written"):
        export_html(EVERYTHING, tmp_path / "nowhere" / "card.html")
