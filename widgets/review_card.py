"""One example of a review as HTML, everything in it escaped: it may have been written by anyone."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from cypher_magic.asking.highlight import highlighted
from cypher_magic.widgets.samples import clean, one_line
from cypher_magic.widgets.status import roomy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cypher_magic.data.example import Example
    from cypher_magic.data.review import Item, Review

_COMPLAINT = '<div style="margin:.2em 0"><b style="color:#d1453b">✗</b> {}</div>'


def listed(complaints: Sequence[str]) -> str:
    """What is against a query, a line each."""
    return roomy("".join(_COMPLAINT.format(escape(one_line(c))) for c in complaints))


def progress(queue: Review) -> str:
    """How far the review is: a bar, and the counts."""
    done = queue.progress
    share = 100 * done.done / done.total
    place = f" · number {queue.place} by doubt" if queue.place else ""
    bar = (
        f'<div role="progressbar" aria-label="reviewed" aria-valuemin="0" aria-valuemax="{done.total}"'
        f' aria-valuenow="{done.done}"'
        ' style="height:6px;border-radius:3px;background:rgba(128,128,128,.28);max-width:480px;margin:.3em 0">'
        f'<div style="height:100%;border-radius:3px;background:#2f81f7;width:{share:.1f}%"></div></div>'
    )
    return roomy(f"{bar}<b>{escape(str(done))}</b>{escape(place)}")


def card(item: Item, shown: Example, queue: Review) -> str:
    """The example as it stands, with what is against it and why it is doubtful."""
    turns = "".join(
        f'<div style="opacity:.8">after: {escape(one_line(t.question))}</div>' for t in list(shown.history)[-3:]
    )
    because = f'<div style="opacity:.8">doubt: {escape("; ".join(item.because))}</div>' if item.because else ""
    decision = queue.decision(item)
    decided = f"<div>decided: {escape(decision.verdict)}</div>" if decision is not None else ""
    against = listed(queue.complaints(shown))
    where = f" (row {shown.row} of {escape(one_line(shown.source))})" if shown.row is not None and shown.source else ""
    return roomy(
        f'{turns}<div style="font-size:1.1em;overflow-wrap:anywhere"><b>{escape(one_line(shown.question))}</b></div>'
        f"{highlighted(clean(shown.query, 4000))}{against}{because}{decided}"
        f'<div style="opacity:.65">{where.strip()}</div>'
    )
