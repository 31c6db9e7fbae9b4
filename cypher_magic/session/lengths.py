"""How long examples are for a model: what decides about memory, and about rows that are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cypher_magic.errors import NoModel
from cypher_magic.model.catalogue import DEFAULT
from cypher_magic.session import state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cypher_magic.data.example import Example


def token_lengths(
    examples: Sequence[Example],
    backbone: str = DEFAULT,
    *,
    instruction: str = "",
    fetch: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[int]:
    """How many tokens each example has as it is trained: schema, earlier turns, question and query in the prompt.

    Nothing is pruned. Raises `NoModel` when the default backbone is not on this machine yet, unless `fetch`.
    """
    from cypher_magic.model.backbones import is_here, local_folder

    if not fetch and not is_here(backbone):
        raise NoModel(f"The tokenizer of {backbone} is not on this machine yet.", hint="the first training fetches it")
    from cypher_magic.model.load import load_tokenizer
    from cypher_magic.model.prompt import Prompt

    prompt = Prompt(load_tokenizer(local_folder(backbone, weights=False)), instruction=instruction)
    graph = state.schema_or_none()
    schema = graph.render() if graph is not None else None
    found = []
    for number, example in enumerate(examples, 1):
        found.append(len(prompt.encode(example, schema)))
        if progress is not None:
            progress(number, len(examples))
    return found
