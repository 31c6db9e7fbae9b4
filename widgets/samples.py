"""Sample answers of a run before and after training, with what differs from the wanted query marked.

What a model replied is hostile: it is cut, its control characters are shown, and everything is escaped.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from html import escape
from typing import TYPE_CHECKING, Any

from cypher_magic.graph.values import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHOWN = 5  # questions before the rest is folded
LEGEND = "✓ as wanted, word for word; ✗ another query, which may give the same rows"
LONGEST = 600  # characters of a text that are written at all
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


def clean(text: Any, limit: int = LONGEST) -> str:
    """The text cut to `limit` characters, its line breaks kept and every other control character made visible."""
    text = _said(text)
    kept = text if len(text) <= limit else text[: limit - 1] + "…"
    return "\n".join(printable(line) for line in kept.strip().splitlines())


def one_line(text: Any, limit: int = LONGEST) -> str:
    """The text with its white space folded, cut to `limit` characters."""
    return clean(" ".join(_said(text)[: 4 * limit].split()), limit)


def same(reply: Any, query: Any) -> bool:
    """Whether the reply is the wanted query, white space and a last semicolon aside."""
    return _folded(reply) == _folded(query)


def table(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], *, names: tuple[str, str]) -> str:
    """The samples as HTML: question, wanted query, and the reply before and now; `names` head the last two.

    `before` and `after` are the `samples` of two `sampled` events: dicts with question, query, reply.
    """
    if not after:
        return ""
    earlier = {str(s.get("question")): s for s in before}
    blocks = [_block(sample, earlier.get(str(sample.get("question"))), names) for sample in after]
    rest = blocks[SHOWN:]
    more = f"<details><summary>{len(rest)} more questions</summary>{_table(rest)}</details>" if rest else ""
    return _table(blocks[:SHOWN]) + more


def score(samples: Sequence[Mapping[str, Any]]) -> str:
    """How many replies are exactly the wanted query, as `2 of 3`."""
    return f"{sum(same(s.get('reply'), s.get('query')) for s in samples)} of {len(samples)}"


def _table(blocks: Sequence[str]) -> str:
    columns = '<colgroup><col class="cm-who"><col></colgroup>'
    return f'<table class="cm-samples">{columns}<tbody>{"".join(blocks)}</tbody></table>'


def _block(sample: Mapping[str, Any], earlier: Mapping[str, Any] | None, names: tuple[str, str]) -> str:
    query = sample.get("query")
    rows = [f'<tr><th colspan="2" scope="rowgroup">{escape(one_line(sample.get("question"), 300))}</th></tr>']
    rows.append(_row("wanted", f"<code>{escape(one_line(query))}</code>"))
    if earlier is not None:
        rows.append(_reply_row(names[0], earlier.get("reply"), query))
    rows.append(_reply_row(names[1], sample.get("reply"), query))
    return "".join(rows)


def _reply_row(name: str, reply: Any, query: Any) -> str:
    if same(reply, query):
        return _row(name, '<span class="cm-right">✓ as wanted</span>')
    return _row(name, f"<code>{marked(one_line(reply), one_line(query))}</code>")


def _row(name: str, value: str) -> str:
    return f"<tr><td>{escape(name)}</td><td>{value}</td></tr>"


def marked(reply: str, query: str) -> str:
    """The reply, escaped, with what the wanted query has not marked, and three dots where something is missing."""
    got, wanted = _TOKEN.findall(reply), _TOKEN.findall(query)
    parts = []
    for kind, i, j, _, _ in SequenceMatcher(None, got, wanted, autojunk=False).get_opcodes():
        text = escape("".join(got[i:j]))
        if kind == "insert":
            parts.append('<span class="cm-missing" title="something is missing here">…</span>')
        else:
            parts.append(text if kind == "equal" or not text.strip() else f'<span class="cm-differs">{text}</span>')
    return "".join(parts) or "<i>(nothing)</i>"


def _folded(text: Any) -> str:
    return " ".join(_said(text).split()).rstrip("; ")


def _said(text: Any) -> str:
    """The text; nothing for None, but a zero is one."""
    return "" if text is None else str(text)
