"""Options of a magic, declared once: parsed, checked, and printed as `-h` and `%magic?`.

    PICK = Command(
        "%pick",
        "Pick rows.",
        rest="QUERY",
        options=(Option("-l", "--limit", type=int, metavar="N", help="rows to fetch"),),
        examples=("%pick -l 5 RETURN 1", "%%pick --limit 5"),
    )

    @magics_class
    class PickMagics(Family):
        @line_cell_magic
        @PICK
        def pick(self, options: Options) -> QueryResult:
            return session.query(options.text, limit=options.limit or self.settings.limit)

argparse would read the arrow in `MATCH (a) --> (b)` as an option, and shlex would eat quotes and backslashes. So with
`rest` only the options in front are read and everything after them is kept letter for letter; with `words` (a
command line of names and files) options may stand anywhere. A comment behind either is left out. `verbs` are
subcommands (`%cypher_models export`): an option says which of them take it, is refused by the others, and `VERB -h` is
a page of its own. A Command as a decorator hands the method one `Options`, prints the help for `-h`, tells an Interrupt
in one line, and switches off IPython's `$name` splicing, which would be an injection.
"""

from __future__ import annotations

import functools
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from textwrap import TextWrapper, fill
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, no_var_expand

from cypher_magic.errors import OptionError
from cypher_magic.magics.line import literal, next_word, skip_space, unquoted, variable, without_comment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cypher_magic.magics.settings import CypherMagic

_FLAG = re.compile(r"--?[A-Za-z]")
_WORD_END = re.compile(r"\s")
_PAGE = 96  # characters in a line of help: a notebook beside its file browser has room for about a hundred


class Option:
    """One option: its flags, the type of its value (`bool` takes none), and a line of help.

    `optional` lets the value be left out (it is then True); `repeat` collects a list; `raw` keeps quotes and reads
    to the closing bracket, for Python expressions; `choices` lists the only values allowed; `verbs` names the
    command's verbs that take it ("" is a call without one), when it is not the command's default verb alone. The help
    tells the `default`, or `otherwise`: what is taken without the option where something else decides that.
    """

    def __init__(
        self,
        *flags: str,
        type: Callable[[str], Any] = str,
        metavar: str = "",
        help: str = "",
        default: Any = None,
        otherwise: str = "",
        optional: bool = False,
        repeat: bool = False,
        raw: bool = False,
        choices: tuple[str, ...] = (),
        minimum: float | None = None,
        verbs: tuple[str, ...] = (),
    ) -> None:
        self.flags = flags
        self.type = type
        self.metavar = metavar or ("" if type is bool else "|".join(choices) or "VALUE")
        self.help = help
        self.otherwise = otherwise
        self.default = False if type is bool and default is None else default
        self.optional = optional
        self.repeat = repeat
        self.raw = raw
        self.choices = choices
        self.minimum = minimum
        self.verbs = verbs

    @property
    def name(self) -> str:
        """The attribute of `Options` that holds the value: the long flag with underscores."""
        return max(self.flags, key=len).lstrip("-").replace("-", "_")

    @property
    def usage(self) -> str:
        """The flags and the value, as the help shows them."""
        value = f"[{self.metavar}]" if self.optional else self.metavar
        return f"{', '.join(self.flags)} {value}".rstrip()

    @property
    def told(self) -> str:
        """What the option does and what is taken without it, as the help shows it."""
        default = self.otherwise
        if not default and self.default is not None and self.default is not False:
            default = f"{self.default:g}" if isinstance(self.default, float) else str(self.default)
        return f"{self.help} (default: {default})" if default else self.help

    def value(self, flag: str, text: str) -> Any:
        """The value of the text that follows the flag; OptionError when it is not one."""
        try:
            value = self.type(text)
        except ValueError:
            raise OptionError(f"{flag} takes {_KINDS.get(self.type, 'another value')}, not {text!r}.") from None
        if self.choices and value not in self.choices:
            raise OptionError(f"{flag} takes one of {', '.join(self.choices)}, not {text!r}.")
        if self.minimum is not None and value < self.minimum:
            raise OptionError(f"{flag} must be at least {self.minimum:g}, not {text}.")
        return value


_KINDS: dict[Any, str] = {int: "a whole number", float: "a number", variable: "the name of a variable"}


COMMANDS: dict[str, Command] = {}  # every declared magic by its name: for completion and the docs


