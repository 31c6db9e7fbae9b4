"""Graphs that are big enough to show whether a probe looks at everything."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

Run = Callable[..., Any]  # run(text, **params) on a server, past what is under test


def load_movies(run: Run, folder: Path) -> None:
    """The movie graph of 28 thousand nodes and 162 thousand relationships."""
    for label, key in (("Movie", "movieId"), ("Person", "name"), ("Genre", "name"), ("User", "userId")):
        run(f"CREATE CONSTRAINT IF NOT EXISTS FOR (n:{label}) REQUIRE n.{key} IS UNIQUE")
    movies = list(_rows(folder / "movies.csv"))
    ratings = list(_rows(folder / "ratings.csv"))
    steps: list[tuple[str, Iterable[dict[str, Any]]]] = [
        (
            "MERGE (m:Movie {movieId: row.movieId}) SET m.title = row.title, m.imdbRating = toFloat(row.imdbRating), "
            "m.released = CASE WHEN row.released = '' THEN NULL ELSE date(row.released) END",
            movies,
        ),
        ("MERGE (:Person {name: row.name})", [{"name": name} for name in _names(movies)]),
        (
            "MERGE (:Genre {name: row.name})",
            [{"name": g} for g in sorted({g for m in movies for g in _split(m, "genres")})],
        ),
        ("MERGE (:User {userId: row.userId})", [{"userId": u} for u in sorted({r["userId"] for r in ratings})]),
        (
            _edge("Person {name: row.o}", "ACTED_IN"),
            [{"o": o, "m": m["movieId"]} for m in movies for o in _split(m, "actors")],
        ),
        (
            _edge("Person {name: row.o}", "DIRECTED"),
            [{"o": o, "m": m["movieId"]} for m in movies for o in _split(m, "director")],
        ),
        (
            "MATCH (m:Movie {movieId: row.m}), (g:Genre {name: row.g}) CREATE (m)-[:IN_GENRE]->(g)",
            [{"m": m["movieId"], "g": g} for m in movies for g in _split(m, "genres")],
        ),
        (
            "MATCH (u:User {userId: row.userId}), (m:Movie {movieId: row.movieId}) "
            "CREATE (u)-[:RATED {rating: toFloat(row.rating), timestamp: toInteger(row.timestamp)}]->(m)",
            ratings,
        ),
    ]
    for text, rows in steps:
        for batch in _batches(rows, 10_000):
            run("UNWIND $rows AS row " + text, rows=batch)


def make_million(run: Run) -> None:
    """A million nodes and 1.3 million relationships: 8 labels, one relationship type between several of them,
    a property only the newest nodes have, and a triple that exists once.
    """
    nodes = [f"(a{number}:L{number} {{id: i, name: 'n' + i, half: i / 2.0}})" for number in range(8)]
    ring = "-[:NEXT {w: i / 2.0}]->".join([*nodes, "(a0)"])
    far = "WITH * WHERE i <= 100000 CREATE (a0)-[:FAR]->(a4), (a1)-[:FAR]->(a5)"
    run(f"UNWIND range(1, 125000) AS i CALL (i) {{ CREATE {ring} {far} }} IN TRANSACTIONS OF 5000 ROWS")
    for number in range(8):
        run(f"CREATE INDEX l{number} IF NOT EXISTS FOR (n:L{number}) ON (n.id)")
    run("CALL db.awaitIndexes(300)")
    far = "CREATE (a)-[:FAR]->(b) } IN TRANSACTIONS OF 20000 ROWS"
    run(f"MATCH (b:L7 {{id: 1}}) MATCH (a:L6) WHERE a.id <= 50000 CALL (a, b) {{ {far}")  # a hub
    run("MATCH (a:L2 {id: 77777}), (b:L7 {id: 88888}) CREATE (a)-[:FAR]->(b)")
    run("CREATE (:L0 {id: 125001, newest: date()})")


def _edge(origin: str, kind: str) -> str:
    return f"MATCH (o:{origin}), (m:Movie {{movieId: row.m}}) CREATE (o)-[:{kind}]->(m)"


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _split(row: dict[str, str], column: str) -> list[str]:
    return [part for part in (row[column] or "").split("|") if part and not part.startswith("(")]


def _names(movies: list[dict[str, str]]) -> list[str]:
    return sorted({name for movie in movies for column in ("actors", "director") for name in _split(movie, column)})


def _batches(rows: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    held = list(rows)
    return (held[at : at + size] for at in range(0, len(held), size))
