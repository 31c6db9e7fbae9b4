"""What `%config CypherMagic` shows and sets."""

from __future__ import annotations

from traitlets import Bool, Enum, Float, Int, List, Unicode
from traitlets.config.configurable import Configurable

from cypher_magic.magics.options import Option


class CypherMagic(Configurable):
    """Settings of all magics: `%config CypherMagic.limit = 50`, or `c.CypherMagic.limit = 50` in a profile."""

    limit = Int(1000, min=1, help="Rows that are fetched at most; reading stops there.").tag(config=True)
    display_limit = Int(20, min=1, help="Rows on one page of a table.").tag(config=True)
    timeout = Float(30.0, min=0.001, help="Seconds after which the server stops a query.").tag(config=True)
    autorun = Bool(True, help="Run the query that a model wrote; off: show it only.").tag(config=True)
    result_format = Enum(
        ("table", "df", "raw"), "table", help="What %cypher returns: a QueryResult, a DataFrame, or a list of records."
    ).tag(config=True)
    allow = List(
        Unicode(),
        help="Procedures, functions or namespaces (`gds.*`) that a model's query may call besides the known ones.",
    ).tag(config=True)


LIMIT = f"CypherMagic.limit, which is {CypherMagic.limit.default_value:,} unless you set it"  # as the help tells them
TIMEOUT = Option(
    "-t",
    "--timeout",
    type=float,
    minimum=0.001,
    metavar="SECONDS",
    help="the server stops the query then",
    otherwise=f"CypherMagic.timeout, which is {CypherMagic.timeout.default_value:g} unless you set it",
)
