"""Which benches there are, and what one that is added gets for its one line."""

import json
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from device.cli.bench import bench
from device.cli.bench_all import arguments
from sim.benchmark.registry import BENCHES, Benchmark, Figure, Run, bench_named, benches

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs/benchmark.md").read_text(encoding="utf-8")

SORTING = """
import time

import click

from sim.benchmark.registry import LATENCY, Benchmark, Figure


def measure(run, numbers, offline=False):
    run.phase("sorting")
    run.tell("sorting")
    yield {"numbers": numbers}
    start = time.perf_counter()
    sorted(range(numbers, 0, -1))
    yield {"sort_ms": 1e3 * (time.perf_counter() - start)}
    if numbers == 13:
        raise KeyboardInterrupt


BENCH = Benchmark(
    name="sorting",
    purpose="Sort numbers.",
    figures=(
        Figure("numbers", "", "", "How many numbers."),
        Figure("sort_ms", "ms", "less", "Sorting them.", plot=LATENCY),
    ),
    measure=measure,
    options=(click.Option(["--numbers"], type=int, default=1000),),
)
"""


@pytest.fixture
def sorting(tmp_path, monkeypatch):
    """A bench that is registered by one line."""
    (tmp_path / "sorting_bench.py").write_text(SORTING)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(BENCHES, "sorting", "sorting_bench")
    yield
    sys.modules.pop("sorting_bench", None)


def run(*words):
    done = CliRunner().invoke(bench, [str(word) for word in words])
    return done.exit_code, done.stdout, done.stderr


def section(name):
    """What the document says about a bench."""
    begin = DOCS.index(f"## Figures of `glint bench {name}`")
    end = DOCS.find("\n## ", begin)
    return DOCS[begin:end]


def rows(name):
    """The section's tables, by the name in the first column."""
    lines = [line for line in section(name).splitlines() if line.startswith("| `")]
    return {
        cells[0].strip("` "): cells for cells in ([c.strip() for c in line.strip("|").split("|")] for line in lines)
    }


def test_without_a_bench_they_are_listed():
    for words in ([], ["--help"]):
        code, said, _ = run(*words)
        assert code == 0
        for name in ("model", "loop", "speech", "all"):
            assert f"\n  {name} " in said
    assert bench_named("model").purpose.split()[0] in said


def test_the_help_of_a_bench_explains_its_figures():
    for each in benches():
        code, said, _ = run(each.name, "--help")
        assert code == 0
        for figure in each.figures:
            assert f"  {figure.name} " in said


@pytest.mark.parametrize("each", benches(), ids=lambda each: each.name)
def test_the_document_explains_every_figure_with_its_unit_and_direction(each):
    explained = rows(each.name)
    for figure in each.figures:
        assert explained[figure.name][1:3] == [figure.unit, figure.better], figure.name
        assert len(explained[figure.name][3].split()) >= 2
    for way in each.ways:
        assert way.suffix in explained
    assert set(explained) == {*(f.name for f in each.figures), *(way.suffix for way in each.ways)}


def test_figures_by_name_and_by_ending():
    loop, model = bench_named("loop"), bench_named("model")
    assert loop.better("first_audio_p50_s_noise") == "less"
    assert loop.better("wake_recall_espeak_noise") == "more"
    assert loop.find("wake_recall_espeak_noise")[0].name == "wake_recall_espeak"
    assert loop.better("first_audio_p50_s_peer") == ""
    assert model.better("decode_tokens_per_s_ratio") == "more"
    assert model.find("lunch_ms") is None
    assert model.better("lunch_ms") == ""


def test_two_figures_of_one_name_and_a_latency_without_a_time_are_refused():
    figure = Figure("a_ms", "ms", "less", "A.")
    with pytest.raises(ValueError, match="two figures called a_ms"):
        Benchmark("twice", "", (figure, figure), lambda run: iter(()))
    with pytest.raises(ValueError, match="unit must be ms or s"):
        Figure("speed", "tokens/s", "more", "Speed.", plot="latency")


def test_one_line_registers_a_bench_with_everything(sorting, tmp_path):
    code, said, _ = run("sorting", "--json", "--report", tmp_path / "first")
    assert code == 0
    first = json.loads(said)
    assert first["numbers"] == 1000
    assert first["sort_ms"] > 0
    assert first["machine"]["cores"] >= 1
    assert first["versions"]["models"]["glint-135m"]
    assert "memory" not in first

    record = json.loads((tmp_path / "first/figures.json").read_text())
    assert record["figures"]["sorting"] == {"numbers": 1000, "sort_ms": first["sort_ms"]}
    assert record["memory"]["sorting"]["phases"][0][1] == "sorting"
    assert "sort_ms" in (tmp_path / "first/index.html").read_text()

    (tmp_path / "old.json").write_text(json.dumps({"numbers": 1000, "sort_ms": 1e6, "machine": first["machine"]}))
    for old in ("old.json", "first/figures.json"):
        code, said, _ = run("sorting", "--json", "--compare", tmp_path / old)
        assert code == 0
        assert json.loads(said)["compared"]["figures"]["numbers"]["verdict"] == "same"
    code, said, _ = run("sorting", "--compare", tmp_path / "old.json")
    assert code == 0
    assert "better" in said
    assert "sort_ms" in run("sorting", "--help")[1]
    assert "sorting" in run("--help")[1]


def test_ctrl_c_prints_and_keeps_what_was_measured(sorting, tmp_path):
    code, said, error = run("sorting", "--numbers", "13", "--json", "--report", tmp_path)
    assert code == 1
    assert "Aborted" in error
    assert json.loads(said)["sort_ms"] > 0
    assert "sort_ms" in json.loads((tmp_path / "figures.json").read_text())["figures"]["sorting"]


def test_all_hands_every_bench_the_options_that_it_has():
    shared = {"threads": 1, "no_peer": True, "offline": False, "soak": True}
    assert arguments(bench_named("model"), False, shared) == ["--threads", "1", "--no-peer"]
    loop = arguments(bench_named("loop"), True, shared)
    assert loop[loop.index("--parts") + 1] == "turns,memory,asleep"
    assert {"--soak", "--no-peer", "--turns"} < set(loop)
    assert "--soak" not in arguments(bench_named("loop"), False, shared | {"soak": False})
    for each in benches():
        words = arguments(each, True, shared)
        click.Command(each.name, params=list(each.options)).make_context(each.name, words)


def test_a_run_tells_nobody_unless_asked():
    Run().tell("nothing")
    Run().phase("nothing")
