"""The report: everything is on the page, and nothing of it comes from elsewhere."""

import json
import mmap
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from models.errors import GlintError
from sim.benchmark import report
from sim.benchmark.compare import compare
from sim.benchmark.memory_trace import MOST, Memory, MemoryTrace
from sim.benchmark.report import prepare_report, report_page, write_report
from sim.benchmark.results import Results, read_results

MACHINE = {"processor": "A <fast> one", "cores": 2, "memory_mb": 8000, "instructions": [], "system": "Linux x86_64"}
FIGURES = {
    "model": {"processor": "A <fast> one", "runs": 5, "first_token_ms": 80.5, "decode_tokens_per_s": 51.25},
    "loop": {
        "turns": 4,
        "first_audio_p50_s": 0.512,
        "first_audio_p50_s_peer": 1.2,
        "first_audio_p50_s_noise": 0.6,
        "question_wer": 0.125,
        "wake_false_at": ["a hat & a coat", "a car"],
        "peak_rss_mb": 500.5,
    },
    "later": {"unheard_of": 7.75},
}
PHASES = [(0.0, "loading"), (0.2, "turns"), (30.0, "asleep")]
MEMORY = {"loop": Memory([float(n) for n in range(60)], [300.0 + n for n in range(60)], PHASES)}


@pytest.fixture(scope="module")
def results():
    versions = {"python": "3.11", "glint": "0.1.0", "models": {"glint-135m": "0.3.0"}}
    return Results(MACHINE, versions, "today", FIGURES, MEMORY, {"speech": "There is no voice."})


@pytest.fixture(scope="module")
def page(results):
    return report_page(results)


class Page(HTMLParser):
    """Reads a page; its elements must be closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.links, self.ids = [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "path", "use", "rect"):
            self.open.append(tag)
        found = dict(attrs)
        self.links += [found[name] for name in ("href", "src", "xlink:href", "data") if name in found]
        self.ids += [found["id"]] if "id" in found else []

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in ("meta", "path", "use", "rect"):
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())


def svgs(page):
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]


def words(svg):
    return [element.text.strip() for element in svg.iter("text") if element.text]


def test_every_figure_its_meaning_the_machine_and_the_versions_are_on_it(page):
    texts = Page(page).texts
    for figures in FIGURES.values():
        for name, value in figures.items():
            assert name in texts
            assert (", ".join(value) if isinstance(value, list) else str(value)) in texts
    for text in ("8000", "2", "3.11", "glint-135m", "0.3.0", "today", "There is no voice.", "speech"):
        assert text in texts
    assert any("first token, photo already read. Less is better." in text for text in texts)
    assert "A <fast> one" in texts


def test_it_needs_nothing_from_elsewhere_and_names_are_used_once(page):
    read = Page(page)
    assert "//" not in re.sub(r"(?<=</)[^>]*", "", page)
    assert all(link == "figures.json" or link.removeprefix("#") in read.ids for link in read.links)
    assert len(read.ids) == len(set(read.ids))
    assert not re.search(r"<script|@import|<link|<img", page)
    assert set(re.findall(r"url\(#([^)]*)\)", page)) <= set(read.ids)


def test_it_is_for_phones_and_for_the_dark(page):
    assert 'content="width=device-width, initial-scale=1"' in page
    assert "prefers-color-scheme: dark" in page
    assert not re.search(r'style="[^"]*#[0-9a-f]{6}', page)  # a colour that the page does not choose
    for name in re.findall(r"var\((--[\w-]+)\)", page):
        assert f"{name}:" in page


def test_the_plots_show_latency_accuracy_and_memory(page):
    titles = {svg.attrib["aria-label"]: svg for svg in svgs(page)}
    assert set(titles) == {
        "Latency by stage of model",
        "Latency by stage of loop",
        "Accuracy of loop",
        "Memory of loop over time",
    }
    latency = words(titles["Latency by stage of loop"])
    assert {"first_audio_p50", "512", "1200", "600", "Glint", "plain pipeline", "in noise"} <= set(latency)
    accuracy = words(titles["Accuracy of loop"])
    assert {"question_wer (less is better)", "0.125"} <= set(accuracy)
    memory = words(titles["Memory of loop over time"])
    assert {"loading", "turns", "asleep", "MB", "seconds"} <= set(memory)
    assert all("viewBox" in svg.attrib and "width" not in svg.attrib for svg in titles.values())


def test_it_is_small(page):
    assert len(page) < 60_000


def test_what_changed_is_on_it(results):
    slower = {name: dict(figures) for name, figures in FIGURES.items()}
    slower["loop"] |= {"first_audio_p50_s": 0.256, "question_wer": 0.25, "asleep_cpu_percent_of_core": 1}
    old = Results(MACHINE | {"cores": 8}, {"python": "3.10"}, "then", slower)
    comparison = compare(old, results, "old <1>.json")
    texts = Page(report_page(results, comparison)).texts
    assert "worse \u00d72" in texts
    assert "better \u00d70.5" in texts
    assert any("cores 8 -> 2" in text for text in texts)
    assert any("loop asleep_cpu_percent_of_core" in text for text in texts)
    assert "Compared with old <1>.json." in texts


def test_what_is_written_can_be_compared_with(tmp_path, results):
    folder = tmp_path / "new/report"
    prepare_report(folder)
    page = write_report(folder, results)
    assert page == folder / "index.html"
    assert read_results(folder / "figures.json") == results
    again = compare(read_results(folder / "figures.json"), results, "figures.json")
    assert all(change.verdict == "same" for of in again.changes.values() for change in of.values())
    assert json.loads((folder / "figures.json").read_text())["failed"] == {"speech": "There is no voice."}


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(GlintError, match="is a file; give a folder"):
        prepare_report(tmp_path / "file")
    with pytest.raises(GlintError, match="cannot be written"):
        prepare_report(tmp_path / "file/below")
    (tmp_path / "taken/index.html").mkdir(parents=True)
    with pytest.raises(GlintError, match="cannot be written"):
        prepare_report(tmp_path / "taken")
    assert (tmp_path / "file").read_text() == "mine"


def test_an_old_report_is_kept_until_there_is_a_new_one(tmp_path):
    (tmp_path / "index.html").write_text("old")
    prepare_report(tmp_path)
    assert (tmp_path / "index.html").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_without_matplotlib_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "find_spec", lambda name: None)
    with pytest.raises(GlintError, match=r'pip install "glint\[report\]"'):
        prepare_report(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_memory_is_seen_to_grow_and_phases_are_marked():
    with MemoryTrace(every_s=0.02) as trace:
        trace.phase("before")
        held = bytearray(1)
        trace.phase("after")
        held = mmap.mmap(-1, 60_000_000)  # not from what was freed before
        held.write(b"x" * 60_000_000)
        trace._over.wait(0.1)
    memory = trace.memory()
    assert len(held) == 60_000_000
    assert len(memory.seconds) == len(memory.mb) >= 3
    assert max(memory.mb) - memory.mb[0] > 50
    assert [name for _, name in memory.phases] == ["before", "after"]
    assert memory.seconds == sorted(memory.seconds)


def test_of_a_long_bench_the_highest_points_are_kept():
    trace = MemoryTrace()
    for second in range(10 * MOST):
        trace._seconds.append(second)
        trace._mb.append(900 if second == 4321 else 100)
    memory = trace.memory()
    assert len(memory.mb) == MOST
    assert max(memory.mb) == 900
    assert memory.seconds[memory.mb.index(900)] == pytest.approx(4321, abs=10)
