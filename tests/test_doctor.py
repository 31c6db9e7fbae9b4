"""%cypher_doctor on this machine as it is, and on machines where something is broken."""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import cypher_magic
from cypher_magic.data.example import Example
from cypher_magic.errors import CypherMagicError
from cypher_magic.graph.result import QueryResult
from cypher_magic.session import machine, packages, state, storage
from cypher_magic.session.doctor import OK, OPTIONAL, PROBLEM, WARNING, Checkup, Finding, doctor
from cypher_magic.session.packages import Library
from cypher_magic.training.events import EventWriter
from cypher_magic.training.runs import create_run
from cypher_magic.training.settings import TrainingSettings


@pytest.fixture(autouse=True)
def _no_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "SESSION", state.Session())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch says at once that it is there."""
    monkeypatch.setattr(machine.Probe, "__post_init__", lambda self: None)
    monkeypatch.setattr(machine.Probe, "torch_facts", lambda self: machine.Torch("2.8.0", bf16=True))


def findings(checkup: Checkup, part: str) -> list[Finding]:
    return [f for f in checkup.findings if f.part == part]


def one(checkup: Checkup, part: str) -> Finding:
    (finding,) = findings(checkup, part)
    return finding


def test_a_sound_machine_has_no_problem_and_is_looked_at_in_under_five_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)  # so that it is asked in a process of its own
    checkup = cypher_magic.doctor()
    with capsys.disabled():
        print(f"\n%cypher_doctor: {checkup.seconds:.1f} s")
    assert checkup.ok, checkup
    assert checkup.seconds < 5
    parts = {f.part for f in checkup.findings}
    assert {"Python", "torch", "PyTorch", "CPU", "memory", "disk", "cache", "graph", "runs", "notebook"} <= parts
    assert "torch" not in sys.modules, "the kernel's memory is left alone"


def test_a_pytorch_that_does_not_load_is_a_problem_and_the_rest_is_told_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise ImportError('libcudart.so.13: can not open shared object')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    checkup = doctor()
    broken = one(checkup, "PyTorch")
    assert broken.state == PROBLEM and "libcudart.so.13" in broken.text and "%pip install" in broken.hint
    assert not checkup.ok and "1 problem" in checkup.summary
    assert findings(checkup, "memory") and findings(checkup, "notebook")


def test_a_pytorch_that_takes_too_long_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("import time\ntime.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(machine, "PATIENCE", 0.5)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    started = time.monotonic()
    assert one(doctor(), "PyTorch").state == WARNING
    assert time.monotonic() - started < 4


def test_a_driver_that_names_no_gpu_is_told(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.Probe, "gpus", lambda self: [])
    assert one(doctor(), "GPU").state == OPTIONAL
    monkeypatch.setattr(machine.Probe, "__post_init__", lambda self: setattr(self, "driver", object()))
    found = one(doctor(), "GPU")
    assert found.state == WARNING and "nvidia-smi" in found.hint


def test_runs_that_ended_badly_come_with_what_can_be_done(quick: None) -> None:
    for name, kind in (("good", "finished"), ("bad", "failed")):
        run = create_run(name, TrainingSettings(), [Example("q", "RETURN 1")])
        EventWriter(run.folder / "events.jsonl").write(kind, state="completed", message="no")
        found = one(doctor(), "runs")
        assert ("resume NAME" in found.hint) == (name == "bad")


def test_every_line_that_is_not_well_says_what_to_do(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.Probe, "torch_facts", lambda self: machine.Torch(late=True))
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    monkeypatch.setattr(import_module("cypher_magic.session.doctor"), "_cpu", lambda: 1 / 0)
    found = doctor().findings
    assert {f.part for f in found if f.state in (WARNING, PROBLEM)} >= {"Python", "PyTorch", "CPU", "graph"}
    assert [f.part for f in found if f.state != OK and not f.hint] == []


@pytest.mark.parametrize(
    ("built_for", "usable", "state", "told"),
    [
        ("12.8", ("NVIDIA H100",), OK, "CUDA 12.8"),
        (None, (), WARNING, "made for CPUs"),
        ("13.0", (), WARNING, "a newer driver"),
    ],
)
def test_a_gpu_that_pytorch_can_not_use_is_told_with_the_reason(
    built_for: str | None, usable: tuple[str, ...], state: str, told: str, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = machine.Torch("2.8.0", cuda=built_for, gpus=usable)
    monkeypatch.setattr(machine.Probe, "torch_facts", lambda self: torch)
    gpu = machine.Gpu("NVIDIA H100", 79_000, 81_559, "570.86")
    monkeypatch.setattr(machine.Probe, "gpus", lambda self: [gpu])
    found = one(doctor(), "GPU")
    assert found.state == state and told in found.text + found.hint
    assert "77.1 of 79.6 GiB free, driver 570.86" in found.text


def test_the_driver_is_asked_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho 'NVIDIA A100-SXM4-80GB, 80000, 81920, 550.54'\necho 'odd, [N/A], [N/A], 550.54'\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setitem(sys.modules, "torch", sys)  # so that no process is started for it
    assert machine.Probe().gpus() == [machine.Gpu("NVIDIA A100-SXM4-80GB", 80000, 81920, "550.54")]
    smi.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    assert machine.Probe().gpus() == []


def test_a_library_that_is_missing_or_too_old_is_told_with_what_to_install(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {"peft": "", "transformers": "4.30.0"}
    real = packages.version
    monkeypatch.setattr(packages, "version", lambda name: versions.get(name, real(name)))
    checkup = doctor()
    assert one(checkup, "peft") == Finding("peft", "is not installed", PROBLEM, "%pip install 'peft>=0.18'")
    old = one(checkup, "transformers")
    assert old.state == WARNING and "4.30.0, but transformers<6,>=5.0 is needed" in old.text
    assert "restart the kernel" in old.hint


def test_the_packages_own_metadata_says_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["torch>=2.6", "no-such-library>=1", "neo4j>=99", 'arcadedb>=1; sys_platform == "nowhere"']
    lines += ['neo4j-viz>=1; extra == "viz"', 'pytest>=8; extra == "test"']
    monkeypatch.setattr(packages.metadata, "requires", lambda name: lines)
    found = packages.libraries()
    assert [(x.name, x.fine, x.extra) for x in found] == [
        ("torch", True, ""),
        ("no-such-library", False, ""),
        ("neo4j", False, ""),
        ("neo4j-viz", bool(packages.version("neo4j-viz")), "viz"),
    ]
    assert isinstance(found[0], Library) and found[0].wanted == "torch>=2.6"


def test_a_folder_that_can_not_be_written_is_a_problem(
    quick: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: "runs" not in str(path))
    (tmp_path / "runs").mkdir()
    found = one(doctor(), "runs folder")
    assert found.state == PROBLEM and "read-only" in found.text and "CYPHER_MAGIC_RUNS" in found.hint


def test_an_empty_cache_says_what_will_be_fetched(quick: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CYPHER_MAGIC_CACHE", str(tmp_path / "cache"))
    found = one(doctor(), "backbones")
    assert found.state == WARNING and "fetches it once (93 MB" in found.hint


def test_the_hubs_cache_is_told_and_whether_there_is_a_token(
    quick: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "weights").write_bytes(bytes(5_000_000))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    found = one(doctor(), "Hub")
    assert found.state == OPTIONAL and f"{tmp_path / 'hub'}, 5.0 MB; no token" in found.text
    assert "keyring set cypher_magic huggingface.co" in found.hint
    monkeypatch.setenv("HF_TOKEN", "hf_s3cret")
    found = one(doctor(), "Hub")
    assert found.state == OK and found.text.endswith("there is a token") and "s3cret" not in repr(found)
    monkeypatch.delenv("HF_TOKEN")
    (tmp_path / "token").write_text("hf_s3cret")
    assert one(doctor(), "Hub") == found


def test_what_the_extra_of_the_hub_is_for(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages.metadata, "requires", lambda name: ['no-such-library; extra == "hub"'])
    assert one(doctor(), "hub").text == "not installed; for data sets of the Hugging Face Hub"


def test_a_full_disk_is_told(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 100_000_000}))
    full = findings(doctor(), "disk")
    assert full and all(f.state == PROBLEM and "free some space" in f.hint for f in full)


def test_one_part_that_can_not_be_looked_at_does_not_keep_the_others_from_it(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cypher_magic.model import room

    def broken(kind: str) -> Any:
        raise OSError("no /proc here")

    monkeypatch.setattr(room, "room", broken)
    checkup = doctor()
    assert one(checkup, "memory").text == "can not be looked at: OSError: no /proc here"
    assert findings(checkup, "disk")


def test_without_a_graph_it_says_how_to_connect(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "%cypher_connect demo" in one(doctor(), "graph").hint
    monkeypatch.setenv("NEO4J_URI", "neo4j://host")
    assert [f.hint for f in findings(doctor(), "graph")] == ["", "%cypher_connect"]


def test_the_graph_tells_server_and_rights_and_never_a_secret(
    quick: None, demo_graph: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {"NEO4J_PASSWORD": "s3cret-word", "HF_TOKEN": "hf_s3cret", "NEO4J_URI": "neo4j://me:s3cret-uri@host"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    state.SESSION.connections["demo"], state.SESSION.current = demo_graph, "demo"
    checkup = doctor()
    told, given = findings(checkup, "graph")
    assert told.state == OK and "demo (current): embedded ArcadeDB" in told.text and "may only read" in told.text
    assert given.text == "the environment sets NEO4J_URI, NEO4J_PASSWORD"
    assert "s3cret" not in repr(checkup) + checkup._repr_html_() + repr(checkup.findings)


class Server:
    """A Neo4j that answers as it is told."""

    name, server, uri, user, embedded = "work", "Neo4j 5.26.1", "neo4j://host:7687", "me", False

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def probe(self, text: str, **options: Any) -> QueryResult:
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer == "nothing":
            time.sleep(3)
        return QueryResult(("user", "roles"), (("me", self.answer),))


@pytest.mark.parametrize(
    ("answer", "state_of_it", "told"),
    [
        (["PUBLIC", "reader"], OK, "user me may only read"),
        (["admin", "PUBLIC"], OK, "user me has the roles PUBLIC, admin; queries are checked"),
        (None, OK, "this edition knows no roles"),
        (CypherMagicError("The server at neo4j://host:7687 is gone."), WARNING, "is gone"),
        ("nothing", WARNING, "does not answer"),
    ],
)
def test_a_server_is_asked_what_its_user_may_do(answer: Any, state_of_it: str, told: str, quick: None) -> None:
    state.SESSION.connections["work"] = Server(answer)
    found = one(doctor(), "graph")
    assert found.state == state_of_it and told in found.text
    assert bool(found.hint) == (state_of_it != OK)


@pytest.mark.neo4j
def test_a_real_neo4j_tells_its_user(quick: None, neo4j_graph: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("cypher_magic.session.doctor"), "_ANSWER", 60.0)  # the machine may be busy
    state.SESSION.connections["test"] = neo4j_graph
    found = one(doctor(), "graph")
    assert found.state == OK and "Neo4j 5" in found.text and "this edition knows no roles" in found.text


def test_what_is_not_there_and_not_needed_has_a_mark_of_its_own(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.Probe, "gpus", lambda self: [])
    wanted = ['jupyterlab>=4; extra == "lab"', 'no-such-library; extra == "viz"', 'one-more>=2; extra == "viz"']
    monkeypatch.setattr(packages.metadata, "requires", lambda name: wanted)
    monkeypatch.setattr(packages, "version", lambda name: "4.6" if name == "jupyterlab" else "")
    checkup = doctor()
    assert one(checkup, "viz") == Finding(
        "viz",
        "not installed; for interactive pictures of large graphs",
        OPTIONAL,
        "%pip install 'no-such-library' 'one-more>=2'",
    )
    assert one(checkup, "lab").text.startswith("installed, for notebooks in JupyterLab")
    assert findings(checkup, "hub") == []  # nothing is known of it here
    assert {one(checkup, part).state for part in ("GPU", "runs", "notebook")} == {OPTIONAL}
    lines = repr(checkup).splitlines()
    assert any(line.startswith("· viz ") for line in lines) and any(line.startswith("✓ lab ") for line in lines)
    assert "optional" in checkup._repr_html_() and "optional" not in checkup.summary


def test_what_was_found_is_text_and_not_markup() -> None:
    checkup = Checkup((Finding("<b>", "<script>alert(1)</script>", WARNING, "<i>"),), 0.1)
    html = checkup._repr_html_()
    assert "<script" not in html and "<i>" not in html and "&lt;b&gt;" in html
    assert checkup.summary == "1 warning · 0.1 s" and checkup.ok


def test_the_magic_shows_the_checkup_and_strict_fails_the_cell(
    quick: None, shell: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_line_magic("load_ext", "cypher_magic")
    assert isinstance(shell.run_line_magic("cypher_doctor", ""), Checkup)
    assert shell.run_line_magic("cypher_doctor", "--strict").ok
    monkeypatch.setattr(machine.Probe, "torch_facts", lambda self: machine.Torch(error="ImportError: no"))
    with pytest.raises(CypherMagicError, match="There is a problem"):
        shell.run_line_magic("cypher_doctor", "--strict")
    assert "✗ PyTorch" in capsys.readouterr().out
