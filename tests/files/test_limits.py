"""Numbers, names and outputs that nothing can hold: refused by kind, before anything is written."""

from __future__ import annotations

import os

import pytest

import wakesleep as ws
from wakesleep.files import library, specs

OUT = {
    "run": ["run", "interleaved", "ff_digits"],
    "study": ["study", "phase_diagram"],
    "agreement": ["agreement"],
    "plot of a protocol": ["plot", "interleaved"],
    "data": ["data", "digits"],
}


@pytest.mark.parametrize("command", OUT.values(), ids=OUT)
@pytest.mark.parametrize(
    "out", ["", "/", ".", "..", "./", "x" * 300, "d/" * 30 + "x" * 300, "\udcff"]
)
def test_every_output_must_name_a_file(command, out, wakesleep, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, told = wakesleep(*command, "-o", out)
    assert code == 2
    assert told.count("\n") == 1, told
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    result = tmp_path_factory.mktemp("made") / "r.zarr"
    ws.run(
        "total_sleep_deprivation",
        "ff_digits",
        inputs={"nights": 1, "lost_nights": 1, "recovery_nights": 1, "updates_per_hour": 0.2},
        parameters={"layers": [4, 4]},
        out=result,
    )
    return result


@pytest.mark.parametrize(
    "command", ["dream", "look", "plot", "hypnogram", "likelihood", "activity"]
)
@pytest.mark.parametrize("out", ["/", ".", "x" * 300, "\udcff"])
def test_every_output_of_a_result_too(command, out, made, wakesleep, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    more = ["fields"] if command == "look" else []
    code, _, told = wakesleep(command, *more, made, "-o", out)
    assert code == 2
    assert told.count("\n") == 1, told
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(wakesleep, tmp_path):
    tmp_path.chmod(0o500)
    code, _, told = wakesleep("run", "interleaved", "ff_digits", "-o", tmp_path / "x.zarr")
    assert code == 2
    assert "no permission" in told


@pytest.mark.parametrize("value", ["1e300", "-1e300", "9" * 40, "9" * 300])
@pytest.mark.parametrize("name", ["model.rate", "model.readout_rate", "batch", "sweeps"])
def test_numbers_that_nothing_holds(name, value, wakesleep, tmp_path):
    code, _, told = wakesleep(
        "run", "interleaved", "ff_digits", "-p", f"{name}={value}", "-o", tmp_path / "x.zarr"
    )
    assert code == 2
    assert told.count("\n") == 1
    assert len(told) < 550


@pytest.mark.parametrize("name", ["protocol", "model", "study"])
@pytest.mark.parametrize("text", ["x" * 9000, "é" * 200, '"\\ud800"'])
def test_text_that_names_nothing(name, text, wakesleep, tmp_path):
    """In every place of a file where a text may stand."""
    shelf = {"protocol": "protocols", "model": "models", "study": "studies"}[name]
    source = min(library.shipped(shelf).values())
    lines = source.read_text().split("\n")
    file = tmp_path / "its.yaml"
    for number, line in enumerate(lines):
        key, colon, value = line.partition(": ")
        if not colon or not value.strip() or line.startswith("#") or key.strip() == "description":
            continue
        file.write_text("\n".join([*lines[:number], f"{key}: {text}", *lines[number + 1 :]]))
        code, _, told = wakesleep("check", file)
        assert code == 2, (line, told)
        assert told.count("\n") == 1
        assert told.strip().isprintable()


def test_descriptions_are_as_long_as_it_takes(tmp_path, model_file):
    lines = [its for its in model_file.read_text().split("\n") if "description:" not in its]
    text = "word " * specs.LONGEST_NAME
    file = tmp_path / "long.yaml"
    file.write_text("\n".join([*lines, f"description: {text}", ""]))
    ws.check(file)


COUNTS = {
    "dreams": ["dream", "--each", "100000000"],
    "settling": ["dream", "--settle", "1000000000"],
    "runs of sampling": ["likelihood", "--runs", "1000000000"],
    "temperatures": ["likelihood", "--temperatures", "1000000000000"],
}


@pytest.mark.parametrize("command", COUNTS.values(), ids=COUNTS)
def test_every_count_has_a_maximum(command, wakesleep, tmp_path):
    result = tmp_path / "r.zarr"
    model = "rbm_bars" if command[0] == "likelihood" else "ff_digits"
    inputs = (
        {"sweeps": 1, "batch": 8, "negatives": "usual"}
        if model == "rbm_bars"
        else {"sweeps": 1, "batch": 500}
    )
    ws.run("interleaved", model, inputs=inputs, out=result)
    code, _, told = wakesleep(command[0], result, *command[1:])
    assert code == 2, told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        ["look", "hybrids", "digits", "--blurs", "1000000000"],
        ["study", "phase_diagram", "--seeds", "1000000000", "--dry"],
        ["study", "phase_diagram", "--seeds", "1" * 30, "--dry"],
        ["run", "interleaved", "ff_digits", "--seed", "1" * 30],
    ],
)
def test_every_count_without_a_result_too(command, wakesleep, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, told = wakesleep(*command)
    assert code == 2, told
    assert told.count("\n") == 1
