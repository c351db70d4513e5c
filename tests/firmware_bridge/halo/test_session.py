"""The state machine of a session: no radio, no clock."""

import random

import pytest

from firmware_bridge.halo.session import ATTEMPTS, Outcome, Session, State, Timings

STARTING = [(State.SCAN, Outcome.DONE), (State.CONNECT, Outcome.DONE)]


def session(*outcomes: Outcome) -> Session:
    made = Session(chance=random.Random(1))
    for outcome in outcomes:
        made.step(outcome, "a sentence.")
    return made


def test_the_first_time_the_app_is_sent():
    made = session()
    seen = [made.state]
    for outcome in (
        Outcome.DONE, Outcome.DONE, Outcome.SILENT, Outcome.OTHER_APP, Outcome.DONE, Outcome.DONE,
    ):  # fmt: skip
        seen.append(made.step(outcome))
    assert [state.name for state in seen] == ["SCAN", "CONNECT", "GREET", "CHECK", "UPLOAD", "ATTACH", "RUN"]
    assert made.problem == ""
    assert made.ran


def test_an_app_that_runs_already_is_only_greeted():
    assert session(Outcome.DONE, Outcome.DONE, Outcome.DONE).state is State.RUN


def test_an_app_that_is_there_is_only_started():
    made = session(Outcome.DONE, Outcome.DONE, Outcome.SILENT)
    assert made.step(Outcome.SAME_APP) is State.ATTACH


def test_glasses_that_refuse_are_paired_and_connected_again():
    made = session(Outcome.DONE, Outcome.NOT_BONDED)
    assert made.state is State.BOND
    assert made.step(Outcome.DONE) is State.CONNECT


def test_a_silent_app_is_started_again_without_a_new_link():
    made = session(Outcome.DONE, Outcome.DONE, Outcome.DONE)
    assert made.step(Outcome.SILENT, "It is silent.") is State.DEGRADE
    assert made.problem == "It is silent."
    assert made.step(Outcome.DONE) is State.GREET


def test_an_app_that_has_ended_is_not_asked():
    made = session(Outcome.DONE, Outcome.DONE, Outcome.DONE)
    assert made.step(Outcome.OTHER_APP, "It has ended.") is State.CHECK


def test_an_app_that_does_not_start_is_sent_anew_and_at_last_the_link_is_made_anew():
    made = session(Outcome.DONE, Outcome.DONE, Outcome.SILENT, Outcome.SAME_APP)
    assert not made.upload_anyway
    for _ in range(ATTEMPTS - 1):
        assert made.step(Outcome.FAILED, "It does not start.") is State.CHECK
        assert made.upload_anyway
        made.step(Outcome.OTHER_APP)
        made.step(Outcome.DONE)
    assert made.step(Outcome.FAILED, "It does not start.") is State.WAIT


@pytest.mark.parametrize("state", [state for state in State if state not in (State.WAIT, State.CLOSED)])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_whatever_happens_there_is_a_next_state_and_a_reason(state, outcome):
    made = Session(chance=random.Random(1), state=state, problem="")
    after = made.step(outcome)
    assert after is made.state is not State.CLOSED
    assert after is State.RUN or made.problem or outcome is Outcome.DONE or after is not State.WAIT
    if after is State.WAIT:
        assert 0 < made.wait_s <= made.timings.never_wait
        assert made.problem
        assert made.step(Outcome.DONE) is State.SCAN


def test_every_drop_while_it_runs_leads_back():
    made = session(Outcome.DONE, Outcome.DONE, Outcome.DONE)
    assert made.step(Outcome.LOST, "The link is lost.") is State.WAIT
    assert made.wait_s <= made.timings.first_wait
    assert made.step(Outcome.DONE) is State.SCAN


def test_the_back_off_doubles_up_to_a_limit_and_leaves_half_to_chance():
    made, waits = session(), []
    for _ in range(12):
        made.step(Outcome.FAILED, "Not found.")
        waits.append(made.wait_s)
        made.step(Outcome.DONE)
    bounds = [min(made.timings.longest_wait, made.timings.first_wait * 2**n) for n in range(12)]
    assert all(bound / 2 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))
    assert len({round(wait / bound, 3) for wait, bound in zip(waits, bounds, strict=True)}) > 6
    made = Session(chance=random.Random(2))
    made.step(Outcome.FAILED)
    assert made.wait_s != waits[0]


def test_success_ends_the_back_off():
    made = session()
    for _ in range(6):
        made.step(Outcome.FAILED)
        made.step(Outcome.DONE)
    for _ in range(3):
        made.step(Outcome.DONE)
    assert made.state is State.RUN
    made.step(Outcome.LOST)
    assert made.wait_s <= made.timings.first_wait


def test_old_firmware_is_not_asked_again_at_once():
    made = session(Outcome.DONE, Outcome.DONE, Outcome.OTHER_APP)
    assert made.step(Outcome.NEVER, "Too old.") is State.WAIT
    assert made.wait_s == made.timings.never_wait
    assert made.problem == "Too old."


def test_nothing_comes_after_closing():
    made = session(Outcome.DONE)
    made.close()
    assert all(made.step(outcome) is State.CLOSED for outcome in Outcome)


def test_every_state_that_works_has_a_deadline():
    without = {State.RUN, State.WAIT, State.CLOSED}
    for state in State:
        deadline = Session(state=state).deadline_s
        assert deadline is None if state in without else 0 < deadline <= 60


def test_timings_scale():
    assert Timings().scaled(0.1).upload == pytest.approx(Timings().upload / 10)
