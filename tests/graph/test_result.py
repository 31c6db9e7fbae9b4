from __future__ import annotations

import re
from datetime import time
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
import pytz
from neo4j.graph import Graph, Node, Path, Relationship
from neo4j.spatial import WGS84Point
from neo4j.time import Date, DateTime, Duration, Time

from cypher_magic.errors import DataError
from cypher_magic.graph.result import QueryResult

BERLIN = pytz.timezone("Europe/Berlin")
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"' & \x1b[31m\x00\u202e"


def node(element_id: str, *labels: str, **properties: Any) -> Node:
    return Node(Graph(), element_id, 0, labels, properties)


def relationship(start: Node, name: str, end: Node, **properties: Any) -> Relationship:
    name = name.replace("\0", "")  # the driver itself takes none in a relationship type
    drawn = Graph().relationship_type(name)(Graph(), f"{start.element_id}-{end.element_id}", 0, properties)
    drawn._start_node, drawn._end_node = start, end
    return drawn


TOM = node("1", "Person", name="Tom Hanks", born=1956)
GUMP = node("2", "Movie", title="Forrest Gump", released=1994)


def column(*values: Any) -> QueryResult:
    return QueryResult(("x",), tuple((value,) for value in values))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def tags(html: str) -> _Tags:
    parser = _Tags()
    parser.feed(html)
    return parser


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ((1, 2), "int64"),
        ((1, None), "Int64"),
        ((1.5, None), "float64"),
        ((1, 1.5), "float64"),
        ((True, False), "bool"),
        ((True, None), "boolean"),
        ((True, 1), "object"),
        ((None, None), "object"),
        (([1], [2]), "object"),
        ((Date(2020, 1, 2), None), "datetime64[us]"),
        ((Date(1, 1, 1), Date(9999, 12, 31)), "datetime64[us]"),
        ((DateTime(2020, 1, 2, 3, 4, 5), None), "datetime64[us]"),
        ((DateTime(2020, 1, 2, 3, 4, 5, 123456789), None), "datetime64[ns]"),
        (
            (BERLIN.localize(DateTime(2020, 1, 2)), BERLIN.localize(DateTime(2020, 7, 2))),
            "datetime64[us, Europe/Berlin]",
        ),
        ((BERLIN.localize(DateTime(2020, 1, 2)), pytz.UTC.localize(DateTime(2020, 7, 2))), "datetime64[us, UTC]"),
        ((pytz.FixedOffset(60).localize(DateTime(2020, 1, 2)),), "datetime64[us, UTC+01:00]"),
        ((BERLIN.localize(DateTime(2020, 1, 2)), DateTime(2020, 7, 2)), "object"),
        ((Duration(days=2, nanoseconds=5), None), "timedelta64[ns]"),
        ((Duration(months=1),), "object"),
        ((Duration(days=200_000),), "object"),
        ((Time(1, 2, 3), None), "object"),
        ((WGS84Point((1.0, 2.0)),), "object"),
    ],
)
def test_each_kind_of_value_has_its_own_column_type(values: tuple[Any, ...], dtype: str) -> None:
    assert str(column(*values).df.dtypes["x"]) == dtype


def test_values_survive_the_way_into_a_frame() -> None:
    assert column("a", None).df["x"].isna().tolist() == [False, True]
    assert column(2**62, None).df["x"].iloc[0] == 2**62
    assert column(Date(2020, 1, 2), None).df["x"].iloc[0] == pd.Timestamp("2020-01-02")
    assert column(DateTime(2020, 1, 2, 3, 4, 5, 123456789)).df["x"].iloc[0] == pd.Timestamp(
        "2020-01-02T03:04:05.123456789"
    )
    summer = BERLIN.localize(DateTime(2020, 7, 2, 12))
    assert column(summer).df["x"].iloc[0].isoformat() == "2020-07-02T12:00:00+02:00"
    assert column(Duration(days=1, seconds=2, nanoseconds=3)).df["x"].iloc[0] == pd.Timedelta(
        "1 days 00:00:02.000000003"
    )
    assert column(Duration(months=1)).df["x"].iloc[0] == Duration(months=1)
    assert column(Time(1, 2, 3)).df["x"].iloc[0] == time(1, 2, 3)
    assert column([Date(2020, 1, 2), {"at": Date(2020, 1, 3)}]).df["x"].iloc[0][1]["at"].day == 3
    assert column([1, 2], [3, 4]).df["x"].tolist() == [[1, 2], [3, 4]]
    point = column(WGS84Point((1.0, 2.0))).df["x"].iloc[0]
    assert (point.longitude, point.srid) == (1.0, 4326)
    assert column(TOM).df["x"].iloc[0] is TOM


