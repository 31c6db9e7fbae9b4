"""How good and how fast replies are, free and constrained, in one run.

    python tests/benchmarks/bench_asking.py quality --adapter FOLDER [--questions 300] [--levels off syntax schema]
    python tests/benchmarks/bench_asking.py mask --adapter FOLDER
    python tests/benchmarks/bench_asking.py speed --adapter FOLDER [--questions 12]
    python tests/benchmarks/bench_asking.py batch --adapter FOLDER [--questions 192] [--widths 16 32 64]

`quality` asks questions of the text2cypher data, the same number of each graph, whose own query passes all checks, and
prints for every level: replies that parse; that Neo4j's analyser takes (where Node is there); whose names are all in
the schema; whose relationships all exist in their direction; that pass everything; that ended; Google-BLEU and exact
match. `off, repaired` is the free reply after the repairs that asking makes. `speed` compares the time of a reply of
40 tokens behind a schema of about 600 with plain `generate`; `batch` compares many questions at once on that graph
with the same ones asked one by one.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cypher_magic.data.schemas import read_schemas
from cypher_magic.errors import CypherSyntaxError
from cypher_magic.evaluation.metrics import exact_match, google_bleu, share
from cypher_magic.graph.schema import GraphSchema
from cypher_magic.model.backbones import local_folder
from cypher_magic.model.constrain import constraint_for
from cypher_magic.model.generate import CypherModel
from cypher_magic.model.load import choose_device, load_tokenizer, load_tuned
from cypher_magic.model.prompt import Prompt
from cypher_magic.places import cache_dir
from cypher_magic.query.check import check
from cypher_magic.query.parse import parse
from cypher_magic.query.readonly import read_only
from cypher_magic.query.repair import repair

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[2] / "shared"
SCRIPT = HERE.parent / "query" / "corpus" / "analyser.cjs"
NAMES = {"unknown_label", "unknown_relationship_type", "unknown_property"}
WAYS = {"reversed_direction", "unknown_triple"}


@dataclass(frozen=True)
class Asked:
    """A question, its own query, and its graph."""

    graph: str
    question: str
    query: str


def sample(data: Path, count: int, seed: int) -> tuple[list[Asked], dict[str, GraphSchema]]:
    """The same number of questions of each graph."""
    texts = read_schemas(data / "text2cypher_schemas.csv")
    schemas = {name: GraphSchema.from_text(text) for name, text in texts.items()}
    with (data / "text2cypher_gpt4turbo.csv").open(encoding="utf-8", newline="") as file:
        rows = [Asked(r["database"], r["question"], r["cypher"]) for r in csv.DictReader(file)]
    draw = random.Random(seed)
    each = -(-count // len(schemas))
    found = []
    for name, schema in schemas.items():
        mine = [r for r in rows if r.graph == name]
        draw.shuffle(mine)
        sound = (r for r in mine if not (read_only(r.query) or check(r.query, schema)))
        found += [row for row, _ in zip(sound, range(each), strict=False)]
    return found, schemas


def analysed(queries: list[str]) -> list[bool] | None:
    """Whether Neo4j's analyser takes each query; None without Node."""
    node, package = shutil.which("node"), cache_dir() / "oracle" / "node_modules" / "@neo4j-cypher/language-support"
    if node is None or not package.is_dir():
        return None
    command = [node, "--max-old-space-size=3000", str(SCRIPT), str(package)]
    done = subprocess.run(command, input=json.dumps(queries), capture_output=True, text=True, check=True)
    return [not verdict for verdict in json.loads(done.stdout)]


def parses(text: str) -> bool:
    try:
        parse(text)
    except CypherSyntaxError:
        return False
    return True


def judge(
    rows: list[Asked], texts: list[str], ended: list[bool], schemas: dict[str, GraphSchema]
) -> dict[str, list[bool]]:
    """What holds for each reply."""
    complaints = [{c.code for c in check(t, schemas[r.graph])} for r, t in zip(rows, texts, strict=True)]
    read = [parses(t) for t in texts]
    found = {
        "parses": read,
        "names": [p and not c & NAMES for p, c in zip(read, complaints, strict=True)],
        "ways": [p and not c & WAYS for p, c in zip(read, complaints, strict=True)],
        "all checks": [not c and not read_only(t) for c, t in zip(complaints, texts, strict=True)],
        "not cut": ended,
    }
    by_neo4j = analysed(texts)
    return found if by_neo4j is None else {"Neo4j": by_neo4j, **found}


