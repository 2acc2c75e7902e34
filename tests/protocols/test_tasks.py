"""Tasks and replay: what is shown when, and of what the network dreams."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import wakesleep as ws
from wakesleep.protocols.kinds import PHASES
from wakesleep.protocols.known import resolve
from wakesleep.protocols.replay import Replay
from wakesleep.protocols.tasks import Part
from wakesleep.protocols.timetable import Entry
from wakesleep.simulation.chunks import chunk_of
from wakesleep.simulation.prepare import prepare
from wakesleep.simulation.request import Request
from wakesleep.simulation.run import load_model, load_protocol

LIFE = """\
protocol: life
data: {batch: 20}
phases:
  - tasks: [[0, 1], [2, 3, 4], [5]]
    block: tasks
    phases:
      - {phase: wake, steps: 4}
      - {phase: replay, steps: 2}
      - {phase: replay, steps: 2, dream_of: others}
      - {phase: sleep, steps: 2, negatives: {source: dream}, dream_of: known}
      - {phase: wake, steps: 1, classes: [7]}
  - {phase: wake, steps: 1}
  - {phase: replay, steps: 1, replay: {source: dream, settle: 0, label: own}, stage: REM}
record: {cases: 60}
"""


@pytest.fixture
def life(tmp_path):
    path = tmp_path / "life.yaml"
    path.write_text(LIFE)
    return path


def prepared(path, **parameters):
    model = load_model("ff_digits", {"layers": [16], **parameters})
    return prepare(Request(load_protocol(path), model, 0, torch.device("cpu"), torch.float32))


def test_each_phase_shows_its_classes_and_dreams_of_those_it_should(life):
    its = prepared(life)
    shown = [(entry.phase, entry.classes, entry.dreamt) for entry in its.entries]
    ten = tuple(range(10))
    assert shown == [
        ("wake", (0, 1), None),
        ("replay", (0, 1), (0, 1)),
        ("replay", (0, 1), (0, 1)),  # there are no others yet
        ("sleep", (0, 1), (0, 1)),
        ("wake", (7,), None),
        ("wake", (2, 3, 4), None),
        ("replay", (2, 3, 4), (0, 1, 2, 3, 4, 7)),
        ("replay", (2, 3, 4), (0, 1, 7)),
        ("sleep", (2, 3, 4), (0, 1, 2, 3, 4, 7)),
        ("wake", (7,), None),
        ("wake", (5,), None),
        ("replay", (5,), (0, 1, 2, 3, 4, 5, 7)),
        ("replay", (5,), (0, 1, 2, 3, 4, 7)),
        ("sleep", (5,), (0, 1, 2, 3, 4, 5, 7)),
        ("wake", (7,), None),
        ("wake", None, None),
        ("replay", None, ten),
    ]
    for entry in its.entries:
        chunk = chunk_of(its, entry, 0, 1)
        real = set(its.labels[chunk.index].flatten().tolist())
        assert real <= set(entry.classes or ten)
        images, labels = chunk.take(chunk.index[0])
        if entry.phase != "replay":
            assert chunk.replay is None
            torch.testing.assert_close(images, its.images[chunk.index[0]])
            continue
        assert chunk.sign == "positive"
        assert not chunk.top_down
        if entry.stage != "REM":  # those are labelled by the network itself
            assert set(labels.tolist()) <= set(entry.dreamt)
        distances = torch.cdist(images, its.images).min(1).values
        assert bool((distances > 0.1).all())  # no real image is among them


def test_equal_parts_of_all_classes():
    assert [Part(n, 5).resolved(10) for n in range(5)] == [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]
    assert [Part(n, 3).resolved(10) for n in range(3)] == [(0, 1, 2), (3, 4, 5, 6), (7, 8, 9)]


def test_a_timetable_without_tasks_is_left_as_it_is():
    entries = (Entry("wake", "", 0, 5, 5), Entry("sleep", "", 0, 5, 5))
    assert resolve(entries, 10) == entries


@pytest.mark.parametrize(("start", "label"), [("label", "start"), ("noise", "dreamt")])
def test_a_dream_without_a_class_is_learnt_as_what_came_down(start, label):
    told = Replay.model_validate({"source": "dream", "start": start}).told
    assert told.options["label"] == label


COUNTING = """
def count(model, images, labels, context):
    import torch

    calls = context.memory.get("calls", torch.zeros(()))
    context.memory["calls"] = calls + 1
    with open(PLACE, "a") as stream:
        stream.write(f"{int(calls)} ")
    return images, labels


