"""%cypher_data: look at examples before training on them. One verb a line in `VERBS`."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import line_cell_magic, magics_class, no_var_expand

from cypher_magic.errors import OptionError
from cypher_magic.magics.options import Command, Family, Option, Options, interrupts_in_one_line
from cypher_magic.magics.progress import progress_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from cypher_magic.data.pairs import Pairs
    from cypher_magic.data.read import Dataset
    from cypher_magic.data.teacher import Cost
    from cypher_magic.model.backbones import Progress

CHECK = Command(
    "%cypher_data check",
    "Report on question/Cypher examples: empty cells, repeated questions, questions with two queries, validation rows\n"
    "that stand in the training rows, queries that are not Cypher, not read-only or do not fit the graph. Returns the\n"
    "examples; --fix returns them repaired. Files: CSV, TSV, JSONL, Parquet, ZIP; also hf:owner/name, the name of a\n"
    "notebook variable (data frame, list), or rows in the cell body.",
    words="FILE...",
    options=(
        Option("--val", metavar="FILE", help="validation examples"),
        Option("--fix", type=bool, help="return the examples without what is wrong, and say what was dropped"),
        Option("--strict", type=bool, help="fail when something wrong is left"),
        Option("--schema", metavar="auto|none|FILE", default="auto", help="which graph's; auto is the connected one"),
        Option("--schemas", metavar="FILE", help="schemas of the graphs named in a column `database`"),
        Option("--columns", metavar="question=A,query=B", help="which column is what, where the names do not tell"),
        Option("--backbone", metavar="NAME", help="count lengths in this backbone's tokens", otherwise="in words"),
        Option("--max-tokens", type=int, minimum=1, metavar="N", help="with --backbone: tell rows that are longer"),
        Option(
            "--holdout",
            type=float,
            metavar="SHARE",
            help="without --val: set this share aside for validation",
            otherwise="none",
        ),
        Option("--seed", type=int, metavar="N", default=0, help="chooses which rows --holdout sets aside"),
        Option("--drop-misfits", type=bool, help="with --fix: also drop what names things that the graph has not"),
        Option("--allow", metavar="NAME", repeat=True, help="a procedure or function that is safe, e.g. my.pure.*"),
        Option("--to", metavar="FOLDER", help="write the examples there as train.jsonl and val.jsonl"),
    ),
    examples=(
        "%cypher_data check train.csv --val val.csv",
        "%cypher_data check train.csv --holdout 0.1 --fix --to data",
    ),
)

GENERATE = Command(
    "%cypher_data generate",
    "Make question/Cypher pairs from the connected graph: drawn from its schema and values, run read-only, kept when\n"
    "they bring something back, and worded in many ways. Returns the pairs with their coverage. Nothing is written to\n"
    "the graph, and nothing leaves this machine unless you name a --teacher: a large model, local or not, that words\n"
    "questions anew or adds pairs. It gets the schema and values of these pairs, and what it sends is checked and run.",
    words="",
    options=(
        Option("--rows", type=int, metavar="N", default=600, minimum=1, help="how many pairs"),
        Option("--seed", type=int, metavar="N", default=0, help="other questions; the same for the same seed"),
        Option("--follow-ups", type=float, metavar="SHARE", default=0.1, help="share that follow an earlier question"),
        Option("--typos", type=float, metavar="SHARE", default=0.0, help="share with a slip of the keyboard"),
        Option("--time", type=float, metavar="SECONDS", default=60.0, help="stop after this long with what there is"),
        Option("--out", metavar="FILE", help="write them: .jsonl, or .csv (question and query, no follow-ups)"),
        Option("--val", metavar="FILE", help="write the held-out pairs there, and only the others to --out"),
        Option("--holdout", type=float, metavar="SHARE", default=0.1, help="with --val: how many to hold out"),
        Option("--by", default="value", choices=("value", "phrasing", "template"), help="with --val: held out by what"),
        Option("--teacher", metavar="URL|NAME", help="http://HOST:PORT/v1#MODEL, or a name in endpoints.toml"),
        Option("--teacher-model", metavar="NAME", help="which of the server's models"),
        Option(
            "--teacher-mode", default="rewrite", choices=("rewrite", "add"), help="rewrite: new wordings; add: pairs"
        ),
        Option("--teacher-rows", type=int, metavar="N", default=200, minimum=1, help="pairs to word anew, or to add"),
        Option("--keep-values-home", type=bool, help="send the teacher placeholders, and no value of the graph"),
        Option("--prices", metavar="THERE,BACK", help="what the teacher takes per million tokens, to tell the cost"),
        Option("--yes", type=bool, help="ask the teacher without a question about its cost"),
    ),
    max_words=0,
    examples=(
        "pairs = %cypher_data generate",
        "%cypher_data generate --rows 1000 --out train.jsonl --val val.jsonl --by phrasing",
        "%cypher_data generate --teacher http://localhost:11434/v1#llama3.1 --keep-values-home",
    ),
)


@magics_class
class DataMagics(Family):
    """Examples: check them, make them."""

    @line_cell_magic
    @no_var_expand
    @interrupts_in_one_line()
    def cypher_data(self, line: str = "", cell: str | None = None) -> Any:
        """Examples for training: `%cypher_data check FILE...`, `%cypher_data generate`; VERB -h tells its options."""
        verb, rest = [*line.split(None, 1), "", ""][:2]
        if verb in ("", "-h", "--help"):
            print("\n\n".join(command.help() for command, _ in VERBS.values()))
            return None
        if verb not in VERBS:
            close = get_close_matches(verb, VERBS, 1)
            hint = f"did you mean {close[0]}?" if close else "%cypher_data -h lists what it does"
            raise OptionError(f"%cypher_data has no verb {verb}.", hint=hint)
        command, run = VERBS[verb]
        options = command.parse(rest, cell)
        if options.help:
            print(command.help())
            return None
        return run(self.shell.user_ns, options)


def check(namespace: dict[str, Any], options: Options) -> Dataset:
    """The examples of the files (or variables of the notebook, or the cell body), with their report."""
    from cypher_magic import session

    sources = [_source(word, namespace) for word in options.words]
    sources += [options.cell] if options.cell and options.cell.strip() else []
    if not sources:
        raise OptionError("%cypher_data check needs a file.", hint="%cypher_data check train.csv --val val.csv")
    with progress_line() as line:
        line("checking the examples", 0, 0)
        data = session.load_examples(
            *sources,
            val=_source(options.val, namespace) if options.val else None,
            fix=options.fix,
            strict=options.strict,
            schema=_schema(options.schema),
            schemas=options.schemas,
            columns=_columns(options.columns),
            tokenizer=_tokenizer(options.backbone, line) if options.backbone else None,
            max_tokens=options.max_tokens,
            holdout=options.holdout,
            seed=options.seed,
            drop_misfits=options.drop_misfits,
            allow=options.allow,
        )
    if options.to:
        print("written:", ", ".join(map(str, data.write(options.to))))
    return data


def generate(namespace: dict[str, Any], options: Options) -> Pairs:
    """The pairs made from the connected graph; written to files if these are named."""
    from cypher_magic import session
    from cypher_magic.data.pairs import split_pairs, target, write_pairs

    for path in filter(None, (options.out, options.val)):
        target(path)  # a name that can not be written is told before the work, not after it
    with progress_line() as line:
        pairs: Pairs = session.generate_pairs(
            options.rows,
            seed=options.seed,
            follow_ups=options.follow_ups,
            typos=options.typos,
            time_budget=options.time,
            tell=line,
            **_teaching(options),
        )
    kept, held_out = pairs.examples, pairs.examples[:0]
    if options.val:
        kept, held_out = split_pairs(pairs, options.by, options.holdout, options.seed)
    written = [write_pairs(part, path) for part, path in ((kept, options.out), (held_out, options.val)) if path]
    if written:
        print("written:", ", ".join(map(str, written)))
    return pairs


def _teaching(options: Options) -> dict[str, Any]:
    """What `generate_pairs` needs to know of the teacher."""
    if not options.teacher:
        if options.keep_values_home or options.teacher_model:
            raise OptionError("No teacher is named.", hint="--teacher http://HOST:PORT/v1#MODEL")
        return {}
    return {
        "teacher": options.teacher,
        "teacher_model": options.teacher_model,
        "teacher_mode": options.teacher_mode,
        "teacher_rows": options.teacher_rows,
        "keep_values_home": options.keep_values_home,
        "prices": _prices(options.prices) if options.prices else None,
        "confirm": _agreed if options.yes else _confirmed,
    }


def _prices(option: str) -> tuple[float, float]:
    try:
        there, back = (float(part) for part in option.split(","))
        if not (0 <= there < 1e9 and 0 <= back < 1e9):
            raise ValueError
    except ValueError:
        raise OptionError(f"--prices takes two numbers, e.g. 2.5,10, not {option!r}.") from None
    return there, back


def _agreed(cost: Cost) -> bool:
    print(f"The teacher: {cost}.")
    return True


def _confirmed(cost: Cost) -> bool:
    """The answer of the person at the keyboard; OptionError where there is none, as under papermill."""
    from IPython.core.error import StdinNotImplementedError

    _agreed(cost)
    try:
        return input("Ask it? [y/N] ").strip().casefold() in ("y", "yes")
    except (EOFError, StdinNotImplementedError):
        raise OptionError(
            "Nobody is here to agree to what the teacher costs.", hint="--yes agrees beforehand"
        ) from None


VERBS: dict[str, tuple[Command, Callable[[dict[str, Any], Options], Any]]] = {
    "check": (CHECK, check),
    "generate": (GENERATE, generate),
}


def _source(word: str, namespace: dict[str, Any]) -> Any:
    """The notebook's variable of this name, unless there is a file of this name."""
    return namespace[word] if word in namespace and not Path(word).exists() else word


def _schema(option: str) -> str | None:
    if option in ("auto", "none"):
        return "auto" if option == "auto" else None
    try:
        return Path(option).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise OptionError(f"--schema: {option} can not be read.", hint="auto, none, or a file of schema lines") from exc


def _tokenizer(backbone: str, progress: Progress) -> Any:
    from cypher_magic.model.backbones import local_folder, stage

    folder = local_folder(backbone, progress=progress, weights=False)
    with stage(progress, "loading the tokenizer"):
        from cypher_magic.model.load import load_tokenizer

        return load_tokenizer(folder)


def _columns(option: str | None) -> dict[str, str] | None:
    if not option:
        return None
    pairs = [pair.partition("=") for pair in option.split(",")]
    if not all(name.strip() and column.strip() for name, _, column in pairs):
        raise OptionError(f"--columns takes question=A,query=B, not {option!r}.")
    return {name.strip(): column.strip() for name, _, column in pairs}
