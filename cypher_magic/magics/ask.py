"""%cypher_ask and %%cypher_ask: questions in plain language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.magic import line_cell_magic, magics_class

from cypher_magic.errors import OptionError
from cypher_magic.magics.line import variable
from cypher_magic.magics.options import Command, Family, Option, Options
from cypher_magic.magics.progress import progress_line
from cypher_magic.magics.settings import LIMIT, TIMEOUT
from cypher_magic.magics.streaming import streamed

if TYPE_CHECKING:
    import pandas as pd

    from cypher_magic.asking.answer import Answer
    from cypher_magic.asking.conversation import Conversation

ASK = Command(
    "%cypher_ask",
    "Ask the connected graph a question in plain language. The tuned model writes a query, which is checked against\n"
    "the graph's schema, refused unless it only reads, and run. The answer has .query, .df, .graph and .complaints;\n"
    ".edit(query) runs your own, .save_example(file) keeps the pair for the next training.",
    notes="Options stand before the question. A question such as `and which of them also directed?` goes on from\n"
    "the one before it. A cell with several lines asks each line as a question of its own, many at a time, and\n"
    "returns a DataFrame.",
    rest="QUESTION",
    options=(
        Option(
            "-m",
            "--model",
            metavar="RUN",
            help="the run that answers; `starter` comes with the package, `base` is the untuned model, "
            "http://HOST:PORT/v1#MODEL a server",
            otherwise="the one in use, or else the newest run",
        ),
        Option("-c", "--connection", metavar="NAME", help="ask this connection instead of the current one"),
        Option("-l", "--limit", type=int, minimum=1, metavar="N", help="fetch at most N rows", otherwise=LIMIT),
        TIMEOUT,
        Option("-o", "--out", type=variable, metavar="VAR", help="also keep the answer in this variable"),
        Option("--new", type=bool, help="start over: forget the conversation"),
        Option("--follow-up", type=bool, help="go on from the last question, whatever the words say"),
        Option("--history", type=bool, help="show the conversation, ask nothing"),
        Option("--to-cell", type=bool, help="put the query into a new cell"),
        Option("--show-steps", type=bool, help="show what was done, and how long it took"),
        Option(
            "--retries",
            type=int,
            minimum=0,
            metavar="N",
            default=2,
            help="tries after a query that fails or is in doubt",
        ),
        Option("--no-run", type=bool, help="show the checked query without running it"),
        Option(
            "--near",
            metavar="HOW",
            default="apply",
            choices=("apply", "offer", "off"),
            help="values of the graph that are near to one that finds nothing: apply, offer or off",
        ),
        Option(
            "--constrain",
            metavar="LEVEL",
            default="schema",
            choices=("schema", "syntax", "off"),
            help="what the model may write: names of the schema, Cypher, or anything (off)",
        ),
        Option(
            "--beams",
            type=int,
            minimum=1,
            metavar="N",
            default=1,
            help="take the most likely of N replies: two to four times slower",
        ),
    ),
    examples=(
        "%cypher_ask Which actors played in The Matrix?",
        "%cypher_ask -m base --no-run Who directed Alien?",
        "%cypher_ask and which of them are comedies?",
    ),
)


@magics_class
class AskMagics(Family):
    """Ask."""

    @line_cell_magic
    @ASK
    def cypher_ask(self, options: Options) -> Answer | Conversation | pd.DataFrame | None:
        """The Answer; a DataFrame for several questions; the Conversation for --history."""
        from cypher_magic import session

        _refuse_late_options(options.rest)
        if options.history:
            return session.conversation(options.connection)
        if options.new and not options.text:
            session.conversation(options.connection, new=True)
            print("A new conversation.")
            return None
        questions = [line.strip() for line in options.text.splitlines() if line.strip()]
        answer: Any = self._many(questions, options) if len(questions) > 1 else self._one(options)
        if options.out:
            self.shell.user_ns[options.out] = answer
        return answer

    def _one(self, options: Options) -> Answer:
        from cypher_magic import session

        with progress_line() as line, streamed(self.shell) as stream:
            answer = session.ask(
                options.text,
                new=options.new,
                follow_up=False if options.new else options.follow_up or None,
                show_steps=options.show_steps,
                stream=stream,
                progress=line,
                **self._options(options),
            )
        if options.to_cell and answer.query:
            self.shell.set_next_input(f"%%cypher\n{answer.query}")
        return answer

    def _many(self, questions: list[str], options: Options) -> pd.DataFrame:
        from cypher_magic import session

        for flag in ("follow_up", "to_cell", "show_steps"):
            if getattr(options, flag):
                raise OptionError(
                    f"--{flag.replace('_', '-')} is for one question.", hint="ask it in a line of its own"
                )
        with progress_line() as line:
            return session.ask_many(questions, progress=line, **self._options(options))

    def _options(self, options: Options) -> dict[str, Any]:
        return {
            "model": options.model,
            "connection": options.connection,
            "run": self.settings.autorun and not options.no_run,
            "retries": options.retries,
            "limit": options.limit or self.settings.limit,
            "timeout": options.timeout or self.settings.timeout,
            "allow": tuple(self.settings.allow),
            "near": options.near,
            "constrain": options.constrain,
            "beams": options.beams,
            "page": self.settings.display_limit,
        }


def _refuse_late_options(question: str) -> None:
    """Raise for an option behind the question: there it would be asked."""
    flags = {flag for option in ASK.options for flag in option.flags}
    late = next((word for word in question.split() if word.partition("=")[0] in flags), None)
    if late is not None:
        raise OptionError(
            f"{late} stands behind the question.", hint="options come first: %cypher_ask -m base Who ...?"
        )