count.dreams = True
"""


def test_a_replay_source_forgets_between_phases(tmp_path):
    place = tmp_path / "calls.txt"
    (tmp_path / "mine.py").write_text(COUNTING.replace("PLACE", repr(str(place))))
    path = tmp_path / "life.yaml"
    path.write_text(
        "protocol: life\ndata: {batch: 20}\nphases:\n  - repeat: 2\n    phases:\n"
        "      - {phase: wake, steps: 2}\n"
        "      - {phase: replay, steps: 3, replay: {source: './mine.py:count'}}\n"
    )
    ws.run(path, "ff_digits", parameters={"layers": [8]})
    assert place.read_text().split()[-6:] == ["0", "1", "2", "0", "1", "2"]


def test_replay_is_sleep():
    assert PHASES["replay"].asleep
    assert not PHASES["replay"].shows
    assert not PHASES["deprivation"].asleep


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("[5]]", "[12]]"), "asks for class 12, but the data have the classes 0 to 9"),
        (("tasks: [[0, 1], [2, 3, 4], [5]]", "tasks: 11"), "11 tasks, but the data have 10"),
        (
            ("tasks: [[0, 1], [2, 3, 4], [5]]", "repeat: 2\n    tasks: 3"),
            "3 tasks for 2 cycles; one is needed for each",
        ),
        (("{phase: wake, steps: 4}", "{phase: rest, steps: 4}"), "before it was shown any"),
        (("{phase: wake, steps: 4}", "{phase: wake, sweeps: 4}"), "steps, hours or minutes"),
        (("classes: [7]", "classes: [-7]"), "greater than or equal to 0"),
        (("batch: 20", "batch: 300"), "batch is 300, but the classes 0, 1 have"),
        (("source: dream, settle: 0, label: own", "source: noise"), "replay is of cases that"),
        (("source: dream, settle: 0, label: own", "source: rollout"), "are strings, but 'digits'"),
        (("label: own", "label: wrong"), "'label' cannot be 'wrong'"),
        (("source: dream, settle: 0", "source: dream, settel: 0"), "no option 'settel'"),
        (("{phase: wake, steps: 1}", "{phase: wake, steps: 1, replay: {}}"), "'replay' is for"),
        (("{phase: wake, steps: 1}", "{phase: wake, steps: 1, dream_of: known}"), "is for sleep"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(life, change, told, wakesleep, tmp_path):
    assert change[0] in LIFE
    life.write_text(LIFE.replace(*change, 1))
    out = tmp_path / "out.zarr"
    code, _, err = wakesleep("run", life, "ff_digits", "-p", "model.layers=[16]", "-o", out)
    assert code == 2
    assert told in err
    assert err.count("\n") == 1
    assert not out.exists()


def test_a_model_that_cannot_dream_cannot_replay(life, wakesleep):
    code, _, err = wakesleep("check", life, "--model", "backprop_digits")
    assert code == 2
    assert "dream" in err


def test_a_life_with_tasks_resumes_to_the_same_bits(life, tmp_path):
    whole = ws.run(life, "ff_digits", parameters={"layers": [16]}, out=tmp_path / "whole.zarr")
    out = tmp_path / "out.zarr"

    def stop(done, steps):
        if done > 20:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(ws.RunError, match="interrupted"):
        ws.run(life, "ff_digits", parameters={"layers": [16]}, out=out, progress=stop)
    again = ws.run(life, "ff_digits", parameters={"layers": [16]}, out=out, resume=True)
    assert again.drop_attrs().identical(whole.drop_attrs())


@pytest.mark.parametrize("model", ["rbm_digits", "helmholtz_digits"])
def test_other_kinds_replay_too(life, model, tmp_path):
    path = tmp_path / "other.yaml"
    text = LIFE.replace(", negatives: {source: dream}, dream_of: known", "").replace(
        "label: own", "label: dreamt"
    )
    if model == "helmholtz_digits":  # it has samples of its own, and no dreams of a class
        text = text.replace("replay: {source: dream, settle: 0, label: dreamt}", "replay: {}")
        text = text.replace(", replay: {}", "").replace(", dream_of: others", "")
        text = text.replace("{phase: replay,", "{phase: replay, replay: {source: usual},")
    path.write_text(text.replace("data: {", "negatives: {source: usual}\ndata: {"))
    result = ws.run(path, model)
    assert "replay" in result["phase"].values
    assert "class_error" in result


def test_replay_keeps_what_a_night_without_it_loses():
    """The claim of the study, at a small fraction of its length."""
    inputs = {
        "days": 60, "day_updates": 10, "replay_updates": 10, "sleep_updates": 10,
        "dream_of": "others", "negatives": "mixture", "settle": 0, "spread": 1.5,
        "probed_days": 1, "probe_cases": 297,
    }  # fmt: skip
    model = {"layers": [128], "dreams_vary": "jointly", "top_down_rate": 0.01, "rate": 0.004}

    def old(**more):
        its = ws.run("tasks", "ff_digits", inputs={**inputs, **more}, parameters=model)
        matrix = ws.statistics.accuracy_matrix(its, "tasks")
        assert float(matrix.sel(after=1, task=1, readout="softmax")) > 0.8
        return float(matrix.sel(after=1, task=0, readout="softmax"))

    assert old() > 0.6
    assert old(first_sleep="rest") < 0.1


CHANGED = """\
protocol: changed
data: {batch: 20}
phases:
  - tasks: [{rotate: 0}, {rotate: 90}, {permute: 3}]
    block: tasks
    phases:
      - {phase: wake, steps: 2}
      - {phase: replay, steps: 2}
      - {phase: sleep, steps: 2}