def test_an_empty_result_keeps_its_columns() -> None:
    frame = QueryResult(("a", "b"), ()).df
    assert list(frame.columns) == ["a", "b"]
    assert len(frame) == 0
    assert QueryResult((), ()).df.empty


def test_polars_gets_the_same_rows() -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    frame = QueryResult(
        ("n", "when", "node", "where", "list"),
        ((1, Date(2020, 1, 2), TOM, WGS84Point((1.0, 2.0)), [1, 2]), (None, None, None, None, [])),
    ).polars
    assert frame.shape == (2, 5)
    assert frame.schema["when"] == polars.Date
    assert frame["node"][0] == {"name": "Tom Hanks", "born": 1956}
    assert frame["where"][0] == {"x": 1.0, "y": 2.0, "srid": 4326}


def test_polars_that_is_missing_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(DataError, match="polars is not installed"):
        _ = column(1).polars


def test_every_value_is_escaped_in_html() -> None:
    hostile_node = node("9", HOSTILE, **{HOSTILE: HOSTILE})
    values = (
        HOSTILE,
        [HOSTILE],
        {HOSTILE: HOSTILE},
        hostile_node,
        relationship(TOM, HOSTILE, hostile_node, **{HOSTILE: HOSTILE}),
        Path(TOM, relationship(TOM, HOSTILE, hostile_node)),
        HOSTILE * 100,
        b"<b>",
    )
    html = QueryResult((HOSTILE, "x"), tuple((v, v) for v in values), plan=HOSTILE)._repr_html_()
    html, picture, _ = html.partition("<details><summary>Picture")  # which has a test of its own
    assert picture
    found = tags(html)
    assert set(found.tags) <= {"style", "div", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "pre"}
    assert set(found.attributes) <= {"class"}
    assert "&lt;script&gt;alert(1)" in html
    assert all(c.isprintable() or c == "\n" for c in html)


def test_nothing_that_steers_a_terminal_is_printed() -> None:
    text = repr(QueryResult((HOSTILE, "y"), ((HOSTILE, [HOSTILE]), ("a\nb\tc\rd", "x\x9b31m")), plan=None))
    assert all(c.isprintable() or c == "\n" for c in text)
    assert len(text.splitlines()) == 5  # head, rule, two rows, summary: a line break in a value makes no new row


def test_long_values_are_folded_and_very_long_ones_cut() -> None:
    html = column("word " * 100, "x" * 50_000)._repr_html_()
    assert html.count("<details>") == 2
    assert "46,000 more characters" in html
    assert len(html) < 10_000


def test_rows_come_in_pages_and_the_html_stays_small() -> None:
    result = QueryResult(("n",), tuple((i,) for i in range(1000)), display_limit=20)
    html = result._repr_html_()
    assert "rows 21 to 40" in html
    assert html.count("<table>") == 10
    assert "800 more rows are not drawn" in html
    wide = QueryResult(tuple("abcdef"), tuple(("long text " * 300,) * 6 for _ in range(200)))
    assert len(wide._repr_html_()) < 300_000
    assert "more rows are not drawn" in wide._repr_html_()


def test_text_says_how_to_see_the_rows_that_it_leaves_out() -> None:
    result = QueryResult(("n",), tuple((i,) for i in range(30)))
    assert "… 10 more rows: .df has all of them" in repr(result)
    assert "… 1 more row: .df" in repr(QueryResult(("n",), result.rows[:21]))
    assert len(result.df) == 30


def test_a_display_limit_larger_than_the_result_makes_one_page() -> None:
    html = QueryResult(("n",), ((1,), (2,)), display_limit=50)._repr_html_()
    assert html.count("<table>") == 1
    assert "not drawn" not in html


def test_html_takes_its_colours_from_the_page() -> None:
    html = column(1)._repr_html_()
    assert re.findall(r"#[0-9a-f]{3,6}\b", html) == []
    assert "var(--jp-ui-font-color1,inherit)" in html
    assert "http" not in html


def test_nodes_relationships_and_paths_are_readable() -> None:
    acted = relationship(TOM, "ACTED_IN", GUMP, roles=["Forrest"])
    text = repr(QueryResult(("p", "r", "path"), ((TOM, acted, Path(GUMP, acted)),)))
    assert '(:Person "Tom Hanks")' in text
    assert "[:ACTED_IN {roles" in text
    assert '(:Movie "Forrest Gump")<-[:ACTED_IN]' in text
    html = QueryResult(("p", "r"), ((TOM, acted),))._repr_html_()
    assert ">(:Person &quot;Tom Hanks&quot;)</summary>name: Tom Hanks\nborn: 1956" in html


