"""Device profiles: their files, and the models of battery and heat."""

import io
import re

import msgspec
import pytest

from models.errors import GlintError
from sim.profile import open_profile, profiles
from sim.profile.physics import Physics
from sim.profile.read import FOLDER, read_profile
from sim.profile.report import rendering

GIVEN = ("pi-zero-2-w", "pi-5", "phone-puck", "halo-host")


def edited(tmp_path, old, new, name="pi-zero-2-w"):
    text = (FOLDER / f"{name}.toml").read_text()
    assert old in text
    file = tmp_path / "mine.toml"
    file.write_text(text.replace(old, new, 1))
    return file


def test_all_that_come_along_can_be_read():
    assert set(profiles()) >= set(GIVEN)
    for name in profiles():
        profile = open_profile(name)
        assert profile.name == name
        assert profile.processor is None or profile.processor.cores >= 4
    assert open_profile("halo-host").radio is not None
    assert open_profile("pi-5").radio is None


@pytest.mark.parametrize("name", GIVEN)
def test_every_figure_has_a_source_or_is_called_an_assumption(name):
    for line in (FOLDER / f"{name}.toml").read_text().splitlines():
        if re.match(r"\w+ = [\d.]+", line) and not line.startswith("linpack_gflops = 4.8"):
            assert re.search(r"# .*(https?://|assum|calculated|as above|the same source|by definition)", line), line


def test_one_that_there_is_not_is_said_with_those_there_are():
    with pytest.raises(GlintError, match=r"no device profile pi-zero; did you mean pi-zero-2-w.*halo-host, phone-puck"):
        open_profile("pi-zero")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("cores =", "core =", r"mine.toml, line 5, core: there is no such key"),
        ("wh = 4.4", "", r"mine.toml, line \d+, wh: this key is missing"),
        ("quality = 90", "quality = 101", r"mine.toml, line \d+, quality: expected `?int`? <= 100"),
        ("idle_w = 0.6", 'idle_w = "low"', r"mine.toml, line \d+, idle_w: expected float"),
        ("limit_c = 80", "limit_c = 90", r"mine.toml, line \d+, limit_c: it lies between ambient_c and hard_c"),
        ("[battery]", "[battery", r"mine.toml is not TOML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_line_and_key(tmp_path, old, new, said):
    file = edited(tmp_path, old, new)
    with pytest.raises(GlintError, match=said):
        open_profile(str(file))


def test_a_radio_that_is_full_of_sound_is_refused(tmp_path):
    file = edited(tmp_path, "sound_bytes_per_s = 4000", "sound_bytes_per_s = 64000", "halo-host")
    with pytest.raises(GlintError, match="bytes_per_s must leave some for pictures"):
        read_profile(file)


@pytest.fixture
def simple():
    """10 Wh; 1 W idle, 4 W more at work; 10 K for each watt within some 100 s; 60 C to 70 C slow it to a half."""
    profile = open_profile("pi-5")
    return msgspec.structs.replace(
        profile,
        battery=msgspec.structs.replace(profile.battery, wh=10),
        power=msgspec.structs.replace(profile.power, idle_w=1, cpu_w=4, camera_w=2),
        heat=msgspec.structs.replace(
            profile.heat,
            ambient_c=20,
            kelvin_per_w=10,
            seconds=100,
            limit_c=60,
            hard_c=70,
            throttled_speed=0.5,
            skin_share=0.5,
        ),
    )


def test_a_battery_is_emptied_by_what_is_used(simple):
    device = Physics(simple)
    device.step(3600, cpu=0)
    assert device.battery == pytest.approx(0.9)
    device.step(1800, cpu=0, camera=1)
    assert device.battery == pytest.approx(0.75)
    assert device.mean_w == pytest.approx(2.5 / 1.5)
    assert device.hours == pytest.approx(6)
    device.step(360_000, cpu=0)
    assert device.battery == 0


def test_heat_comes_and_goes_with_its_time_constant_and_slows_it_down(simple):
    device = Physics(simple)
    assert device.celsius == pytest.approx(30)
    device.step(100, cpu=0.5)  # 3 W, which end at 50 C
    assert device.celsius == pytest.approx(50 - 20 / 2.71828, abs=0.01)
    assert device.speed == 1
    assert device.skin_celsius == pytest.approx(20 + (device.celsius - 20) / 2)
    for _ in range(3000):
        device.step(1, cpu=1)
    assert 60 < device.celsius < 70  # 5 W would end at 70 C, and it is slowed down before that
    assert 0.5 < device.speed < 1
    assert device.celsius == pytest.approx(20 + 10 * (1 + 4 * device.speed), abs=0.1)
    hottest = device.hottest
    for _ in range(1000):
        device.step(1, cpu=0)
    assert device.celsius == pytest.approx(30, abs=0.1)
    assert device.hottest == hottest


def test_many_small_steps_come_to_the_same_as_a_large_one(simple):
    small, large = Physics(simple), Physics(simple)
    for _ in range(600):
        small.step(0.1, cpu=0.4, camera=0.5)
    large.step(60, cpu=0.4, camera=0.5)
    assert small.celsius == pytest.approx(large.celsius)
    assert small.battery == pytest.approx(large.battery)


def test_both_can_be_set_and_go_on_from_there(simple):
    device = Physics(simple)
    device.battery, device.celsius = 0.1, 80.0
    assert device.speed == 0.5
    device.step(360, cpu=0)
    assert device.battery == pytest.approx(0.09)
    assert 30 < device.celsius < 40


def test_the_report_shows_both_sides_beside_each_other():
    from rich.console import Console

    console = Console(width=120, file=io.StringIO())
    report = {
        "title": "A device",
        "measured": {"cpu_seconds": 1.5, "pictures": 12_345},
        "modelled": {"battery": 0.5, "throttled": True, "killed_after_s": None},
        "notes": ["It has fewer cores."],
    }
    console.print(rendering(report))
    shown = console.file.getvalue()
    assert re.search(r"cpu_seconds.* 1\.5 .*battery.* 0\.5", shown)
    assert re.search(r"pictures.* 12,345 .*throttled.* yes", shown)
    assert "It has fewer cores." in shown
