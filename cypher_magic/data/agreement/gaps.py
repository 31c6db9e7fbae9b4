"""What of a question its query does not do, or does the other way round, in sentences."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from cypher_magic.data.agreement.bounds import wrong_bounds
from cypher_magic.data.agreement.echo import doubled, echoed, has_twin
from cypher_magic.data.agreement.form import missing_form
from cypher_magic.data.agreement.numbers import left_out_numbers
from cypher_magic.data.agreement.order import without_order, wrong_order
from cypher_magic.data.agreement.unused import unused
from cypher_magic.data.agreement.wanted import only_values, other_kind

if TYPE_CHECKING:
    from lark import Token

    from cypher_magic.graph.schema import GraphSchema
    from cypher_magic.query.parse import Query

_QUOTED = re.compile(r"\"([^\"]{2,60})\"|“([^”]{2,60})”|(?<!\w)'([^']{2,60})'(?!\w)")


def gaps(question: str, query: Query, schema: GraphSchema | None) -> list[str]:
    """All that a query does not do of what its question says, or does the other way round."""
    return [*left_out(question, query, schema), *(told for _, told in turned(query, question, schema))]


def left_out(question: str, query: Query, schema: GraphSchema | None) -> list[str]:
    """What of the question the query does not do, a line each: texts in quotes, numbers, names, what is asked for."""
    told = query.text.casefold().replace("\\'", "'")
    named = [next(filter(None, groups)) for groups in _QUOTED.findall(question)]
    left = [name for name in dict.fromkeys(named) if name.casefold() not in told]
    asked = _QUOTED.sub(" , ", question)
    left += left_out_numbers(asked, query.text)
    lines = [f"The question says {' and '.join(map(repr, left))}, and the query does not."] if left else []
    lines += _said_again(query)
    if twice := doubled(question, query):
        lines.append(f"The query looks for {' and '.join(map(repr, twice))} more than once.")
    if schema is None:
        return lines
    lines += _of_another_kind(query, asked, schema)
    lines += [
        f"The question says {w!r}, {what} that the query does not use." for w, what in unused(asked, query, schema)
    ]
    ends = without_order(query, asked, schema)
    lines += [f"The question says {w!r}, and the query does not look at {' or '.join(names)}." for w, names in ends]
    return lines + missing_form(asked, query, schema)


def wrong_columns(query: Query, question: str, schema: GraphSchema) -> list[tuple[Token, str]]:
    """The first token behind the last RETURN, with a line about columns that other columns may put right."""
    lines = _said_again(query) if has_twin(query, schema) else []
    lines += _of_another_kind(query, _QUOTED.sub(" , ", question), schema)
    behind = [after for token, after in pairwise(query.tokens) if token.type == "RETURN"]
    return [(behind[-1], line) for line in lines]


def _said_again(query: Query) -> list[str]:
    again = echoed(query)
    return [f"The query can only say {' and '.join(map(repr, again))} again."] if again else []


def _of_another_kind(query: Query, asked: str, schema: GraphSchema) -> list[str]:
    return list(filter(None, [other_kind(asked, query, schema), only_values(asked, query, schema)]))


def turned(query: Query, question: str, schema: GraphSchema | None) -> list[tuple[Token, str]]:
    """Where the query does the opposite of what the question says, or less exactly, with a line about it."""
    found = [
        (number, f"The question says {said!r}, and the query compares with {number} in another way.")
        for number, said in wrong_bounds(query, question)
    ]
    orders = wrong_order(query, question, schema) if schema is not None else []
    return found + [(end, f"The question says {said!r}, and the query takes the other end.") for end, said in orders]