record: {cases: 60}
"""


def test_a_task_shows_changed_images_awake_and_asleep(tmp_path):
    path = tmp_path / "changed.yaml"
    path.write_text(CHANGED)
    its = prepared(path)
    plain = its.images.reshape(-1, 8, 8)
    turned = torch.rot90(plain, 1, (1, 2))
    for entry in its.entries:
        seen = chunk_of(its, entry, 0, 1).images.reshape(-1, 8, 8)
        expected = {0: plain, 1: turned}.get(entry.cycle)
        assert torch.equal(seen, expected) if expected is not None else True
        if entry.cycle == 2:
            assert not torch.equal(seen, plain)
            assert torch.equal(seen.flatten(1).sort(1).values, plain.flatten(1).sort(1).values)
    result = ws.run(str(path), "ff_digits", parameters={"layers": [16]})
    assert list(result["view"].values) == ["plain", "rotate_90", "permute_3"]
    np.testing.assert_allclose(result["view_error"].sel(view="plain"), result["error"])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{rotate: 90}", "{rotate: 400}", "less than or equal to 360"),
        ("{rotate: 90}", "{}", "a task needs classes, or 'rotate', 'permute' or 'data'"),
        ("{rotate: 90}", "{turn: 90}", "turn"),
        ("batch: 20", "set: reber, batch: 20", "tasks change images, but 'reber' has strings"),
        (
            "{phase: sleep, steps: 2}",
            "{phase: sleep, steps: 2, negatives: {source: stored}}",
            "uses stored cases, which are kept as they are",
        ),
    ],
)
def test_tasks_that_cannot_be_changed_are_refused(tmp_path, old, new, told):
    path = tmp_path / "changed.yaml"
    path.write_text(CHANGED.replace(old, new))
    with pytest.raises(ws.InputError, match=told):
        prepared(path)
