"""One question at a time: run the model's query beside the reference, compare their rows, and say what went wrong."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from cypher_magic.data.example import Example
from cypher_magic.data.schemas import graph_schema
from cypher_magic.errors import NotReadOnly, QueryFailed
from cypher_magic.evaluation.metrics import result_f1
from cypher_magic.evaluation.shape import shape
from cypher_magic.evaluation.taxonomy import NOT_READ_ONLY, OF_SCHEMA, kind_of
from cypher_magic.graph.values import readable
from cypher_magic.query.check import check
from cypher_magic.query.compare import same_rows, shared_rows
from cypher_magic.query.readonly import read_only

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.result import QueryResult
    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.complaint import Complaint

ROWS_COMPARED = 10_000
TIMEOUT = 20.0
_ORDERED = re.compile(r"\border\s+by\b", re.IGNORECASE)  # as CypherBench decides whether row order counts
_SHOWN_ROWS, _SHOWN_LETTERS = 3, 80  # of a result that is kept to be looked at
Ran = tuple["QueryResult | None", str]  # the rows, or why there are none


@dataclass(frozen=True)
class Written:
    """What a model gave for a question: the query, and the seconds it took (None when they were not taken).

    With `answered` it has been through the pipeline: `result` holds its rows, or `complaints` what was against it.
    """

    query: str
    seconds: float | None = None
    answered: bool = False
    result: QueryResult | None = None
    complaints: tuple[Complaint, ...] = ()


@dataclass(frozen=True)
class Prediction:
    """One held-out example with the model's query, and what came of it.

    `executable`: it ran inside the read-only gate; `right`: its rows are the reference's (None: no graph, or the
    reference itself does not run); `error`: why it did not run; `f1`: of its rows (None as `right`). `syntax_valid`,
    `schema_valid` (None without a schema) and `read_only` judge the text. `kind` says why it missed (`taxonomy.KINDS`;
    empty when it did not, or when no rows tell). `family`, `hops` and `seen` are the groups of the breakdowns. `came`
    and `expected` hold the first rows as text.
    """

    question: str
    reference: str
    query: str
    executable: bool | None = None
    right: bool | None = None
    error: str = ""
    f1: float | None = None
    syntax_valid: bool = True
    schema_valid: bool | None = None
    read_only: bool = True
    seconds: float | None = None
    kind: str = ""
    family: str = ""
    hops: str = ""
    seen: str = ""
    came: str = ""
    expected: str = ""
    complaints: tuple[Complaint, ...] = ()
    example: Example | None = field(default=None, repr=False)

    @property
    def missed(self) -> bool:
        """Whether its rows are not the reference's; without a graph, whether its text is not."""
        if self.right is None and self.executable is None:
            return self.query.strip() != self.reference.strip()
        return self.right is False

    @property
    def correction(self) -> Example:
        """The question with its reference query, to train on."""
        found = self.example or Example(self.question, self.reference)
        return Example(found.question, found.query, found.schema, found.history, database=found.database)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        values = {k: v for k, v in self.__dict__.items() if k not in ("example", "complaints") and v not in (None, "")}
        values["complaints"] = [asdict(c) for c in self.complaints]
        found = self.correction
        context = {k: v for k in ("schema", "database") if (v := getattr(found, k))}
        if found.history:
            context["history"] = [{"question": t.question, "query": t.query} for t in found.history]
        return values | context | {"missed": self.missed}


class Judge:
    """Judges queries on one graph (or, without one, their texts); each reference is run once.

    `schema` is that of the graph, or of the run where there is none; `family` and `seen` tell an example's groups,
    `allow` what may be called besides what is known to only read.
    """

    def __init__(
        self,
        graph: Connection | None,
        schema: GraphSchema | None = None,
        *,
        family: Callable[[Example], str] = lambda example: "",
        seen: Callable[[Example], str] = lambda example: "",
        allow: Sequence[str] = (),
    ) -> None:
        self.graph, self.schema, self._family, self._seen = graph, schema, family, seen
        self._allow = tuple(allow)
        self._references: dict[str, Ran] = {}

    def judged(self, example: Example, written: Written) -> Prediction:
        """The example with the model's query and everything that can be said about it."""
        query = written.query.strip()
        text = _of_text(query, self._schema_for(example), self._allow)
        facts = self._groups(example) | text | {"seconds": written.seconds, "example": example}
        if self.graph is None:
            return Prediction(example.question, example.query, query, **facts)
        wanted, _ = self._wanted(example.query)
        got, error = self._got(query, written)
        right, f1, kind = None, None, ""
        if wanted is not None:
            rows = got.rows if got is not None else ()
            right = got is not None and same_rows(rows, wanted.rows, ordered=bool(_ORDERED.search(example.query)))
            f1 = 0.0 if got is None else result_f1(len(rows), len(wanted.rows), shared_rows(rows, wanted.rows))
            if not right:
                against = (*written.complaints, *text["complaints"])
                kind = kind_of(
                    example.query, query, against, ran=got is not None, rows=len(rows), wanted=len(wanted.rows)
                )
        return Prediction(
            example.question,
            example.query,
            query,
            executable=got is not None,
            right=right,
            error=error,
            f1=f1,
            kind=kind,
            came=_first_rows(got),
            expected=_first_rows(wanted),
            **facts,
        )

    def _schema_for(self, example: Example) -> GraphSchema | None:
        """The schema that the query must fit: the example's own where it is about another graph."""
        return graph_schema(example.schema) if example.schema and self.graph is None else self.schema

    def _groups(self, example: Example) -> dict[str, str]:
        found = shape(example.query)
        family = self._family(example) or (found.family if found else "")
        return {"family": family, "hops": found.reach if found else "", "seen": self._seen(example)}

    def _wanted(self, reference: str) -> Ran:
        if reference not in self._references:
            self._references[reference] = self._run(reference)
        return self._references[reference]

    def _got(self, query: str, written: Written) -> Ran:
        if not written.answered:
            return self._run(query)
        if written.result is not None:
            return written.result, ""
        return None, str(next(iter(written.complaints), "no query was found"))

    def _run(self, query: str) -> Ran:
        assert self.graph is not None
        refused = read_only(query, self._allow)
        if refused:
            return None, str(refused[0])
        try:
            return self.graph.read(query, limit=ROWS_COMPARED, timeout=TIMEOUT), ""
        except (QueryFailed, NotReadOnly) as exc:
            return None, exc.message


def _of_text(query: str, schema: GraphSchema | None, allow: Sequence[str]) -> dict[str, Any]:
    """What the text alone tells: `syntax_valid`, `schema_valid`, `read_only` and the complaints.

    A query that is refused for what it would do counts as one that can be read.
    """
    gate = [c for c in read_only(query, allow) if c.code in NOT_READ_ONLY]
    found = check(query, schema)
    codes = {c.code for c in found}
    return {
        "syntax_valid": not codes - OF_SCHEMA - NOT_READ_ONLY,
        "schema_valid": None if schema is None else not codes,
        "read_only": not gate,
        "complaints": tuple(dict.fromkeys([*gate, *found])),
    }


def _first_rows(result: QueryResult | None) -> str:
    if result is None:
        return ""
    rows = [", ".join(_short(readable(v)) for v in row) for row in result.rows[:_SHOWN_ROWS]]
    more = len(result.rows) - len(rows)
    return "\n".join([*rows, *([f"and {more:,} more"] if more else [])]) or "nothing"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_LETTERS else text[: _SHOWN_LETTERS - 1] + "…"
