import numpy as np
import pytest

from device.evidence import Basis
from device.experts.scene import Instruments, Scene
from device.experts.text import INTENTS
from device.experts.text.finding import place
from device.experts.text.lines import NOTHING, is_speakable
from device.experts.text.spelling import spelled
from models.reading import Line, TextReader, Word
from tests.drawn_text import drawn

SIGN = "Platform nine\nMind the gap\nExit 42-B"


def never():
    raise AssertionError("no expert on text needs this network")


@pytest.fixture(scope="module")
def reader():
    return TextReader(2)


@pytest.fixture(scope="module")
def look(reader):
    return lambda pixels: Scene(pixels, Instruments(lambda: reader, never))


@pytest.fixture(scope="module")
def sign(look):
    return look(drawn(SIGN))


def kind(question):
    """Which intent takes a question."""
    return next((intent.name for intent in INTENTS if intent.match(question) is not None), None)


def ask(scene, question):
    for intent in INTENTS:
        words = intent.match(question)
        if words is not None and (answer := intent.answer(scene, words)) is not None:
            return answer
    return None


CARD = "Blorvo Bakery\nCall +44 20 7946 0958\nhello@blorvo.co.uk\nwww.blorvo.com"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("What is the phone number?", "+44 20 7946 0958"),
        ("Read the email address", "hello@blorvo.co.uk"),
        ("What's the website?", "www.blorvo.com"),
    ],
)
def test_numbers_and_addresses_are_read_letter_by_letter(look, question, said):
    answer = ask(look(drawn(CARD)), question)
    assert said in answer.text
    assert answer.claims[0].basis is Basis.VERBATIM
    assert answer.claims[0].finding == said


def test_a_number_that_does_not_stand_there_is_not_made_up(sign):
    assert ask(sign, "What is the phone number?").text == "I can't read a phone number here."


def test_a_name_is_what_is_written_largest(look):
    large, small = drawn("Blorvo", (640, 120), 72), drawn("open from eight to nine", (640, 120), 24)
    answer = ask(look(np.concatenate([small, large])), "Which shop is this?")
    assert answer.text == "The largest writing says: Blorvo."
    assert [claim.finding for claim in answer.claims] == ["Blorvo"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Read this.", "read"),
        ("Can you read it to me, please?", "read"),
        ("Could you read me what it says?", "read"),
        ("What does the sign say?", "read"),
        ("What does this red label say?", "read"),
        ("what does the screen say", "read"),
        ("What's written here?", "read"),
        ("Tell me what the sign on the door says", "read"),
        ("Is there any text here?", "read"),
        ("What does the fox say?", "says"),
        ("Read the second line", "read line"),
        ("Read me the last line of it.", "read line"),
        ("What does line 3 say?", "read line"),
        ("What's on the top line?", "read line"),
        ("What is the last word?", "read word"),
        ("How many lines of text are there?", "count lines"),
        ("Spell it.", "spell"),
        ("How is it spelled?", "spell"),
        ("Spell the first word", "spell"),
        ("How do you spell the name?", "spell"),
        ("Find the word exit", "find word"),
        ("Where does it say platform nine?", "find word"),
        ("Does it say gluten free?", "says whether"),
        ("Is the word sale on it?", "says whether"),
        ("Read from line 8", "read rest"),
        ("Read on", "read rest"),
        ("What is the phone number?", "number or address"),
        ("What number should I call?", "number or address"),
        ("Is there a website on it?", "number or address"),
        ("Which shop is this?", "name"),
        ("What brand is it?", "name"),
        ("What is the name of this station?", "name"),
        ("What's this restaurant called?", "name"),
        ("Who makes it?", "name"),
    ],
)
def test_which_questions_are_about_text(question, expected):
    assert kind(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "What is this?",
        "Where is the dog?",
        "How many dogs are there?",
        "How many lines does a zebra have?",
        "What colour is the sign?",
        "Is there a sign?",
        "How do you spell giraffe?",
        "What does this say about sugar?",
        "Does it say how much it costs?",
        "Find the dog",
        "What time is it?",
        "Who said that?",
    ],
)
def test_which_are_not(question):
    assert kind(question) is None


