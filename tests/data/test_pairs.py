"""Pairs from the embedded demo graph and from small graphs made by hand."""

from __future__ import annotations

import csv
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.data.pairs import Pair, generate_pairs, split_pairs, write_pairs
from cypher_magic.errors import DataError
from cypher_magic.graph import embedded
from cypher_magic.query.check import check
from cypher_magic.query.readonly import read_only

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    connection = embedded.start_demo(tmp_path_factory.mktemp("demo") / "graph")
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def pairs(demo: Any) -> Any:
    return generate_pairs(demo, 300, seed=3, follow_ups=0.2)


def test_as_many_pairs_as_asked_for_and_as_many_follow_ups(pairs: Any) -> None:
    assert len(pairs) == 300
    turns = [p for p in pairs if p.history]
    assert 50 <= len(turns) <= 60
    assert all(turn.query and turn.columns and turn.rows for p in turns for turn in p.history)


def test_every_query_is_read_only_fits_the_schema_and_brings_rows(demo: Any, pairs: Any) -> None:
    for pair in pairs:
        assert read_only(pair.query) == []
        assert check(pair.query, demo.schema()) == [], pair.query
        assert demo.read(pair.query, limit=5).rows, pair.query


def test_the_same_seed_makes_the_same_pairs_and_another_seed_others(demo: Any) -> None:
    first, again, other = (generate_pairs(demo, 60, seed=seed).examples for seed in (1, 1, 2))
    assert first == again
    assert len({p.question for p in first} & {p.question for p in other}) < 20


def test_no_question_is_asked_twice_and_no_query_more_than_twice(pairs: Any) -> None:
    single = [p for p in pairs if not p.history]
    assert len({p.question.casefold() for p in single}) == len(single)
    queries = [p.query for p in single]
    assert max(queries.count(q) for q in queries) <= 2


def test_all_of_the_schema_is_covered(demo: Any, pairs: Any) -> None:
    schema = demo.schema()
    covered = pairs.coverage
    assert {row["label"] for row in covered} == set(schema.labels)
    assert {row["type"] for row in covered} - {""} == set(schema.relationship_types)
    directions = {(row["type"], row["direction"]) for row in covered if row["type"]}
    assert directions == {(t, d) for t in schema.relationship_types for d in ("in", "out")}
    asked = {(row["label"], row["property"]) for row in covered if not row["type"]}
    assert {(label, p) for label, props in schema.labels.items() for p in props} <= asked
    assert len(pairs.families) >= 20


def test_follow_ups_go_on_from_their_history(pairs: Any) -> None:
    kinds = {p.family for p in pairs if p.history}
    assert len(kinds & {f"follow-up {k}" for k in ("refine", "count", "extend", "entity", "columns", "contrast")}) >= 4
    for pair in pairs:
        if pair.family == "follow-up count":
            assert pair.query.split(" RETURN ")[0] == pair.history[-1].query.split(" RETURN ")[0]


def test_pairs_are_examples_for_the_loader_with_their_history(pairs: Any, tmp_path: Path) -> None:
    from cypher_magic.data.read import load_examples

    file = write_pairs(pairs.examples, tmp_path / "pairs.jsonl")
    read = load_examples(file).train
    assert len(read) == len(pairs)
    assert [e.question for e in read] == [p.question for p in pairs]
    assert sum(bool(e.history) for e in read) == sum(bool(p.history) for p in pairs)


def test_a_csv_leaves_follow_ups_out_and_other_endings_are_refused(pairs: Any, tmp_path: Path) -> None:
    file = pairs.write(tmp_path / "pairs.csv")
    with file.open(encoding="utf-8", newline="") as lines:
        assert len(list(csv.DictReader(lines))) == sum(not p.history for p in pairs)
    with pytest.raises(DataError, match="can not be written"):
        pairs.write(tmp_path / "pairs.xlsx")


@pytest.mark.parametrize("by", ["value", "phrasing", "template"])
def test_held_out_pairs_share_nothing_of_that_kind_with_the_others(pairs: Any, by: str) -> None:
    train, val = split_pairs(pairs, by, 0.15, seed=1)
    kind = {"value": lambda p: p.query, "phrasing": lambda p: p.phrasing, "template": lambda p: (p.family, p.template)}
    assert 20 <= len(val) <= 60
    assert len(train) + len(val) == len(pairs)
    assert not {kind[by](p) for p in train} & {kind[by](p) for p in val}


