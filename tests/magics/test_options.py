from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from cypher_magic.errors import OptionError
from cypher_magic.magics.options import COMMANDS, Command, Option, Verb
from cypher_magic.training.settings import TrainingSettings

QUERY = Command(
    "%pick",
    "Pick.",
    rest="QUERY",
    options=(
        Option("-l", "--limit", type=int, minimum=1, metavar="N"),
        Option("-p", "--param", raw=True, repeat=True, metavar="NAME=EXPR"),
        Option("--df", type=bool),
        Option("--format", choices=("svg", "text")),
        Option("--seconds", type=float),
    ),
)
WORDS = Command(
    "%link",
    "Link.",
    words="[TARGET]",
    max_words=1,
    options=(Option("-u", "--user"), Option("--close", optional=True, metavar="NAME"), Option("--env-file")),
)


VERBS = Command(
    "%%move",
    "Move.",
    words="NAME",
    options=(Option("--fast", type=bool, help="soon"), Option("--now", type=bool, help="at once", verbs=("", "again"))),
    examples=("%%move box",),
    verbs=(
        Verb("again", "move once more", "[NAME]", "As before.", ("%move again", "%move again box")),
        Verb("back", "undo it"),
    ),
)


for _command in (QUERY, WORDS, VERBS):  # those above are no magics of the package
    del COMMANDS[_command.name]


@pytest.mark.parametrize(
    "query",
    [
        "MATCH (a) --> (b) RETURN a",
        "MATCH (a)-->(b) WHERE a.x = '--df' RETURN  a,   b",
        "--> (b)",
        "RETURN 'it''s' AS x // --limit 3",
        'RETURN "a\\\\b" AS `--df`',
        "MATCH (n {p: $p}) --df",
        "RETURN 'no  # comment' AS x, `a  # b`",
        'RETURN "it\'s  # none"',
        "How many C# films have  #1 in their title?",
    ],
)
def test_everything_after_the_leading_options_is_kept_letter_for_letter(query: str) -> None:
    parsed = QUERY.parse(f"-l 5 {query}")
    assert parsed.limit == 5
    assert parsed.rest == query
    assert parsed.df is False


def test_options_of_a_command_line_may_stand_anywhere() -> None:
    parsed = WORDS.parse("neo4j://host:7687 -u me --env-file 'my file.env'")
    assert (parsed.words, parsed.user, parsed.env_file) == (["neo4j://host:7687"], "me", "my file.env")


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("RETURN 'a  # b' AS x    # it's what is asked", "RETURN 'a  # b' AS x"),
        ("-l 5 What's Tom's first film?  # it's a \"comment\"", "What's Tom's first film?"),
        ("--df  # the query stands below", ""),
        ("RETURN 1\t\t#", "RETURN 1"),
    ],
)
def test_a_comment_behind_two_spaces_is_left_out(line: str, rest: str) -> None:
    assert QUERY.parse(line).rest == rest


def test_a_comment_ends_a_command_line() -> None:
    parsed = WORDS.parse("'#1' -u me # --close 'all")
    assert (parsed.words, parsed.user, parsed.close, parsed.rest) == (["#1"], "me", None, "")
    assert WORDS.parse("http://host/v1#model").words == ["http://host/v1#model"]


def test_an_equals_sign_may_join_an_option_and_its_value() -> None:
    assert QUERY.parse("--limit=7 RETURN 1").limit == 7
    assert WORDS.parse(r"--env-file=C:\new\table.env").env_file == r"C:\new\table.env"


def test_a_python_expression_may_hold_spaces_quotes_and_brackets() -> None:
    parsed = QUERY.parse("""-p ids=[1, 2, 'a b'] --param who="Tom Hanks" -p 'x=1 + 2' RETURN 1""")
    assert parsed.param == ["ids=[1, 2, 'a b']", 'who="Tom Hanks"', "x=1 + 2"]
    assert parsed.rest == "RETURN 1"


def test_the_values_of_repeated_options_are_not_shared_between_lines() -> None:
    QUERY.parse("-p a=1 RETURN 1").param.append("b=2")
    assert QUERY.parse("RETURN 1").param == []


def test_an_optional_value_may_be_left_out() -> None:
    assert WORDS.parse("--close").close is True
    assert WORDS.parse("--close work").close == "work"
    assert WORDS.parse("--close -u me").close is True
    assert WORDS.parse("").close is None


@pytest.mark.parametrize("line", ["$home/x", "--env-file {folder}/x", "{name}"])
def test_a_variable_in_a_command_line_is_refused_and_not_taken_for_a_name(line: str) -> None:
    with pytest.raises(OptionError, match="variables are not filled in"):
        WORDS.parse(line)
    assert WORDS.parse("'{name}'").words == ["{name}"]


def test_two_dashes_end_the_options() -> None:
    assert QUERY.parse("-l 3 -- -l 4").rest == "-l 4"


