"""The prose that readers see: that the tree keeps its form, and that each departure from it is found.

Knows scripts/prose.py; it must not know what any requirement asks for.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from prose import ODD, Place, data, form, forms, messages, odd, odd_words, pages, paragraphs, rows  # noqa: E402


def test_each_requirement_is_one_normative_sentence() -> None:
    assert list(forms()) == []


def test_no_text_of_the_contract_and_no_page_has_an_odd_word() -> None:
    assert [one for place in [*rows(), *pages()] for one in odd(place)] == []
    assert [one for place in data() for one in odd_words(place)] == []


ODD_TEXTS = {
    "A renamed file is told as moved.": "'told'",
    "The figure stands in the report.": "'stands'",
    "The suite waited in vain.": "'in vain'",
    "A finding that another one has spoilt.": "'spoilt'",
    "The run is read by nobody.": "'nobody'",
    "Whoever reads it learns of it.": "'Whoever'",
    "The client waits for ever.": "'for ever'",
    "Skip the row if no file is there.": "'is there'",
    "A reader lets unknown types pass.": "'lets unknown types pass'",
    "Left out where there is none.": "'Left out where'",
    "Clients trip over it.": "'trip over'",
    "The part is a reading none the less.": "'none the less'",
    "It joins after so many events.": "'so many events'",
    "A number in the place of a text.": "'in the place of'",
    "The page says what came of it.": "'what came of'",
    "The event is lost for who joins late.": "'who joins'",
    "The stream ends without a word.": "'without a word'",
    "Choose a name of one's own.": "one's own",
    "The tenth reader is turned away.": "'turned away'",
    "It is silent for so long.": "'for so long'",
    "Other events put it off.": "'put it off'",
    "Without this key it is not judged.": "'Without this key'",
    "The report says what is mended.": "'mended'",
    "It has one JSON document a line.": "'document a line'",
    "The rest is theirs.": "'is theirs'",
    "The operation brings it about.": "'brings it about'",
    "An event tells of the end.": "'tells of'",
    "It is repeated to the letter.": "'to the letter'",
    "The rule says it the other way round.": "'the other way round'",
    "The option names whom to trust.": "'whom to trust'",
    "The runs go by the protocol.": "'go by the protocol'",
    "What has another type is a violation.": "a clause that begins with 'What'",
    "That a directory was renamed is announced.": "a clause that begins with 'That'",
}


def test_every_pattern_has_a_text_that_it_finds() -> None:
    found = [len([text for text in ODD_TEXTS if list(odd(Place("", text)))]), len(ODD_TEXTS) - 2]
    assert found == [len(ODD_TEXTS), len(ODD)]


@pytest.mark.parametrize(("text", "said"), ODD_TEXTS.items())
def test_an_odd_text_is_found_once(text: str, said: str) -> None:
    assert [said in one for one in odd(Place("here", text))] == [True]


PLAIN = [
    "`{run}` stands for the run.",
    "What it does",
    "What is a run?",
    "# What a PASS does not mean",
    "| What is lost | nothing |",
    "That answer is the only stream of the push.",
    "There is no event behind it.",
    "If there is a cursor, the server resumes.",
]


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_text_is_no_finding(text: str) -> None:
    assert list(odd(Place("here", text))) == []


def test_code_and_generated_blocks_are_no_prose() -> None:
    page = "One.\n\n```text\ntold\n```\n\n<!-- generated:x -->\nnobody\n<!-- /generated -->\n\n- `in vain`\n- two\n"
    assert [one for one in paragraphs(page) if one] == ["One.", "- `…`", "- two"]


def test_what_commands_say_is_read_and_docstrings_are_not() -> None:
    said = {place.text for place in messages()}
    assert "Prove the suite with deliberate faults." in said
    assert [text for text in said if text.startswith("The command line: reads arguments")] == []


FORMS = {
    "a condition first": ("MUST", "If a run ends, a server MUST close the stream.", ""),
    "another actor": ("SHOULD", "A client SHOULD NOT reconnect in a loop.", ""),
    "a note": ("NOTE", "The stream has lines that end with CRLF.", ""),
    "no key word": ("MUST", "A server closes the stream.", "expected MUST once, got no key word"),
    "another level": ("MUST", "A server SHOULD close the stream.", "expected MUST once, got SHOULD"),
    "two key words": ("MUST", "A server MUST close and MUST NOT wait.", "expected MUST once, got MUST, MUST NOT"),
    "a subject that cannot act": ("MUST", "Expired tokens MUST be refused.", "expected a server, a stream,"),
    "two sentences": ("MUST", "A server MUST close. It is late.", "expected one sentence"),
    "no full stop": ("MUST", "A server MUST close", "expected a sentence with a full stop"),
    "a note that asks": ("NOTE", "A server MUST close.", "a NOTE has no key word, got MUST"),
}


@pytest.mark.parametrize(("level", "text", "said"), FORMS.values(), ids=FORMS)
def test_a_departure_from_the_form_is_named(level: str, text: str, said: str) -> None:
    found = list(form("ABC-01", level, text))
    assert len(found) == bool(said)
    assert all(said in one for one in found)
