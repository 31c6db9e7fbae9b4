from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def default_parts() -> tuple[Any, Any]:
    """The real default backbone in float32 on the CPU, and its tokenizer."""
    from cypher_magic.model.backbones import local_folder
    from cypher_magic.model.load import choose_device, load_backbone, load_tokenizer

    folder = local_folder()
    return load_backbone(folder, choose_device("cpu", "fp32")), load_tokenizer(folder)


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other cost more than they bring on models this small, above all on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