def test_reads_aloud_with_a_claim_for_each_line(sign):
    answer = ask(sign, "What does the sign say?")
    assert answer.text == "It says: Platform nine. Mind the gap. Exit 42-B."
    assert [claim.finding for claim in answer.claims] == SIGN.split("\n")
    assert all(claim.basis is Basis.VERBATIM and claim.source == "text" for claim in answer.claims)
    assert all(0 <= side <= 1 for claim in answer.claims for side in claim.box)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Read the second line", "The second line says: Mind the gap."),
        ("What does line 3 say?", "The third line says: Exit 42-B."),
        ("What's on the last line?", "The last line says: Exit 42-B."),
        ("Read line nine", "I can read only 3 lines here."),
        ("What is the first word?", "The first word is Platform."),
        ("How many lines are there?", "I can read 3 lines of text."),
        ("Spell the last word", "42-B is spelled: 4, 2, dash, B."),
        ("Spell the second line", "Mind the gap is spelled: M, I, N, D, space, T, H, E, space, G, A, P."),
        ("Spell the word mind", "Mind is spelled: M, I, N, D."),
        ("Does it say mind the gap?", "Yes: Mind the gap, on the left."),
        ("Does it say entrance or exit?", "Exit, at the bottom left."),
        ("Does it say the word exit?", "Yes: Exit, at the bottom left."),
        ("Does it say banana?", "No, I don't find that in the text that I can read."),
        ("Does it say platfrom?", "Not exactly, but Platform, at the top left, comes close."),
        ("Where does it say exit?", "Exit, at the bottom left."),
    ],
)
def test_answers(look, question, said):
    assert ask(look(drawn(SIGN, (640, 200))), question).text == said


def test_numbers_that_are_spoken_are_in_a_claim(look):
    page = look(drawn("\n".join(f"Row {n} has eight words in it, I think" for n in range(12)), (800, 640), 24))
    answer = ask(page, "Read it")
    said = [word.strip(".;:,") for word in answer.text.split() if any(map(str.isdigit, word))]
    findings = " ".join(claim.finding for claim in answer.claims)
    assert said
    assert all(number in findings for number in said)


def test_a_long_page_is_read_in_parts(look):
    page = look(drawn("\n".join(f"Verse {n} is about the sea and the wind" for n in range(1, 13)), (800, 640), 24))
    first = ask(page, "Read this page")
    assert "Verse 1 is" in first.text
    assert "Verse 12 is" not in first.text
    assert first.text.endswith("say: read from line 7.")
    second = ask(page, "Read from line 7")
    assert second.text.startswith("It goes on: Verse 7 is about")
    assert second.text.endswith("Verse 12 is about the sea and the wind.")
    assert ask(page, "Read on").text == second.text
    assert ask(look(drawn("Short")), "Read on").text == "That is all there is."


def test_no_text(look):
    wall = look(np.full((240, 320, 3), 200, np.uint8))
    for question in (
        "Read this",
        "Read the second line",
        "How many lines are there?",
        "Spell it",
        "Find the word exit",
    ):
        assert ask(wall, question).text == NOTHING
    assert ask(wall, "What does the fox say?") is None


class Reads:
    """A reader that has read certain lines, for what no drawn picture brings about reliably."""

    def __init__(self, *lines):
        quad = np.array([[9, 0], [99, 0], [99, 9], [9, 9]], np.float32)
        self.lines = tuple(
            Line(
                " ".join(text for text, _ in words),
                quad + np.array([0, 20 * number], np.float32),
                float(np.mean([confidence for _, confidence in words])),
                tuple(Word(text, quad, confidence) for text, confidence in words),
            )
            for number, words in enumerate(lines)
        )

    def read(self, picture):
        return self.lines


def having_read(*lines):
    return Scene(np.zeros((99, 120, 3), np.uint8), Instruments(lambda: Reads(*lines), never))


def test_what_is_unsure_is_said_to_be_so():
    scene = having_read([("EXIT", 0.99)], [("OPEN", 0.99), ("DIALY", 0.85)])
    assert ask(scene, "Read this").text == "It says: EXIT. OPEN DIALY. I am not sure of: DIALY."
    assert ask(scene, "Read the second line").text == "The second line may say, I am not sure: OPEN DIALY."
    assert ask(scene, "What is the last word?").text == "The last word may be, I am not sure, DIALY."
    assert ask(scene, "Spell the last word").text == "I am not sure of it, but DIALY is spelled: D, I, A, L, Y."
    assert ask(having_read([("EYIL", 0.87)]), "Read this").text == "I am not sure, but it may say: EYIL."


def test_a_script_that_no_voice_here_can_read_is_not_read():
    assert "script that I can't read" in ask(having_read([("\u5371\u9669", 0.99)]), "Read this").text
    assert is_speakable("Café 3")
    assert is_speakable("2.50")
    assert not is_speakable("\u5371 a\u9669")
    assert not is_speakable("--")


def test_places_in_words():
    assert place((0.4, 0.4, 0.6, 0.6)) == "in the centre"
    assert place((0.0, 0.0, 0.1, 0.1)) == "at the top left"
    assert place((0.8, 0.4, 0.9, 0.6)) == "on the right"
    assert place((0.4, 0.8, 0.6, 0.9)) == "at the bottom"


def test_letters_and_signs_have_names():
    assert spelled("a-B & 1") == ["A", "dash", "B", "space", "ampersand", "space", "1"]
