"""%cypher_models: which backbones there are, and which of them fit here."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import line_magic, magics_class

from cypher_magic.errors import OptionError
from cypher_magic.magics.options import Command, Family, Option, Options

MODELS = Command(
    "%cypher_models",
    "List the models that can be fine-tuned: licence, size, and whether training fits into this device's memory.\n"
    "`here` says: fits, fits with gradient checkpointing, fits in 4-bit (NVIDIA GPUs), or does not fit. `peak_gb` is\n"
    "what training with default settings is predicted to take with a schema of 900 tokens.",
    words="[list]",
    options=(
        Option(
            "--device",
            metavar="KIND",
            default="auto",
            choices=("auto", "cuda", "mps", "cpu"),
            help="for which device: auto, cuda, mps or cpu",
        ),
        Option("--fits", type=bool, help="only those that fit"),
    ),
    examples=("%cypher_models", "%cypher_models --fits", "%cypher_models --device cpu"),
    max_words=1,
)


@magics_class
class ModelMagics(Family):
    """Models to choose from."""

    @line_magic
    @MODELS
    def cypher_models(self, options: Options) -> Any:
        """A DataFrame, a row for each backbone."""
        from cypher_magic import session

        if options.words not in ([], ["list"]):
            raise OptionError(f"%cypher_models does not know {options.words[0]!r}.", hint="%cypher_models lists them")
        frame = session.backbones(options.device)
        print(f"{frame.attrs['device']}: {frame.attrs['free_gb']:.1f} GB free")
        return frame[frame["here"] != "does not fit"] if options.fits else frame
