"""Data of the user's own: every format gives the same cases, and every fault is one line."""

from __future__ import annotations

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


def test_many_small_classes_are_cut_too():
    x, y = np.random.default_rng(0).random((300, 4)), np.arange(300) % 100
    its = loaded(x=x, y=y)
    assert (len(its.train), len(its.validation), len(its.test)) == (210, 45, 45)
    assert set(its.train.labels) == set(range(100))


def test_columns_of_true_and_false_stand_beside_numbers(tmp_path):
    import pandas as pd

    values = np.random.default_rng(0).random(40)
    table = pd.DataFrame({"a": values, "b": np.arange(40) % 3 == 0, "label": np.arange(40) % 2})
    table.to_csv(tmp_path / "a,b.csv", index=False)
    its = data.load(as_source(tmp_path / "a,b.csv"))
    assert set(its.train.images[:, 1]) == {0.0, 1.0}


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