def quality(given: argparse.Namespace) -> None:
    rows, schemas = sample(given.data, given.questions, given.seed)
    model = loaded(given)
    asked = [model.prompt.ask(r.question, schemas[r.graph].render()) for r in rows]
    print(f"{len(rows)} questions of {len(schemas)} graphs, seed {given.seed}; shares with 95 % intervals (Wilson)")
    every: dict[str, dict[str, list[bool]]] = {}
    for level in given.levels:
        started = time.perf_counter()
        limits = [constraint_for(model.tokenizer, schemas[r.graph], level) for r in rows]
        replies = model.complete_many(asked, max_tokens=given.max_tokens, constraint=limits)
        seconds = time.perf_counter() - started
        # Under a constraint a reply is whole whether or not the model ended it.
        whole = [r.ended or level != "off" for r in replies]
        texts = [r.text.strip() for r in replies]
        every[level] = report(level, rows, texts, whole, schemas)
        retreats = [r.retreats for r in replies]
        print(f"    {seconds:.0f} s; taken back {sum(retreats)} times in {sum(map(bool, retreats))} replies")
        if level == "off":
            mended = [repair(t, schemas[r.graph]).text for r, t in zip(rows, texts, strict=True)]
            every["off, repaired"] = report("off, repaired", rows, mended, whole, schemas)
        if given.out:
            with Path(given.out).open("a", encoding="utf-8") as file:
                for row, text, reply in zip(rows, texts, replies, strict=True):
                    file.write(json.dumps([level, row.graph, row.question, row.query, text, reply.retreats]) + "\n")
    print("\nall checks passed, per graph")
    print(f"{'':<18}{'n':>4}" + "".join(f"{level:>16}" for level in every))
    for name in schemas:
        at = [i for i, r in enumerate(rows) if r.graph == name]
        shares = "".join(f"{share([found['all checks'][i] for i in at]).value:>16.3f}" for found in every.values())
        print(f"{name:<18}{len(at):>4}{shares}")


def report(
    level: str, rows: list[Asked], texts: list[str], ended: list[bool], schemas: dict[str, GraphSchema]
) -> dict[str, list[bool]]:
    found = judge(rows, texts, ended, schemas)
    pairs = [(t, r.query) for t, r in zip(texts, rows, strict=True)]
    print(f"\n{level}")
    for name, hits in found.items():
        print(f"    {name:<14}{share(hits)}")
    print(f"    {'Google-BLEU':<14}{google_bleu(pairs)}\n    {'exact match':<14}{exact_match(pairs)}")
    return found


