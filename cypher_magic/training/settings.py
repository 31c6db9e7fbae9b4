"""The settings of one fine-tuning run: defaults, what each means, and reading them from YAML.

One dataclass field is the option of the magic, the key in YAML, the row in `settings.yaml` and the tooltip in the
panel.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from cypher_magic.errors import OptionError
from cypher_magic.model.catalogue import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping


def doc(
    default: Any,
    text: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    advanced: bool = False,
) -> Any:
    """A field with its default, its one-line documentation and the values it takes."""
    meta = {"doc": text, "low": low, "high": high, "choices": choices, "advanced": advanced}
    return field(default=default, metadata=meta)


PRECISIONS = ("auto", "bf16", "fp16", "fp32", "int8", "4bit")


@dataclass(frozen=True)
class TrainingSettings:
    """Everything that decides what comes out of a run, besides its examples."""

    backbone: str = doc(DEFAULT, "base model: a name from the catalogue, a Hub id, a folder or a GGUF file")
    start_from: str = doc("starter", "what to continue from: `starter`, the name of a finished run, or `scratch`")
    epochs: int = doc(3, "how often each example is seen", low=1, high=1000)
    learning_rate: float = doc(5e-4, "peak learning rate (5e-4 suits a 135M model, 2e-4 a 7B one)", low=1e-7, high=1.0)
    batch_size: int = doc(0, "examples per optimiser step (0 = 16 with one schema, 64 with several)", low=0, high=4096)
    lora_rank: int = doc(16, "LoRA rank; more capacity, more memory", low=1, high=1024)
    lora_alpha: int = doc(32, "LoRA alpha; the adapter is scaled by alpha / rank", low=1, high=4096)
    lora_dropout: float = doc(0.0, "dropout on the adapter's input", low=0.0, high=0.9)
    max_tokens: int = doc(
        1024, "tokens per example; longer ones get a part of their schema, never a cut question", low=32, high=131072
    )
    prompt_style: str = doc("auto", "how a question is put to the model", choices=("auto", "chat", "plain"))
    seed: int = doc(0, "seed of shuffling, adapter and dropout", low=0)
    device: str = doc("auto", "where to train", choices=("auto", "cuda", "mps", "cpu"))
    precision: str = doc(
        "auto", "number format of the base weights; int8 and 4bit need an NVIDIA GPU", choices=PRECISIONS
    )
    warmup: float = doc(0.05, "share of the steps in which the learning rate rises", low=0.0, high=0.9, advanced=True)
    schedule: str = doc(
        "cosine", "how the learning rate falls", choices=("cosine", "linear", "constant"), advanced=True
    )
    weight_decay: float = doc(0.0, "AdamW weight decay", low=0.0, high=1.0, advanced=True)
    clip: float = doc(1.0, "gradient norm is clipped to this", low=0.0, high=1000.0, advanced=True)
    pack_examples: int = doc(16, "examples that share one schema prefix in one pass", low=1, high=256, advanced=True)
    pack_tokens: int = doc(4096, "tokens in one pass at the most", low=64, high=1 << 20, advanced=True)
    keep: str = doc(
        "last",
        "which epoch's adapter is kept: the last, or that of the lowest validation loss, or of most executable "
        "or right queries (these two with executed)",
        choices=("last", "loss", "executable", "execution_accuracy"),
        advanced=True,
    )
    patience: int = doc(0, "epochs without improvement after which training ends (0 = never)", low=0, advanced=True)
    executed: int = doc(
        0,
        "validation questions whose query is run on the connected graph after each epoch, for the execution accuracy",
        low=0,
        advanced=True,
    )
    probes: int = doc(3, "validation questions answered after each epoch", low=0, high=50, advanced=True)
    log_every: int = doc(1, "optimiser steps between two log lines", low=1, high=10_000, advanced=True)
    checkpoint_every: int = doc(0, "optimiser steps between checkpoints (0 = one an epoch)", low=0, advanced=True)
    keep_checkpoints: int = doc(2, "checkpoints kept on disk", low=1, high=100, advanced=True)
    gradient_checkpointing: str = doc(
        "auto",
        "compute activations twice instead of keeping them: less memory, a third slower; auto = when memory runs out",
        choices=("auto", "on", "off"),
        advanced=True,
    )
    compile: str = doc(
        "off", "compile the model with torch.compile first; pays on long GPU runs", choices=("off", "on"), advanced=True
    )
    launch: str = doc(
        "",
        "start several processes: `accelerate launch --config_file FILE`, `torchrun --nproc-per-node 2`",
        advanced=True,
    )
    shard: str = doc(
        "off",
        "divide the backbone's weights among the processes of `launch` (FSDP), for one that is too large for a GPU",
        choices=("off", "on"),
        advanced=True,
    )
    report_to: str = doc(
        "none",
        "also report to an experiment tracker that is installed",
        choices=("none", "tensorboard", "wandb", "mlflow", "trackio"),
        advanced=True,
    )
    threads: int = doc(0, "CPU threads (0 = PyTorch's choice)", low=0, high=1024, advanced=True)

    def __post_init__(self) -> None:
        for setting in fields(self):
            _validate(setting.name, getattr(self, setting.name), setting.metadata, type(setting.default))

    def to_yaml(self) -> str:
        """The settings as YAML, each with its documentation as a comment."""
        import yaml  # on use: it would be a quarter of the time that %load_ext takes

        lines = []
        for setting in fields(self):
            text = yaml.safe_dump(getattr(self, setting.name), width=1 << 20)  # on one line, for the comment behind
            value = text.removesuffix("\n").removesuffix("...").strip()
            lines.append(f"{setting.name}: {value}  # {setting.metadata['doc']}")
        return "\n".join(lines) + "\n"

    @classmethod
    def from_yaml(cls, text: str) -> TrainingSettings:
        """The settings that a YAML text gives, defaults for the rest; OptionError for an unknown key or value."""
        return cls().changed(overrides(text))

    def changed(self, changes: Mapping[str, Any]) -> TrainingSettings:
        """A copy with these settings changed; numbers may come as text. OptionError names what is wrong."""
        known = {f.name: f for f in fields(self)}
        clean: dict[str, Any] = {}
        for name, value in changes.items():
            key = name.replace("-", "_")
            if key not in known:
                close = get_close_matches(key, known, n=1)
                hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
                raise OptionError(f"There is no training setting {name!r}.", hint=hint)
            clean[key] = _as(type(known[key].default), key, value)
        return replace(self, **clean)

    def to_dict(self) -> dict[str, Any]:
        """The settings by name."""
        return asdict(self)


def overrides(text: str) -> dict[str, Any]:
    """The settings in a YAML text, those under `advanced:` lifted up; OptionError when it is not a YAML mapping."""
    import yaml

    try:
        raw = yaml.safe_load(text) or {}
    except yaml.YAMLError as exc:
        where = getattr(exc, "problem_mark", None)
        line = f" in line {where.line + 1}" if where else ""
        raise OptionError(f"The settings are not YAML{line}.", hint="write one `name: value` a line") from exc
    if not isinstance(raw, dict):
        raise OptionError("The settings are not `name: value` lines.", hint="for example `learning_rate: 0.0005`")
    advanced = raw.pop("advanced", None) or {}
    if not isinstance(advanced, dict):
        raise OptionError(
            "`advanced` takes indented `name: value` lines.",
            hint="e.g. `    pack_examples: 8` on the line below it",
        )
    return {str(k): v for k, v in {**raw, **advanced}.items()}


def _as(kind: type, name: str, value: Any) -> Any:
    if isinstance(value, bool) or (kind is str and not isinstance(value, (str, int, float))):
        raise OptionError(f"{name} can not be {value!r}.", hint=_expected(kind))
    try:
        if kind is int and float(value) != int(float(value)):
            raise ValueError
        return kind(float(value)) if kind is int else kind(value)
    except (TypeError, ValueError, OverflowError) as exc:
        raise OptionError(f"{name} can not be {value!r}.", hint=_expected(kind)) from exc


def _expected(kind: type) -> str:
    return {int: "it is a whole number", float: "it is a number"}.get(kind, "it is a word")


def _validate(name: str, value: Any, meta: Mapping[str, Any], kind: type) -> None:
    if isinstance(value, bool) or not isinstance(value, (kind, int) if kind is float else kind):
        raise OptionError(f"{name} can not be {value!r}.", hint=_expected(kind))
    if meta["choices"] and value not in meta["choices"]:
        raise OptionError(f"{name} can not be {value!r}.", hint=f"one of {', '.join(meta['choices'])}")
    low, high = meta["low"], meta["high"]
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        raise OptionError(
            f"{name} can not be {value!r}.", hint=f"at least {low:g}" if high is None else f"from {low:g} to {high:g}"
        )
