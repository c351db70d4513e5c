"""What is sent of what is shown."""

import numpy as np

from device.cards.card import text_card
from device.glasses import Light
from firmware_bridge.halo.messages import ToGlasses
from firmware_bridge.halo.screen import ROUND, SIDE, STRIP, Screen, lines_of

LONG = "The sign says: no entry, except for residents and their guests, from eight in the morning until noon."


def codes(found) -> list[ToGlasses]:
    return [code for code, _ in found]


def send_all(screen: Screen, pictures: bool = True) -> list:
    found = screen.missing("halo", pictures)
    for message in found:
        screen.sent(message)
    return found


def test_at_first_the_display_is_cleared_and_the_light_is_off():
    screen = Screen()
    assert codes(send_all(screen)) == [ToGlasses.CLEAR, ToGlasses.LIGHT]
    assert send_all(screen) == []


def test_a_card_is_a_picture_in_strips_that_fit_what_the_glasses_unpack():
    screen = Screen()
    screen.show([text_card("Glint", LONG)])
    found = [data for code, data in send_all(screen) if code is ToGlasses.PICTURE]
    assert len(found) == SIDE // STRIP
    assert SIDE * STRIP // 2 <= 4096
    assert [data[0] for data in found] == [0] * (len(found) - 1) + [1]  # the last one is marked
    assert sum(map(len, found)) < 12_000


def test_only_what_has_changed_is_sent():
    screen = Screen()
    screen.show([text_card("Glint", "one")])
    whole = send_all(screen)
    screen.show([text_card("Glint", "one")])
    assert send_all(screen) == []
    screen.light(Light.GREEN)
    assert codes(send_all(screen)) == [ToGlasses.LIGHT]
    screen.show([text_card("Glint", "two")])
    assert 0 < len(send_all(screen)) < len(whole)


def test_an_empty_view_is_cleared_and_the_light_drawn_again():
    screen = Screen()
    screen.light(Light.BLUE)
    screen.show([text_card("Glint", "one")])
    send_all(screen)
    screen.show([])
    assert codes(send_all(screen)) == [ToGlasses.CLEAR, ToGlasses.LIGHT]


def test_glasses_that_began_anew_are_sent_everything():
    screen = Screen()
    screen.show([text_card("Glint", "one")])
    before = send_all(screen)
    screen.forget()
    assert send_all(screen) == before


def test_a_slow_link_gets_words():
    screen = Screen()
    screen.show([text_card("Glint", LONG)])
    found = send_all(screen, pictures=False)
    assert ToGlasses.PICTURE not in codes(found)
    text = next(data for code, data in found if code is ToGlasses.TEXT)
    assert b"until noon." in text
    assert len(text) < 180
    assert ToGlasses.CLEAR in codes(send_all(screen, pictures=True))  # and pixels once it is fast


def test_lines_stay_within_the_circle_and_keep_the_end():
    for words in ("Hi", LONG, "unpronounceableandverylongword " * 4, "", "Über 20 °C"):
        for line in lines_of(text_card("A title that is long", words)):
            corners = [(line.x - 1, line.y), (line.x - 1 + 16 * len(line.text), line.y + 16)]
            assert all(np.hypot(x - ROUND / 2, y - ROUND / 2) <= ROUND / 2 + 1 for x, y in corners)
    assert lines_of(text_card("Glint", LONG))[-1].text.endswith("noon.")


def test_frame_is_sent_whole_pictures_where_its_display_has_room():
    screen = Screen()
    for words in ("one", "two"):
        screen.show([text_card("Glint", words)])
        found = screen.missing("Frame", pictures=True)
        for message in found:
            screen.sent(message)
        strips = [data for code, data in found if code is ToGlasses.PICTURE]
        assert len(strips) == -(-256 // STRIP)
        assert (int.from_bytes(strips[0][1:3], "big"), int.from_bytes(strips[0][3:5], "big")) == (193, 73)
    assert screen.missing("Frame", pictures=True) == []


def test_whoever_draws_is_told():
    told = []
    screen = Screen(lambda: told.append(1))
    screen.show([])
    screen.light(Light.GREEN)
    assert len(told) == 2
