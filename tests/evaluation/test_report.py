"""Reports: queries judged on the demo graph, tables, pages, files, what goes into the next run."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from cypher_magic.data.example import Example, Turn
from cypher_magic.errors import DataError
from cypher_magic.evaluation.judge import Judge, Prediction, Written
from cypher_magic.evaluation.report import Report
from cypher_magic.query.complaint import Complaint

if TYPE_CHECKING:
    from pathlib import Path

TITLES = "MATCH (p:Person {name: 'Tom Hanks'})-[:ACTED_IN]->(m:Movie) RETURN m.title AS title"
ORDERED = TITLES + " ORDER BY m.title"
CASES = (  # reference, query, executable, right, kind
    (TITLES, TITLES, True, True, ""),
    (TITLES, "MATCH (film:Movie)<-[:ACTED_IN]-(:Person {name: 'Tom Hanks'}) RETURN film.title", True, True, ""),
    (TITLES, TITLES + " ORDER BY m.title DESC", True, True, ""),  # the reference does not order
    (ORDERED, ORDERED + " DESC", True, False, "wrong rows"),
    (TITLES, TITLES + " LIMIT 1", True, False, "wrong rows"),
    (TITLES, TITLES.replace("RETURN m.title", "RETURN m.title, p.name"), True, False, "wrong columns"),
    (TITLES, TITLES.replace("m.title", "m.slogan"), True, False, "unknown name"),
    (TITLES, TITLES.replace("m.title", "count(m)"), True, False, "aggregation"),
    (TITLES, TITLES.replace("Tom Hanks", "Keanu Reeves"), True, False, "literal"),
    (TITLES, TITLES.replace("-[:ACTED_IN]->", "<-[:ACTED_IN]-"), True, False, "direction"),
    (TITLES, TITLES.replace("RETURN", "WHERE m.released < p.born RETURN"), True, False, "empty"),
    (TITLES, TITLES.replace("Movie", "Film"), True, False, "unknown name"),
    (TITLES, "MATCH (m:Movie RETURN m", False, False, "syntax"),
    (TITLES, "MATCH (m:Movie) DETACH DELETE m", False, False, "not read-only"),
    (TITLES, "MATCH (m:Movie) RETURN my.own(m)", False, False, "not read-only"),
    (TITLES, "", False, False, "syntax"),
    ("MATCH (m RETURN m", TITLES, True, None, ""),  # a reference that does not run says nothing about the query
)
HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J\u202e{{7*7}}</td></table><script>alert(2)</script>"


def judged(graph: Any, cases: tuple[tuple[Any, ...], ...] = CASES, name: str = "movies") -> Report:
    judge = Judge(graph, graph.schema())
    examples = [Example(f"q{i}", case[0]) for i, case in enumerate(cases)]
    return Report(name, tuple(judge.judged(e, Written(c[1], 0.1)) for e, c in zip(examples, cases, strict=True)))


def made(name: str, *right: bool | None, **facts: Any) -> Report:
    rows = (
        Prediction(f"q{i}", "RETURN 1", "RETURN 1" if r else "x", r is not None, r, kind="" if r else "syntax", **facts)
        for i, r in enumerate(right)
    )
    return Report(name, tuple(rows))


def test_queries_are_right_when_their_rows_are_those_of_the_reference(demo_graph: Any) -> None:
    before = demo_graph.read("MATCH (n) RETURN count(n)").rows
    report = judged(demo_graph)
    assert [(p.executable, p.right, p.kind) for p in report.predictions] == [case[2:] for case in CASES]
    assert all(bool(p.error) != p.executable for p in report.predictions)
    n = len(CASES)
    accuracy, executable = report.execution_accuracy, report.executable
    assert (accuracy.value, accuracy.n) == (3 / (n - 1), n - 1)
    assert (executable.value, executable.n) == ((n - 4) / n, n)
    assert report.right == 3
    assert report.exact_match.value == 1 / n
    assert report.syntax_valid.value == (n - 2) / n  # a DELETE can be read: it is refused for what it does
    assert report.read_only.value == (n - 2) / n
    assert report.schema_valid.value == (n - 6) / n  # what an unknown function does is no matter of the schema
    assert sum(report.errors.values()) == n - 4 == len(report.misses)
    assert demo_graph.read("MATCH (n) RETURN count(n)").rows == before


def test_result_f1_counts_rows_as_a_bag_and_is_the_mean_over_questions(demo_graph: Any) -> None:
    all_rows = len(demo_graph.read(TITLES).rows)
    assert all_rows > 2
    swapped = (
        TITLES.replace("m.title AS title", "m.title, m.released"),
        TITLES.replace("m.title", "m.released, m.title"),
    )
    report = judged(
        demo_graph,
        (
            (TITLES, TITLES),
            (TITLES, TITLES + " LIMIT 1"),  # precision 1, recall 1 / n
            swapped,  # the order of columns does not count
            (TITLES, "RETURN 1 AS one"),
            (TITLES, "MATCH (m"),
            ("MATCH (m:Movie {title: '?'}) RETURN m", "MATCH (m:Movie {title: '!'}) RETURN m"),  # both empty
        ),
    )
    expected = [1.0, 2 / (1 + all_rows), 1.0, 0.0, 0.0, 1.0]
    assert [p.f1 for p in report.predictions] == pytest.approx(expected)
    assert report.result_f1.value == pytest.approx(sum(expected) / 6)
    assert report.result_f1.low < report.result_f1.value < report.result_f1.high


def test_what_the_pipeline_answered_is_not_run_again(demo_graph: Any) -> None:
    judge = Judge(demo_graph, demo_graph.schema())
    rows = demo_graph.read(TITLES)
    example = Example("q", TITLES)
    assert judge.judged(example, Written("RETURN 'not run'", answered=True, result=rows)).right
    refused = Written(TITLES, answered=True, complaints=(Complaint("timeout", "It took too long."),))
    found = judge.judged(example, refused)
    assert (found.executable, found.right, found.kind) == (False, False, "syntax")
    assert "It took too long." in found.error


def test_without_a_graph_only_the_text_is_scored() -> None:
    judge = Judge(None)
    pairs = [(Example("q", "RETURN 1"), "RETURN 1"), (Example("r", "RETURN 2"), " RETURN 3 "), (Example("s", "x"), "(")]
    report = Report("movies", tuple(judge.judged(e, Written(q)) for e, q in pairs))
    assert set(report.scores) == {"syntax_valid", "read_only", "google_bleu", "exact_match"}
    assert (report.syntax_valid.value, report.exact_match.value) == (2 / 3, 1 / 3)
    assert "executable" not in repr(report)
    assert "exact match" in repr(report)
    assert [e.question for e in report.corrections()] == ["r", "s"]


def test_what_is_allowed_by_the_user_counts_as_reading() -> None:
    example, query = Example("q", "RETURN 1"), Written("RETURN my.own(1)")
    assert not Judge(None).judged(example, query).read_only
    assert Judge(None, allow=("my.own",)).judged(example, query).read_only


def test_seconds_are_the_median_and_the_95th_percentile() -> None:
    rows = [Prediction("q", "a", "a", seconds=float(n)) for n in range(1, 101)]
    report = Report("movies", tuple(rows))
    assert (report.seconds_median.value, report.seconds_p95.value) == (50.0, 95.0)
    assert report.seconds_median.low < 50 < report.seconds_median.high
    assert report.seconds_median == Report("movies", tuple(rows)).seconds_median


def test_a_report_is_one_table_with_the_other_model_beside_it() -> None:
    report = Report("tuned <b>", made("", *[True] * 9).predictions, made("base", *[False] * 9))
    head, *lines = repr(report).splitlines()
    assert head.split() == ["base", "tuned", "<b>"]
    assert lines[0].split() == ["execution", "accuracy", "0.000", "[0.00,", "0.30]", "1.000", "[0.70,", "1.00]"]
    assert "9 questions; 95 % intervals in brackets" in lines
    assert any("tuned <b> is better, by +100.0 points [+" in line for line in lines)
    assert any(line.split()[:3] == ["syntax", "9", "0"] for line in lines)
    page = report._repr_html_()
    assert "<b>" not in page and "tuned &lt;b&gt;" in page


def test_breakdowns_tell_families_hops_and_what_was_trained_on() -> None:
    judge = Judge(None, family=lambda e: "follow-up" if e.history else "", seen=lambda e: "the query, asked otherwise")
    queries = ("MATCH (m:Movie) RETURN count(m)", TITLES, TITLES)
    history = (Turn("before", "RETURN 1"),)
    examples = [Example(f"q{i}", q, history=history if i == 2 else ()) for i, q in enumerate(queries)]
    report = Report("movies", tuple(judge.judged(e, Written(TITLES)) for e in examples))
    assert {k: (s.value, s.n) for k, s in report.by("hops").items()} == {"0": (0.0, 1), "1": (1.0, 2)}
    assert {k: (s.value, s.n) for k, s in report.by("family").items()} == {
        "count": (0.0, 1), "follow-up": (1.0, 1), "lookup": (1.0, 1),
    }  # fmt: skip
    assert report.by("seen")["the query, asked otherwise"].n == 3
    assert "in the training rows" in repr(report)
    with pytest.raises(DataError, match="no breakdown by colour"):
        report.by("colour")


class Page(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def hostile() -> Report:
    example = Example(HOSTILE, HOSTILE, history=(Turn(HOSTILE, HOSTILE),))
    row = Prediction(
        HOSTILE, HOSTILE, HOSTILE, True, False, HOSTILE, kind="literal", family=HOSTILE, hops="1", seen=HOSTILE,
        came=HOSTILE, expected=HOSTILE, example=example, complaints=(Complaint("syntax", HOSTILE),),
    )  # fmt: skip
    other = Prediction("q", "RETURN 1", "RETURN 1", True, True, family="count", hops="0")
    return Report(HOSTILE, (row, other), Report("base", (row, other)), data=HOSTILE, notes=(HOSTILE,))


@pytest.mark.parametrize("make", [Report._repr_html_, Report.to_html])
def test_what_others_wrote_is_text_in_the_html_and_nothing_is_fetched(make: Any) -> None:
    page = Page(make(hostile()))
    tags = {tag for tag, _ in page.seen}
    assert not tags & {"script", "img", "link", "iframe", "object", "form", "a"}
    assert not [a for _, attributes in page.seen for a in attributes if a.startswith("on") or a in ("src", "href")]
    assert "\x1b" not in make(hostile()) and "\u202e" not in make(hostile())
    assert any("<img src=x onerror=alert(1)>" in text for text in page.texts)


def test_a_page_holds_a_policy_and_the_colours_of_light_and_dark() -> None:
    page = hostile().to_html()
    assert page.startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in page
    assert "prefers-color-scheme:dark" in page
    assert not re.search(r"https?://", page)
    assert "color:var(--jp-ui-font-color1,inherit)" in hostile()._repr_html_()


def test_the_text_of_a_report_can_not_steer_a_terminal() -> None:
    assert "\x1b" not in repr(hostile()) and "\u202e" not in repr(hostile())


def test_a_long_list_of_misses_is_cut_in_the_notebook_and_whole_on_the_page() -> None:
    report = made("movies", *[False] * 20)
    assert report._repr_html_().count("<dt>question</dt>") == 3
    assert report.to_html().count("<dt>question</dt>") == 20


def test_a_report_is_saved_in_one_step_and_its_json_holds_everything(tmp_path: Path) -> None:
    report = Report("tuned", made("", True, False, None).predictions, made("base", False, False, None), data="val.csv")
    paths = report.save(tmp_path / "new")
    assert [p.name for p in paths] == ["report.html", "report.json"]
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["report.html", "report.json"]
    read = json.loads(paths[1].read_text("utf-8"))
    assert read["scores"]["execution_accuracy"] == {
        "value": 0.5, "low": pytest.approx(0.0945, abs=1e-4), "high": pytest.approx(0.9055, abs=1e-4), "n": 2,
    }  # fmt: skip
    assert [p["question"] for p in read["predictions"]] == ["q0", "q1", "q2"]
    assert read["comparison"]["only_second"] == 1
    assert read["against"]["model"] == "base"
    assert json.loads(hostile().to_json())["model"] == HOSTILE
    lone = Report("m", (Prediction("\ud800", "a", "\udfff"),))
    lone.save(tmp_path / "lone")  # a lone surrogate in a reply does not cost the report


def test_a_folder_that_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="can not be written"):
        made("movies", True).save(tmp_path / "file" / "folder")
    (tmp_path / "report.html").mkdir()
    with pytest.raises(DataError, match="can not be written"):
        made("movies", True).save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["file"]  # no half-written file stays


def test_corrections_are_the_missed_questions_with_their_references() -> None:
    history = (Turn("before", "RETURN 0"),)
    example = Example("and then?", "RETURN 2", schema="(:A)", history=history, source="val.csv", row=3)
    rows = (Prediction("q", "RETURN 1", "RETURN 1", True, True), Prediction("and then?", "RETURN 2", "x", False, False))
    report = Report("movies", (rows[0], Prediction(**{**rows[1].__dict__, "example": example})))
    assert report.corrections() == report.to_examples() == [Example("and then?", "RETURN 2", "(:A)", history)]


def test_misses_are_a_frame_with_what_came_and_what_was_expected(demo_graph: Any) -> None:
    report = judged(demo_graph, ((TITLES, TITLES), (TITLES, TITLES.replace("Tom Hanks", "Keanu Reeves") + " LIMIT 1")))
    (row,) = report.misses.to_dict("records")
    assert (row["kind"], row["question"], row["reference"]) == ("literal", "q1", TITLES)
    assert row["came"] and row["came"] != row["expected"]
    assert "more" in row["expected"]
    assert list(report.df["movies: right"]) == [True, False]


def test_two_reports_are_compared_on_the_questions_that_both_were_asked() -> None:
    before, after = made("one", *[False] * 8, True), made("two", *[True] * 8)
    found = after.compare(before)
    assert (found.n, found.only_second, found.only_first) == (8, 8, 0)
    assert found.p == pytest.approx(2 / 2**8)
    assert found.sentence.startswith("two is better, by +100.0 points")
    same = after.compare(made("two", *[True] * 8))
    assert "two now answers 0 questions that two before does not" in same.sentence
    with pytest.raises(DataError, match="have no question in common"):
        after.compare(Report("x", (Prediction("other", "a", "b"),)))
