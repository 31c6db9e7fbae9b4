"""The hospital: the same for the same seed, whole, and with every kind of value that questions are asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from cypher_magic.graph.neo4j_graph import Connection


def test_the_same_seed_makes_the_same_hospital_and_another_seed_another(hospital_module: ModuleType) -> None:
    assert hospital_module.batches(3) == hospital_module.batches(3)
    assert hospital_module.batches(3) != hospital_module.batches(4)


def test_every_row_arrives_in_the_graph(hospital: Connection, hospital_module: ModuleType) -> None:
    batches = hospital_module.batches()
    nodes = sum(len(batch.rows) for batch in batches if "MATCH" not in batch.statement)
    links = sum(len(batch.rows) for batch in batches if "MATCH" in batch.statement)
    assert 1_400 <= nodes <= 1_600
    assert hospital.read("MATCH (n) RETURN count(n)").rows == ((nodes,),)
    assert hospital.read("MATCH ()-[r]->() RETURN count(r)").rows == ((links,),)


def test_its_schema_has_every_type_of_property_and_properties_of_relationships(hospital: Connection) -> None:
    schema = hospital.schema()
    types = {kind for properties in schema.labels.values() for kind in properties.values()}
    assert {"STRING", "INTEGER", "FLOAT", "BOOLEAN", "DATE", "LIST<STRING>", "LIST<INTEGER>"} <= types
    assert set(schema.relationship_types["DIAGNOSED_WITH"]) == {"diagnosed", "severity"}
    assert len(schema.triples) == len(schema.relationship_types) == 14


def test_nobody_leaves_before_arriving_and_no_bed_is_beyond_the_ward(hospital: Connection) -> None:
    wrong = "MATCH ()-[r:ADMITTED_TO]->(w:Ward) WHERE r.until <= r.since OR r.bed < 1 OR r.bed > w.beds RETURN r"
    assert hospital.read(wrong).rows == ()
    assert hospital.read("MATCH ()-[r:ADMITTED_TO]->() WHERE r.until IS NULL RETURN count(r) > 0").rows == ((True,),)
