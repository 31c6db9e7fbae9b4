from __future__ import annotations

from typing import Any

from cypher_magic.data.example import Example
from cypher_magic.evaluation.report import Prediction, Report, score

TITLES = "MATCH (p:Person {name: 'Tom Hanks'})-[:ACTED_IN]->(m:Movie) RETURN m.title AS title"
ORDERED = TITLES + " ORDER BY m.title"
CASES = (  # reference, query, executable, right
    (TITLES, TITLES, True, True),
    (TITLES, "MATCH (film:Movie)<-[:ACTED_IN]-(:Person {name: 'Tom Hanks'}) RETURN film.title", True, True),
    (TITLES, TITLES + " ORDER BY m.title DESC", True, True),  # the reference does not order
    (ORDERED, ORDERED + " DESC", True, False),
    (TITLES, TITLES + " LIMIT 1", True, False),
    (TITLES, TITLES.replace("RETURN m.title", "RETURN m.title, p.name"), True, False),
    (TITLES, "MATCH (m:Movie RETURN m", False, False),
    (TITLES, "MATCH (m:Movie) DETACH DELETE m", False, False),
    (TITLES, "", False, False),
    ("MATCH (m RETURN m", TITLES, True, None),  # a reference that does not run says nothing about the query
)


def test_queries_are_right_when_their_rows_are_those_of_the_reference(demo_graph: Any) -> None:
    before = demo_graph.read("MATCH (n) RETURN count(n)").rows
    steps: list[tuple[int, int]] = []
    examples = [Example(f"q{i}", case[0]) for i, case in enumerate(CASES)]
    report = score("movies", examples, [case[1] for case in CASES], demo_graph, lambda *step: steps.append(step))
    assert [(p.executable, p.right) for p in report.predictions] == [(case[2], case[3]) for case in CASES]
    assert all(bool(p.error) != p.executable for p in report.predictions)
    accuracy, executable = report.execution_accuracy, report.executable
    assert (accuracy.value, accuracy.n) == (3 / 9, 9)
    assert (executable.value, executable.n) == (0.7, 10)
    assert report.right == 3
    assert report.exact_match.value == 0.1
    assert steps[-1] == (10, 10)
    assert demo_graph.read("MATCH (n) RETURN count(n)").rows == before


def test_without_a_graph_only_the_text_is_scored() -> None:
    report = score("movies", [Example("q", "RETURN 1"), Example("r", "RETURN 2")], ["RETURN 1", " RETURN 3 "], None)
    assert (report.execution_accuracy.n, report.executable.n, report.exact_match.value) == (0, 0, 0.5)
    assert "executable" not in repr(report)
    assert "exact match" in repr(report)


def test_a_report_is_one_table_with_the_other_model_beside_it() -> None:
    def model(name: str, right: bool) -> Report:
        return Report(name, (Prediction("q", "RETURN 1", "RETURN 1" if right else "x", right, right),))

    shown = repr(Report("tuned <b>", model("tuned", True).predictions, model("base", False)))
    head, *lines, last = shown.splitlines()
    assert head.split() == ["base", "tuned", "<b>"]
    assert [line.split()[0] for line in lines] == ["execution", "executable", "google", "exact"]
    assert "0.000 [0.00, 0.79]" in lines[0] and "1.000 [0.21, 1.00]" in lines[0]
    assert last.startswith("1 questions")
    page = Report("tuned <b>", model("tuned", True).predictions)._repr_html_()
    assert "<b>" not in page and "tuned &lt;b&gt;" in page