def test_the_cell_body_follows_the_text_of_the_line() -> None:
    assert QUERY.parse("-l 3 MATCH (n)", "RETURN n\n").text == "MATCH (n)\nRETURN n"
    assert QUERY.parse("-l 3", "RETURN 1;\n").text == "RETURN 1;"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--limt 3 RETURN 1", "%pick has no option --limt. Did you mean --limit?"),
        ("-q RETURN 1", "%pick has no option -q."),
        ("-l", "-l needs a value: -l N."),
        ("-l --df RETURN 1", "-l needs a value: -l N."),
        ("-l five RETURN 1", "-l takes a whole number, not 'five'."),
        ("-l 0 RETURN 1", "-l must be at least 1, not 0."),
        ("-l -1 RETURN 1", "-l must be at least 1, not -1."),
        ("--seconds soon RETURN 1", "--seconds takes a number, not 'soon'."),
        ("--df=yes RETURN 1", "--df takes no value."),
        ("--format png RETURN 1", "--format takes one of svg, text, not 'png'."),
        ("-p ids=[1, 2 RETURN 1", "A bracket is not closed: ids=[1, 2 RETURN 1"),
        ("-p a='x RETURN 1", "A quote is not closed: a='x RETURN 1"),
    ],
)
def test_a_wrong_option_is_one_line_that_says_what_is_right(line: str, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        QUERY.parse(line)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_word_too_many_is_refused() -> None:
    with pytest.raises(OptionError, match="does not know what to do with 'there'"):
        WORDS.parse("demo there")


def test_the_help_names_the_values_that_an_option_takes() -> None:
    assert "  --format svg|text\n" in QUERY.help()


def test_the_help_tells_what_is_taken_without_an_option() -> None:
    options = (
        Option("--rows", type=int, metavar="N", default=600, help="how many"),
        Option("--typos", type=float, metavar="SHARE", default=0.0, help="share"),
        Option("--limit", type=int, metavar="N", otherwise="all", help="only N"),
        Option("--fix", type=bool, help="repair"),
        Option("--to", metavar="FOLDER", help="where to"),
    )
    told = ["how many (default: 600)", "share (default: 0)", "only N (default: all)", "repair", "where to"]
    assert [option.told for option in options] == told
    command = Command("%make", "Make.", options=options)
    del COMMANDS[command.name]
    assert "  --rows N       how many (default: 600)\n" in command.help()


def test_a_long_line_of_help_is_folded_below_its_own_column() -> None:
    command = Command("%make", "Make.", options=(Option("--rows", metavar="N", help="one or " * 30 + "more"),))
    del COMMANDS[command.name]
    lines = command.help().splitlines()
    at = lines.index(next(line for line in lines if "--rows" in line))
    assert max(map(len, lines)) < 120 and lines[at].startswith("  --rows N    one or one")
    assert lines[at + 1].startswith(" " * 14 + "o")


def test_every_option_of_a_magic_that_has_a_default_tells_it(loaded: Any) -> None:
    assert len(COMMANDS) > 8
    for command in COMMANDS.values():
        for option in command.options:
            if option.type is not bool and not option.repeat and option.default is not None:
                shown = f"{option.default:g}" if option.type is float else option.default
                assert option.told.endswith(f" (default: {shown})"), option.flags
    settings = {f.name: f.default for f in fields(TrainingSettings) if not f.metadata["advanced"]}
    told_of = {option.name: option.told for option in COMMANDS["%%finetune"].options}
    for name, default in settings.items():
        assert told_of[name].endswith(f" (default: {default})"), name
    for name in ("%cypher", "%cypher_ask"):
        assert "unless you set it" in COMMANDS[name].help()


def test_help_is_asked_for_even_where_the_rest_of_the_line_is_wrong() -> None:
    assert WORDS.parse("one two -h").help is True


def test_an_apostrophe_inside_a_word_needs_no_partner() -> None:
    assert WORDS.parse("tom's.db -u me").words == ["tom's.db"]


def test_the_first_word_may_name_a_verb_and_a_cell_has_none() -> None:
    assert {VERBS.parse(line).verb for line in ("again box", "--now again")} == {"again"}
    assert {VERBS.parse(line).verb for line in ("box again", "")} == {""}
    assert VERBS.parse("again --fast", "a body").verb == ""


def test_an_option_of_another_verb_is_refused_in_one_line() -> None:
    assert VERBS.parse("again --now").now and VERBS.parse("box --now --fast").now
    with pytest.raises(OptionError) as caught:
        VERBS.parse("again box --fast")
    assert str(caught.value) == "--fast is an option of %%move, not of again. (%move again -h lists what it takes)"
    with pytest.raises(OptionError, match="--now is an option of %%move and %move again, not of back."):
        VERBS.parse("back --now")
    assert VERBS.parse("back --now -h").help is True


def test_the_help_of_a_verb_has_only_what_belongs_to_it() -> None:
    assert VERBS.help("again").splitlines() == [
        "%move again [options] [NAME]",
        "",
        "Move once more. As before.",
        "",
        "Options:",
        "  --now       at once",
        "  -h, --help  show this help",
        "",
        "Examples:",
        "  %move again",
        "  %move again box",
    ]
    assert VERBS.help("back").startswith("%move back\n\nUndo it.\n")
    whole = VERBS.help()
    assert whole.startswith("%%move [options] NAME") and "  again [NAME]  move once more" in whole
    assert VERBS.help("box") == whole
