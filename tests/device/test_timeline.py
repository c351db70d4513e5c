import pytest

from device.cli.timeline import in_short, spans, timeline

TIMINGS = {
    "endpoint": 450.0,
    "transcribe": 120.0,
    "encode_picture": 80.0,
    "prefill_picture": 260.0,
    "first_token": 150.0,
    "first_speech": 600.0,
    "answer": 700.0,
    "first_audio": 810.0,
}


def test_stages_lie_one_after_the_other_between_the_last_word_and_the_first_sound():
    placed = {span.name: span for span in spans(TIMINGS)}
    assert placed["end of question"].start_ms == 0
    assert placed["end of question"].end_ms == 450
    assert 0 < placed["transcribe"].start_ms < 450  # at the first pause, not when the question has ended
    assert placed["transcribe"].end_ms == placed["first token"].start_ms
    assert placed["first speech"].end_ms == pytest.approx(810)
    assert placed["rest of answer"].end_ms == pytest.approx(910)
    assert placed["first sound"].start_ms == placed["first sound"].end_ms == 810


def test_an_answer_that_was_ready_early_is_not_drawn_late():
    placed = {span.name: span for span in spans(TIMINGS | {"first_speech": 200.0, "first_audio": 451.0})}
    assert placed["first speech"].end_ms < 450
    assert placed["first sound"].start_ms == 451


def test_bars_share_one_axis():
    lines = timeline(TIMINGS, 80)
    bars = {line[:16].strip(): line[18:] for line in lines}
    begins = {name: len(bar) - len(bar.lstrip()) for name, bar in bars.items()}
    assert begins["end of question"] == 0
    assert 0 < begins["transcribe"] < begins["first token"] < begins["first speech"] < begins["first sound"]
    assert bars["transcribe"].count("\u2588") < bars["end of question"].count("\u2588")
    assert bars["transcribe"].endswith("120 ms")
    assert "encode 80 ms, read 260 ms" in bars["picture"]


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_no_line_is_wider_than_asked(columns):
    assert max(map(len, timeline(TIMINGS, columns))) <= columns


def test_what_was_not_timed_is_left_out():
    assert timeline({}, 80) == []
    assert in_short({}) == in_short({"transcribe": 120.0}) == ""
    assert [span.name for span in spans({"transcribe": 120.0})] == ["transcribe"]
    assert in_short({"first_audio": 80.0}) == "first sound 0.08 s"
    assert len(timeline({"first_audio": 80.0}, 80)) == 1


def test_in_short_says_what_the_first_sound_waited_for():
    assert in_short(TIMINGS) == "first sound 0.81 s: pause 0.45, wait 0.36 (words 0.12, speech 0.60)"
