import numpy as np
import onnxruntime
import pytest
from said import RATE, room, said

from models.audio import read_sound
from models.errors import GlintError
from models.fetch import ensure
from models.smart_turn import SmartTurn, log_mel
from models.voice_activity import speech_spans

QUESTIONS = (
    "Could you tell me how much the large bottle on the left side of the shelf costs?",
    "What is written on the blue sign above the door of the building over there?",
    "Please read me the ingredients on the back of the package that I am holding.",
    "How many people are sitting at the table next to the window behind me?",
    "I would like to know whether the bus that just stopped goes to the main station.",
    "What is the colour of the jacket that the man at the counter is wearing today?",
)


@pytest.fixture(scope="module")
def folder():
    return ensure("smart-turn-v3")


@pytest.fixture(scope="module")
def model(folder) -> SmartTurn:
    return SmartTurn(folder, threads=1)


@pytest.fixture(scope="module")
def reading():
    """44 s, fourteen clauses with pauses between them."""
    return read_sound(ensure("moonshine-recordings") / "two_cities.wav").resampled(RATE)


def then_silent(samples: np.ndarray) -> np.ndarray:
    samples = np.concatenate([samples, np.zeros(RATE // 10, np.float32)])
    return samples + room(len(samples) / RATE + 1)[: len(samples)]


def test_a_whole_question_is_likelier_finished_than_one_cut_in_the_middle(model):
    spoken = [said(question) for question in QUESTIONS]
    whole = [model.finished(then_silent(samples)) for samples in spoken]
    cut = [model.finished(then_silent(samples[: int(len(samples) * 0.6)])) for samples in spoken]
    assert np.mean(whole) > np.mean(cut) + 0.2


def test_the_end_of_a_clause_that_was_read_aloud_is_told_from_its_middle(model, reading):
    spans = [span for span in speech_spans(reading) if span.stop - span.start > 2 * RATE]
    ends = [span.stop - RATE // 5 for span in spans]  # a span ends 0.3 s after the speech
    middles = [(span.start + span.stop) // 2 for span in spans]
    ended = [model.finished(reading.samples[:end]) for end in ends]
    going_on = [model.finished(then_silent(reading.samples[:middle])) for middle in middles]
    assert np.mean(ended) > np.mean(going_on) + 0.2


def test_rounding_to_8_bits_changes_little(folder, model, reading):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    exact = onnxruntime.InferenceSession(folder / "smart-turn-v3.2-cpu.onnx", options)
    heard = [reading.samples[: int(end * RATE)] for end in np.arange(2, 42, 2.5)]
    ours = [model.finished(samples) for samples in heard]
    theirs = [exact.run(None, {"input_features": log_mel(samples)[None]})[0].item() for samples in heard]
    assert np.abs(np.subtract(ours, theirs)).mean() < 0.05


def test_only_the_last_8_seconds_count(model, reading):
    last = reading.samples[: 8 * RATE]
    assert model.finished(np.concatenate([reading.samples[20 * RATE :], last])) == model.finished(last)


@pytest.mark.parametrize("length", [0, 1, 100, RATE])
def test_silence_of_any_length_is_answered(model, length):
    assert 0 <= model.finished(np.zeros(length, np.float32)) <= 1


@pytest.mark.parametrize("seconds", [0, 0.01, 1, 5.3, 8, 12])
def test_hears_what_whispers_front_end_hears(reading, seconds):
    transformers = pytest.importorskip("transformers")
    reference = transformers.WhisperFeatureExtractor(chunk_length=8)
    samples = reading.samples[3 * RATE : int((3 + seconds) * RATE)]
    last = samples[-8 * RATE :]
    padded = np.pad(last, (8 * RATE - len(last), 0))
    expected = reference(padded, sampling_rate=RATE, return_tensors="np", do_normalize=True).input_features[0]
    ours = log_mel(samples)
    assert ours.dtype == np.float32
    assert ours.shape == expected.shape == (80, 800)
    np.testing.assert_allclose(ours, expected, atol=1e-4)


@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_damaged_folder_is_one_sentence(tmp_path, folder, damage):
    if damage == "cut":
        for file in folder.glob("*.onnx"):
            (tmp_path / file.name).write_bytes(file.read_bytes()[:1_000])
    with pytest.raises(GlintError, match="missing or damaged"):
        SmartTurn(tmp_path, threads=1)
