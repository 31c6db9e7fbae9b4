"""The wiring: which graph and which model are current. Magics, panels and scripts call these functions.

This is the only place where the parts meet; each function gathers what its part needs and calls it.
"""

from cypher_magic.session.asking import ask, ask_many, conversation
from cypher_magic.session.comparing import compare_models, model_rows, saved_report
from cypher_magic.session.doctor import doctor
from cypher_magic.session.evaluating import evaluate, missed
from cypher_magic.session.generating import generate_pairs
from cypher_magic.session.graphs import close, connect, connections, current_schema_or_none, query, schema, use
from cypher_magic.session.lengths import token_lengths
from cypher_magic.session.models import export, import_model
from cypher_magic.session.reviewing import review
from cypher_magic.session.training import (
    backbones,
    compare_runs,
    finetune,
    load_examples,
    remove_run,
    resume_run,
    runs,
    use_run,
)

__all__ = [
    "ask",
    "ask_many",
    "backbones",
    "close",
    "compare_models",
    "compare_runs",
    "connect",
    "connections",
    "conversation",
    "current_schema_or_none",
    "doctor",
    "evaluate",
    "export",
    "finetune",
    "generate_pairs",
    "import_model",
    "load_examples",
    "missed",
    "model_rows",
    "query",
    "remove_run",
    "resume_run",
    "review",
    "runs",
    "saved_report",
    "schema",
    "token_lengths",
    "use",
    "use_run",
]
