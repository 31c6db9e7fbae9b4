from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations
from math import dist
from pathlib import Path as FilePath
from typing import Any

import pytest
from neo4j.graph import Graph, Node, Path

from cypher_magic.errors import DataError
from cypher_magic.graph.layout import layout
from cypher_magic.graph.picture import MAX_NODES, Picture, picture, schema_picture
from cypher_magic.graph.schema import GraphSchema, Triple
from cypher_magic.graph.svg import MAX_HEIGHT, MAX_WIDTH, label_colours

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</title><script>alert(1)</script><!-- ]]> \" ' & \x00\x1b \ud800 \ufffe"


def node(element_id: str, *labels: str, **properties: Any) -> Node:
    return Node(Graph(), element_id, 0, labels, properties)


def relationship(start: Node, name: str, end: Node, element_id: str = "", **properties: Any) -> Any:
    kind = Graph().relationship_type(name)
    drawn = kind(Graph(), element_id or f"{start.element_id}-{name}-{end.element_id}", 0, properties)
    drawn._start_node, drawn._end_node = start, end
    return drawn


TOM = node("1", "Person", name="Tom Hanks", born=1956)
GUMP = node("2", "Movie", title="Forrest Gump", released=1994)
DRAMA = node("3", "Genre", name="Drama")
ACTED = relationship(TOM, "ACTED_IN", GUMP, roles=["Forrest"])
IN_GENRE = relationship(GUMP, "IN_GENRE", DRAMA)


def chain(count: int) -> list[tuple[Any, ...]]:
    nodes = [node(str(i), "Step", name=f"step {i}") for i in range(count)]
    return [(a, relationship(a, "NEXT", b), b) for a, b in zip(nodes, nodes[1:], strict=False)]


def parsed(drawn: Picture) -> ElementTree.Element:
    return ElementTree.fromstring(drawn.svg)


def circles(drawn: Picture) -> list[tuple[float, float]]:
    found = [g.find(f"{SVG}circle") for g in parsed(drawn).iter(f"{SVG}g")]
    return [(float(c.get("cx", "")), float(c.get("cy", ""))) for c in found if c is not None]


def texts(drawn: Picture) -> list[str]:
    return [t.text or "" for t in parsed(drawn).iter(f"{SVG}text")]


def test_nodes_and_relationships_are_drawn_with_captions_types_and_a_legend() -> None:
    shown = texts(picture([(TOM, ACTED, GUMP), (GUMP, IN_GENRE, DRAMA)]))
    assert {"ACTED_IN", "IN_GENRE", "Forrest", "Gump", "Person (1)", "Movie (1)", "Genre (1)"} <= set(shown)


def test_the_pointer_shows_labels_and_properties() -> None:
    titles = [t.text for t in parsed(picture([(TOM, ACTED, GUMP)])).iter(f"{SVG}title")]
    assert ":Person\nname: Tom Hanks\nborn: 1956" in titles
    assert ':ACTED_IN\nroles: ["Forrest"]' in titles


def test_paths_lists_and_maps_are_searched_and_nothing_is_drawn_twice() -> None:
    drawn = picture([(Path(TOM, ACTED), [GUMP, {"a": [DRAMA]}]), (TOM, ACTED), (GUMP, IN_GENRE)])
    assert (drawn.node_count, drawn.relationship_count) == (3, 2)
    assert len(circles(drawn)) == 3


def test_an_end_that_was_not_returned_is_drawn_and_filled_in_when_it_comes() -> None:
    bare = node("2")
    alone = picture([(relationship(TOM, "ACTED_IN", bare),)])
    assert [dot.labels for dot in alone.dots] == [("Person",), ()]
    later = picture([(relationship(TOM, "ACTED_IN", bare), GUMP)])
    assert [dot.labels for dot in later.dots] == [("Person",), ("Movie",)]


def test_a_result_without_nodes_says_how_to_get_some() -> None:
    drawn = picture([("Tom Hanks", 1956, None, [1], {"a": 2})])
    assert drawn.dots == ()
    assert "RETURN p, r, m" in repr(drawn)
    assert "RETURN p, r, m" in drawn._repr_html_()