def test_splitting_refuses_what_it_does_not_know_and_what_can_not_be_split() -> None:
    one = Pair("Who?", "MATCH (p:Person) RETURN p.name", family="all", template="list")
    with pytest.raises(DataError, match="held out by colour"):
        split_pairs([one], "colour")
    with pytest.raises(DataError, match="Nothing can be held out"):
        split_pairs([one, one], "template", 0.1)


def test_families_limit_the_questions_and_an_unknown_one_is_refused(demo: Any) -> None:
    only = generate_pairs(demo, 20, families=["lookup", "count"], follow_ups=0.0)
    assert set(only.families) == {"lookup", "count"}
    with pytest.raises(DataError, match="no such family"):
        generate_pairs(demo, 5, families=["poems"])


def test_typos_change_words_but_never_the_value_that_the_query_needs(demo: Any) -> None:
    clean = generate_pairs(demo, 80, seed=5, follow_ups=0.0, families=["lookup"])
    slipped = generate_pairs(demo, 80, seed=5, follow_ups=0.0, families=["lookup"], typos=1.0)
    assert [p.question for p in clean] != [p.question for p in slipped]
    for pair in slipped:
        value = pair.query.split("'", 1)[1].rsplit("'", 1)[0].replace("\\'", "'")
        assert value in pair.question


def test_the_time_budget_ends_it_with_a_note(demo: Any) -> None:
    made = generate_pairs(demo, 100_000, time_budget=1.5)
    assert 0 < len(made) < 100_000
    assert "time" in made.note


def test_the_report_counts_what_was_dropped_and_escapes_values(pairs: Any) -> None:
    assert set(pairs.skipped) <= {"empty", "too many rows", "too slow", "refused by the server"}
    assert "300 pairs (" in repr(pairs)
    html = pairs._repr_html_()
    assert "300 pairs" in html
    assert "<script" not in html


def test_progress_is_told(demo: Any) -> None:
    told: list[tuple[int, int]] = []
    generate_pairs(demo, 10, progress=lambda done, rows: told.append((done, rows)))
    assert told[0] == (0, 10)
    assert told[-1][0] >= 9


# --- graphs made by hand --------------------------------------------------------------------------------------------


def test_values_are_quoted_so_that_they_can_not_end_a_string(embedded_graph: Any) -> None:
    names = ["O'Hara", 'say "hi"', "back\\slash", "x'}) DETACH DELETE n //", "[a|b] {c}", "<script>alert(1)</script>"]
    embedded_graph.write("UNWIND $names AS name CREATE (:Thing {name: name, size: size(name)})", {"names": names})
    made = generate_pairs(embedded_graph, 80, follow_ups=0.0)
    for pair in made:
        assert read_only(pair.query) == []
        assert embedded_graph.read(pair.query).rows
    asked = " ".join(p.question for p in made)
    assert all(name in asked for name in names)
    assert "<script" not in made._repr_html_()
    assert embedded_graph.read("MATCH (n) RETURN count(n)").rows == ((len(names),),)


def test_values_with_control_characters_and_long_values_are_not_asked_about(embedded_graph: Any) -> None:
    names = ["a\nb", "tab\there", "z" * 200, "bell\x07", "two  spaces", "fine", "good"]
    embedded_graph.write("UNWIND $names AS name CREATE (:Thing {name: name, size: 5})", {"names": names})
    made = generate_pairs(embedded_graph, 30)
    text = " ".join(p.question + p.query for p in made)
    assert "fine" in text
    assert not any(bad in text for bad in ("\n", "\t", "zzz", "\x07", "two  "))


def test_one_label_without_relationships_gives_pairs(embedded_graph: Any) -> None:
    embedded_graph.write("UNWIND range(1, 30) AS i CREATE (:City {name: 'Town ' + i, population: i * 1000})")
    made = generate_pairs(embedded_graph, 60)
    assert len(made) == 60
    assert {row["label"] for row in made.coverage} == {"City"}


def test_a_graph_without_properties_gives_few_pairs_and_says_so(embedded_graph: Any) -> None:
    embedded_graph.write("CREATE (a:A)-[:KNOWS]->(b:B), (:A)-[:KNOWS]->(b)")
    made = generate_pairs(embedded_graph, 200)
    assert 0 < len(made) < 200
    assert "no more to ask" in made.note


