"""Models, comparisons and predictions as tables: HTML that is escaped, bounded, and takes the colours of the page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from cypher_magic.evaluation.page import shown
from cypher_magic.evaluation.saved import answered
from cypher_magic.widgets.samples import clean, marked, one_line
from cypher_magic.widgets.status import faint, roomy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cypher_magic.evaluation.judge import Prediction
    from cypher_magic.evaluation.saved import Duel
    from cypher_magic.session.comparing import ModelComparison, ModelRow

HEADS = ("", "model", "state", "progress", "loss", "validation", "accuracy", "rows", "backbone", "age")
_LETTERS = 400  # of a question, a query or a result
_STYLE = """<style>
.cm-models table{border-collapse:collapse;margin:.4em 0}
.cm-models th,.cm-models td{text-align:left!important;vertical-align:top;padding:.2em .8em .2em 0;border:0;
background:none;border-bottom:1px solid rgba(128,128,128,.3);overflow-wrap:anywhere}
.cm-models th{border-bottom:2px solid rgba(128,128,128,.6);white-space:nowrap}
.cm-models .cm-wide{overflow-x:auto}
.cm-models .cm-list td{white-space:nowrap}
.cm-models .cm-one{border-top:1px solid rgba(128,128,128,.35);padding:.3em 0}
.cm-models .cm-one table{margin:0}
.cm-models .cm-one td{border:0;padding:.1em .8em .1em 0}
.cm-models .cm-one td:first-child{opacity:.75;white-space:nowrap}
.cm-models code{background:none;color:inherit;padding:0;white-space:pre-wrap}
.cm-models .cm-differs{text-decoration:underline wavy #d1453b 1px;text-underline-offset:3px}
.cm-models .cm-missing,.cm-models .cm-wrong{color:#d1453b;font-weight:bold}
.cm-models .cm-right{color:#2c9a4b}
.cm-models summary{cursor:pointer}
</style>"""
_RIGHT, _WRONG = '<span class="cm-right">✓</span>', '<span class="cm-wrong">✗</span>'


def models(rows: Sequence[ModelRow]) -> str:
    """The runs and imported models, the one that answers marked."""
    if not rows:
        return faint("There are no models yet: train one, or import one below.")
    body = []
    for row in rows:
        name, state, progress, loss, validation, count, backbone, age = row.cells
        mark = '<span title="answers questions now">●</span>' if row.answers else ""
        cells = (name, state, progress, loss, validation, row.score, count, backbone, age)
        body.append((mark, *map(escape, cells)))
    note = faint("● answers questions now; accuracy: share of held-out questions with the right rows, 95 % interval")
    return _styled(_table(HEADS, body, "cm-wide cm-list") + note)


def comparison(found: ModelComparison) -> str:
    """Two models: verdict, scores with intervals, the settings in which they differ."""
    parts = [f"<p style='margin:.3em 0'><b>{_safe(found.verdict.sentence)}</b></p>" if found.verdict else ""]
    parts += [f"<div>{faint(note)}</div>" for note in found.notes]
    heads = ("", found.first, found.second)
    if found.scores:
        rows = [(escape(name.replace("_", " ")), shown(a), shown(b)) for name, (a, b) in found.scores.items()]
        parts.append(_table(heads, rows))
    if found.settings:
        parts.append(_table(("settings that differ", *heads[1:]), _escaped(found.settings)))
    if found.facts:
        table = _table(heads, _escaped(found.facts))
        parts.append(f"<details><summary>what came of them</summary>{table}</details>")
    return _styled("".join(parts))


def duels(found: Sequence[Duel], first: str, second: str, most: int) -> str:
    """Questions with both models' queries."""
    blocks = []
    for duel in found[:most]:
        rows = [("wanted", _code(duel.second.reference)), *_reply(first, duel.first), *_reply(second, duel.second)]
        blocks.append(_block(duel.second, rows))
    return _listing(blocks, len(found))


def predictions(found: Sequence[Prediction], name: str, most: int) -> str:
    """Questions with the model's query beside the wanted one."""
    blocks = []
    for p in found[:most]:
        facts = [p.kind, p.family, f"rows F1 {p.f1:.2f}" if p.f1 is not None else ""]
        facts += [f"{p.seconds:.2f} s" if p.seconds is not None else ""]
        told = " · ".join(filter(None, facts))
        rows = [("wanted", _code(p.reference)), *_reply(name, p)]
        blocks.append(_block(p, [*rows, *([("", faint(told))] if told else [])]))
    return _listing(blocks, len(found))


def _block(p: Prediction, rows: Iterable[tuple[str, str]]) -> str:
    turns = "".join(f"{escape(one_line(t.question, 120))} → " for t in (p.example.history if p.example else ())[-3:])
    lines = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows)
    question = f'<span style="opacity:.8">{turns}</span><b>{escape(one_line(p.question, _LETTERS))}</b>'
    return f'<div class="cm-one">{question}<table>{lines}</table></div>'


def _reply(name: str, p: Prediction) -> list[tuple[str, str]]:
    """The model's query with what differs marked, and what came of it where it is wrong."""
    who = escape(one_line(name, 40))
    if answered(p):
        same = p.query.strip() == p.reference.strip()
        return [(who, f"{_RIGHT} as wanted" if same else f"{_RIGHT} {_code(p.query)}")]
    rows = [(who, f"{_WRONG} <code>{marked(_cut(p.query), _cut(p.reference))}</code>")]
    came = p.error or p.came
    rows += [("came", escape(_cut(came)))] if came else []
    return [*rows, *([("expected", escape(_cut(p.expected)))] if p.expected else [])]


def _listing(blocks: Sequence[str], count: int) -> str:
    if not blocks:
        return faint("There are none.")
    more = f"<div>{faint(f'and {count - len(blocks):,} more')}</div>" if count > len(blocks) else ""
    return _styled("".join(blocks) + more)


def _styled(html: str) -> str:
    return roomy(f'{_STYLE}<div class="cm-models">{html}</div>')


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "cm-wide") -> str:
    """A table of cells that are escaped already, below heads that are not."""
    head = "".join(f"<th>{_safe(h)}</th>" for h in heads)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return f'<div class="{kind}"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _escaped(rows: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    return [tuple(map(_safe, row)) for row in rows]


def _cut(text: str) -> str:
    return one_line(text, _LETTERS)


def _code(text: str) -> str:
    return f"<code>{escape(_cut(text))}</code>"


def _safe(text: str) -> str:
    return escape(clean(text, _LETTERS))