def test_every_text_of_the_database_is_escaped_and_the_svg_is_well_formed() -> None:
    other = node("8", HOSTILE, **{"name": HOSTILE, HOSTILE: HOSTILE})
    kind = HOSTILE.replace("\0", "").replace("\ud800", "")
    drawn = picture([(other, relationship(other, kind, TOM, **{HOSTILE: HOSTILE}), TOM)])
    tree = parsed(drawn)
    drawn.svg.encode("utf-8")
    names = {element.tag.removeprefix(SVG) for element in tree.iter()}
    assert names <= {"svg", "g", "title", "path", "polygon", "circle", "text"}
    attributes = {name for element in tree.iter() for name in element.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]
    html = drawn._repr_html_()
    assert "<script" not in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")


def test_the_same_rows_give_the_same_picture() -> None:
    assert picture(chain(30)).svg == picture(chain(30)).svg


@pytest.mark.parametrize("count", [1, 2, 3, 12, 13, 40, 41, 90, 91, 200])
def test_nothing_lies_on_top_of_another_or_outside(count: int) -> None:
    nodes = [node(str(i), "Step", name=f"step {i}") for i in range(count)]
    rows = [(n,) for n in nodes]
    rows += [(relationship(nodes[i], "NEXT", nodes[(i * 7) % count]),) for i in range(1, count) if (i * 7) % count != i]
    drawn = picture(rows)
    tree = parsed(drawn)
    width, height = float(tree.get("width", "")), float(tree.get("height", ""))
    radius = max(float(c.get("r", "")) for g in tree.iter(f"{SVG}g") for c in g.findall(f"{SVG}circle"))
    places = circles(drawn)
    assert len(places) == count
    assert all(radius <= x <= width - radius and radius <= y <= height - radius for x, y in places)
    assert min((dist(a, b) for a, b in combinations(places, 2)), default=1e9) > 2 * radius
    assert width <= MAX_WIDTH + 100
    assert height <= MAX_HEIGHT + 100
    assert len(drawn.svg) < 200_000


def test_too_many_nodes_are_cut_and_the_note_says_so() -> None:
    drawn = picture(chain(MAX_NODES + 61))
    assert len(drawn.dots) == MAX_NODES
    assert drawn.node_count == MAX_NODES + 61
    assert "261 nodes, 260 relationships; the first 200 and 199 are drawn" in repr(drawn)
    assert "interactive()" in drawn._repr_html_()


def test_arrows_run_from_left_to_right_where_they_can() -> None:
    (start, _), (end, _) = circles(picture([(TOM, ACTED, GUMP)]))
    assert start < end


def test_parallel_relationships_and_loops_keep_apart() -> None:
    rows = [(relationship(TOM, name, GUMP),) for name in ("ACTED_IN", "DIRECTED", "WROTE")]
    rows += [(relationship(TOM, "KNOWS", TOM),), (relationship(TOM, "LIKES", TOM),)]
    drawn = picture(rows)
    curves = {p.get("d") for p in parsed(drawn).iter(f"{SVG}path")}
    assert len(curves) == 5
    assert {"ACTED_IN", "DIRECTED", "WROTE", "KNOWS", "LIKES"} <= set(texts(drawn))


def test_captions_beside_small_dots_never_cover_each_other() -> None:
    rows = [(node(str(i), "Person", name=f"A rather long name, number {i}"),) for i in range(150)]
    tree = parsed(picture(rows))
    boxes = []
    for text in tree.findall(f"{SVG}text"):
        if "number" in (text.text or "") or "…" in (text.text or ""):
            half = len(text.text or "") * 7 * 0.56 / 2
            boxes.append((float(text.get("x", "")), float(text.get("y", "")), half))
    assert len(boxes) > 20
    assert not [1 for a, b in combinations(boxes, 2) if abs(a[1] - b[1]) < 5 and abs(a[0] - b[0]) < a[2] + b[2] - 1]


