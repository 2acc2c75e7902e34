"""Published curves of human experiments, and how a model's curve compares with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from wakesleep.errors import InputError, choices
from wakesleep.files import documents, library, specs
from wakesleep.files.inputs import Words

if TYPE_CHECKING:
    import xarray as xr

FOLDER = "published"
Numbers = Annotated[tuple[float, ...], Field(strict=False, min_length=1)]


class Axis(specs.Spec):
    """The x axis of a curve."""

    name: specs.Name
    unit: str
    values: Numbers


class Curve(specs.Spec):
    """A file with a published curve."""

    curve: specs.Name
    description: str = ""
    references: Words = Field(description="The paper, with page or figure.")
    source: str = Field("", description="Where the numbers were read.")
    quantity: str
    unit: str
    x: Axis
    arms: dict[str, Numbers] = Field(min_length=1, description="One curve for each group.")

    @model_validator(mode="after")
    def _as_long_as_its_axis(self) -> Curve:
        for name, values in self.arms.items():
            if len(values) != len(self.x.values):
                raise ValueError(
                    f"'{name}' has {len(values)} values, but '{self.x.name}' has "
                    f"{len(self.x.values)}"
                )
        return self


def published(name: str | Path, unit: str | None = None) -> xr.DataArray:
    """Return a published curve.

    Parameters
    ----------
    name
        Name of a shipped curve, such as ``van_dongen_2003``, or path of a file in the same format.
    unit
        The unit that the curve must have; default any.

    Returns
    -------
    xarray.DataArray
        Over ``arm`` and the curve's own axis (``day``), with units, references and source among
        its attributes.

    Raises
    ------
    InputError
        If there is no such curve, the file is wrong, or the curve has another unit.
    """
    import numpy as np
    import xarray as xr

    document = documents.read(_path(str(name)))
    its = specs.validate(Curve, document.tree, document)
    if unit is not None and unit != its.unit:
        raise InputError(f"the curve '{its.curve}' is in {its.unit}, not in {unit}")
    axis = (its.x.name, np.array(its.x.values), {"units": its.x.unit, "long_name": its.x.name})
    return xr.DataArray(
        np.array(list(its.arms.values())),
        {"arm": list(its.arms), its.x.name: axis},
        ("arm", its.x.name),
        name=its.curve,
        attrs={
            "long_name": its.quantity,
            "units": its.unit,
            "references": "\n".join(its.references),
            "source": its.source,
        },
    )


def curves() -> dict[str, Path]:
    """Return the files of the shipped curves, by name."""
    return {path.stem: path for path in sorted((library.root() / FOLDER).glob("*.yaml"))}


def _path(name: str) -> Path:
    path, known = Path(name), curves()
    if name in known and not path.is_file():
        return known[name]
    if not path.is_file() and path.suffix not in (".yaml", ".yml"):
        raise InputError(f"no published curve is called '{name}'{choices(name, known)}")
    return path


def against_published(values: xr.DataArray, curve: xr.DataArray) -> xr.Dataset:
    """Compare a model's curve with a published one, whose unit is another.

    One slope and one intercept, the same for all arms, turn the model's unit into the published
    one (least squares over the mean of all other dimensions, such as seeds). A model whose curves
    are a mirror image of the published ones also fits, with a slope below 0: check the sign.

    Parameters
    ----------
    values
        Over ``arm``, the curve's axis, and others such as ``seed``. Only arms and places that both
        have are compared.
    curve
        From :func:`published`.

    Returns
    -------
    xarray.Dataset
        ``fitted`` (arm, axis), ``published`` (arm, axis), ``slope``, ``intercept``, and ``r2``, the
        share of the published variance that is accounted for, over all arms and within each
        (``arm_r2``).

    Raises
    ------
    InputError
        If the two share fewer than three points, or their axes have different units.
    """
    import numpy as np
    import xarray as xr

    (axis,) = [str(its) for its in curve.dims if its != "arm"]
    missing = [its for its in ("arm", axis) if its not in values.dims]
    if missing:
        raise InputError(f"the model's curve has no dimension '{missing[0]}'")
    units = values[axis].attrs.get("units", curve[axis].attrs["units"])
    if units != curve[axis].attrs["units"]:
        raise InputError(
            f"'{axis}' is in {units}, and in {curve[axis].attrs['units']} in '{curve.name}'"
        )
    others = [its for its in values.dims if its not in ("arm", axis)]
    mine, theirs = xr.align(values.mean(others), curve.astype(float), join="inner")
    mine = mine.transpose("arm", axis)
    there = np.isfinite(mine.values) & np.isfinite(theirs.values)
    if there.sum() < 3:
        raise InputError(f"the model and '{curve.name}' have {there.sum()} points in common, not 3")
    x, y = mine.values[there], theirs.values[there]
    design = np.column_stack([x, np.ones_like(x)])
    slope, intercept = np.linalg.lstsq(design, y, rcond=None)[0]
    fitted = slope * mine + intercept
    apart = (theirs - fitted) ** 2
    around = (theirs - float(y.mean())) ** 2
    theirs = theirs.where(there)
    inside = (theirs - theirs.mean(axis)) ** 2
    return xr.Dataset(
        {
            "fitted": fitted.assign_attrs(curve.attrs),
            "published": theirs,
            "slope": float(slope),
            "intercept": float(intercept),
            "r2": 1 - float(apart.values[there].sum() / around.values[there].sum()),
            "arm_r2": 1 - apart.sum(axis) / inside.sum(axis),
        }
    )
