"""Every notebook runs from top to bottom, on its own copy and with fewer rows and epochs than it names."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL_GRAPH = """
UNWIND range(1, 12) AS i
CREATE (s:Supplier {name: 'Supplier ' + i, founded: 1950 + i, country: ['Norway', 'Chile', 'Japan'][i % 3]})
WITH collect(s) AS suppliers
UNWIND range(1, 30) AS i
WITH suppliers, i, suppliers[i % 12] AS s
CREATE (s)-[:SUPPLIES {since: 2000 + i % 20}]->(p:Part {name: 'Part ' + i, price: i * 2.5, stock: i % 7})
WITH p, i
MERGE (w:Warehouse {city: ['Oslo', 'Lima', 'Osaka', 'Bergen'][i % 4]})
CREATE (p)-[:STORED_IN]->(w)
"""


def run(folder: Path, name: str, changes: dict[str, str] | None = None, **environment: str) -> tuple[Any, str]:
    """The executed notebook and what was told; each text in `changes` stands in it and is replaced first."""
    here = folder / "examples"
    shutil.copytree(EXAMPLES, here)
    notebook = nbformat.read(here / name, as_version=4)
    for before, after in (changes or {}).items():
        cells = [cell for cell in notebook.cells if before in cell.source and cell.cell_type == "code"]
        assert len(cells) == 1, before
        cells[0].source = cells[0].source.replace(before, after)
    nbformat.write(notebook, here / name)
    variables = {k: v for k, v in os.environ.items() if not k.startswith("NEO4J_")} | environment
    done = subprocess.run(
        [sys.executable, here / "execute.py", here / name, folder / "done"],
        capture_output=True,
        text=True,
        check=False,
        env={**variables, "COLUMNS": "160"},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    notebook = nbformat.read(folder / "done" / name, as_version=4)
    assert not [o for cell in notebook.cells for o in cell.get("outputs", []) if o.output_type == "error"]
    assert (folder / "done" / name).stat().st_size < 1_000_000
    return notebook, done.stdout


def shown(notebook: Any, cell: str) -> str:
    """The text of what the last cell with this text in it gave."""
    outputs = [c.outputs for c in notebook.cells if c.cell_type == "code" and cell in c.source][-1]
    return "\n".join(o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in outputs)


def test_no_notebook_is_kept_with_its_outputs() -> None:
    books = sorted(EXAMPLES.glob("*.ipynb"))
    assert [b.stem for b in books] == ["article", "follow_ups_and_batch", "own_graph", "quickstart", "several_gpus"]
    for book in books:
        cells = [c for c in nbformat.read(book, as_version=4).cells if c.cell_type == "code"]
        assert cells and not any(c.outputs or c.execution_count for c in cells), book.name


OWN = {
    "--rows 600": "--rows 32",
    "epochs: 3\nexecuted: 20": "epochs: 1\nexecuted: 2\nprobes: 0",
    "--against starter --limit 60": "--against starter --limit 2",
}


@pytest.mark.neo4j
def test_own_graph_goes_from_a_neo4j_to_an_exported_model(tmp_path: Path, neo4j_server: Any) -> None:
    neo4j_server.clear()
    neo4j_server.run(SMALL_GRAPH)
    before = neo4j_server.run("MATCH (n) RETURN count(n) AS n, count { ()-->() } AS r")[0].data()
    access = {
        "NEO4J_URI": neo4j_server.uri, "NEO4J_USERNAME": neo4j_server.user, "NEO4J_PASSWORD": neo4j_server.password
    }  # fmt: skip
    notebook, told = run(tmp_path, "own_graph.ipynb", OWN, **access)
    assert "32 pairs" in shown(notebook, "%cypher_data generate")
    assert "SUPPLIES" in shown(notebook, ".groupby(")
    assert "Run own: completed" in told and "right rows" in told
    assert re.search(r"execution accuracy +\d", shown(notebook, "%cypher_eval own"))
    assert (tmp_path / "out" / "own" / "adapter_model.safetensors").is_file()
    assert neo4j_server.run("MATCH (n) RETURN count(n) AS n, count { ()-->() } AS r")[0].data() == before
    everything = json.dumps(notebook)
    assert neo4j_server.password not in everything + told


def test_own_graph_takes_the_demo_graph_where_no_other_is_named(tmp_path: Path) -> None:
    notebook, _ = run(tmp_path, "own_graph.ipynb", OWN)
    assert "embedded" in shown(notebook, "cypher_magic.connect")
    assert "ACTED_IN" in shown(notebook, ".groupby(")


ARTICLE = {
    "--val val --fix\n": "--val val --fix\nfixed.train[40:] = fixed.val[4:] = []\n",
    "epochs: 3": "epochs: 1\nprobes: 0",
    "limit=20": "limit=1",
}


def test_article_reads_the_articles_own_files(tmp_path: Path, shared: Path) -> None:
    notebook, told = run(tmp_path, "article.ipynb", ARTICLE, CYPHER_MAGIC_ARTICLE=str(shared / "data" / "article"))
    assert "going on with demo_train.csv" not in told
    table = shown(notebook, "the article, retold")
    assert re.search(r"training rows read +200\b", table)
    assert re.search(r"validation rows that leaked +12\b", table)
    assert re.search(r"questions with two queries +19\b", table)
    assert re.search(r"Google-BLEU, tuned +0\.\d+", table)


def test_article_says_in_one_line_that_its_files_are_not_there(tmp_path: Path) -> None:
    notebook, _ = run(tmp_path, "article.ipynb", ARTICLE, CYPHER_MAGIC_ARTICLE=str(tmp_path / "nowhere"))
    line = f"The article's files are not in {tmp_path / 'nowhere'}: going on with demo_train.csv and demo_val.csv.\n"
    assert shown(notebook, "CYPHER_MAGIC_ARTICLE") == line
    assert re.search(r"training rows read +420\b", shown(notebook, "the article, retold"))


def test_follow_ups_and_batch_answers_one_after_the_other_and_many_at_once(tmp_path: Path) -> None:
    notebook, _ = run(tmp_path, "follow_ups_and_batch.ipynb")
    assert "Christopher Nolan" in shown(notebook, "--history")
    assert shown(notebook, "ask_many").count("MATCH") == 3
    assert "Tom Hanks" in shown(notebook, "pd.concat")
    saved = [json.loads(line) for line in (tmp_path / "out" / "corrections.jsonl").read_text("utf-8").splitlines()]
    assert [row["question"] for row in saved] == ["Who acted in The Matrix?"]


def test_several_gpus_trains_in_two_processes(tmp_path: Path) -> None:
    notebook, _ = run(tmp_path, "several_gpus.ipynb")
    assert re.search(r"two_processes: completed, \d+ steps, loss \d", shown(notebook, "run.events"))
    assert "adapter_model.safetensors" in shown(notebook, "run.events")