def test_a_label_keeps_its_colour_and_labels_differ() -> None:
    few = label_colours({"Person", "Movie"})
    assert few["Person"] == label_colours({"Person"})["Person"]
    assert len(set(label_colours({"Person", "Movie", "Genre", "User", "Actor", "City", "Ward"}).values())) == 7


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_on_a_dot_is_readable_and_other_text_takes_the_colour_of_the_page() -> None:
    drawn = picture([(TOM, ACTED, GUMP), (DRAMA,)])
    for group in parsed(drawn).iter(f"{SVG}g"):
        circle = group.find(f"{SVG}circle")
        for text in group.findall(f"{SVG}text"):
            if circle is None:
                assert text.get("fill") == "currentColor"
            else:
                light, dark = luminance(circle.get("fill", "")), luminance(text.get("fill", ""))
                assert (light + 0.05) / (dark + 0.05) > 4.5
    assert "color:var(--jp-content-font-color1,currentColor)" in drawn.svg


def test_the_text_form_lists_triples_and_lonely_nodes() -> None:
    text = repr(picture([(TOM, ACTED, GUMP), (DRAMA, None, None)]))
    assert text.splitlines() == [
        "(:Person Tom Hanks)-[:ACTED_IN]->(:Movie Forrest Gump)",
        "(:Genre Drama)",
        "3 nodes, 1 relationship",
    ]


def test_a_schema_is_drawn_label_by_label() -> None:
    schema = GraphSchema(
        labels={"Person": {"name": "STRING"}, "Movie": {"title": "STRING"}, "Lonely": {}},
        relationship_types={"ACTED_IN": {"roles": "LIST<STRING>"}},
        triples=(
            Triple("Person", "ACTED_IN", "Movie"),
            Triple("Person", "KNOWS", "Person"),
            Triple("Gone", "X", "Person"),
        ),
    )
    drawn = schema_picture(schema)
    assert {"Person", "Movie", "Lonely", "ACTED_IN", "KNOWS"} == set(texts(drawn))
    titles = [t.text for t in parsed(drawn).iter(f"{SVG}title")]
    assert ":ACTED_IN\nroles: LIST<STRING>" in titles
    assert "3 labels, 3 triples" in repr(drawn)


def test_an_empty_schema_and_one_of_300_labels_are_pictures_too() -> None:
    assert "0 labels" in repr(schema_picture(GraphSchema()))
    big = schema_picture(GraphSchema(labels={f"Label{i}": {} for i in range(300)}))
    assert len(circles(big)) == MAX_NODES
    assert "300 labels" in big.note


def test_a_saved_picture_is_a_file_that_stands_on_its_own(tmp_path: FilePath) -> None:
    file = picture([(TOM, ACTED, GUMP)]).save(tmp_path / "films.svg")
    assert ElementTree.parse(file).getroot().tag == f"{SVG}svg"


def test_the_widget_of_neo4j_viz_gets_the_whole_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    viz = pytest.importorskip("neo4j_viz", reason="neo4j-viz (extra `viz`) is not installed")
    kept: dict[str, Any] = {}
    monkeypatch.setattr(viz.VisualizationGraph, "render", lambda self, **options: kept.update(graph=self, **options))
    picture(chain(MAX_NODES + 50)).interactive()
    assert len(kept["graph"].nodes) == MAX_NODES + 50
    assert len(kept["graph"].relationships) == MAX_NODES + 49
    assert kept["max_allowed_nodes"] >= MAX_NODES + 50


def test_without_neo4j_viz_the_hint_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "neo4j_viz", None)
    with pytest.raises(DataError) as caught:
        picture([(TOM,)]).interactive()
    assert "neo4j-viz>=1.0" in caught.value.hint


def test_a_layout_of_200_nodes_in_one_place_spreads_out() -> None:
    star = [(0, i) for i in range(1, 200)]
    places = layout(200, star, length=46, gap=32, width=880, height=580)
    assert len(set(places)) == 200
    assert re.fullmatch(r"-?\d+\.\d", str(places[0][0]))
