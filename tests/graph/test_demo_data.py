"""The demo movie graph's tables: enough of everything, and every reference leads somewhere."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import cypher_magic.graph

DATA = Path(cypher_magic.graph.__file__).parent / "demo_data"
HEADERS = {
    "movies": ["title", "released", "tagline", "runtime", "imdbRating"],
    "people": ["name", "born"],
    "acted_in": ["person", "movie", "roles"],
    "directed": ["person", "movie"],
    "wrote": ["person", "movie"],
    "produced": ["person", "movie"],
    "movie_genres": ["movie", "genre"],
    "users": ["userId", "name"],
    "ratings": ["userId", "movie", "rating", "timestamp"],
}
CREDITS = ("acted_in", "directed", "wrote", "produced")

Row = dict[str, str]


@pytest.fixture(scope="module")
def tables() -> dict[str, list[Row]]:
    tables = {}
    for name, header in HEADERS.items():
        with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            assert list(reader.fieldnames or ()) == header, name
            tables[name] = list(reader)
    return tables


def _column(rows: list[Row], name: str) -> list[str]:
    return [row[name] for row in rows]


def test_there_are_enough_films_people_users_and_ratings(tables: dict[str, list[Row]]) -> None:
    assert len(tables["movies"]) >= 90
    assert len(tables["people"]) >= 280
    assert len(tables["users"]) == 12
    assert len(tables["ratings"]) >= 150
    assert len(set(_column(tables["movie_genres"], "genre"))) >= 12


def test_films_come_from_every_decade_since_the_1930s(tables: dict[str, list[Row]]) -> None:
    assert {int(row["released"]) // 10 * 10 for row in tables["movies"]} == set(range(1930, 2030, 10))


@pytest.mark.parametrize("table", HEADERS)
def test_no_cell_is_missing_or_padded_and_no_row_repeats(tables: dict[str, list[Row]], table: str) -> None:
    rows = [tuple(row.values()) for row in tables[table]]
    assert all(isinstance(cell, str) and cell == cell.strip() for row in rows for cell in row)
    assert len(set(rows)) == len(rows)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("movies", ("title",)),
        ("people", ("name",)),
        ("users", ("userId",)),
        ("acted_in", ("person", "movie")),
        ("ratings", ("userId", "movie")),
    ],
)
def test_keys_are_unique(tables: dict[str, list[Row]], table: str, key: tuple[str, ...]) -> None:
    keys = [tuple(row[part] for part in key) for row in tables[table]]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("table", [*CREDITS, "movie_genres", "ratings"])
def test_every_named_film_exists(tables: dict[str, list[Row]], table: str) -> None:
    assert set(_column(tables[table], "movie")) <= set(_column(tables["movies"], "title"))


def test_every_credited_person_exists_and_every_person_has_a_credit(tables: dict[str, list[Row]]) -> None:
    credited = {person for table in CREDITS for person in _column(tables[table], "person")}
    assert credited == set(_column(tables["people"], "name"))


def test_every_rating_is_by_a_known_user_and_every_user_rated(tables: dict[str, list[Row]]) -> None:
    assert set(_column(tables["ratings"], "userId")) == set(_column(tables["users"], "userId"))


@pytest.mark.parametrize("table", ["acted_in", "directed", "wrote", "movie_genres"])
def test_every_film_has_an_actor_a_director_a_writer_and_a_genre(tables: dict[str, list[Row]], table: str) -> None:
    assert set(_column(tables[table], "movie")) == set(_column(tables["movies"], "title"))


def test_numbers_are_in_their_ranges(tables: dict[str, list[Row]]) -> None:
    released = {row["title"]: int(row["released"]) for row in tables["movies"]}
    assert all(1930 <= year <= 2025 for year in released.values())
    assert all(70 <= int(row["runtime"]) <= 240 for row in tables["movies"])
    assert all(1 <= float(row["imdbRating"]) <= 10 for row in tables["movies"] if row["imdbRating"])
    assert all(float(row["rating"]) in {half / 2 for half in range(1, 11)} for row in tables["ratings"])
    assert all(1_400_000_000 < int(row["timestamp"]) < 1_800_000_000 for row in tables["ratings"])
    born = {row["name"]: int(row["born"]) for row in tables["people"] if row["born"]}
    for table in CREDITS:
        for row in tables[table]:
            if row["person"] in born:
                assert released[row["movie"]] - born[row["person"]] >= 5, row


def test_a_few_values_are_missing_but_only_a_few(tables: dict[str, list[Row]]) -> None:
    assert 0 < _column(tables["movies"], "imdbRating").count("") <= 8
    assert 0 < _column(tables["people"], "born").count("") <= 25
    assert 0 < _column(tables["movies"], "tagline").count("") < len(tables["movies"]) / 2


def test_every_part_has_at_least_one_role(tables: dict[str, list[Row]]) -> None:
    roles = [row["roles"].split("|") for row in tables["acted_in"]]
    assert all(all(part) for part in roles)
    assert sum(len(parts) > 1 for parts in roles) >= 10


@pytest.mark.parametrize("character", [",", "'", ":", "!", "?", "&", "-", ".", "é", "á", "¡", "½", "·", "1", "2"])
def test_titles_hold_the_characters_that_break_careless_code(tables: dict[str, list[Row]], character: str) -> None:
    assert any(character in title for title in _column(tables["movies"], "title"))


@pytest.mark.parametrize("character", ["'", ".", "-", "é", "ó", "ü", "š", "ñ", "å"])
def test_names_hold_the_characters_that_break_careless_code(tables: dict[str, list[Row]], character: str) -> None:
    assert any(character in name for name in _column(tables["people"], "name"))


def test_people_share_films_so_that_questions_over_several_hops_have_answers(tables: dict[str, list[Row]]) -> None:
    acted, directed = _column(tables["acted_in"], "person"), _column(tables["directed"], "person")
    assert sum(acted.count(person) >= 3 for person in set(acted)) >= 30
    assert sum(directed.count(person) >= 3 for person in set(directed)) >= 10
    assert len(set(acted) & set(directed)) >= 5