def test_a_small_result_with_relationships_has_its_picture_folded_below() -> None:
    acted = relationship(TOM, "ACTED_IN", GUMP)
    html = QueryResult(("p", "r", "m"), ((TOM, acted, GUMP),))._repr_html_()
    assert html.count("<details><summary>Picture</summary>") == html.count("<svg") == 1
    many = [node(str(i), "Person", name=f"Person {i}") for i in range(2, 200)]
    large = tuple((p, relationship(p, "ACTED_IN", GUMP), GUMP) for p in many)
    for result in (column(TOM, GUMP), column(1), QueryResult(("p", "r", "m"), large)):
        assert "<svg" not in result._repr_html_()


def test_text_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = repr(QueryResult(("a", "n", "b"), (("x" * 200, 7, "漢字" * 40), (None, 12, "short"))))
    assert max(len(line) for line in text.splitlines()) <= 60
    assert "null" in text


def test_moments_are_shown_without_a_tail_of_zeros() -> None:
    text = repr(column(DateTime(2020, 1, 2, 3, 4, 5), DateTime(2020, 1, 2, 3, 4, 5, 120_000_000), Duration(seconds=90)))
    assert "2020-01-02T03:04:05\n" in text
    assert "2020-01-02T03:04:05.12\n" in text
    assert "PT1M30S" in text


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (QueryResult(("n",), ((1,),), seconds=0.0123), "1 row · 12 ms"),
        (
            QueryResult(("n",), ((1,), (2,)), truncated=True),
            "first 2 rows, the graph has more (-l fetches more) · 0 ms",
        ),
        (
            QueryResult((), (), counters={"nodes_created": 3, "labels_added": 0, "properties_set": 1200}),
            "3 nodes created · 1,200 properties set · 0 ms",
        ),
        (
            QueryResult((), (), counters={"nodes_created": 1, "properties_set": 1, "indexes_added": 1}),
            "1 node created · 1 property set · 1 index added · 0 ms",
        ),
        (QueryResult((), ()), "no rows · 0 ms"),
        (QueryResult((), (), plan="AllNodesScan"), "planned, not run"),
    ],
)
def test_the_summary_is_one_line(result: QueryResult, line: str) -> None:
    assert result.summary == line
    assert repr(result).splitlines()[-1] == line
    assert line in result._repr_html_()


def test_a_result_is_a_sequence_of_rows_and_true_even_when_empty() -> None:
    result = QueryResult(("a", "b"), ((1, 2), (3, 4)))
    assert (len(result), list(result), result[1]) == (2, [(1, 2), (3, 4)], (3, 4))
    assert result.records == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert QueryResult(("a",), ())


def test_a_plan_is_folded_in_html_and_printed_in_text() -> None:
    result = QueryResult((), (), plan="ProduceResults\n  AllNodesScan")
    assert "<details><summary>Plan</summary><pre>ProduceResults" in result._repr_html_()
    assert "  AllNodesScan" in repr(result)


def test_rows_of_the_real_engine_become_a_frame_a_table_and_a_picture(demo_graph: Any) -> None:
    result = demo_graph.read(
        "MATCH (p:Person)-[r:ACTED_IN]->(m:Movie) "
        "RETURN p, r, m, m.released AS released, date('2020-01-02') AS day, datetime('2020-01-02T03:04:05Z') AS at, "
        "duration('P1D') AS span, point({x: 1, y: 2}) AS spot, [1, null] AS list LIMIT 7"
    )
    frame = result.df
    assert len(frame) == 7
    assert [str(frame.dtypes[c]) for c in ("released", "day", "span")] == ["int64", "datetime64[us]", "timedelta64[ns]"]
    assert str(frame.dtypes["at"]).startswith("datetime64[us, ")
    assert "ACTED_IN" in result.graph.svg
    assert result.graph.relationship_count == 7
    assert 'class="cm-brief">(:Person' in result._repr_html_()


def test_notes_stand_above_the_rows_and_are_escaped() -> None:
    result = QueryResult(("x",), ((1,),), notes=(HOSTILE, "a note"))
    page = result._repr_html_()
    assert page.index("a note") < page.index("<table>")
    assert not {"script", "img"} & set(tags(page).tags)
    assert repr(result).splitlines()[1] == "a note" and "\x1b" not in repr(result)
