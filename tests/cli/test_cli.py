"""The command line as a contract: verbs, exit codes, one sentence for every bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import wakesleep as ws
from wakesleep.files import library

SHIPPED = {shelf: library.shipped(shelf) for shelf in library.SHELVES}


def test_list_show_copy(wakesleep, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = wakesleep("list", "models")
    assert (code, err) == (0, "")
    assert {line.split()[0] for line in out.splitlines()} == set(SHIPPED["models"])
    assert all(len(line.split()) > 3 for line in out.splitlines())
    assert set(SHIPPED["protocols"]) <= {
        line.split()[0] for line in wakesleep("list")[1].splitlines()
    }

    for names in ("data", "negatives", "kinds", "quantities"):
        code, out, _ = wakesleep("list", names)
        assert code == 0
        told = [line.partition("  ") for line in out.splitlines()]
        said = [text.strip() for _, _, text in told]
        assert all(len(text) > 10 for text in said), names
        assert len(set(said)) == len(said), names

    code, out, _ = wakesleep("show", "total_sleep_deprivation")
    assert code == 0
    assert out == SHIPPED["protocols"]["total_sleep_deprivation"].read_text()

    code, out, _ = wakesleep("copy", "ff_digits")
    assert code == 0
    copied = tmp_path / "ff_digits.yaml"
    assert Path(out.strip()) == copied
    copied.write_text("mine")
    code, _, err = wakesleep("copy", "ff_digits")
    assert code == 2
    assert "exists already" in err
    assert copied.read_text() == "mine"
    assert wakesleep("copy", "ff_digits", "--force")[0] == 0
    # The first line names the installed schema; the others are those of the shipped file.
    shipped = SHIPPED["models"]["ff_digits"].read_text()
    assert copied.read_text().splitlines()[1:] == shipped.splitlines()[1:]


def test_listing_imports_nothing_heavy():
    """What makes `wakesleep list` quick: none of these is loaded."""
    program = (
        "import sys; sys.argv = ['wakesleep', 'list']\n"
        "from wakesleep.cli import main\n"
        "try: main.main()\n"
        "except SystemExit: pass\n"
        "print(*{'torch', 'xarray', 'zarr', 'numpy', 'pandas', 'matplotlib', 'ruamel.yaml', "
        "'brian2', 'sklearn', 'seaborn'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == ""


# Models that a protocol is made for, where that is not a Forward-Forward network.
MADE_FOR = {"code_learning": "encoder_4_2_4", "unlearning": "hopfield_100"}
SMALLER = {"lica_2023": ("-p", "train=1000")}  # its own size is that of MNIST


@pytest.mark.parametrize("name", sorted(SHIPPED["protocols"]))
def test_shipped_protocols_fit_the_digits_net(wakesleep, name):
    model = MADE_FOR.get(name, "ff_digits")
    more = SMALLER.get(name, ())
    assert wakesleep("check", f"protocols/{name}", "--model", model, *more)[0] == 0


def test_info(wakesleep, monkeypatch):
    monkeypatch.setenv("WAKESLEEP_DATA_DIR", "/some/folder")
    code, out, _ = wakesleep("info")
    assert code == 0
    assert "torch" in out
    assert "cpu" in out or "cuda" in out
    assert "/some/folder" in out


def test_run_and_plot(wakesleep, protocol_file, model_file, tmp_path):
    out, figure = tmp_path / "new" / "run.zarr", tmp_path / "run.png"
    code, shown, err = wakesleep(
        "run",
        protocol_file,
        model_file,
        "-p",
        "nights=3",
        "-p",
        "model.rate=1e-3",
        "--seed",
        4,
        "-o",
        out,
    )
    assert code == 0, err
    for word in ("baseline", "deprivation", "recovery", "positives", "d'", str(out)):
        assert word in shown
    result = ws.open(out)
    assert json.loads(result.attrs["inputs"])["nights"] == 3
    assert json.loads(result.attrs["parameters"])["rate"] == 0.001
    assert result.attrs["seed"] == 4
    code, shown, err = wakesleep("plot", out, "-o", figure)
    assert (code, shown.strip()) == (0, f"figure: {figure}"), err
    assert figure.read_bytes()[:4] == b"\x89PNG"


def test_quiet_prints_the_path_alone(wakesleep, protocol_file, model_file, tmp_path):
    out = tmp_path / "run.zarr"
    assert wakesleep("run", protocol_file, model_file, "-o", out, "--quiet") == (0, f"{out}\n", "")


def test_default_output_name(wakesleep, protocol_file, model_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert wakesleep("run", protocol_file, model_file, "--quiet")[1] == "small-tiny-seed0.zarr\n"


def test_failed_runs_exit_with_1(wakesleep, protocol_file, model_file, tmp_path):
    out = tmp_path / "out.zarr"
    code, _, err = wakesleep("run", protocol_file, model_file, "-o", out, "-p", "model.rate=1e30")
    assert code == 1
    assert "no longer finite: phase 'wake' (baseline, cycle 0, counted from 0), step" in err
    assert ws.open(out).sizes["probe"] >= 1


def test_version_and_help(wakesleep):
    assert wakesleep("--version") == (0, f"{ws.__version__}\n", "")
    code, out, err = wakesleep()
    assert (code, err) == (0, "")
    assert out.startswith("Usage: wakesleep")
    assert "Exit codes" in out


def test_the_table_of_a_life_of_tasks_names_the_task(wakesleep, tmp_path):
    code, out, _ = wakesleep(
        *("run", "tasks", "ff_digits", "-p", "model.layers=[8]", "-p", "days=2"),
        *("-p", "tasks=3", "-o", tmp_path / "x.zarr"),
    )
    assert code == 0
    rows = [line.split("│") for line in out.splitlines() if line.startswith("│")]
    assert {row[1].strip() for row in rows} == {"0", "1", "2"}


def test_resuming_what_is_not_there_says_so(wakesleep, protocol_file, model_file, tmp_path):
    out = tmp_path / "new.zarr"
    code, _, err = wakesleep("run", protocol_file, model_file, "-o", out, "--resume", "--quiet")
    assert code == 0
    assert err == f"{out}: no such run yet; starting it\n"


@pytest.mark.parametrize(("sweeps", "hint"), [(2, True), (20, False)])
def test_a_run_that_learnt_nothing_gives_a_hint(sweeps, hint, wakesleep, tmp_path):
    rate = ["-p", "model.rate=1e-9"] if hint else []
    code, out, told = wakesleep(
        *("run", "interleaved", "ff_digits", "-p", "model.layers=[32, 32]", *rate),
        *("-p", f"sweeps={sweeps}", "-o", tmp_path / "x.zarr"),
    )
    assert code == 0, told
    assert ("No layer distinguished real from negative cases" in out) == hint


@pytest.mark.parametrize(
    ("words", "offered"),
    [("wakesleep run total", "total_sleep_deprivation"), ("wakesleep study one", "one_sleep"),
     ("wakesleep run interleaved ff_d", "ff_digits"), ("wakesleep comp", "compare")],
)  # fmt: skip
def test_a_shell_offers_commands_and_shipped_names(words, offered):
    """What bash asks of the program when the tab key is pressed."""
    asked = {"_WAKESLEEP_COMPLETE": "complete_bash", "COMP_WORDS": words,
             "COMP_CWORD": str(len(words.split()) - 1)}  # fmt: skip
    program = Path(sys.executable).with_name("wakesleep")
    done = subprocess.run([program], env={**os.environ, **asked}, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert offered in done.stdout.split()


def test_a_setting_is_given_once(wakesleep):
    code, _, err = wakesleep("run", "interleaved", "ff_digits", "-p", "batch=5", "-p", "batch=6")
    assert (code, "-p batch: is given twice" in err) == (2, True)
