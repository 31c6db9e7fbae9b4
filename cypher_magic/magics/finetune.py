"""%%finetune and %finetune: train a model, look after runs."""

from __future__ import annotations

from dataclasses import fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from IPython.core.magic import line_cell_magic, magics_class

from cypher_magic.errors import OptionError
from cypher_magic.magics.options import Command, Family, Option, Options, Verb
from cypher_magic.magics.progress import progress_line
from cypher_magic.training.settings import TrainingSettings, overrides

if TYPE_CHECKING:
    from collections.abc import Callable

    from cypher_magic.training.runs import Run
    from cypher_magic.widgets.progress import TrainingView

_SETTINGS = [f for f in fields(TrainingSettings) if not f.metadata["advanced"]]
_VALUES = {int: "N", float: "NUMBER", str: "NAME"}  # how the help names a setting's value
_VERBS = (
    Verb(
        "list",
        "all runs as a table",
        about="State, progress, losses, rows, backbone and age, newest first.",
        examples=("%finetune list", "runs = %finetune list"),
    ),
    Verb(
        "status",
        "one run, or the newest",
        "[NAME]",
        about="Without a name, the newest: its state, steps and latest loss.",
        examples=("%finetune status", "run = %finetune status movies"),
    ),
    Verb(
        "compare",
        "runs side by side: settings that differ, losses, time, scores",
        "NAME NAME...",
        about="A DataFrame, a column for each run. Scores are there after %cypher_eval. `starter` and `base` may be\n"
        "among the names once %cypher_eval NAME --against starter (or base) has measured both.",
        examples=("%finetune compare movies next", "table = %finetune compare movies starter"),
    ),
    Verb(
        "attach",
        "watch a run that goes on; Interrupt stops it, with --watch it ends the watching only",
        "[NAME]",
        about="Without a name, the newest. It is the view of %%finetune, also after a restart of the kernel.",
        examples=("%finetune attach", "%finetune attach movies --watch"),
    ),
    Verb(
        "stop",
        "stop a run and keep its adapter",
        "[NAME]",
        about="Without a name, the newest. It ends after the step that it is in; `resume` goes on with it.",
        examples=("%finetune stop", "%finetune stop movies"),
    ),
    Verb(
        "resume",
        "go on with a run that was stopped, failed or died",
        "[NAME]",
        about="Without a name, the newest. It goes on from its last checkpoint, with the settings that it began with.",
        examples=("%finetune resume movies", "%finetune resume movies --background"),
    ),
    Verb(
        "logs",
        "what the run's process printed",
        "[NAME]",
        about="Without a name, the newest.",
        examples=("%finetune logs", "%finetune logs movies"),
    ),
    Verb(
        "use",
        "let this run answer from now on",
        "[NAME]",
        about="Without a name, the newest. `starter`, which comes with the package, and `base`, the untuned model,\n"
        "are names too.",
        examples=("%finetune use movies", "%finetune use starter"),
    ),
    Verb(
        "remove",
        "delete a run's folder",
        "NAME",
        about="Not while it goes on, and not while a run that starts from it has not completed.",
        examples=("%finetune remove movies", "%finetune remove movies.1"),
    ),
)

FINETUNE = Command(
    "%%finetune",
    "Fine-tune an open model on question/Cypher examples, on your GPU when there is one. The cell body takes settings\n"
    "as YAML lines (`learning_rate: 0.0005`), those without an option of their own too: `executed: 20` runs as many\n"
    "validation queries on the graph after each epoch. Interrupt stops the run and keeps its adapter. Runs on one\n"
    "device wait for each other. The verbs, on a line of their own, look after runs.",
    words="NAME",
    verbs=_VERBS,
    options=(
        Option("--data", metavar="FILE", repeat=True, help="examples: a file, or a variable of the notebook"),
        Option("--val", metavar="FILE", help="validation examples", otherwise="a tenth of --data is set aside"),
        Option(
            "--from-eval",
            metavar="RUN",
            help="also train on what this run missed when it was evaluated; %cypher_eval NAME says if it helped",
        ),
        Option("--fix", type=bool, help="train on the repaired examples (no repeats, leaks, broken queries)"),
        Option(
            "--background",
            type=bool,
            help="return at once; %finetune status NAME looks at it, attach NAME watches it to its end",
            verbs=("", "resume"),
        ),
        Option("--watch", type=bool, help="Interrupt ends the watching, and the run goes on", verbs=("attach",)),
        Option("--dry-run", type=bool, help="start nothing: show the first example, tokens, memory and time"),
        Option("--force", type=bool, help="start although the backbone can not fit into memory"),
        *(
            Option(
                "--" + f.name.replace("_", "-"),
                type=type(f.default),
                metavar="|".join(f.metadata["choices"]) or _VALUES[type(f.default)],
                help=f.metadata["doc"],
                otherwise=str(f.default),
            )
            for f in _SETTINGS
        ),
    ),
    examples=(
        "%%finetune movies --data train.csv --val val.csv --epochs 3",
        "%%finetune movies --data train.csv --dry-run",
        "%%finetune movies --data pairs --fix\n    learning_rate: 0.0005\n    advanced:\n        pack_examples: 8",
    ),
)


