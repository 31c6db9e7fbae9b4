"""A query in colours, as HTML that is readable in light and dark notebooks and carries no script or style sheet."""

from __future__ import annotations

import html

# JupyterLab's own editor colours, with fallbacks that are readable on white and on black
_COLOURS = {
    "Keyword": "var(--jp-mirror-editor-keyword-color,#0a7d33)",
    "Literal.String": "var(--jp-mirror-editor-string-color,#c0392b)",
    "Literal.Number": "var(--jp-mirror-editor-number-color,#1c8a80)",
    "Comment": "var(--jp-mirror-editor-comment-color,#7a8a8a)",
    "Name.Label": "var(--jp-mirror-editor-def-color,#2962ff)",
    "Name.Function": "var(--jp-mirror-editor-builtin-color,#7b5bd6)",
}

_FONT = "var(--jp-code-font-family,monospace)"


def highlighted(query: str) -> str:
    """The query as a `<pre>` block, every character escaped."""
    from pygments.lexers.graph import CypherLexer

    spans = []
    for kind, text in CypherLexer().get_tokens(query.strip()):
        name = str(kind).removeprefix("Token.")
        colour = next((c for prefix, c in _COLOURS.items() if name.startswith(prefix)), "")
        safe = html.escape(text)
        spans.append(f'<span style="color:{colour}">{safe}</span>' if colour and text.strip() else safe)
    # JupyterLab breaks the lines of a pre in the middle of words
    style = f"margin:.4em 0;white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere;font-family:{_FONT}"
    return f'<pre style="{style}">{"".join(spans).rstrip()}</pre>'
