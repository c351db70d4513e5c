"""Which level a link gets."""

import itertools

from firmware_bridge.halo.quality import AMPLE, FIRST, LEVELS, STEADY, Quality


def after(*rates: float) -> str:
    quality = Quality()
    for rate in rates:
        quality.measured(int(rate), 1.0)
    return quality.level.name


def test_the_table_rises():
    for low, high in itertools.pairwise(LEVELS):
        assert low.needs < high.needs
        assert low.quality <= high.quality
        assert low.resolution <= high.resolution
        assert low.kbps <= high.kbps
        assert low.photo_every_s >= high.photo_every_s
    assert all(level.kbps % 8 == 0 and 16 <= level.kbps <= 96 for level in LEVELS)  # what the firmware takes


def test_nothing_measured_is_fair():
    assert Quality().level is LEVELS[FIRST]


def test_a_slow_link_goes_down_at_once_and_as_far_as_it_must():
    assert after(3_000) == "poor"
    assert after(10_000) == "low"


def test_a_fast_link_goes_up_one_level_at_a_time_and_only_when_it_stays_fast():
    assert after(*[200_000] * (STEADY - 1)) == "fair"
    assert after(*[200_000] * STEADY) == "good"
    assert after(*[200_000] * 2 * STEADY) == "best"


def test_a_link_that_hovers_around_a_threshold_does_not_change_again_and_again():
    quality, seen = Quality(), []
    needs = LEVELS[3].needs
    for rate in [0.95 * needs, 1.05 * needs] * 20:
        seen.append(quality.measured(int(rate), 1.0).name)
    assert set(seen) == {"fair"}
    quality = Quality()
    for _ in range(STEADY):
        quality.measured(int(1.01 * AMPLE * needs), 1.0)
    assert quality.level.name == "good"
    assert {quality.measured(int(rate), 1.0).name for rate in [1.02 * needs, 1.2 * needs] * 20} == {"good"}


def test_too_little_says_nothing_of_the_speed():
    quality = Quality()
    quality.measured(500, 10.0)
    quality.measured(30_000, 0.001)
    assert quality.rate == 0.0
    assert quality.level is LEVELS[FIRST]


def test_what_gets_lost_costs_a_level_and_never_more_than_there_are():
    quality = Quality()
    assert quality.lacking().name == "low"
    assert quality.lacking().name == "poor"
    assert quality.lacking().name == "poor"


def test_it_recovers_from_what_got_lost():
    quality = Quality()
    for _ in range(3):
        quality.lacking()
    for _ in range(4 * STEADY + 8):
        quality.measured(200_000, 1.0)
    assert quality.level.name == "best"
