"""What a run is compared with: reading it, and what changed."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from device.cli.bench import bench
from models.errors import GlintError
from sim.benchmark.compare import compare
from sim.benchmark.machine import machine, processor, versions
from sim.benchmark.results import Results, read_results

HERE = {"processor": "A", "cores": 2, "memory_mb": 8000, "instructions": ["avx2"], "system": "Linux x86_64"}
MODEL = {"processor": "A (avx2)", "decode_tokens_per_s": 50.0, "first_token_ms": 80.0, "peak_rss_mb": 300.0, "runs": 5}


def results(figures, machine=HERE, versions=None):
    return Results(machine, versions or {"numpy": "2.0"}, "today", figures)


def changes(old, new, bench="model"):
    return compare(results({bench: old}), results({bench: new}), "old.json").changes[bench]


def test_better_worse_and_the_same_by_the_direction_of_the_figure():
    found = changes(
        {
            "decode_tokens_per_s": 50.0,
            "first_token_ms": 80.0,
            "image_encode_ms": 100.0,
            "runs": 5,
            "peak_rss_mb": 300.0,
        },
        {
            "decode_tokens_per_s": 60.0,
            "first_token_ms": 100.0,
            "image_encode_ms": 104.0,
            "runs": 3,
            "peak_rss_mb": 200.0,
        },
    )
    assert {name: change.verdict for name, change in found.items()} == {
        "decode_tokens_per_s": "better",
        "first_token_ms": "worse",
        "image_encode_ms": "same",
        "runs": "changed",
        "peak_rss_mb": "better",
    }
    assert found["decode_tokens_per_s"].ratio == 1.2


def test_a_ratio_is_judged_as_its_figure_and_a_peer_is_not():
    found = changes(
        {"decode_tokens_per_s_peer": 50.0, "decode_tokens_per_s_ratio": 1.0},
        {"decode_tokens_per_s_peer": 90.0, "decode_tokens_per_s_ratio": 0.5},
    )
    assert found["decode_tokens_per_s_peer"].verdict == "changed"
    assert found["decode_tokens_per_s_ratio"].verdict == "worse"


def test_nothing_is_divided_by_nothing():
    found = changes(
        {"cut_off_rate": 0.0, "interrupted_rate": 0.0, "soak_rss_growth_mb": -2.0},
        {"cut_off_rate": 0.1, "interrupted_rate": 0.0, "soak_rss_growth_mb": 9.0},
        "loop",
    )
    assert [change.verdict for change in found.values()] == ["worse", "same", "worse"]
    assert [change.ratio for change in found.values()] == [None, None, None]


def test_words_lists_and_truths_are_not_compared():
    found = changes(
        {"wake_false_at": ["x"], "turns": 1, "odd": True}, {"wake_false_at": [], "turns": 1, "odd": 1}, "loop"
    )
    assert set(found) == {"turns"}


def test_figures_that_only_one_has_are_named():
    comparison = compare(
        results({"model": {"load_ms": 1.0, "first_token_ms": 2.0}, "loop": {"turns": 1}}),
        results({"model": {"first_token_ms": 2.0, "bundle_mb": 3.0}}),
        "old.json",
    )
    assert comparison.only_old == {"model": ["load_ms"]}
    assert comparison.only_new == {"model": ["bundle_mb"]}


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"processor": "B"}, ["processor B -> A"]),
        ({"cores": 4}, ["cores 4 -> 2"]),
        ({"instructions": []}, ["instructions none -> avx2"]),
        ({"memory_mb": 8100}, []),
        ({"memory_mb": "much"}, ["memory_mb much -> 8000"]),
        ({"memory_mb": 16000}, ["memory_mb 16000 -> 8000"]),
    ],
)
def test_another_machine_is_said(other, says):
    old = results({"model": {"load_ms": 1.0}}, machine=HERE | other)
    assert compare(old, results({"model": {"load_ms": 1.0}}), "old.json").machine == says


def test_a_machine_that_is_not_known_and_other_versions():
    old = results({"model": {"load_ms": 1.0}}, machine={}, versions={"numpy": "1.26", "models": {"a": "1"}})
    new = results({"model": {"load_ms": 1.0}}, versions={"numpy": "2.0", "models": {"a": "2"}})
    found = compare(old, new, "old.json")
    assert "do not say" in found.machine[0]
    assert found.versions == ["numpy 1.26 -> 2.0", "models a 1 -> 2"]


def test_both_forms_are_read(tmp_path):
    whole = results({"model": MODEL, "speech": {"voice_rtf": 0.1}})
    (tmp_path / "all.json").write_text(json.dumps(whole.as_dict()))
    (tmp_path / "one.json").write_text(json.dumps(whole.flat("model")))
    (tmp_path / "before.json").write_text(json.dumps(MODEL))
    assert read_results(tmp_path / "all.json") == whole
    one = read_results(tmp_path / "one.json")
    assert (one.figures, one.machine) == ({"model": MODEL}, HERE)
    assert read_results(tmp_path / "before.json") == replace(one, machine={}, versions={})


@pytest.mark.parametrize("name", ["model", "loop", "speech"])
def test_figures_at_the_top_level_are_known_by_their_names(tmp_path, name):
    figures = {"model": MODEL, "loop": {"turns": 2, "peak_rss_mb": 1.0}, "speech": {"runs": 1, "voice_rtf": 0.1}}[name]
    (tmp_path / "old.json").write_text(json.dumps(figures))
    assert read_results(tmp_path / "old.json").figures == {name: figures}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "cannot be read"),
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (100_000 * b"[", "is not JSON"),
        (b"[1, 2]", "has no figures"),
        (b"3", "has no figures"),
        (b'{"a": 1, "b": {"c": 2}}', "has no figures"),
        (b'{"error": "There is no model."}', "has no figures"),
        (b'{"figures": {"model": {}}}', "has no figures"),
        (b'{"figures": {"model": 3}}', "has no figures"),
        (b'{"figures": {"model": {"load_ms": 3}}, "machine": 3}', "has no figures"),
        (b'{"figures": {"model": {"load_ms": 3}}, "memory": {"model": {}}}', "has no figures"),
        (b'{"turns": 3}', "has figures of loop and none of speech"),
    ],
)
def test_bad_old_figures_are_one_sentence_before_anything_is_measured(tmp_path, content, says):
    old = tmp_path / "old.json"
    if content is not None:
        old.write_bytes(content)
    done = CliRunner().invoke(bench, ["speech", "--json", "--compare", str(old)])
    assert isinstance(done.exception, GlintError)
    assert says in str(done.exception)
    assert str(old) in str(done.exception)
    assert done.stdout == ""


def test_a_folder_is_no_old_figures(tmp_path):
    with pytest.raises(GlintError, match="cannot be read"):
        read_results(tmp_path)


def test_the_machine_and_versions():
    found = machine()
    assert found["cores"] >= 1
    assert found["memory_mb"] > 100
    assert found["processor"] in processor()
    told = versions()
    assert told["python"].startswith("3.")
    assert {"glint", "numpy", "onnxruntime"} < set(told)
    assert "moonshine-tiny-en" in told["models"]
