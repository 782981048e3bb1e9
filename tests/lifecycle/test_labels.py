"""What people read in place of the names, by language."""

import json

import pytest

from portico.domain.errors import InvalidInput, TooLarge
from portico.lifecycle import labels, scxml
from portico.lifecycle.labels import Labels, shipped
from portico.lifecycle.validation import read
from tests.lifecycle.charts import OWN

TEXTS = Labels({"en": {"publish": "Go"}, "DE": {"publish": "Los"}, "pt-br": {"publish": "Ir"}})


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("", "Go"),
        ("de", "Los"),
        ("de-CH, en;q=0.9", "Los"),
        ("DE-at", "Los"),
        ("en;q=0.2, de;q=0.7", "Los"),
        ("fr, de;q=0.5", "Los"),
        ("de;q=0, en", "Go"),
        ("fr;q=1.0", "Go"),
        ("pt-BR", "Ir"),
        ("pt", "Go"),
        ("*", "Go"),
        ("de;q=zwei", "Los"),
        (", ;;q=, d\u00e9, \x00de", "Go"),
        ("xx," * 100_000 + "de", "Go"),
    ],
)
def test_the_language_is_the_best_that_there_is(header: str, text: str) -> None:
    assert TEXTS.label("event", "Publish", header) == text


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_default_life_cycle_has_all_its_texts(language: str) -> None:
    assert shipped().missing(scxml.default()) == ()
    for node in scxml.default().states:
        assert shipped().text(language, "state", node.id)
    assert set(shipped().texts) == {"en", "de"}


def test_the_texts_of_the_two_languages_differ() -> None:
    assert shipped().label("event", "Deploy as a Prototype") == "Deploy as a Prototype"
    assert shipped().label("event", "Deploy as a Prototype", "de") == "Als Prototyp bereitstellen"
    assert shipped().label("state", "PUBLISHED", "de") == "Veröffentlicht"


def test_other_spellings_have_the_text_of_what_they_mean() -> None:
    german = shipped().label("event", "Demote to Prototyped", "de")
    assert german == shipped().label("event", "Deploy as a Prototype", "de")
    german = shipped().label("item", "Require Re-Subscription", "de")
    assert german.startswith("Abonnements")
    own = shipped().over({"de": {"demote to prototyped": "Zurück zum Prototyp"}})
    assert own.label("event", "Demote to Prototyped", "de") == "Zurück zum Prototyp"


def test_a_missing_text_is_the_name_with_a_warning() -> None:
    lifecycle = read((OWN / "reviewed.scxml").read_bytes())
    texts = shipped().over({"en": {"notify users": "Tell everybody"}})
    missing = texts.missing(lifecycle)

    assert texts.label("event", "Notify Users") == "Tell everybody"
    assert texts.label("event", "Notify Users", "de") == "Notify Users"
    assert {one.severity for one in missing} == {"warning"}
    about = [one.message for one in missing if one.subject == "Notify Users"]
    assert about == ["the event 'Notify Users' has no text in the language de; its name is shown"]


def test_own_texts_lie_on_top_and_change_no_others() -> None:
    own = shipped().over({"DE": {"publish": "Freigeben"}, "nl": {"publish": "Publiceren"}})

    assert own.label("event", "Publish", "de") == "Freigeben"
    assert own.label("event", "Block", "de") == "Sperren"
    assert own.label("event", "Publish", "nl") == "Publiceren"
    assert own.label("event", "Block", "nl") == "Block"
    assert shipped().label("event", "Publish", "de") == "Veröffentlichen"


def test_uploaded_texts_are_read() -> None:
    assert labels.read(b'\xef\xbb\xbf{"notify users": "Tell"}') == {"notify users": "Tell"}


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"{", "labels"),
        (b"\xff", "labels"),
        (b"[" * 50_000, "labels"),
        (b'["a"]', "labels"),
        (b'{"Publish": "x"}', "labels.Publish"),
        (b'{"": "x"}', "labels."),
        (b'{"publish": ""}', "labels.publish"),
        (b'{"publish": 5}', "labels.publish"),
        (b'{"publish": {"en": "x"}}', "labels.publish"),
        (json.dumps({"publish": "x" * 301}).encode(), "labels.publish"),
        (b'{"publish": "a\\u0000"}', "labels.publish"),
    ],
)
def test_wrong_texts_are_refused_by_key(content: bytes, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        labels.read(content)

    assert [problem.field for problem in refusal.value.problems] == [field]


def test_too_many_texts_are_refused_unread() -> None:
    with pytest.raises(TooLarge):
        labels.read(b" " * (labels.MAX_BYTES + 1))