@magics_class
class FinetuneMagics(Family):
    """Train, watch, stop."""

    @line_cell_magic
    @FINETUNE
    def finetune(self, options: Options) -> Any:
        """The Run; with a verb, what the verb returns."""
        if options.verb:
            return self._verb(*options.words, background=options.background, watch=options.watch)
        meant = _meant(options)
        if len(options.words) != 1:
            raise OptionError("A run needs a name.", hint=meant or "%%finetune movies --data train.csv")
        if not options.data and not options.from_eval:
            hint = meant or f"%%finetune {options.words[0]} --data train.csv"
            raise OptionError("There are no examples to train on.", hint=hint)
        from cypher_magic import session

        given = {f.name: getattr(options, f.name) for f in _SETTINGS if getattr(options, f.name) is not None}
        body = overrides(options.cell or "")
        TrainingSettings().changed(body)  # says which line of the body is no setting, before anything is read
        variables = self.shell.user_ns
        data = [variables.get(word, word) for word in options.data]
        with progress_line() as line, _Shown() as shown:
            return session.finetune(
                options.words[0],
                (data[0] if len(data) == 1 else data) if data else None,
                variables.get(options.val, options.val) if options.val else None,
                fix=options.fix,
                background=options.background,
                display=options.background or (not options.dry_run and shown),
                progress=line,
                dry_run=options.dry_run,
                force=options.force,
                **{**body, **given, **({"from_eval": options.from_eval} if options.from_eval else {})},
            )

    def _verb(self, verb: str, *names: str, background: bool = False, watch: bool = False) -> Any:
        from cypher_magic import session
        from cypher_magic.training.run_table import ways_on
        from cypher_magic.training.runs import find_run

        most = {"list": 0, "compare": None}.get(verb, 1)
        if most is not None and len(names) > most:
            takes = "no name" if most == 0 else "one name"
            raise OptionError(f"%finetune {verb} takes {takes}, not {' '.join(names)!r}.", hint=f"%finetune {verb} -h")
        if verb == "list":
            return session.runs()
        if verb == "compare":
            return session.compare_runs(*names)
        if verb == "remove":
            if not names:
                raise OptionError("Which run is to be removed?", hint="%finetune remove NAME; %finetune list")
            print(session.remove_run(names[0]))
            return None
        newest = session.runs()[:1]
        if not names and not newest:
            raise OptionError("There are no runs yet.", hint="%%finetune NAME --data FILE")
        name = names[0] if names else newest[0].name
        if verb == "use":
            print(f"{session.use_run(name)} answers from now on")
            return name
        run = find_run(name)
        if verb == "stop":
            run.stop()
            print(_stopping(run))
        elif verb in ("attach", "resume"):
            if verb == "resume":
                run = session.resume_run(run.name)
                if background:
                    return run
            with _Shown() as shown:
                run.wait(shown(run), watch=watch)
            if watch and run.state in ("running", "queued"):
                print(f"Run {run.name} goes on; %finetune attach {run.name} watches it again.")
            elif line := ways_on(run):
                print(line)
        elif verb == "logs":
            log = run.folder / "worker.log"
            text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
            print(text if text.strip() else "The run's process has printed nothing.")
            return None
        return run


def _stopping(run: Run) -> str:
    """What becomes of a run that was asked to stop, and what can be done with it then."""
    from cypher_magic.training.run_table import ways_on

    if run.state in ("created", "queued", "running"):
        return (
            f"Run {run.name} ends after the step that it is in and keeps what it learnt. "
            f"Then %cypher_ask -m {run.name} asks it, and %finetune resume {run.name} goes on."
        )
    return ways_on(run) or f"There is nothing to stop: run {run.name} is {run.state}."


def _meant(options: Options) -> str:
    """The verb that a line without examples may mean, as a hint; empty where it is near to none."""
    if options.cell is not None or options.data or options.from_eval:
        return ""
    close = [verb for word in options.words[:1] for verb in get_close_matches(word, FINETUNE.verb_names, 1)]
    return f"did you mean %finetune {close[0]}?" if close else ""


class _Shown:
    """Shows a run while it goes on; in the end its last state is drawn, also when the worker died without a word."""

    def __init__(self) -> None:
        self.view: TrainingView | None = None

    def __call__(self, run: Run) -> Callable[[list[Any]], None]:
        from cypher_magic.widgets.progress import TrainingView

        self.view = TrainingView(run)
        self.view.show()
        return self.view.update

    def __enter__(self) -> _Shown:
        return self

    def __exit__(self, *raised: object) -> None:
        if self.view is not None:
            self.view.settle()
