"""%cypher_eval: how good a model is on held-out questions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import line_magic, magics_class

from cypher_magic.errors import OptionError
from cypher_magic.magics.options import Command, Family, Option, Options
from cypher_magic.magics.progress import progress_line

if TYPE_CHECKING:
    from cypher_magic.evaluation.report import Report

EVAL = Command(
    "%cypher_eval",
    "Measure how good a model is: its queries run beside the reference queries of held-out examples, read-only, and\n"
    "their rows are compared. The report has scores with 95 % intervals, kinds of errors with examples, breakdowns\n"
    "by family, hops and what the training rows have. .misses is a DataFrame, .corrections() the missed questions as\n"
    "examples for the next run, .compare(earlier) says whether it helped. A run's folder gets report.html and\n"
    "report.json.",
    notes="RUN is a run, `starter`, `base` or http://HOST:PORT/v1#MODEL; without it, the model that answers now.\n"
    "Without a graph only the texts are compared.",
    words="[RUN]",
    options=(
        Option(
            "--data",
            metavar="FILE",
            help="held-out examples: a file, or a variable of the notebook",
            otherwise="the run's own validation rows",
        ),
        Option("--against", metavar="RUN", help="a second model on the same questions, e.g. base"),
        Option("-c", "--connection", metavar="NAME", help="run on this connection instead of the current one"),
        Option(
            "--limit",
            type=int,
            minimum=1,
            metavar="N",
            help="ask only N of the questions, drawn at random",
            otherwise="all",
        ),
        Option("--seed", type=int, default=0, metavar="N", help="which N; the same for the same seed"),
        Option(
            "--pipeline",
            metavar="HOW",
            default="on",
            choices=("on", "off"),
            help="on: answered as %cypher_ask does; off: the bare model, nothing repaired or tried again",
        ),
        Option("--one-by-one", type=bool, help="ask each question alone: slower, with the seconds that a person waits"),
        Option("--html", metavar="FILE", help="also write the report as a page there"),
        Option("--no-save", type=bool, help="leave the run's folder as it is"),
    ),
    examples=("%cypher_eval movies --against base", "report = %cypher_eval movies --data held_out.csv --limit 100"),
    max_words=1,
)


@magics_class
class EvaluateMagics(Family):
    """Evaluate."""

    @line_magic
    @EVAL
    def cypher_eval(self, options: Options) -> Report:
        """The Report."""
        from cypher_magic import session

        target = Path(options.html).expanduser() if options.html else None
        if target is not None:
            _refuse_unwritable(target)
        with progress_line() as line:
            report = session.evaluate(
                options.words[0] if options.words else None,
                self._data(options.data),
                options.against,
                connection=options.connection,
                limit=options.limit,
                seed=options.seed,
                pipeline=options.pipeline == "on",
                one_by_one=options.one_by_one,
                allow=tuple(self.settings.allow),
                save=not options.no_save,
                progress=line,
            )
        if target is not None:
            self._write(target, report)
        return report

    def _data(self, word: str | None) -> Any:
        """The notebook's variable of this name, unless there is a file of this name."""
        names = self.shell.user_ns
        return names[word] if word and word in names and not Path(word).exists() else word

    def _write(self, target: Path, report: Report) -> None:
        from cypher_magic.evaluation.report import write

        try:
            write(target, report.to_html())
        except OSError as exc:  # the report itself is there, and took longer than writing it elsewhere will
            print(f"--html: {target} can not be written: {exc.strerror or exc}.")
        else:
            print(f"written: {target}")


def _refuse_unwritable(target: Path) -> None:
    """Raise before the models answer, which takes minutes, where a page can not be written."""
    if target.is_dir():
        raise OptionError(f"--html: {target} is a folder.", hint="name the file in it, e.g. report.html")
    if not target.parent.is_dir():
        raise OptionError(f"--html: there is no folder {target.parent}.", hint="make it first")
