"""The display's side of the line alone, against glasses that answer late."""

import time
from collections import deque

import pytest

from device.cards.card import text_card
from firmware_bridge.stream.messages import Abilities, DisplayFormat, DisplayTaken
from firmware_bridge.stream.view import WINDOW, View


@pytest.mark.parametrize("late_s", [0.0, 0.1, 0.4])
def test_a_line_that_is_slow_does_not_make_it_send_everything_again_and_again(late_s):
    view, answers = View(), deque()
    view.show([text_card("Glint", "A pineapple beside a bottle.")])
    view.begin(Abilities(session=1, display=DisplayFormat.RGB565, width=128, height=128))
    next_, sent, ends = 0, 0, time.monotonic() + 10
    while not view.updates:
        now = time.monotonic()
        assert now < ends
        for part in view.due(now):
            sent += len(part.data)
            next_ += len(part.data) if part.offset == next_ else 0
            answers.append((now + late_s, DisplayTaken(number=part.number, next=next_)))
            total, size = part.total, len(part.data)
            assert part.offset <= next_ + WINDOW * size
        while answers and answers[0][0] <= now:
            view.take(answers.popleft()[1])
        time.sleep(0.002)
    assert next_ == total
    assert sent <= (1.0 if late_s < 0.25 else 2.5) * total
    assert list(view.due(time.monotonic())) == []