class Options(SimpleNamespace):
    """The parsed line: an attribute per option, besides `words`, `rest`, `cell` (None in the line form) and `verb`."""

    words: list[str]
    rest: str
    cell: str | None
    verb: str  # the one that the first word names, or else the command's default

    @property
    def text(self) -> str:
        """What follows the options and the cell body, in one text."""
        return "\n".join(part for part in (self.rest, self.cell) if part and part.strip()).strip()


@dataclass(frozen=True)
class Verb:
    """A subcommand: what it does in a few words (`brief`) and in sentences (`about`), its free words, two examples."""

    name: str
    brief: str
    words: str = ""
    about: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Command:
    """A magic's name, options and examples; `words` names its free words, or `rest` the text kept letter for letter.

    Where no word names one of the `verbs`, `default_verb` is meant.
    """

    name: str
    about: str
    words: str = ""
    rest: str = ""
    options: tuple[Option, ...] = ()
    examples: tuple[str, ...] = ()
    max_words: int | None = None
    notes: str = field(default="", kw_only=True)
    verbs: tuple[Verb, ...] = field(default=(), kw_only=True)
    default_verb: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        COMMANDS[self.name] = self

    def __call__(self, method: Callable[[Any, Options], Any]) -> Callable[..., Any]:
        """Make a magic of a method that takes `Options`."""
        command = self

        @no_var_expand
        @interrupts_in_one_line()
        @functools.wraps(method)
        def magic(self: Family, line: str = "", cell: str | None = None) -> Any:
            options = command.parse(line, cell)
            if options.help:
                print(command.help(*options.words[:1]))
                return None
            return method(self, options)

        magic.__doc__ = self.help()
        return magic

    def parse(self, line: str, cell: str | None = None) -> Options:
        """The options, words and rest of a line; OptionError names the closest option when one is unknown."""
        values: dict[str, Any] = {o.name: [] if o.repeat else o.default for o in self.options}
        words: list[str] = []
        given: list[tuple[str, Option]] = []
        table = {flag: option for option in self.options for flag in option.flags}
        wants_help = False
        at = 0
        while (at := skip_space(line, at)) < len(line):
            if not self.rest and line[at] == "#":
                line = line[:at]
                break
            if not _FLAG.match(line, at) or (line[at:].split(None, 1)[0] == "--"):
                if self.rest or line[at:].split(None, 1)[0] == "--":
                    break
                word, at = next_word(line, at)
                words.append(unquoted(literal(word)))
                continue
            flag = line[at:].split(None, 1)[0].partition("=")[0]
            at += len(flag)
            if flag in ("-h", "--help"):
                wants_help = True
                continue
            option = table.get(flag)
            if option is None:
                raise OptionError(f"{self.name} has no option {flag}.{self._closest(flag, table)}")
            value, at = _value(option, flag, line, at)
            given.append((flag, option))
            if option.repeat:
                values[option.name].append(value)
            else:
                values[option.name] = value
        rest = without_comment(line[at:])
        if rest.split(None, 1)[:1] == ["--"]:
            rest = rest[2:].lstrip()
        verb = words[0] if cell is None and words and words[0] in self.verb_names else self.default_verb
        if not wants_help:
            self._check_words(words)
            self._check_options(verb, given)
        return Options(**values, help=wants_help, words=words, rest=rest.strip(), cell=cell, verb=verb)

    @property
    def verb_names(self) -> tuple[str, ...]:
        """What the first word may be to name a verb."""
        return tuple(verb.name for verb in self.verbs)

    def call(self, verb: str = "") -> str:
        """How the magic, or one of its verbs, is written: `%finetune resume`."""
        return f"%{self.name.lstrip('%')} {verb}" if verb else self.name

    def options_of(self, verb: str) -> tuple[Option, ...]:
        """The options that a verb takes."""
        return tuple(option for option in self.options if verb in self._takers(option))

    def help(self, verb: str = "") -> str:
        """The help text: usage, options, two examples; that of a verb has only what belongs to it."""
        named = next((v for v in self.verbs if v.name == verb), None)
        if named is None:
            about = "\n\n".join(filter(None, (self.about, self.notes)))
            usage = _usage(self.name, self.words or self.rest, self.options)
            lines = [usage, "", _folded(about), *self._verb_lines(), *_option_lines(self._groups())]
            return "\n".join([*lines, *_example_lines(self.examples)])
        about = " ".join(filter(None, (f"{named.brief[0].upper()}{named.brief[1:]}.", named.about)))
        options = self.options_of(verb)
        lines = [_usage(self.call(verb), named.words, options), "", _folded(about)]
        return "\n".join([*lines, *_option_lines({"Options:": options}), *_example_lines(named.examples)])

    def _verb_lines(self) -> list[str]:
        """The verbs with what they do, as the help of the whole magic lists them."""
        if not self.verbs:
            return []
        rows = [(f"{verb.name} {verb.words}".strip(), verb.brief) for verb in self.verbs]
        return ["", f"Verbs, with a help page each ({self.call(self.verbs[-1].name)} -h):", *_columns(rows)]

    def _groups(self) -> dict[str, tuple[Option, ...]]:
        """The options under a heading for each verb that has some, each where it comes first."""
        groups: dict[str, tuple[Option, ...]] = {}
        for option in self.options:
            taker = self._takers(option)[0]
            heading = f"Options of {taker}:" if taker else "Options:"
            groups[heading] = (*groups.get(heading, ()), option)
        return groups or {"Options:": ()}

    def _takers(self, option: Option) -> tuple[str, ...]:
        return option.verbs or (self.default_verb,)

    def _check_options(self, verb: str, given: list[tuple[str, Option]]) -> None:
        """Raise for an option that another verb takes: ignored, it would surprise."""
        for flag, option in given:
            if verb not in self._takers(option):
                takers = " and ".join(self.call(taker) for taker in self._takers(option))
                raise OptionError(
                    f"{flag} is an option of {takers}, not of {verb or self.name}.",
                    hint=f"{self.call(verb)} -h lists what it takes",
                )

    def _closest(self, flag: str, table: dict[str, Option]) -> str:
        close = get_close_matches(flag, table, n=1, cutoff=0.5)
        return f" Did you mean {close[0]}?" if close else f" {self.name} -h lists them."

    def _check_words(self, words: list[str]) -> None:
        if self.max_words is not None and len(words) > self.max_words:
            raise OptionError(
                f"{self.name} does not know what to do with {' '.join(words[self.max_words :])!r}.",
                hint=f"{self.name} -h shows how it is called",
            )


