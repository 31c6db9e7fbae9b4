from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.magic import MAGIC_NO_VAR_EXPAND_ATTR, MAGIC_OUTPUT_CAN_BE_SILENCED, Magics, line_magic, magics_class

from cypher_magic.magics.options import COMMANDS

if TYPE_CHECKING:
    import pytest


def own_magics(shell: Any) -> dict[str, Any]:
    tables = shell.magics_manager.magics
    return {
        f"{kind}:{name}": magic
        for kind in ("line", "cell")
        for name, magic in tables[kind].items()
        if type(getattr(magic, "__self__", None)).__module__.startswith("cypher_magic")
    }


def test_the_magics_of_the_graph_are_there_in_both_forms(loaded: Any) -> None:
    assert {"line:cypher", "cell:cypher", "line:cypher_connect", "line:cypher_schema"} <= set(own_magics(loaded))


def test_unload_leaves_nothing_behind(shell: Any) -> None:
    def state() -> tuple[Any, ...]:
        manager = shell.magics_manager
        return (
            {kind: dict(table) for kind, table in manager.magics.items()},
            dict(manager.registry),
            list(shell.configurables),
            list(shell.input_transformers_cleanup),
            list(shell.Completer.custom_matchers),
        )

    getattr(shell.magics_manager, "load_all_lazy_magics", bool)()  # newer IPython loads its own ones on first use
    before = state()
    shell.run_line_magic("load_ext", "cypher_magic")
    assert state() != before
    shell.run_line_magic("unload_ext", "cypher_magic")
    assert state() == before


def test_a_magic_of_the_same_name_comes_back_after_unloading(shell: Any) -> None:
    @magics_class
    class Others(Magics):
        @line_magic
        def cypher(self, line: str) -> str:
            return "the other one"

    shell.register_magics(Others)
    shell.run_line_magic("load_ext", "cypher_magic")
    shell.run_line_magic("unload_ext", "cypher_magic")
    assert shell.run_line_magic("cypher", "") == "the other one"


def test_loading_twice_and_reloading_keep_one_of_each(loaded: Any) -> None:
    from cypher_magic import load_ipython_extension

    transformers = len(loaded.input_transformers_cleanup)
    load_ipython_extension(loaded)
    loaded.run_line_magic("reload_ext", "cypher_magic")
    assert len(loaded.input_transformers_cleanup) == transformers
    assert [type(c).__name__ for c in loaded.configurables].count("CypherMagic") == 1


def test_unload_closes_what_was_opened(loaded: Any, session: Any) -> None:
    loaded.run_line_magic("unload_ext", "cypher_magic")
    assert [call[1][0] for call in session.calls if call[0] == "close"] == ["demo", "work"]


def test_no_magic_lets_ipython_splice_values_or_swallow_output(loaded: Any) -> None:
    for name, magic in own_magics(loaded).items():
        assert getattr(magic, MAGIC_NO_VAR_EXPAND_ATTR, False), name
        assert not getattr(magic, MAGIC_OUTPUT_CAN_BE_SILENCED, False), name


def test_config_sets_what_the_magics_use(loaded: Any, session: Any) -> None:
    loaded.run_cell("%config CypherMagic.limit = 9").raise_error()
    loaded.run_cell("%config CypherMagic.timeout = 2.5").raise_error()
    loaded.run_cell("%cypher RETURN 1").raise_error()
    assert session.calls[-1][2]["limit"] == 9
    assert session.calls[-1][2]["timeout"] == 2.5


def test_a_profile_can_set_the_same(shell: Any, session: Any) -> None:
    shell.config.CypherMagic.limit = 7
    shell.run_line_magic("load_ext", "cypher_magic")
    shell.run_line_magic("cypher", "RETURN 1")
    assert session.calls[-1][2]["limit"] == 7


def test_every_magic_prints_its_help_with_two_examples(loaded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS.values():
        text = command.help()
        assert text.startswith(command.name)
        assert len(command.examples) >= 2, command.name
        assert all(example in text.replace("\n      ", "\n    ") for example in command.examples), command.name
        assert all(option.help and option.flags[0] in text for option in command.options), command.name
    for name in own_magics(loaded):
        kind, _, magic = name.partition(":")
        if kind == "line":
            assert loaded.run_line_magic(magic, "-h") is None
            assert f"%{magic}" in capsys.readouterr().out, magic


def test_help_is_also_what_a_question_mark_shows(loaded: Any) -> None:
    assert COMMANDS["%cypher"].help() in loaded.object_inspect_text("%cypher")
