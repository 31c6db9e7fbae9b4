"""What a check, the read-only gate or the database has against a query."""

from __future__ import annotations

from dataclasses import dataclass

NAMES = frozenset(("unknown_label", "unknown_relationship_type", "unknown_property"))  # codes of names not in the graph


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong with a query, where (line and column count from 1), and how to put it right.

    `code` is one word per kind: syntax, undefined_variable, redefined_variable, aggregate_in_where, grouping,
    type_mismatch, never_true, misplaced_pattern, unknown_label, unknown_relationship_type, unknown_property,
    unknown_triple, reversed_direction, missing_return, duplicate_column, union_columns, write, load_csv, procedure,
    function, clause, several_statements, too_deep, too_long, no_pattern, invented, misplaced_text,
    unsaid_number, left_out, found_nothing, in_doubt, unlikely, timeout, database.
    """

    code: str
    message: str
    line: int = 1
    column: int = 1
    hint: str = ""

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}: "
        return where + self.message + (f" ({self.hint})" if self.hint else "")