@contextmanager
def interrupts_in_one_line() -> Iterator[None]:
    """Lets IPython show an Interrupt as "Stopped."; it is raised on as it is, so that the cell fails."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        interrupt._render_traceback_ = lambda: ["Stopped."]  # type: ignore[attr-defined]
        raise


class Family(Magics):
    """Magics that belong together; `settings` are the traits that `%config CypherMagic` sets."""

    def __init__(self, shell: Any, settings: CypherMagic) -> None:
        super().__init__(shell)
        self.settings = settings


def _usage(call: str, free: str, options: tuple[Option, ...]) -> str:
    return f"{call}{' [options]' if options else ''}{' ' + free if free else ''}"


def _folded(text: str) -> str:
    """Prose in lines of a page's width, its paragraphs kept."""
    return "\n\n".join(fill(" ".join(part.split()), _PAGE) for part in text.split("\n\n"))


def _option_lines(groups: dict[str, tuple[Option, ...]]) -> list[str]:
    """A line for each option, below the heading of its group; the last group has -h too."""
    rows = {heading: [(o.usage, o.told) for o in options] for heading, options in groups.items()}
    rows[next(reversed(rows))].append(("-h, --help", "show this help"))
    width = max(len(usage) for part in rows.values() for usage, _ in part)
    return [line for heading, part in rows.items() for line in ("", heading, *_columns(part, width))]


def _columns(rows: list[tuple[str, str]], width: int = 0) -> list[str]:
    width = min(width or max(len(left) for left, _ in rows), 30)
    fold = TextWrapper(_PAGE, subsequent_indent=" " * (width + 4), break_long_words=False, break_on_hyphens=False)
    return [line for left, right in rows for line in fold.wrap(f"  {left:<{width}}  {right}")]


def _example_lines(examples: tuple[str, ...]) -> list[str]:
    lines = [f"  {line}" for example in examples for line in example.splitlines()]
    return ["", "Examples:", *lines] if lines else []


def _value(option: Option, flag: str, line: str, at: int) -> tuple[Any, int]:
    """The value of an option and where the line goes on."""
    given = line.startswith("=", at)
    if option.type is bool:
        if given:
            raise OptionError(f"{flag} takes no value.")
        return True, at
    start = at + 1 if given else skip_space(line, at)
    missing = start >= len(line) or (given and _WORD_END.match(line, start) is not None)
    if not missing and not given and _FLAG.match(line, start):
        missing = True
    if missing:
        if option.optional:
            return True, at
        raise OptionError(f"{flag} needs a value: {flag} {option.metavar}.")
    word, end = next_word(line, start, brackets=option.raw)
    if not option.raw:
        literal(word)
    return option.value(flag, unquoted(word)), end
