"""What happens at each step and epoch of a training besides training: events, evaluation, probes, the adapter kept."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psutil
import torch
from transformers import TrainerCallback

from cypher_magic.model.backbones import public_name
from cypher_magic.training.adapter import save_adapter
from cypher_magic.training.recovery import free_memory
from cypher_magic.training.trainer import check_finite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cypher_magic.data.example import Example
    from cypher_magic.model.generate import CypherModel
    from cypher_magic.training.events import EventWriter
    from cypher_magic.training.executed import Graph
    from cypher_magic.training.runs import Run
    from cypher_magic.training.trainer import PackTrainer


class Reporter(TrainerCallback):
    """Turns what the Trainer does into events, evaluates after each epoch, and stops when it is asked to."""

    def __init__(
        self, run: Run, events: EventWriter, trainer: PackTrainer, model: CypherModel, graph: Graph | None = None
    ) -> None:
        self.run, self.events, self.trainer, self.model, self.graph = run, events, trainer, model, graph
        self.settings = run.settings
        self.process = psutil.Process()
        self.training_seconds = 0.0
        self.evaluating_seconds = 0.0
        self.first_step = 0
        self.resumed_at = time.perf_counter()
        self.best: tuple[float, float] | None = None  # what was reached (more is better), and after which epoch
        self.without_gain = 0
        self.settled = False  # it has not got better for as long as the settings say: the end that was wanted

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Evaluate before the first step, so that the chart has a start."""
        self.first_step = state.global_step
        if not self.first_step:
            self.events.write("stage", message="looking at the model before the first step")
            self._evaluate(0.0)
        for event in self.run.events if self.first_step else ():  # a run that goes on remembers its best epoch
            if event.kind == "evaluated":
                self._rank(event["epoch"], event.values, keep=False)
        self.events.write("stage", message="taking the first step")
        self.resumed_at = time.perf_counter()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **kwargs: Any) -> None:
        """Write a step event for the Trainer's log line."""
        if "loss" not in logs:
            return
        seconds = self.training_seconds + time.perf_counter() - self.resumed_at
        per_step = seconds / max(1, state.global_step - self.first_step)
        evaluations = self.trainer.args.num_train_epochs - int(logs["epoch"])
        self.events.write(
            "step",
            step=state.global_step,
            steps=state.max_steps,
            epoch=round(logs["epoch"], 3),
            loss=logs["loss"],
            learning_rate=logs["learning_rate"],
            grad_norm=float(logs.get("grad_norm", 0.0)),
            tokens_per_second=round(self.trainer.tokens_seen / seconds, 1),
            examples_per_second=round(self.trainer.examples_seen / seconds, 2),
            memory_bytes=self._memory(),
            eta_seconds=round((state.max_steps - state.global_step) * per_step + evaluations * self.evaluating_seconds),
        )
        check_finite(logs["loss"], state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop after this step when the run was asked to."""
        if args.device.type == "cpu":  # what the C library keeps for later grows from step to step otherwise
            free_memory()
        if self._stopped():
            control.should_training_stop = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Evaluate, unless somebody is waiting for the run to stop; end when it has not got better for long."""
        self.training_seconds += time.perf_counter() - self.resumed_at
        if not self._stopped():
            self._evaluate(round(state.epoch, 3))
            over = 0 < self.settings.patience <= self.without_gain
            if self.trainer.processes.any(over and self.trainer.processes.first, args.device):
                self.events.write("noted", message=f"no better for {self.without_gain} epochs: training ends here")
                control.should_training_stop = self.settled = True
        self.resumed_at = time.perf_counter()

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Keep the checkpoint's adapter as the run's adapter, so that a run that dies still has one."""
        if self.best is None or self.settings.keep == "last":
            self._keep()
        self.events.write("checkpointed", step=state.global_step)

    def finish(self) -> None:
        """Let the adapter that the settings ask for be the run's adapter."""
        if self.settings.keep == "last" or self.best is None:
            self._keep()
        else:
            self.events.write("noted", message=f"kept: the adapter after epoch {self.best[1]:g}")

    def _keep(self) -> None:
        if self.trainer.processes.first:
            save_adapter(self.trainer.model, self.run.folder / "adapter", public_name(self.settings.backbone))

    def _stopped(self) -> bool:
        asked = (self.run.folder / "STOP").exists()
        return self.trainer.processes.any(asked, self.trainer.args.device)

    def _evaluate(self, epoch: float) -> None:
        began = time.perf_counter()
        scores: dict[str, float] = {}
        if self.trainer.val:
            scores["loss"] = self.trainer.validation_loss()
        if self.trainer.processes.first or self.trainer.processes.sharded:  # then no process can answer on its own
            self._ask(epoch, scores)
        self._rank(epoch, scores)
        self.trainer.processes.wait()
        self.evaluating_seconds = time.perf_counter() - began

    def _ask(self, epoch: float, scores: dict[str, float]) -> None:
        """Let the model answer: the probes are shown, and some queries are run on the graph."""
        examples = self.run.examples("val")
        has_graph = self.graph is not None
        if self.trainer.processes.sharded:
            has_graph = self.trainer.processes.any(has_graph, self.trainer.args.device)
        runs = examples[: self.settings.executed] if has_graph else []
        asked = examples[: max(len(runs), self.settings.probes)]
        replies = self._replies(asked) if asked else []
        if runs and self.graph is not None:
            found = self.graph.measured(runs, replies[: len(runs)])
            if found is None:
                self.events.write("noted", message="the graph can not be reached: no query is run on it any more")
                self.graph = None
            else:
                scores["executable"] = found.executable
                if found.execution_accuracy is not None:
                    scores["execution_accuracy"] = found.execution_accuracy
        if scores:
            self.events.write("evaluated", epoch=epoch, **scores)
        if probes := examples[: self.settings.probes]:
            samples = [
                {"question": e.question, "query": e.query, "reply": r} for e, r in zip(probes, replies, strict=False)
            ]
            self.events.write("sampled", epoch=epoch, samples=samples)

    def _rank(self, epoch: float, scores: Mapping[str, Any], *, keep: bool = True) -> None:
        """Remember the best epoch; its adapter is the run's when the settings say so."""
        metric = self.settings.keep if self.settings.keep in scores else "loss"
        if not epoch or metric not in scores:
            return
        reached = -scores[metric] if metric == "loss" else scores[metric]
        if self.best is not None and reached <= self.best[0]:
            self.without_gain += 1
            return
        self.best, self.without_gain = (reached, epoch), 0
        if keep and self.settings.keep != "last":
            self._keep()

    def _replies(self, examples: Sequence[Example]) -> list[str]:
        schema = self.run.card["schema"]
        asked = [self.model.prompt.ask(e.question, e.schema or schema, e.history) for e in examples]
        self.trainer.model.eval()
        replies = self.model.complete_many(asked, max_tokens=128)
        self.trainer.model.train()
        return [reply.text for reply in replies]

    def _memory(self) -> int:
        if torch.cuda.is_available():
            return int(torch.cuda.max_memory_allocated())
        return int(self.process.memory_info().rss)
