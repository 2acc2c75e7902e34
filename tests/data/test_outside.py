"""Data of the user's own: every format gives the same cases, and every fault is one line."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.model_selection import StratifiedShuffleSplit

import wakesleep as ws
from tests.data.shapes import NAMES, shapes, write
from wakesleep import data
from wakesleep.data.assemble import assemble
from wakesleep.data.describe import describe
from wakesleep.data.outside import from_python
from wakesleep.data.raw import from_arrays
from wakesleep.data.source import DataSource, as_source

OPTIONS = {
    "csv": {"label": "shape", "shape": (12, 12)},
    "parquet": {"label": "shape", "shape": (12, 12)},
}


def source(form: str, folder, **more) -> DataSource:
    path = write(form, folder, 120)
    labels = {"labels": str(folder / "labels.npy")} if form == "npy" else {}
    return as_source({"source": str(path), **labels, **OPTIONS.get(form, {}), **more})


def loaded(**arrays):
    """Return the data set of some arrays; options of the source by their names."""
    options = {key: arrays.pop(key) for key in list(arrays) if key[0] not in "xy"}
    return assemble(from_arrays("test", arrays), DataSource(source="./test", **options))


@pytest.mark.parametrize("form", ["npz", "npy", "csv", "parquet", "images", "nc", "zarr"])
def test_every_format_gives_the_same_cases(form, tmp_path):
    its = data.load(source(form, tmp_path))
    assert its.shape == (12, 12)
    assert its.classes == 4
    assert (len(its.train), len(its.validation), len(its.test)) == (88, 16, 16)
    if form not in ("nc", "zarr"):  # whose labels are numbers
        assert its.class_names == NAMES
    x, y = shapes(120)
    wanted = {(row.tobytes(), name) for row, name in zip(x.reshape(120, -1), y, strict=True)}
    found = {
        ((255 * image).round().astype(np.uint8).tobytes(), NAMES[label])
        for part in (its.train, its.validation, its.test)
        for image, label in zip(part.images, part.labels, strict=True)
    }
    assert found == wanted


def test_objects_in_python_give_the_same_cases():
    x, y = shapes(120)
    expected = from_python((x, y)).digest
    numbers = np.unique(y, return_inverse=True)[1]

    class Items(torch.utils.data.Dataset):
        def __len__(self):
            return len(x)

        def __getitem__(self, number):
            return torch.tensor(x[number]), int(numbers[number])

    for its in (
        {"x": x, "y": y},
        (torch.tensor(x), torch.tensor(numbers)),
        xr.Dataset({"image": (("case", "i", "j"), x), "label": ("case", y)}),
        Items(),
        from_python((x, y)),
    ):
        assert from_python(its).digest == expected


def test_channels_come_last():
    random = np.random.default_rng(0)
    last = random.random((40, 5, 6, 3))
    y = np.arange(40) % 2
    expected = from_python((last, y))
    assert expected.shape == (5, 6)
    assert expected.features == 90
    first = np.moveaxis(last, -1, 1)
    assert from_python((torch.tensor(first), torch.tensor(y))).digest == expected.digest
    assert loaded(x=first, y=y, channels="first").digest == expected.digest
    flat = loaded(x=first.reshape(40, -1), y=y, channels="first", shape=(5, 6, 3))
    assert flat.digest == expected.digest
    with pytest.raises(ws.InputError, match=r"seem to have their channels first"):
        loaded(x=first, y=y)


# Scales -------------------------------------------------------------------------------------------


def test_whole_numbers_are_divided_by_255():
    x = np.random.default_rng(0).integers(0, 256, (60, 4))
    its = loaded(x=x, y=np.arange(60) % 2)
    assert set(np.unique(255 * its.train.images).round()) <= set(np.unique(x))
    bits = loaded(x=x % 2, y=np.arange(60) % 2)  # zeros and ones stay as they are
    assert set(np.unique(bits.train.images)) == {0.0, 1.0}


def test_small_whole_numbers_are_warned_of():
    x = np.random.default_rng(0).integers(0, 17, (60, 4))
    with pytest.warns(UserWarning, match=r"the largest is 16; 'scale: minmax'"):
        loaded(x=x, y=np.arange(60) % 2)


@pytest.mark.parametrize("tabular", [False, True])
@pytest.mark.parametrize("scale", ["minmax", "standardise"])
def test_scales_are_those_of_the_training_cases(scale, tabular):
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    random = np.random.default_rng(0)
    arrays = {
        f"x_{part}": random.normal(3, [1, 20, 300], (50, 3))
        for part in ("train", "validation", "test")
    }
    arrays |= {f"y_{part}": np.arange(50) % 2 for part in ("train", "validation", "test")}
    raw = from_arrays("test", arrays, tabular=tabular)
    its = assemble(raw, DataSource(source="./test", scale=scale))
    scaler = MinMaxScaler(clip=True) if scale == "minmax" else StandardScaler()
    train = arrays["x_train"] if tabular else arrays["x_train"].reshape(-1, 1)
    scaler.fit(train)
    for part in ("train", "validation", "test"):
        x = arrays[f"x_{part}"]
        wanted = scaler.transform(x if tabular else x.reshape(-1, 1)).reshape(x.shape)
        np.testing.assert_allclose(getattr(its, part).images, wanted, rtol=1e-5, atol=1e-6)


# Splits -------------------------------------------------------------------------------------------


@given(
    counts=st.lists(st.integers(8, 60), min_size=2, max_size=5),
    seed=st.integers(0, 1000),
    test=st.floats(0.1, 0.4),
)
def test_every_class_is_cut_alike_and_no_case_is_lost(counts, seed, test):
    y = np.repeat(np.arange(len(counts)), counts)
    x = np.linspace(0, 1, len(y))[:, None].repeat(2, 1)
    its = loaded(x=x, y=y, split_seed=seed, test=test, validation=0.2)
    parts = (its.train, its.validation, its.test)
    together = np.sort(np.concatenate([part.images[:, 0] for part in parts]))
    np.testing.assert_array_equal(together, x[:, 0].astype(np.float32))
    for label, count in enumerate(counts):
        sizes = [int((part.labels == label).sum()) for part in parts]
        assert abs(sizes[1] - 0.2 * count) <= 0.5
        assert abs(sizes[2] - test * count) <= 0.5


def test_the_cut_is_as_balanced_as_scikit_learns():
    y = np.repeat([0, 1, 2], [40, 80, 120])
    its = loaded(x=np.random.default_rng(0).random((240, 3)), y=y, test=0.25, validation=0.25)
    (_, theirs) = next(StratifiedShuffleSplit(1, test_size=0.25).split(y, y))
    np.testing.assert_array_equal(np.bincount(its.test.labels), np.bincount(y[theirs]))


def test_a_seed_decides_the_cut():
    x, y = shapes(120)
    digests = [loaded(x=x, y=y, split_seed=seed).digest for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]


def test_splits_of_a_file_are_kept(tmp_path):
    x, y = shapes(90)
    kept = loaded(x_train=x[:60], y_train=y[:60], x_val=x[60:70], y_val=y[60:70], x_test=x[70:],
                  y_test=y[70:])  # fmt: skip
    np.testing.assert_array_equal(kept.test.images, x[70:].reshape(20, -1) / np.float32(255))
    import pandas as pd

    table = pd.DataFrame(x.reshape(90, -1)).assign(
        label=y, part=["train"] * 60 + ["validation"] * 10 + ["test"] * 20
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    its = data.load(as_source({"source": str(tmp_path / "t.csv"), "split": "part"}))
    assert its.digest == kept.digest


def test_folders_of_splits(tmp_path):
    x, y = shapes(60)
    for number, (image, name) in enumerate(zip(x, y, strict=True)):
        part = "train" if number < 40 else "val" if number < 50 else "test"
        folder = tmp_path / "split" / part / name
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    its = data.load(as_source(tmp_path / "split"))
    assert (len(its.train), len(its.validation), len(its.test)) == (40, 10, 10)


def test_colour_and_size_of_images(tmp_path):
    random = np.random.default_rng(0)
    for number in range(40):
        folder = tmp_path / "photos" / ("day", "night")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        size = (6 + number % 3, 5, 3)
        Image.fromarray(random.integers(0, 255, size, dtype=np.uint8)).save(
            folder / f"{number}.png"
        )
    with pytest.raises(ws.InputError, match=r"have 6 x 5 pixels, but 26 have others.*'resize"):
        data.load(as_source(tmp_path / "photos"))
    its = data.load(as_source({"source": str(tmp_path / "photos"), "resize": [4, 7]}))
    assert its.shape == (4, 7)
    assert its.features == 4 * 7 * 3
    grey = {"source": str(tmp_path / "photos"), "resize": [4, 7], "colour": "grey"}
    assert data.load(as_source(grey)).features == 28


# Labels -------------------------------------------------------------------------------------------


def test_labels_may_be_any_whole_numbers():
    x = np.random.default_rng(0).random((60, 4))
    its = loaded(x=x, y=np.array([-3, 7, 100] * 20))
    assert its.class_names == ("-3", "7", "100")
    assert set(its.train.labels) == {0, 1, 2}


def test_data_without_labels_are_for_networks_that_use_none():
    x = np.random.default_rng(0).random((200, 8, 8))
    with pytest.raises(ws.InputError, match=r"have no labels, which model 'ff_digits' learns from"):
        ws.run("interleaved", "ff_digits", data=x)
    result = ws.run(
        "interleaved",
        "ff_digits",
        data=x,
        parameters={"label": "none", "layers": [20, 20], "top_down": False},
        inputs={"negatives": "hybrid", "sweeps": 2},
    )
    assert "error" not in result
    assert "goodness" in result
    machine = ws.run(
        "phase_separation",
        "rbm_digits",
        data=x,
        parameters={"label_units": False, "linear_readout": False},
        inputs={"nights": 2, "phase_steps": 4},
    )
    assert machine.attrs["status"] == "finished"


# Faults -------------------------------------------------------------------------------------------

X = np.random.default_rng(0).random((40, 6))
Y = np.arange(40) % 2
HOLES = np.where(np.arange(240).reshape(40, 6) == 31, np.nan, X)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X, "y": Y[:39]}, "there are 39 labels for 40 cases"),
        (
            {"x": HOLES, "y": Y},
            "1 of 40 cases have missing or infinite values; the first is case 5",
        ),
        ({"x": 3 * X, "y": Y}, r"values go from .* to 2\.9.*'scale: minmax'"),
        ({"x": -X, "y": Y}, "allowed are 0 to 1"),
        ({"x": (300 * X).astype(int), "y": Y}, "whole numbers go from 0 to 29"),
        ({"x": X, "y": np.zeros(40)}, "all labels are '0'; at least two classes"),
        ({"x": X, "y": Y + 0.5}, "the labels are fractions, such as 0.5"),
        ({"x": X, "y": np.where(Y, np.nan, 1.0)}, "20 labels are missing"),
        ({"x": X, "y": np.stack([Y, Y], 1)}, r"labels have shape \(40, 2\)"),
        ({"x": X[:, 0], "y": Y}, r"the cases have shape \(40,\)"),
        ({"x": X.astype(str), "y": Y}, "numbers are wanted"),
        ({"x": X.astype(object), "y": Y}, "Python objects"),
        ({"x": X[:0], "y": Y[:0]}, "there are no cases"),
        ({"x": X[:3], "y": Y[:3]}, "too few to cut validation, test from"),
        ({"x_test": X, "y_test": Y}, "no 'x_train'"),
        ({"x": X, "x_test": X, "y": Y, "y_test": Y}, "keep one"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "the cases of 'test' have no labels"),
        ({"x": X, "y_tset": Y}, r"'y_tset' has no use"),
        (
            {"x_train": X, "y_train": Y, "x_test": X, "y_test": Y + 1},
            "no training case is of class 2, which the validation or test",
        ),
        (
            {"x_train": X, "y_train": Y, "x_test": X[:, :5], "y_test": Y},
            "cases have different shapes",
        ),
        ({"x": X, "y": Y, "shape": (2, 2)}, "shape: 2 x 2 is not 6, the number of features"),
    ],
)
def test_faults_of_arrays(arrays, message):
    with pytest.raises(ws.InputError, match=message):
        loaded(**arrays)


def broken(folder) -> str:
    """Write 10,000 files of images of which three are broken."""
    image = Image.fromarray(np.zeros((2, 2), np.uint8))
    for name in ("one", "two"):
        (folder / "many" / name).mkdir(parents=True)
    image.save(folder / "dot.png")
    dot = (folder / "dot.png").read_bytes()
    for number in range(10_000):
        path = folder / "many" / ("one", "two")[number % 2] / f"{number}.png"
        path.write_bytes(dot if number not in (7, 70, 700) else dot[:40])
    return "./many"


FILES = {
    "missing file": (lambda folder: "./nothing.npz", r"nothing\.npz: there is no such file"),
    "missing folder": (lambda folder: "./nothing/", "there is no such file or folder"),
    "object array": (
        lambda folder: np.savez(folder / "o.npz", x=np.array([{}, {}]), y=[0, 1]) or "o.npz",
        "holds Python objects",
    ),
    "no archive": (
        lambda folder: (folder / "t.npz").write_text("text") and "t.npz",
        "t.npz: (cannot be read|holds Python objects)",
    ),
    "labels of another length": (
        lambda folder: np.savez(folder / "l.npz", x=X, y=Y[:9]) or "l.npz",
        "there are 9 labels for 40 cases",
    ),
    "not a number": (
        lambda folder: np.savez(folder / "n.npz", x=HOLES, y=Y) or "n.npz",
        "missing or infinite values",
    ),
    "values without a scale": (
        lambda folder: np.savez(folder / "v.npz", x=9 * X, y=Y) or "v.npz",
        "'scale: minmax'",
    ),
    "single class": (
        lambda folder: np.savez(folder / "s.npz", x=X, y=0 * Y) or "s.npz",
        "at least two classes",
    ),
    "a class that training lacks": (
        lambda folder: (
            np.savez(folder / "c.npz", x_train=X, y_train=Y, x_test=X, y_test=Y + 1) or "c.npz"
        ),
        "no training case is of class 2",
    ),
    "broken images": (
        broken,
        r"3 of 10,000 files cannot be read as images: one/70\.png, one/700\.png, two/7\.png",
    ),
    "a function that raises": (
        lambda folder: (
            (folder / "f.py").write_text("def f():\n    raise OSError('no disk')\n") and "./f.py:f"
        ),
        "the function raises OSError: no disk",
    ),
    "a function that is not there": (
        lambda folder: (folder / "f.py").write_text("x = 1\n") and "./f.py:f",
        "there is no 'f' in it",
    ),
    "an option of another format": (
        lambda folder: np.savez(folder / "w.npz", x=X, y=Y) or "w.npz -p data.label=kind",
        r"'label' is for \.csv",
    ),
    "an option of a shipped data set": (
        lambda folder: "digits -p data.scale=minmax",
        "comes with the package",
    ),
}


@pytest.mark.parametrize("fault", FILES)
def test_faults_of_files_are_one_line_and_nothing_is_written(
    fault, tmp_path, monkeypatch, wakesleep
):
    monkeypatch.chdir(tmp_path)
    make, message = FILES[fault]
    name, *more = make(tmp_path).split(" ")
    before = set(tmp_path.iterdir())
    code, out, err = wakesleep("run", "interleaved", "ff_digits", "--data", name, *more)
    assert code == 2
    assert not out
    assert err.count("\n") == 1, err
    assert re.search(message, err), err
    assert set(tmp_path.iterdir()) - {tmp_path / "__pycache__"} == before


def test_a_shape_that_fields_do_not_fit(tmp_path, monkeypatch, wakesleep):
    monkeypatch.chdir(tmp_path)
    np.savez("flat.npz", x=X, y=Y)
    (tmp_path / "eyes.yaml").write_text(
        "model: eyes\nkind: forward_forward\ndata: ./flat.npz\n"
        "parameters: {label: none, layers: [{field: 3, channels: 4}]}\n"
    )
    for command in (
        ["check", "eyes.yaml"],
        ["run", "interleaved", "eyes.yaml", "-p", "negatives=hybrid", "-p", "batch=9"],
    ):
        code, _, err = wakesleep(*command)
        assert code == 2
        assert "a field of 3 places does not fit into a map of 1" in err


# Runs ---------------------------------------------------------------------------------------------

NETWORKS = {
    "ff_digits": {"sweeps": 12, "negatives": "hard_label"},
    "rbm_digits": {"sweeps": 10, "negatives": "usual"},
    "spiking_digits": {"sweeps": 5, "negatives": "hard_label", "train": 250},
}
PARAMETERS = {
    "ff_digits": {"layers": [64, 64], "top_down": False},
    "rbm_digits": {"hidden": [32]},
    "spiking_digits": {"target": "twin", "layers": [60], "rate": 0.001},
}
CHANCE = 0.75


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("form", ["images", "csv", "npz"])
def test_every_family_learns_from_every_format(form, model, tmp_path, monkeypatch, wakesleep):
    monkeypatch.chdir(tmp_path)
    path = write(form, tmp_path)
    inputs = {"batch": 20, "train": 400, "probe_cases": 40, **NETWORKS[model]}
    words = [f"{name}={value}" for name, value in inputs.items()]
    words += [f"model.{name}={value}" for name, value in PARAMETERS[model].items()]
    options = {"label": "shape"} if form == "csv" else {}
    words += [f"data.{name}={value}" for name, value in options.items()]
    settings = [its for word in words for its in ("-p", word)]
    code, _, err = wakesleep(
        "run", "interleaved", model, "--data", path, *settings, "-o", "out.zarr", "--quiet"
    )
    assert code == 0, err
    result = ws.open("out.zarr")
    assert float(result["validation_error"].sel(readout="goodness")) < CHANCE / 2
    # In Python the same run gives the same numbers.
    again = ws.run(
        "interleaved",
        model,
        data=path,
        data_options=options,
        inputs=inputs,
        parameters=PARAMETERS[model],
    )
    np.testing.assert_array_equal(again["error"], result["error"])


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("helmholtz_digits", {}),
        ("backprop_digits", {"layers": [32]}),
        ("ff_mnist_recurrent", {"layers": [30, 30], "iterations": 5}),
    ],
)
def test_other_families_take_outside_data_too(model, parameters):
    inputs = {"sweeps": 4, "batch": 20, "train": 200, "negatives": "usual"}
    result = ws.run("interleaved", model, data=shapes(400), inputs=inputs, parameters=parameters)
    assert float(result["error"].isel(probe=-1).min()) < CHANCE


def test_a_result_names_its_data_and_is_repeated_from_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("npz", tmp_path, 200)
    kept = {"inputs": {"sweeps": 1, "batch": 20}, "parameters": {"layers": [8], "top_down": False}}
    first = ws.run("interleaved", "ff_digits", data="shapes.npz", out="one.zarr", **kept)
    assert first.attrs["data"].startswith("shapes.npz@")
    assert len(first.attrs["data_sha256"]) == 64
    monkeypatch.chdir("/")
    ws.trained.receptive_fields(tmp_path / "one.zarr", units=4)
    # Other data under the same name are another run.
    np.savez(tmp_path / "shapes.npz", x=shapes(200, seed=1)[0], y=shapes(200)[1])
    with pytest.raises(ws.InputError, match=r"its data, 'shapes.npz', have changed since the run"):
        ws.trained.receptive_fields(tmp_path / "one.zarr", units=4)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ws.InputError, match=r"cannot be resumed, for its data was shapes.npz@"):
        ws.run("interleaved", "ff_digits", data="shapes.npz", out="one.zarr", resume=True, **kept)


def test_data_given_in_python_are_asked_for_again(tmp_path):
    its = shapes(200)
    store = tmp_path / "one.zarr"
    ws.run(
        "interleaved",
        "ff_digits",
        data=its,
        out=store,
        inputs={"sweeps": 1, "batch": 20},
        parameters={"layers": [8]},
    )
    with pytest.raises(ws.InputError, match=r"given in Python, and are not in the result"):
        ws.dreams(store)
    assert ws.dreams(store, each=1, data=its).sizes["dream"] == 4


def test_description_counts_what_is_there():
    x = np.random.default_rng(0).random((40, 6)).round(2)
    its = loaded(x_train=x[:20], y_train=Y[:20], x_val=x[:10], y_val=Y[:10],
                 x_test=np.repeat(x[30:31], 10, 0), y_test=Y[:10])  # fmt: skip
    found = describe(its)
    assert found.cases == {"train": 20, "validation": 10, "test": 10}
    assert found.shared[("train", "validation")] == 10
    assert found.shared[("train", "test")] == 0
    assert found.repeated == {"train": 0, "validation": 0, "test": 9}
    assert found.classes["0"] == {"train": 10, "validation": 5, "test": 5}
    assert found.low == pytest.approx(float(np.float32(x[[*range(20), 30]].min())))


def test_the_command_data(tmp_path, monkeypatch, wakesleep):
    monkeypatch.chdir(tmp_path)
    write("csv", tmp_path, 120)
    code, out, _ = wakesleep("data", "shapes.csv", "-p", "label=shape", "-o", "sheet.png")
    assert code == 0
    assert "88 train, 16 validation, 16 test" in out
    assert "diagonal" in out
    assert (tmp_path / "sheet.png").stat().st_size > 5000
    with warnings.catch_warnings():
        assert wakesleep("data", "digits")[0] == 0
    assert wakesleep("data", "didgits")[0] == 2
