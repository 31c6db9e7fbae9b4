"""A report as tables: rows for text, HTML for a notebook, and a page of its own.

Questions, queries and values were written by others: everything is escaped. The HTML has no script, asks the network
for nothing, and takes the colours of what it stands in, light or dark.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from cypher_magic.evaluation.taxonomy import KINDS
from cypher_magic.graph.values import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cypher_magic.evaluation.judge import Prediction
    from cypher_magic.evaluation.metrics import Score
    from cypher_magic.evaluation.report import Report

Rows = list[tuple[str, ...]]

_NAMES = {
    "executable": "executable",
    "syntax_valid": "syntax-valid",
    "schema_valid": "schema-valid",
    "read_only": "read-only",
    "result_f1": "result F1",
    "google_bleu": "Google-BLEU",
    "seconds_median": "seconds, median",
    "seconds_p95": "seconds, 95th percentile",
}
_HEADS = {"family": "family", "hops": "hops", "seen": "in the training rows"}
_EXAMPLES = 3  # misses of a kind that a notebook shows
_MOST = 500  # misses that a page shows
_LONGEST = 2000  # characters of a text

STYLE = """<style>
.cm-report{color:var(--jp-ui-font-color1,inherit);font-size:var(--jp-ui-font-size1,13px);line-height:1.45}
.cm-report table{border-collapse:collapse;margin:.5em 0 1em}
.cm-report th,.cm-report td{text-align:left!important;vertical-align:top;padding:.2em .9em .2em 0;border:0;
border-bottom:1px solid rgba(128,128,128,.3);background:none;white-space:normal;overflow-wrap:anywhere}
.cm-report th{border-bottom:2px solid rgba(128,128,128,.6)}
.cm-report td.cm-n{font-variant-numeric:tabular-nums;white-space:nowrap}
.cm-report dl{display:grid;grid-template-columns:max-content 1fr;gap:.1em .8em;margin:.3em 0 1em}
.cm-report dt{opacity:.65}
.cm-report dd{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
.cm-report dd.cm-code{font-family:var(--jp-code-font-family,monospace)}
.cm-report summary{cursor:pointer}
.cm-report p{margin:.2em 0}
</style>"""
_PAGE = """<style>
:root{color-scheme:light dark}
body{margin:2em auto;max-width:64em;padding:0 1em;font-family:system-ui,sans-serif;color:#1b1b1b;background:#fff}
@media (prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}}
</style>"""


def scores(report: Report) -> Rows:
    """The table of scores: a column for each model."""
    names = dict.fromkeys(name for model in report.models for name in model.scores)
    rows: Rows = [("", *(model.model for model in report.models))]
    for name in names:
        rows.append((_NAMES.get(name, name.replace("_", " ")), *(shown(m.scores.get(name)) for m in report.models)))
    return rows


def breakdowns(report: Report) -> list[Rows]:
    """A table for each way to group the questions that tells some apart."""
    figure = "execution accuracy" if report.execution_accuracy.n else "exact match"
    found = []
    for group, head in _HEADS.items():
        groups = [model.by(group) for model in report.models]
        if len(groups[-1]) < 2 and group != "seen" or not groups[-1]:
            continue
        several = len(report.models) > 1
        heads = [f"{figure}, {m.model}" if several else figure for m in report.models]
        rows: Rows = [(head, "questions", *heads)]
        rows += [(name, str(s.n), *(shown(g.get(name)) for g in groups)) for name, s in groups[-1].items()]
        found.append(rows)
    return found


def errors(report: Report) -> Rows:
    """The kinds of errors: how many of each model's misses, and what the kind means."""
    counts = [model.errors for model in report.models]
    kinds = [k for k in KINDS if any(k in c for c in counts)]
    kinds.sort(key=lambda k: -counts[-1].get(k, 0))
    heads = [m.model for m in report.models] if len(counts) > 1 else ["misses"]
    return [("error", *heads, ""), *((k, *(str(c.get(k, 0)) for c in counts), KINDS[k]) for k in kinds)]


def shown(score: Score | None) -> str:
    """A score with its interval, or a dash."""
    return f"{score.value:.3f} [{score.low:.2f}, {score.high:.2f}]" if score is not None and score.n else "-"


def fragment(report: Report) -> str:
    """The report for a notebook: scores, comparison, breakdowns, and some misses of each kind folded away."""
    return f'{STYLE}\n<div class="cm-report">\n{_body(report, _EXAMPLES, folded=True)}\n</div>'


def document(report: Report) -> str:
    """The report as a page of its own, with all misses."""
    title = escape(printable(f"{report.model}: evaluation"))
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        "<!DOCTYPE html>\n"
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f'{STYLE}\n{_PAGE}</head>\n<body class="cm-report">\n<h1>{title}</h1>\n<p>{escape(report.when)}</p>\n'
        f"{_body(report, _MOST, folded=False)}\n</body></html>\n"
    )


def _body(report: Report, most: int, *, folded: bool) -> str:
    parts = [_table(scores(report)), *(f"<p>{_safe(line)}</p>" for line in report.lines)]
    groups = "\n".join(_table(rows) for rows in breakdowns(report))
    parts.append(_folded("breakdowns", groups) if folded and groups else groups)
    if any(model.errors for model in report.models):
        parts.append(_table(errors(report)))
    misses = [p for p in report.predictions if p.missed]
    kinds = sorted({p.kind for p in misses}, key=lambda k: -report.errors.get(k, 0))
    for kind in kinds:
        mine = [p for p in misses if p.kind == kind]
        cut = f", the first {most}" if len(mine) > most else ""
        head = f"{kind or 'other text than the reference'}: {len(mine)}{cut}"
        parts.append(_folded(head, "\n".join(_miss(p) for p in mine[:most])))
    return "\n".join(filter(None, parts))


def _folded(head: str, body: str) -> str:
    return f"<details><summary>{_safe(head)}</summary>\n{body}\n</details>"


def _miss(p: Prediction) -> str:
    turns = p.example.history if p.example is not None else ()
    rows = [("after", t.question, "") for t in turns]
    rows += [("question", p.question, ""), ("reference", p.reference, "cm-code"), ("query", p.query, "cm-code")]
    rows += [("came", p.came or p.error, ""), ("expected", p.expected, "")]
    cells = (f'<dt>{name}</dt><dd class="{css}">{_safe(text)}</dd>' for name, text, css in rows if text)
    return f"<dl>{''.join(cells)}</dl>"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{_safe(cell)}</th>" for cell in rows[0])
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows[1:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(row: Iterable[str]) -> str:
    return "".join(f"<td{' class=cm-n' if cell[:1].isdigit() else ''}>{_safe(cell)}</td>" for cell in row)


def _safe(text: str) -> str:
    """The text for HTML, not longer than a person reads; control characters and direction marks are shown."""
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return escape("\n".join(map(printable, text.split("\n"))))