def test_an_empty_graph_is_one_clear_error(embedded_graph: Any) -> None:
    with pytest.raises(DataError, match="The graph is empty"):
        generate_pairs(embedded_graph, 10)


def test_names_that_are_not_ascii_or_not_identifiers_are_quoted(embedded_graph: Any) -> None:
    embedded_graph.write(
        "UNWIND range(1, 20) AS i CREATE (:`Größe`:`Größe` {`名前`: 'Wert ' + i, `my prop`: i})"
        "-[:`GEHÖRT ZU` {`seit wann`: 1990 + i}]->(:`Order Line` {name: 'L' + i, `a``b`: i * 2})"
    )
    made = generate_pairs(embedded_graph, 120)
    assert len(made) >= 100
    assert all(check(p.query, embedded_graph.schema()) == [] for p in made)
    assert any("`Order Line`" in p.query for p in made)


def test_three_hundred_labels_are_all_asked_about_in_time(embedded_graph: Any) -> None:
    for n in range(300):
        embedded_graph.write(
            f"CREATE (:L{n} {{name: 'x{n}', size: {n}}})-[:T{n % 20}]->(:L{(n + 1) % 300} {{name: 'y{n}'}})"
        )
    made = generate_pairs(embedded_graph, 400, follow_ups=0.0, time_budget=120)
    assert len(made) == 400
    assert len({cell[0] for p in made for cell in p.cells}) > 200


def test_nothing_is_written(embedded_graph: Any) -> None:
    embedded_graph.write("UNWIND range(1, 9) AS i CREATE (:P {name: 'n' + i})-[:KNOWS]->(:P {name: 'm' + i})")
    count = "MATCH (n) OPTIONAL MATCH (n)-[r]->() RETURN count(DISTINCT n), count(r)"
    before = embedded_graph.read(count).rows
    generate_pairs(embedded_graph, 50)
    assert embedded_graph.read(count).rows == before


# --- the pairs in the examples --------------------------------------------------------------------------------------


def test_the_examples_are_what_the_generator_makes(demo: Any, tmp_path: Path) -> None:
    train, val = _made(demo)
    for part, name in ((train, "demo_train.csv"), (val, "demo_val.csv")):
        made = write_pairs(part, tmp_path / name).read_text(encoding="utf-8")
        assert made == (EXAMPLES / name).read_text(encoding="utf-8"), f"{name}: write it anew with {__file__}"


def _made(demo: Any) -> tuple[list[Pair], list[Pair]]:
    """420 pairs to train on; held out are other kinds of sentences and other values."""
    made = generate_pairs(demo, 480, seed=2024, follow_ups=0.0, time_budget=600)
    rest, phrasings = split_pairs(made, "phrasing", 0.05, seed=1)
    train, values = split_pairs(rest, "value", 0.08, seed=1)
    known = {p.query for p in train}
    return train, [p for p in phrasings + values if p.query not in known]


if __name__ == "__main__":  # writes the examples anew
    with_demo = embedded.start_demo()
    for rows, file in zip(_made(with_demo), ("demo_train.csv", "demo_val.csv"), strict=True):
        write_pairs(rows, EXAMPLES / file)
    with_demo.close()


def test_stopping_keeps_what_was_made_so_far(demo_graph: Any) -> None:
    seen: list[int] = []
    pairs = generate_pairs(demo_graph, 200, progress=lambda done, _: seen.append(done), stop=lambda: seen[-1] >= 20)
    assert 20 <= len(pairs) < 200 and pairs.note == "Stopped before there were enough."
    with pytest.raises(DataError, match="Stopped before a pair was made"):
        generate_pairs(demo_graph, 200, stop=lambda: True)


def test_an_interrupt_keeps_what_was_made_so_far(demo_graph: Any) -> None:
    def interrupt_at(count: int) -> Any:
        return lambda done, rows: signal.raise_signal(signal.SIGINT) if done == count else None

    pairs = generate_pairs(demo_graph, 200, progress=interrupt_at(20))
    assert len(pairs) == 20 and pairs.note == "Stopped before there were enough."
    with pytest.raises(DataError, match="Stopped before a pair was made"):
        generate_pairs(demo_graph, 200, progress=interrupt_at(0))
