from __future__ import annotations

from typing import TYPE_CHECKING

from cypher_magic.training.events import EventReader, EventWriter, TrainEvent, read_events

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_written_is_read_back_in_order(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path / "events.jsonl")
    written = [writer.write("started", device="CPU", rows=3), writer.write("step", step=1, loss=0.5)]
    events = read_events(tmp_path / "events.jsonl")
    assert [(e.kind, dict(e.values)) for e in events] == [(e.kind, dict(e.values)) for e in written]
    assert events[1]["loss"] == 0.5
    assert events[1].get("grad_norm", 7) == 7
    assert abs(events[0].time - written[0].time) < 0.001
    assert read_events(tmp_path / "nothing.jsonl") == []


def test_only_what_is_new_is_read_and_half_a_line_waits(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    writer, reader = EventWriter(path), EventReader(path)
    assert reader.new() == []
    writer.write("step", step=1)
    assert [e["step"] for e in reader.new()] == [1]
    whole = (TrainEvent("step", values={"step": 2, "text": "é"}).to_line() + "\n").encode()
    cut = whole.index("é".encode()) + 1  # inside a character
    with path.open("ab") as file:
        file.write(whole[:cut])
    assert reader.new() == []
    with path.open("ab") as file:
        file.write(whole[cut:])
    assert [(e["step"], e["text"]) for e in reader.new()] == [(2, "é")]
    assert reader.new() == []


def test_line_separators_inside_a_reply_do_not_cut_an_event(tmp_path: Path) -> None:
    odd = "a\u2028b\u2029c\x85d\x0be\x1cf\r\ng"
    EventWriter(tmp_path / "events.jsonl").write("sampled", samples=[{"reply": odd}])
    (event,) = read_events(tmp_path / "events.jsonl")
    assert event["samples"][0]["reply"] == odd


def test_a_line_that_a_full_disk_cut_off_costs_that_line_only(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    writer.write("step", step=1)
    with path.open("a") as file:
        file.write('{"kind": "step", "time": 1\n[1, 2]\n"text"\n{}\n\n')
    writer.write("step", step=2)
    assert [e["step"] for e in read_events(path)] == [1, 2]
