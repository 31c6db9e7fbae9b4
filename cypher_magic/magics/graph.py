"""%cypher_connect, %cypher, %%cypher and %cypher_schema."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import line_cell_magic, line_magic, magics_class

from cypher_magic.errors import OptionError
from cypher_magic.magics.line import variable
from cypher_magic.magics.options import Command, Family, Option, Options
from cypher_magic.magics.progress import progress_line
from cypher_magic.magics.settings import LIMIT, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cypher_magic.graph.neo4j_graph import Connection
    from cypher_magic.graph.picture import Picture
    from cypher_magic.graph.result import QueryResult
    from cypher_magic.graph.schema import GraphSchema

CONNECT = Command(
    "%cypher_connect",
    "Connect to a graph: a Neo4j server by its address, or `demo`, a movie graph that needs no server. Without an\n"
    "address: NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD and NEO4J_DATABASE. A password is read from NEO4J_PASSWORD,\n"
    "an env file or the keyring, or asked for; there is no option for it, as it would stay in the notebook.",
    words="[URI | NAME | demo]",
    max_words=1,
    options=(
        Option("-u", "--user", metavar="USER", help="user name", otherwise="NEO4J_USERNAME, or neo4j"),
        Option("-d", "--database", metavar="DB", help="database", otherwise="NEO4J_DATABASE, or the server's own"),
        Option(
            "-n",
            "--name",
            metavar="NAME",
            help="name of this connection, for --use and %cypher -c",
            otherwise="demo, or the server's host",
        ),
        Option("--env-file", metavar="FILE", help="read the NEO4J_* variables from this file"),
        Option("--driver", metavar="VAR", help="use the neo4j.Driver in this variable"),
        Option("--path", metavar="DIR", help="with demo: keep the graph in this folder", otherwise="it is not kept"),
        Option(
            "--save", type=bool, help="keep the connection's name and address, without its password, for other days"
        ),
        Option("--list", type=bool, help="list the connections"),
        Option("--use", metavar="NAME", help="make this connection the current one"),
        Option("--close", metavar="NAME", optional=True, help="close this connection, or the current one"),
    ),
    examples=("%cypher_connect demo", "%cypher_connect neo4j://localhost:7687 -u neo4j -n work"),
)

CYPHER = Command(
    "%cypher",
    "Run a query on the connected graph and return its rows. `$name` in the query takes the value of the notebook's\n"
    "variable `name`, sent to the server as a parameter, never spliced into the text. Reading only, unless --write.\n"
    "A name that the graph does not have is noted, with the nearest one, when its schema was looked at before.",
    rest="QUERY",
    options=(
        Option("-p", "--param", metavar="NAME=EXPR", raw=True, repeat=True, help="a parameter and its Python value"),
        Option(
            "-o",
            "--out",
            type=variable,
            metavar="VAR",
            help="also keep the result in this variable (or write `VAR << QUERY`)",
        ),
        Option(
            "-l",
            "--limit",
            type=int,
            minimum=1,
            metavar="N",
            help="fetch at most N rows and stop reading there",
            otherwise=LIMIT,
        ),
        TIMEOUT,
        Option("-c", "--connection", metavar="NAME", help="run it on this connection instead of the current one"),
        Option("--df", type=bool, help="return a pandas DataFrame"),
        Option("--raw", type=bool, help="return a list of dictionaries with the driver's values"),
        Option("--explain", type=bool, help="show the plan without running the query"),
        Option("--profile", type=bool, help="run the query and show what each step of its plan cost"),
        Option("--write", type=bool, help="allow the query to change the graph"),
        Option("--multi", type=bool, help="several statements, separated by semicolons; the last result is returned"),
        Option("--file", metavar="FILE", help="read the query from this file"),
    ),
    examples=(
        "%cypher MATCH (p:Person {name: $who})-->(m:Movie) RETURN m.title",
        "%%cypher -l 50 --df -o pairs\n    MATCH (a:Person)-[:ACTED_IN]->(:Movie)<-[:DIRECTED]-(d:Person)\n"
        "    RETURN a.name, d.name",
    ),
)

SCHEMA = Command(
    "%cypher_schema",
    "Show what the graph holds: labels, relationship types, properties with their types, and which triples exist.",
    max_words=0,
    options=(
        Option("--refresh", type=bool, help="look at the graph again instead of using the cached schema"),
        Option("--sample", type=int, minimum=1, metavar="N", help="nodes looked at per label", otherwise="1000"),
        Option("--values", type=bool, help="also fetch a few sample values per property"),
        Option("--picture", type=bool, help="draw the schema"),
        Option("-c", "--connection", metavar="NAME", help="of this connection instead of the current one"),
    ),
    examples=("%cypher_schema", "%cypher_schema --refresh --picture"),
)

_ASSIGNED = re.compile(r"([^\W\d]\w*)\s*<<\s*", re.UNICODE)


@magics_class
class GraphMagics(Family):
    """Connect, query, look at the schema."""

    @line_magic
    @CONNECT
    def cypher_connect(self, options: Options) -> Connection | list[Any] | None:
        """The connection; with --list all of them."""
        from cypher_magic import session

        target = options.words[0] if options.words else None
        if options.list:
            return session.connections()
        if options.use:
            return session.use(options.use)
        if options.close:
            session.close(None if options.close is True else options.close)
            return None
        with progress_line() as line:
            connection = session.connect(
                target,
                user=options.user,
                database=options.database,
                name=options.name,
                env_file=options.env_file,
                driver=self._variable(options.driver) if options.driver else None,
                path=options.path,
                progress=line,
            )
        if options.save:
            from cypher_magic.graph.connections import remember

            print("saved in", remember(connection))
        return connection

    @line_cell_magic
    @CYPHER
    def cypher(self, options: Options) -> Any:
        """The QueryResult, or what --df and --raw make of it."""
        from cypher_magic import session

        text, variable = _assignment(_query_text(options))
        parameters = self._parameters(text, options.param)
        with progress_line() as line:
            line("running the query", 0, 0)
            result = session.query(
                text,
                parameters,
                connection=options.connection,
                limit=options.limit or self.settings.limit,
                timeout=options.timeout or self.settings.timeout,
                write=options.write,
                explain=options.explain,
                profile=options.profile,
                multi=options.multi,
            )
        value = self._formatted(replace(result, display_limit=self.settings.display_limit), options)
        for name in filter(None, (variable, options.out)):
            self.shell.user_ns[name] = value
        if variable or not isinstance(value, type(result)):  # a table has the summary below it already
            print(*result.notes, result.summary, sep="\n")
        return None if variable else value

    @line_magic
    @SCHEMA
    def cypher_schema(self, options: Options) -> GraphSchema | Picture:
        """The schema of the connected graph; with --picture its picture."""
        from cypher_magic import session
        from cypher_magic.graph.picture import schema_picture

        with progress_line() as line:
            schema = session.schema(
                options.refresh,
                connection=options.connection,
                sample=options.sample,
                values=options.values,
                progress=line,
            )
        return schema_picture(schema) if options.picture else schema

    def _formatted(self, result: QueryResult, options: Options) -> Any:
        wanted = "df" if options.df else "raw" if options.raw else self.settings.result_format
        if wanted == "df":
            return result.df
        return result.records if wanted == "raw" else result

    def _variable(self, name: str) -> Any:
        try:
            return self.shell.user_ns[name]
        except KeyError:
            raise OptionError(f"The notebook has no variable {name!r}.", hint="run the cell that sets it") from None

    def _parameters(self, text: str, assignments: Iterable[str]) -> dict[str, Any]:
        """Values for the `$names` in the query: from -p first, then from the notebook; one error names all missing."""
        given = {}
        for assignment in assignments:
            name, equals, expression = assignment.partition("=")
            if not equals or not name.strip().isidentifier():
                raise OptionError(f"-p takes NAME=EXPR, not {assignment!r}.", hint='-p who="Tom Hanks"')
            given[name.strip()] = self._evaluated(name.strip(), expression)
        return given | _bound([n for n in parameter_names(text) if n not in given], self.shell.user_ns)

    def _evaluated(self, name: str, expression: str) -> Any:
        try:
            return eval(expression, self.shell.user_global_ns, self.shell.user_ns)  # the user's own code, as in a cell
        except Exception as exc:
            raise OptionError(
                f"-p {name}: {expression!r} is not a value: {type(exc).__name__}: {exc}",
                hint=f'it is read as Python, so texts need quotes: -p {name}="some text"',
            ) from exc


def parameter_names(text: str) -> list[str]:
    """Names of the `$parameters` of a query in order of first use; strings, comments and backticks are skipped."""
    return list(dict.fromkeys(a or b.replace("``", "`") for a, b in _PARAMETER.findall(text) if a or b))


_PARAMETER = re.compile(
    r"""'(?:[^'\\]|\\.)*'? | "(?:[^"\\]|\\.)*"? | //[^\n]* | /\*.*?(?:\*/|\Z)
      | \$ (?: ([\w]+) | `((?:[^`]|``)+)` ) | `(?:[^`]|``)*`?""",
    re.VERBOSE | re.DOTALL,
)


def _bound(names: list[str], namespace: Mapping[str, Any]) -> dict[str, Any]:
    missing = [name for name in names if name not in namespace]
    if missing:
        listed = ", ".join(f"${name}" for name in missing)
        raise OptionError(
            f"The query needs a value for {listed}.",
            hint=f"set the variable {missing[0]} in the notebook, or give it with -p {missing[0]}=...",
        )
    return {name: namespace[name] for name in names}


def _query_text(options: Options) -> str:
    if not options.file:
        return options.text
    if options.text:
        raise OptionError("There is a query in the cell and one in --file.", hint="give one of them")
    path = Path(options.file).expanduser()
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else "it is not UTF-8 text"
        raise OptionError(
            f"The query file {options.file} can not be read: {reason}.",
            hint=f"paths begin in {Path.cwd()}; it should hold a query as UTF-8 text",
        ) from exc


def _assignment(text: str) -> tuple[str, str | None]:
    """The query without a leading `variable <<`, and that variable."""
    found = _ASSIGNED.match(text)
    text, variable = (text[found.end() :], found.group(1)) if found else (text, None)
    if not text.strip():
        raise OptionError("There is no query.", hint="%cypher MATCH (n) RETURN n LIMIT 5, or %%cypher with a body")
    return text, variable
