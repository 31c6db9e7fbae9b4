"""What a question says is what its query asks, also on graphs whose names no list of words knows."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest

from cypher_magic.data.generate import meaning as ask
from cypher_magic.data.generate import meaning_groups as groups
from cypher_magic.data.generate import meaning_relationships as relationships
from cypher_magic.data.generate.conditions import AlsoRelated, Has, Related, Times, Together, Without
from cypher_magic.data.generate.flags import flag
from cypher_magic.data.generate.literals import unguarded
from cypher_magic.data.generate.naming import Naming
from cypher_magic.data.generate.saying import Saying
from cypher_magic.data.generate.thing import Pin, Thing
from cypher_magic.data.generate.voice import Voice
from cypher_magic.data.generate.words import words
from cypher_magic.graph.schema import GraphSchema, Triple

if TYPE_CHECKING:
    from cypher_magic.data.generate.meaning import Meaning
    from cypher_magic.data.generate.thing import Condition

LABELS = {
    "Diagnosis": {"name": "STRING", "chronic": "BOOLEAN"},
    "Department": {"name": "STRING", "emergency": "BOOLEAN"},
    "Patient": {"name": "STRING", "allergies": "LIST<STRING>", "insured": "BOOLEAN"},
    "Doctor": {"name": "STRING", "onCall": "BOOLEAN", "salary": "FLOAT"},
    "Nurse": {"name": "STRING", "born": "DATE"},
    "Appointment": {"number": "STRING", "urgent": "BOOLEAN", "minutes": "INTEGER"},
    "LabTest": {"name": "STRING", "price": "FLOAT"},
    "Drug": {"name": "STRING", "price": "FLOAT"},
    "Package": {"name": "STRING", "size": "INTEGER"},
    "Child": {"name": "STRING"},
}
TYPES = {
    "DIAGNOSED_WITH": {"diagnosed": "DATE", "severity": "INTEGER"},
    "TAKES": {"doseMg": "INTEGER", "since": "DATE", "nextReview": "DATE"},
    "ORDERED": {"result": "FLOAT", "abnormal": "BOOLEAN", "price": "FLOAT"},
    "HAS_APPOINTMENT": {}, "WITH_DOCTOR": {}, "WORKS_IN": {}, "HEADS": {}, "SUPERVISES": {}, "DEPENDS_ON": {},
    "ASSIGNED_TO": {}, "RESPONSIBLE_FOR": {}, "CHILD_OF": {},
}  # fmt: skip
DIAGNOSED = Triple("Patient", "DIAGNOSED_WITH", "Diagnosis")
TAKES = Triple("Patient", "TAKES", "Drug")
ORDERED = Triple("Appointment", "ORDERED", "LabTest")
HAS_APPOINTMENT = Triple("Patient", "HAS_APPOINTMENT", "Appointment")
WITH_DOCTOR = Triple("Appointment", "WITH_DOCTOR", "Doctor")
DOCTORS_WORK = Triple("Doctor", "WORKS_IN", "Department")
NURSES_WORK = Triple("Nurse", "WORKS_IN", "Department")
HEADS = Triple("Doctor", "HEADS", "Department")
SUPERVISES = Triple("Doctor", "SUPERVISES", "Doctor")
DEPENDS = Triple("Package", "DEPENDS_ON", "Package")
ASSIGNED = Triple("Doctor", "ASSIGNED_TO", "Appointment")
RESPONSIBLE = Triple("Doctor", "RESPONSIBLE_FOR", "Appointment")
CHILD = Triple("Child", "CHILD_OF", "Package")
SCHEMA = GraphSchema(
    LABELS, TYPES,
    (DIAGNOSED, TAKES, ORDERED, HAS_APPOINTMENT, WITH_DOCTOR, DOCTORS_WORK, NURSES_WORK, HEADS, SUPERVISES, DEPENDS,
     ASSIGNED, RESPONSIBLE, CHILD),
)  # fmt: skip


def things(label: str, *conditions: Condition) -> Thing:
    return Thing(label, next(iter(LABELS[label])), conditions)


def named(label: str, name: str) -> Thing:
    return Thing(label, next(iter(LABELS[label])), (), Pin(next(iter(LABELS[label])), name))


def wordings(meaning: Meaning, tries: int = 400) -> list[str]:
    """Most of the ways in which it can be asked."""
    naming = Naming(SCHEMA)
    found = {unguarded(meaning.say(Saying(naming, Voice(random.Random(seed))))).casefold() for seed in range(tries)}
    return sorted(found)


A0135 = named("Appointment", "A0135")


# --- what is true or false --------------------------------------------------------------------------------------------


def test_whether_something_is_true_of_a_thing_is_asked_with_a_whole_sentence() -> None:
    for asked in wordings(ask.lookup(named("Diagnosis", "Asthma"), "chronic")):
        assert re.search(r"\bis (the |diagnosis |\W)*asthma\W? chronic\b|whether .*asthma\W? is chronic\b", asked), (
            asked
        )


def test_what_is_true_or_false_has_no_plural_and_no_owner() -> None:
    for asked in wordings(ask.columns(things("Diagnosis"), ("chronic",))):
        assert re.search(r"\b(whether they are chronic|are they chronic)\b", asked), asked


def test_a_property_that_is_true_is_an_adjective_or_what_things_are_marked_as() -> None:
    for asked in wordings(ask.listing(things("Diagnosis", Has("chronic", "=", (True,), "flag")))):
        assert re.search(r"\bchronic diagnoses\b|\b(are|is|as) chronic\b|every chronic diagnosis", asked), asked
    for asked in wordings(ask.listing(things("Department", Has("emergency", "=", (False,), "flag")))):
        assert "not marked as emergency" in asked


def test_what_is_true_of_a_relationship_is_not_said_of_the_thing_beside_it() -> None:
    related = Related(ORDERED, "start", named("LabTest", "Glucose"), Has("abnormal", "=", (True,), "flag"))
    for asked in wordings(ask.listing(things("Appointment", related))):
        assert re.search(r"abnormal (is|set to) true|with abnormal true", asked), asked
    detail = relationships.detail(
        ORDERED, named("Appointment", "A0135"), named("LabTest", "Glucose"), "start", "abnormal"
    )
    for asked in wordings(detail):
        assert re.search(r"a0135\W* ordered .*glucose\W+is (abnormal|that marked as abnormal)", asked), asked


@pytest.mark.parametrize(
    ("name", "one", "none", "asked"),
    [
        ("urgent", "is urgent", "is not urgent", "is it urgent"),
        ("onCall", "is on call", "is not on call", "is it on call"),
        ("isVerified", "is verified", "is not verified", "is it verified"),
        ("hasInsurance", "has insurance", "does not have insurance", "does it have insurance"),
        ("hasExpired", "has expired", "has not expired", "has it expired"),
        ("canFly", "can fly", "can not fly", "can it fly"),
        ("allowsPets", "does allow pets", "does not allow pets", "does it allow pets"),
        ("isolation", "is marked as isolation", "is not marked as isolation", "is it marked as isolation"),
    ],
)
def test_a_name_of_what_is_true_or_false_makes_a_sentence(name: str, one: str, none: str, asked: str) -> None:
    found = flag(words(name))
    assert (found.clause(True, many=False), found.clause(False, many=False), found.asked("it")) == (one, none, asked)


# --- properties of relationships --------------------------------------------------------------------------------------


def test_a_number_of_a_relationship_says_what_it_counts() -> None:
    related = Related(TAKES, "start", named("Drug", "Metformin"), Has("doseMg", ">", (500,)))
    for asked in wordings(ask.listing(things("Patient", related))):
        assert "dose in mg" in asked


def test_a_date_of_a_relationship_that_is_not_its_own_is_named() -> None:
    for name, said in (("nextReview", "next review"), ("since", "start|since|beginning")):
        related = Related(TAKES, "start", named("Drug", "Metformin"), Has(name, "=", (2024,), "moment"))
        for asked in wordings(ask.listing(things("Patient", related))):
            assert re.search(said, asked), asked


def test_only_marks_are_given() -> None:
    detail = relationships.detail(DIAGNOSED, named("Patient", "Ann"), named("Diagnosis", "Asthma"), "start", "severity")
    assert not [asked for asked in wordings(detail) if " give " in asked or " in asthma" in asked]
    when = relationships.detail(DIAGNOSED, named("Patient", "Ann"), named("Diagnosis", "Asthma"), "start", "diagnosed")
    assert [asked for asked in wordings(when) if asked.startswith("when was ann diagnosed with asthma")]


def test_a_property_that_the_thing_has_too_is_asked_of_the_relationship() -> None:
    mean = relationships.on_relationship(
        ORDERED, "end", named("LabTest", "Glucose"), "price", "avg", things("Appointment")
    )
    for asked in wordings(mean):
        assert re.match(r"with what (average|mean) (price|cost) did appointments order", asked), asked


# --- which relationship, and which way --------------------------------------------------------------------------------


def test_who_works_there_is_no_question_where_people_of_two_labels_do() -> None:
    related = Related(NURSES_WORK, "start", named("Department", "Cardiology"))
    for meaning in (ask.listing(things("Nurse", related)), ask.counting(things("Nurse", related))):
        assert all("nurse" in asked for asked in wordings(meaning))
    for asked in wordings(ask.listing(things("Department", Without(NURSES_WORK, "end", things("Nurse"))))):
        assert "nurse" in asked


def test_a_relationship_of_a_label_with_itself_is_never_counted_without_its_verb() -> None:
    for side in ("start", "end"):
        for asked in wordings(groups.per_group(DEPENDS, side, things("Package"), things("Package"))):
            assert not re.search(
                r"packages (are there |do we have )?(per|by|for each|of each|for every) package", asked
            )
        for asked in wordings(groups.pairs_of(SUPERVISES, side, things("Doctor"), things("Doctor"))):
            assert "their doctors" not in asked


def test_nobody_shares_an_appointment_by_having_one_with_somebody() -> None:
    together = Together(HAS_APPOINTMENT, "start", things("Appointment"), named("Patient", "Ann"))
    for asked in wordings(ask.listing(things("Patient", together))):
        assert "same appointment" in asked or re.search(r"that (the |patient |\W)*ann\W*( also)? ha[sd]", asked), asked


def test_two_relationships_that_have_no_verb_are_both_named() -> None:
    also = AlsoRelated(ASSIGNED, RESPONSIBLE, "start", named("Appointment", "A0001"))
    for asked in wordings(ask.listing(things("Doctor", also))):
        assert "assigned to" in asked and "responsible for" in asked


def test_children_are_somebodys_children() -> None:
    for asked in wordings(ask.counting(things("Child", Related(CHILD, "start", things("Package"))))):
        assert re.search("package|librar|module", asked), asked
    for asked in wordings(ask.listing(things("Child", Related(CHILD, "start", named("Package", "numpy"))))):
        assert not re.search(r"children (a|are a|who are a) child", asked), asked
    for asked in wordings(ask.listing(things("Package", Without(CHILD, "end", named("Child", "cron"))))):
        assert "child" in asked, asked


def test_the_most_that_do_something_to_their_like_are_told_by_the_verb() -> None:
    for asked in wordings(groups.rank(DEPENDS, "end", things("Package"), things("Package"), 3)):
        assert re.search("depend|need|rely|require|use", asked), asked


def test_a_thing_that_is_not_named_does_not_take_what_is_said_behind_it() -> None:
    conditions = (Related(HEADS, "start", things("Department")), Has("salary", ">", (50_000.0,)))
    for asked in wordings(ask.listing(things("Doctor", *conditions))):
        assert not re.search(r"departments?( that| whose| where| with| who) ", asked), asked


def test_no_condition_is_lost_where_a_question_has_two() -> None:
    conditions = (Related(HAS_APPOINTMENT, "end", named("Patient", "Ann")), Has("minutes", ">", (17,)))
    for asked in wordings(ask.listing(things("Appointment", *conditions))):
        assert "17" in asked and "ann" in asked, asked


def test_an_actor_who_acts_is_an_actor() -> None:
    acts = Triple("Actor", "ACTED_IN", "Film")
    naming = Naming(GraphSchema({"Actor": {"name": "STRING"}, "Film": {}}, {"ACTED_IN": {}}, (acts,)))
    thing = Thing("Actor", "name", (Related(acts, "start", Thing("Film", None)),))
    said = {ask.listing(thing).say(Saying(naming, Voice(random.Random(seed)))) for seed in range(100)}
    assert all("film" in asked or "movie" in asked for asked in said)


def test_what_is_done_with_nobody_is_done_too() -> None:
    for asked in wordings(groups.busy(ORDERED, things("Appointment"), things("LabTest"), "start", A0135, 1)):
        assert not re.search(r"lab tests? (together )?with", asked), asked


def test_who_is_asked_for_people_and_what_for_other_things() -> None:
    related = Related(SUPERVISES, "end", named("Doctor", "Dr Peña"))
    for asked in wordings(ask.listing(things("Doctor", related)), 1500):
        assert not re.match("what (is|are|does|do) (?!the)", asked), asked


def test_a_name_keeps_its_small_letter_where_a_sentence_begins() -> None:
    naming = Naming(SCHEMA)
    for seed in range(300):
        asked = ask.lookup(named("Package", "left-pad"), "size").say(Saying(naming, Voice(random.Random(seed))))
        assert "left-pad" in unguarded(asked)


def test_how_many_is_two_words_after_tell_me() -> None:
    related = Related(DIAGNOSED, "start", named("Diagnosis", "Asthma"))
    assert not [asked for asked in wordings(ask.counting(things("Patient", related))) if "mehow" in asked]


def test_a_whole_date_is_no_year() -> None:
    assert not [asked for asked in wordings(ask.lookup(named("Nurse", "Ann"), "born")) if "year" in asked]


def test_an_order_in_a_hospital_is_no_purchase() -> None:
    related = Related(ORDERED, "start", named("LabTest", "Glucose"))
    assert not [a for a in wordings(ask.listing(things("Appointment", related))) if re.search("buy|bought", a)]


# --- the words around a name ------------------------------------------------------------------------------------------


def test_a_code_keeps_its_capitals_and_is_no_adjective() -> None:
    naming = Naming(SCHEMA)
    thing = things("Patient", Related(HAS_APPOINTMENT, "start", named("Appointment", "A0123")))
    for seed in range(300):
        asked = unguarded(ask.listing(thing).say(Saying(naming, Voice(random.Random(seed)))))
        assert "A0123" in asked
        assert not re.search(r"A0123 (patient|appointment)", asked), asked


def test_the_noun_of_a_trait_stands_in_front_of_names_only() -> None:
    doctors = Related(WITH_DOCTOR, "start", things("Doctor", Has("onCall", "=", (True,), "flag")))
    for meaning in (
        ask.listing(things("Appointment", doctors)),
        ask.listing(things("Appointment", Times(WITH_DOCTOR, "start", things("Doctor"), ">", 2))),
        groups.rank(WITH_DOCTOR, "start", things("Appointment"), things("Doctor"), 3),
        ask.listing(things("Doctor", Related(WITH_DOCTOR, "end", named("Appointment", "A0001")))),
    ):
        for asked in wordings(meaning):
            assert not re.search(r"the doctor (a |an |the |doctors|more|over|most|exist|are )|the doctor\W?$", asked), (
                asked
            )


def test_one_does_what_two_do() -> None:
    for asked in wordings(ask.listing(things("Department", Times(HEADS, "end", things("Doctor"), "=", 1)))):
        assert not re.search(r"(one|1) doctor (head|lead|manage)\b", asked), asked


def test_several_things_are_and_one_thing_is() -> None:
    for asked in wordings(ask.lookup(named("Patient", "Ann"), "allergies")):
        assert not re.search(r"(is|'s|was) (the|ann's) allergies", asked), asked
    for asked in wordings(ask.listing(things("Patient", Has("allergies", "missing", (), "any")))):
        assert not re.search(r"\ban? allergies|allergies is", asked), asked
    for asked in wordings(ask.listing(things("Patient", Has("allergies", "member", ("latex",), "list")))):
        assert re.search("allerg", asked), asked
