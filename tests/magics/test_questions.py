from __future__ import annotations

from typing import Any

import pytest
from IPython.core.magic import no_var_expand

from cypher_magic.magics.questions import protect_questions


@pytest.fixture
def asked(shell: Any) -> tuple[Any, list[str]]:
    questions: list[str] = []
    shell.register_magic_function(no_var_expand(lambda line: questions.append(line)), "line", "cypher_ask")
    shell.input_transformers_cleanup.append(protect_questions)
    return shell, questions


@pytest.mark.parametrize(
    ("cell", "question"),
    [
        ("%cypher_ask who acted in The Matrix?", "who acted in The Matrix?"),
        ("%cypher_ask who acted in The Matrix ?", "who acted in The Matrix ?"),
        ("%cypher_ask really??", "really??"),
        ("%cypher_ask -l 5 what's the title of m?", "-l 5 what's the title of m?"),
        ("answer = %cypher_ask who directed Jaws?", "who directed Jaws?"),
        ("%time %cypher_ask who acted in The Matrix?", "who acted in The Matrix?"),
        ("answers['a b'] = %cypher_ask who directed Jaws?", "who directed Jaws?"),
        ("for i in range(1):\n    %cypher_ask who is it?\n", "who is it?"),
        ("x = 1\n%cypher_ask how many?\ny = 2", "how many?"),
        ("cypher_ask who acted in The Matrix?", "who acted in The Matrix?"),
        ("%cypher_ask who acted \\\nin The Matrix?", "who acted in The Matrix?"),
        ("\n\n%cypher_ask wer spielt in Amélie?", "wer spielt in Amélie?"),
    ],
)
def test_a_question_mark_at_the_end_belongs_to_the_question(asked: Any, cell: str, question: str) -> None:
    shell, questions = asked
    answers: dict[str, Any] = {}
    shell.user_ns["answers"] = answers
    shell.run_cell(cell).raise_error()
    assert [" ".join(q.split()) for q in questions] == [question]


@pytest.mark.parametrize("cell", ["%cypher_ask?", "%cypher_ask??", "?%cypher_ask"])
def test_a_bare_question_mark_is_still_a_request_for_help(asked: Any, cell: str) -> None:
    shell, questions = asked
    assert "get_ipython().run_line_magic('pinfo" in shell.transform_cell(cell)
    shell.run_cell(cell).raise_error()
    assert questions == []


@pytest.mark.parametrize(
    "cell",
    [
        "%%writefile notes.txt\n%cypher_ask who?\n",
        'text = """\n%cypher_ask who?\n"""\n',
        "x = 1  # %cypher_ask who?\n",
        "print('cypher_ask who?')\n",
    ],
)
def test_text_that_is_no_question_is_left_as_it_is(cell: str) -> None:
    assert "".join(protect_questions(cell.splitlines(keepends=True))) == cell