def mask(given: argparse.Namespace) -> None:
    """What the constraint costs, beside the model's own time, one question at a time."""
    from cypher_magic.model import constrain

    rows, schemas = sample(given.data, given.questions, given.seed)
    model = loaded(given)
    own: dict[str, float] = {}

    def timed(owner: Any, name: str, as_name: str) -> None:
        inner = getattr(owner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            start = time.thread_time()
            try:
                return inner(*args, **kwargs)
            finally:
                own[as_name] = own.get(as_name, 0.0) + time.thread_time() - start

        setattr(owner, name, call)

    timed(constrain.Guide, "next", "guide")
    timed(constrain.Guide, "_mask", "masks")
    timed(constrain.Guide, "_judge", "checks")
    started, tokens = time.perf_counter(), 0
    for row in rows:
        limit = constraint_for(model.tokenizer, schemas[row.graph], "schema")
        tokens += len(model.complete(row.question, schemas[row.graph].render(), constraint=limit).tokens)
    seconds = time.perf_counter() - started
    print(f"{len(rows)} questions, {tokens} tokens, {1000 * seconds / tokens:.1f} ms a token")
    for name, spent in own.items():
        print(f"    {name:<8}{1000 * spent / tokens:>8.3f} ms a token{100 * spent / seconds:>8.2f} % of the time")


def speed(given: argparse.Namespace) -> None:
    """Whole calls for 40 tokens, each way in turn for each question, on one graph."""
    import torch

    made = {dtype: loaded(given, dtype) for dtype in ("fp32", "bf16")}
    questions, schema = one_graph(given, made["bf16"])
    text, limit = schema.render(), constraint_for(made["bf16"].tokenizer, schema, "schema")

    def generate(model: CypherModel, question: str, **how: Any) -> None:
        asked = model.prompt.ask(question, text)
        ids = torch.tensor([[*asked.prefix, *asked.question]])
        pad = model.tokenizer.pad_token_id
        with torch.inference_mode():
            model.model.generate(ids, max_new_tokens=40, min_new_tokens=40, do_sample=False, pad_token_id=pad, **how)

    def own(model: CypherModel, ends: bool = False) -> CypherModel:
        copy = CypherModel(model.model, model.tokenizer, model.prompt)
        copy.end_ids = copy.end_ids if ends else frozenset()  # 40 tokens, whatever the model wants
        return copy

    kept, constrained = own(made["bf16"]), own(made["bf16"], ends=True)
    ways: dict[str, Callable[[str], Any]] = {
        "generate, float32, 4 beams": lambda q: generate(made["fp32"], q, num_beams=4, repetition_penalty=1.2),
        "generate, bf16, greedy": lambda q: generate(made["bf16"], q, num_beams=1),
        "ours, first question": lambda q: own(made["bf16"]).complete(q, text, max_tokens=40),
        "ours, next question": lambda q: kept.complete(q, text, max_tokens=40),
        "ours, constrained": lambda q: constrained.complete(q, text, max_tokens=40, constraint=limit),
    }
    kept.complete("How many are there?", text, max_tokens=40)
    constrained.complete("How many are there?", text, max_tokens=40, constraint=limit)
    took: dict[str, list[float]] = {name: [] for name in ways}
    for question in questions:
        for name, way in ways.items():
            started = time.perf_counter()
            way(question)
            took[name].append(time.perf_counter() - started)
    print(f"{'':<28}{'median s':>10}{'float32 / it':>14}{'bf16 / it':>12}")
    middle = {name: statistics.median(times) for name, times in took.items()}
    slow, plain = list(middle.values())[:2]
    for name, seconds in middle.items():
        print(f"{name:<28}{seconds:>10.2f}{slow / seconds:>14.1f}{plain / seconds:>12.1f}")


def batch(given: argparse.Namespace) -> None:
    """The same questions one by one and at once, constrained and free."""
    model = loaded(given, "bf16")
    questions, schema = one_graph(given, model)
    text = schema.render()
    asked = [model.prompt.ask(q, text) for q in questions]
    for level in given.levels:
        limit = constraint_for(model.tokenizer, schema, level)
        started = time.perf_counter()
        retreats = [model.complete(question, text, constraint=limit).retreats for question in questions]
        alone = time.perf_counter() - started
        print(
            f"{level}: one by one {len(questions) / alone:.2f} questions/s; taken back {sum(retreats)} times",
            flush=True,
        )
        for width in given.widths:
            started = time.perf_counter()
            model.complete_many(asked, constraint=limit, batch=width)
            took = time.perf_counter() - started
            rate = f"{len(questions) / took:.2f} questions/s, {alone / took:.1f} times"
            print(f"    {width:>3} at a time {rate}", flush=True)


def one_graph(given: argparse.Namespace, model: CypherModel) -> tuple[list[str], GraphSchema]:
    """Questions of the graph whose prompt has about 600 tokens."""
    import torch

    graphs = len(read_schemas(given.data / "text2cypher_schemas.csv"))
    rows, schemas = sample(given.data, graphs * given.questions, given.seed)
    size = {name: len(model.prompt.ask("", schema.render()).prefix) for name, schema in schemas.items()}
    graph = min(size, key=lambda name: abs(size[name] - 600))
    questions = [r.question for r in rows if r.graph == graph][: given.questions]
    print(f"{graph}, {size[graph]} tokens of schema, {len(questions)} questions, {torch.get_num_threads()} threads")
    return questions, schemas[graph]


def loaded(given: argparse.Namespace, precision: str = "auto") -> CypherModel:
    folder = local_folder()
    tokenizer = load_tokenizer(folder)
    model = load_tuned(folder, given.adapter, choose_device(given.device, precision))
    return CypherModel(model, tokenizer, Prompt(tokenizer))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("quality", "mask", "speed", "batch"))
    parser.add_argument("--adapter", type=Path, default=SHARED / "models" / "t2c-lora16")
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "text2cypher")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--levels", nargs="+", default=["off", "schema"], choices=("off", "syntax", "schema"))
    parser.add_argument("--widths", nargs="+", type=int, default=[16, 32, 64], help="questions at a time, for batch")
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", help="file for the replies, one JSON line each")
    given = parser.parse_args()
    {"quality": quality, "mask": mask, "speed": speed, "batch": batch}[given.what](given)


if __name__ == "__main__":
    main()
