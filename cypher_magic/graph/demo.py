"""The demo movie graph: real films, people, genres, and a few invented users with ratings.

(:Person)-[:ACTED_IN {roles}]->(:Movie), DIRECTED, WROTE, PRODUCED, (:Movie)-[:IN_GENRE]->(:Genre) and
(:User)-[:RATED {rating, timestamp}]->(:Movie), from the CSV files in `demo_data/`.
"""

from __future__ import annotations

import csv
import io
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cypher_magic.graph.neo4j_graph import Connection

_NUMBERS = {"released": int, "runtime": int, "imdbRating": float, "born": int, "userId": int, "timestamp": int}

_PERSON_TO_MOVIE = "UNWIND $rows AS row MATCH (p:Person {name: row.person}), (m:Movie {title: row.movie}) "
_STEPS = (
    ("", "CREATE CONSTRAINT movie_title IF NOT EXISTS FOR (m:Movie) REQUIRE m.title IS UNIQUE"),
    ("", "CREATE CONSTRAINT person_name IF NOT EXISTS FOR (p:Person) REQUIRE p.name IS UNIQUE"),
    ("", "CREATE CONSTRAINT genre_name IF NOT EXISTS FOR (g:Genre) REQUIRE g.name IS UNIQUE"),
    ("", "CREATE CONSTRAINT user_id IF NOT EXISTS FOR (u:User) REQUIRE u.userId IS UNIQUE"),
    ("movies", "UNWIND $rows AS row CREATE (m:Movie) SET m = row"),
    ("people", "UNWIND $rows AS row CREATE (p:Person) SET p = row"),
    ("users", "UNWIND $rows AS row CREATE (u:User) SET u = row"),
    ("acted_in", _PERSON_TO_MOVIE + "CREATE (p)-[:ACTED_IN {roles: row.roles}]->(m)"),
    ("directed", _PERSON_TO_MOVIE + "CREATE (p)-[:DIRECTED]->(m)"),
    ("wrote", _PERSON_TO_MOVIE + "CREATE (p)-[:WROTE]->(m)"),
    ("produced", _PERSON_TO_MOVIE + "CREATE (p)-[:PRODUCED]->(m)"),
    ("movie_genres", "UNWIND $rows AS row MERGE (:Genre {name: row.genre})"),
    (
        "movie_genres",
        "UNWIND $rows AS row MATCH (m:Movie {title: row.movie}), (g:Genre {name: row.genre}) "
        "CREATE (m)-[:IN_GENRE]->(g)",
    ),
    (
        "ratings",
        "UNWIND $rows AS row MATCH (u:User {userId: row.userId}), (m:Movie {title: row.movie}) "
        "CREATE (u)-[:RATED {rating: row.rating, timestamp: row.timestamp}]->(m)",
    ),
)


def fill(connection: Connection) -> None:
    """Loads the demo graph into an empty graph; one that holds nodes already is left as it is."""
    if connection.read("MATCH (n) RETURN 1 LIMIT 1").rows:
        return
    for name, query in _STEPS:
        connection.write(query, {"rows": table(name)} if name else None)


def table(name: str) -> list[dict[str, Any]]:
    """The rows of one CSV file of the demo graph; numbers as numbers, `roles` as a list, empty cells left out."""
    text = resources.files("cypher_magic.graph").joinpath("demo_data", f"{name}.csv").read_text(encoding="utf-8")
    return [_typed(row) for row in csv.DictReader(io.StringIO(text))]


def _typed(row: Mapping[str, str]) -> dict[str, Any]:
    typed: dict[str, Any] = {}
    for column, cell in row.items():
        if column == "roles":
            typed[column] = [role for role in cell.split("|") if role]
        elif cell:
            typed[column] = float(cell) if column == "rating" else _NUMBERS.get(column, str)(cell)
    return typed
