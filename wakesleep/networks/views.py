"""The verb ``look``: what a trained network sees, as labelled data.

Receptive fields, activities for the right and a wrong label, the goodness of every label, and the
hybrids that a network without labels learns against.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wakesleep.errors import InputError
from wakesleep.negatives import SOURCES
from wakesleep.networks.kept import check_store, kept_network

if TYPE_CHECKING:
    import xarray as xr

    from wakesleep.data import DataSet

MOST_CASES = 40  # rows of one picture
PIXELS = ("row", "column", "colour")


def receptive_fields(
    store: str | Path, units: int = 100, seed: int = 0, data: Any = None
) -> xr.Dataset:
    """Return the weights from the image of some units of the first layer.

    Parameters
    ----------
    store
        A run's store, with its checkpoint beside it.
    units
        Number of units, which are chosen at random.
    seed
        Seed of this choice.
    data
        The data that the network was trained on, if they were given in Python.

    Returns
    -------
    xarray.Dataset
        ``weight`` (unit, row, column, colour); missing weights are 0.

    Raises
    ------
    InputError
        As :func:`wakesleep.networks.kept.kept_network`; also if the model has no such weights.
    """
    import torch
    import xarray as xr

    from wakesleep.results.store import as_numpy

    learner, its = _asked(store, "fields", "weights from an image", data)
    weights = learner.receptive_fields()
    order = torch.randperm(len(weights), generator=torch.Generator().manual_seed(seed))
    chosen = order[: _some(units, "units")].sort().values
    total = len(weights)
    weights = as_numpy(weights.detach().cpu()[chosen])
    return xr.Dataset(
        {"weight": (("unit", *PIXELS), weights.reshape(len(weights), *its.shape, -1))},
        {"unit": as_numpy(chosen)},
        {"title": _title(store), "units": total},
    )


def activities(
    store: str | Path, case: int = 0, wrong: int | None = None, data: Any = None
) -> xr.Dataset:
    """Return the activity of all units for one image with its own label and with a wrong one.

    Parameters
    ----------
    store
        A run's store, with its checkpoint beside it.
    case
        Number of the validation image.
    wrong
        The wrong label; default the wrong label with the highest goodness.
    data
        The data that the network was trained on, if they were given in Python.

    Returns
    -------
    xarray.Dataset
        ``activity_1``, ``activity_2``, ... (label, unit_1), ... for each layer, ``image`` (row,
        column, colour), and the coordinate ``label``: the right one, then the wrong one.

    Raises
    ------
    InputError
        As :func:`wakesleep.networks.kept.kept_network`; also if there is no such case or label.
    """
    import torch
    import xarray as xr

    from wakesleep.results.store import as_numpy

    what = "labels to compare activities by (its network sees none)"
    learner, its = _asked(store, "label_goodness", what, data)
    image, label = _cases(its, learner, case, 1)
    right = int(label)
    if wrong is None:
        good = learner.label_goodness(image)[learner.voting, 0].sum(0)
        good[right] = -torch.inf
        wrong = int(good.argmax())
    if not 0 <= wrong < its.classes or wrong == right:
        raise InputError(
            f"label {wrong} is not a wrong label: case {case} is a {right}, and labels go "
            f"from 0 to {its.classes - 1}"
        )
    labels = torch.tensor([right, wrong], device=image.device)
    with torch.inference_mode():  # one at a time, so that both see the same noise and movement
        each = [learner.activities(image, labels[k : k + 1]) for k in range(2)]
    found = [torch.cat(its) for its in zip(*each, strict=True)]
    return xr.Dataset(
        {
            "image": (PIXELS, as_numpy(image[0]).reshape(*its.shape, -1)),
            **{
                f"activity_{name}": (("label", f"unit_{name}"), as_numpy(y))
                for name, y in zip(learner.layer_names, found, strict=True)
            },
        },
        {"label": [right, wrong]},
        {"title": _title(store), "case": case},
    )


def label_goodness(
    store: str | Path, first: int = 0, cases: int = 4, data: Any = None
) -> xr.Dataset:
    """Return the goodness that every label gives to some images, by layer and step in time.

    Parameters
    ----------
    store
        A run's store, with its checkpoint beside it.
    first, cases
        Number of the first validation image, and number of images.
    data
        The data that the network was trained on, if they were given in Python.

    Returns
    -------
    xarray.Dataset
        ``goodness`` (time, layer, case, label), ``label_of_case`` (case) and ``image`` (case, row,
        column, colour). A network without steps in time has a single step. The attribute
        ``judged`` holds the first and last step that are used to choose the label.

    Raises
    ------
    InputError
        As :func:`wakesleep.networks.kept.kept_network`; also if there are no such cases.
    """
    import torch
    import xarray as xr

    from wakesleep.results.store import as_numpy

    if cases > MOST_CASES:
        raise InputError(f"cases: at most {MOST_CASES} can be looked at, not {cases}")
    learner, its = _asked(store, "label_goodness", "goodness of every label", data)
    images, labels = _cases(its, learner, first, _some(cases, "cases"))
    with torch.inference_mode():
        found = learner.label_goodness_in_time(images)
    return xr.Dataset(
        {
            "goodness": (("time", "layer", "case", "label"), as_numpy(found)),
            "label_of_case": ("case", as_numpy(labels)),
            "image": (("case", *PIXELS), as_numpy(images).reshape(len(images), *its.shape, -1)),
        },
        {
            "time": range(1, len(found) + 1),
            "layer": list(learner.layer_names),
            "case": range(first, first + len(images)),
            "label": range(its.classes),
        },
        {
            "title": _title(store),
            "judged": list(getattr(learner, "judged", (1, 1))),
        },
    )


def hybrids(
    data: str = "mnist", cases: int = 6, blurs: int | None = None, seed: int = 0
) -> xr.Dataset:
    """Return hybrids of training images, with the two images and the mask of each.

    Hinton 2022 (arXiv 2212.13345), section 3.2, figure 1.

    Parameters
    ----------
    data
        Name of a data set of images.
    cases
        Number of hybrids.
    blurs
        Number of times that the random bits are blurred; default as for negative data ``hybrid``.
    seed
        Seed of the masks.

    Returns
    -------
    xarray.Dataset
        ``image`` (part, case, row, column, colour), ``part`` being ``first``, ``second``, ``mask``
        and ``hybrid``.

    Raises
    ------
    InputError
        If there is no such data set, or its cases are not images.
    """
    import torch
    import xarray as xr

    from wakesleep import data as sets
    from wakesleep.negatives.hybrid import masks

    if Path(data).exists():
        raise InputError(f"{data}: hybrids are made of a data set's images; name one")
    option = SOURCES["hybrid"].options["blurs"]
    blurs = int(option.default if blurs is None else blurs)  # type: ignore[arg-type]
    option.checked("blurs", blurs, "option")
    its = sets.load(data)
    if its.window is not None:
        raise InputError(f"'{data}' has strings; hybrids are made of images")
    number = _some(cases, "cases")
    shown = torch.tensor(its.train.first(2 * number).images)
    one, two = shown[0::2], shown[1::2]
    generator = torch.Generator().manual_seed(seed)
    colours = one.shape[1] // (its.shape[0] * its.shape[1])
    mask = masks(len(two), its.shape, blurs, one, generator, colours)
    one = one[: len(two)]
    parts = {
        "first": one,
        "second": two,
        "mask": mask.to(one),
        "hybrid": torch.where(mask, one, two),
    }
    whole = torch.stack(list(parts.values())).view(4, len(two), *its.shape, -1)
    return xr.Dataset(
        {"image": (("part", "case", *PIXELS), whole.numpy())},
        {"part": list(parts)},
        {"title": f"{data}, blurs of the mask: {blurs}"},
    )


def _asked(store: str | Path, capability: str, what: str, data: Any) -> tuple[Any, DataSet]:
    """Return a trained network that can do something, and its data."""
    from wakesleep.simulation.loading import load_model

    check_store(store)
    model = load_model(Path(store).resolve())
    if capability not in model.offers:
        raise InputError(
            f"{store}: model '{model.name}', of kind '{model.spec.kind}', has no {what} to look at"
        )
    learner, its = kept_network(store, data)
    if its.window is not None:
        raise InputError(f"{store}: '{its.name}' has strings, not images")
    return learner, its


def _cases(its: DataSet, learner: Any, first: int, cases: int) -> tuple[Any, Any]:
    import torch

    there = len(its.validation)
    if not 0 <= first < there:
        raise InputError(f"there is no case {first}; '{its.name}' has {there} validation cases")
    kind = learner.weight_norms()
    images = torch.tensor(its.validation.images[first : first + cases]).to(kind)
    labels = torch.tensor(its.validation.labels[first : first + cases], device=kind.device)
    return images, labels


def _some(number: int, what: str) -> int:
    if number < 1:
        raise InputError(f"{what}: there is at least one to look at, not {number}")
    return number


def _title(store: str | Path) -> str:
    from wakesleep.results.phases import run_title
    from wakesleep.results.store import open_result

    return run_title(open_result(store))
