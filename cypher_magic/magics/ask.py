"""%cypher_ask and %%cypher_ask: a question in plain language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.magic import line_cell_magic, magics_class

from cypher_magic.magics.finetune import download_bar
from cypher_magic.magics.options import Command, Family, Option, Options

if TYPE_CHECKING:
    from cypher_magic.asking.answer import Answer

ASK = Command(
    "%cypher_ask",
    "Ask the connected graph a question in plain language. The tuned model writes a query, which is checked against\n"
    "the graph's schema, refused unless it only reads, and run. The answer has .query, .df, .graph and .complaints.",
    rest="QUESTION",
    options=(
        Option(
            "-m",
            "--model",
            metavar="RUN",
            help="the run that answers; `starter` comes with the package, `base` is the untuned model",
        ),
        Option("-c", "--connection", metavar="NAME", help="ask this connection instead of the current one"),
        Option("-l", "--limit", type=int, minimum=1, metavar="N", help="fetch at most N rows"),
        Option("-t", "--timeout", type=float, minimum=0.001, metavar="SECONDS", help="the server stops the query then"),
        Option("-o", "--out", metavar="VAR", help="also keep the answer in this variable"),
        Option("--retries", type=int, minimum=0, metavar="N", default=1, help="tries after a query that fails"),
        Option("--no-run", type=bool, help="show the checked query without running it"),
    ),
    examples=("%cypher_ask Which actors played in The Matrix?", "%cypher_ask -m base --no-run Who directed Alien?"),
)


@magics_class
class AskMagics(Family):
    """Ask."""

    @line_cell_magic
    @ASK
    def cypher_ask(self, options: Options) -> Answer:
        """The Answer."""
        from cypher_magic import session

        answer = session.ask(
            options.text,
            model=options.model,
            connection=options.connection,
            run=self.settings.autorun and not options.no_run,
            retries=options.retries,
            limit=options.limit or self.settings.limit,
            timeout=options.timeout or self.settings.timeout,
            allow=tuple(self.settings.allow),
            progress=download_bar(),
        )
        if options.out:
            self.shell.user_ns[options.out] = answer
        return answer
