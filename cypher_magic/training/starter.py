"""Train the starter adapter anew: `python -m cypher_magic.training.starter OUT --rows FILE --schemas FILE`.

The starter teaches the default backbone general question-to-Cypher skill, so that tuning on one's own graph begins
from there. Its examples: public question/Cypher rows given by path (linted first: what does not parse, writes, or
names what its schema does not have is left out), pairs made over many synthetic schemas, follow-ups, and corrections
(a query broken on purpose, the complaint our own checks have against it, and the right query).

The result is an ordinary run folder; OUT gets its adapter and a card that says on what it was trained and how good
it is on schemas it has never seen.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cypher_magic.data.example import Example, Turn
from cypher_magic.data.read import load_examples
from cypher_magic.data.schemas import graph_schema, read_schemas
from cypher_magic.errors import CypherMagicError
from cypher_magic.model.prompt import correction
from cypher_magic.query.check import check
from cypher_magic.query.readonly import read_only
from cypher_magic.training.runs import Run, create_run
from cypher_magic.training.settings import TrainingSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

RUN = "starter-training"


def main(arguments: Sequence[str] | None = None) -> int:
    """Collect the examples, train, and write the adapter with its card; 0 when it is there."""
    given = _parser().parse_args(arguments)
    examples = [*public(given.rows, given.schemas), *_synthetic(given.synthetic, given.seed)]
    graphs = read_schemas(given.schemas) if given.schemas else {}
    unseen = {graphs[name] for name in filter(None, given.hold_out.split(","))}
    train = [e for e in examples if e.schema not in unseen]
    val = [e for e in examples if e.schema in unseen]
    draw = random.Random(given.seed)
    train += list(corrections(train, round(len(train) * given.corrections), draw))
    settings = TrainingSettings(start_from="scratch").changed(dict(s.split("=", 1) for s in given.set))
    run = create_run(RUN, settings, train, draw.sample(val, min(len(val), given.val)))
    print(f"{run.folder}: {len(train)} examples, {dict(Counter(kind(e) for e in train))}, {len(val)} held out")
    return 0 if given.prepare else finish(run, Path(given.out))


def finish(run: Run, out: Path) -> int:
    """Train the run in this process and write its adapter and card to `out`."""
    from cypher_magic.training.worker import main as train

    failed = train(run.folder)
    if failed:
        print(run.events[-1]["message"], file=sys.stderr)
        return failed
    out.mkdir(parents=True, exist_ok=True)
    for file in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copy(run.adapter / file, out / file)
    card = {**run.card, "settings": run.settings.to_dict(), "losses": _losses(run), "kinds": _kinds(run)}
    (out / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def public(files: Iterable[str], schemas: str | None) -> list[Example]:
    """The rows of public files that are Cypher, only read, and name only what their schema has."""
    kept: list[Example] = []
    for file in files:
        rows = load_examples(file, schemas=schemas).train
        fine = [e for e in rows if e.schema and not faults(e.query, e.schema)]
        print(f"{file}: {len(fine)} of {len(rows)} rows pass the lint")
        kept += fine
    return kept


def faults(query: str, schema: str) -> list[str]:
    """What the gate and the checks have against a query, in words."""
    return [c.message for c in read_only(query) or check(query, graph_schema(schema))]


def corrections(examples: Sequence[Example], count: int, draw: random.Random) -> Iterator[Example]:
    """Rows that teach to correct: a broken query as the turn before, its complaint in the question."""
    left = count
    for example in draw.sample(examples, len(examples)):
        if not left:
            return
        if example.history or not example.schema:
            continue
        broken = _broken(example.query, draw)
        wrong = faults(broken, example.schema) if broken != example.query else []
        if wrong:
            left -= 1
            asked = correction(example.question, wrong[0])
            yield Example(
                asked, example.query, example.schema, (Turn(example.question, broken),), source=example.source
            )


def _broken(query: str, draw: random.Random) -> str:
    """The query with one typical mistake: a turned relationship, a misspelt name, a lost bracket."""
    mistakes = [_turned, _misspelt, _misspelt, _cut]
    return draw.choice(mistakes)(query, draw)


def _turned(query: str, draw: random.Random) -> str:
    found = list(re.finditer(r"-(\[[^\]]*\])->|<-(\[[^\]]*\])-", query))
    if not found:
        return query
    hit = draw.choice(found)
    turned = f"<-{hit[1]}-" if hit[1] else f"-{hit[2]}->"
    return query[: hit.start()] + turned + query[hit.end() :]


def _misspelt(query: str, draw: random.Random) -> str:
    found = list(re.finditer(r"(?<=[.:])[A-Za-z_]{4,}", query))
    if not found:
        return query
    hit = draw.choice(found)
    word = hit[0]
    at = draw.randrange(1, len(word))
    wrong = draw.choice((word[:at] + word[at + 1 :], word + "s", word[:at] + word[at] + word[at:], word.swapcase()))
    return query[: hit.start()] + wrong + query[hit.end() :]


def _cut(query: str, draw: random.Random) -> str:
    found = [i for i, c in enumerate(query) if c in ")]}"]
    at = draw.choice(found) if found else len(query)
    return query[:at] + query[at + 1 :]


def kind(example: Example) -> str:
    """The kind of row: synthetic or public; question, follow-up or correction."""
    origin = "synthetic" if (example.source or "").startswith("synthetic") else "public"
    form = "question"
    if example.history:
        form = "correction" if example.question.startswith("That query fails:") else "follow-up"
    return f"{origin} {form}"


def _synthetic(count: int, seed: int) -> list[Example]:
    if not count:
        return []
    from cypher_magic.data.generate.synthetic import synthetic_pairs

    return list(synthetic_pairs(count, seed=seed))


def _kinds(run: Run) -> dict[str, int]:
    return dict(Counter(kind(e) for e in run.examples("train")))


def _losses(run: Run) -> list[dict[str, Any]]:
    return [{"epoch": e["epoch"], "validation_loss": e["loss"]} for e in run.events if e.kind == "evaluated"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cypher_magic.training.starter", description=__doc__)
    parser.add_argument("out", help="folder for the adapter and its card")
    parser.add_argument("--rows", action="append", default=[], metavar="FILE", help="public question/Cypher rows")
    parser.add_argument("--schemas", metavar="FILE", help="the schemas of the graphs that the rows name")
    parser.add_argument("--synthetic", type=int, default=0, metavar="N", help="pairs over synthetic schemas")
    parser.add_argument("--corrections", type=float, default=0.1, metavar="SHARE", help="correction rows per row")
    parser.add_argument("--hold-out", default="", metavar="NAMES", help="graphs kept for validation: NAME,NAME")
    parser.add_argument("--val", type=int, default=400, metavar="N", help="validation rows at the most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a training setting")
    parser.add_argument("--prepare", action="store_true", help="only write the run folder, to train it elsewhere")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CypherMagicError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
