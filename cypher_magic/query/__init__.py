"""Cypher as text: parse, check against a schema, repair, the read-only gate, comparison."""
