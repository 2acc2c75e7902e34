"""Sources of data in model and protocol files: a name, a file, a folder, a function.

Nothing is read here: only those checks are made that do not need the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from wakesleep.data.names import DATA_SETS
from wakesleep.errors import InputError, choices, listed
from wakesleep.files import references, specs

# The formats of file endings.
ENDINGS = (".npz", ".npy", ".csv", ".parquet", ".nc", ".zarr")
HOW = "./file.npz, .npy, .csv, .parquet, .nc or .zarr, ./folder/, ./file.py:function"
Length = Annotated[int, Field(ge=1, le=100_000)]
Size = Annotated[tuple[Length, ...], Field(strict=False, min_length=2, max_length=2)]
Share = Annotated[float, Field(gt=0, lt=0.9)]


def is_path(text: str) -> bool:
    """Return whether a text is a path of a file or folder, and not a name."""
    return (
        "/" in text
        or "\\" in text
        or text.startswith((".", "~"))
        or Path(text).suffix.lower() in ENDINGS
    )


def checked_name(text: str) -> str:
    """Return the text of a source, if it is allowed.

    Raises
    ------
    ValueError
        If it is neither a known name, nor a path, nor a reference to code.
    """
    known = (*DATA_SETS, *references.installed("data"))
    if not text.strip():
        raise ValueError(f"the name of the data is empty; allowed are {listed(known)}, {HOW}")
    if text in known or is_path(text) or references.is_reference(text):
        return text
    beside = [ending for ending in ENDINGS if Path(f"{text}{ending}").exists()]
    if beside:
        raise ValueError(f"data set '{text}' is unknown; did you mean ./{text}{beside[0]}?")
    raise ValueError(f"data set '{text}' is unknown{choices(text, known)}, {HOW}")


Source = Annotated[str, AfterValidator(checked_name)]


class DataSource(specs.Spec):
    """A source of data with its options; the options are for data from outside the package."""

    source: Source = Field(description=f"Name of a data set, or {HOW}, package.module:function.")
    labels: str | None = Field(None, description="For .npy: the file that holds the labels.")
    x: str | None = Field(None, description="For .nc and .zarr: the variable that holds the cases.")
    label: str | None = Field(
        None,
        description=(
            "For tables, .nc and .zarr: the column or variable that holds the labels; 'none' if "
            "there are none. Default 'label'."
        ),
    )
    split: str | None = Field(
        None,
        description=(
            "For tables, .nc and .zarr: the column or variable that says train, validation or test."
        ),
    )
    shape: Annotated[tuple[Length, ...], Field(strict=False, min_length=2, max_length=3)] | None = (
        Field(None, description="Height and width (and channels) of an image, for flat cases.")
    )
    channels: Literal["first", "last"] | None = Field(
        None, description="Position of an image's channels; default last, for tensors first."
    )
    colour: Literal["grey", "rgb"] | None = Field(
        None, description="For folders of images: default grey if all images are grey."
    )
    resize: (
        Annotated[tuple[Length, ...], Field(strict=False, min_length=2, max_length=2)] | None
    ) = Field(None, description="For folders of images: common height and width of all images.")
    scale: Literal["none", "minmax", "standardise"] = Field(
        "none",
        description=(
            "How values are scaled, with parameters from the training cases: minmax to 0..1, "
            "standardise to mean 0 and standard deviation 1; tables column by column, images as a "
            "whole. With none, whole numbers from 0 to 255 are divided by 255; other values must "
            "be in 0..1."
        ),
    )
    validation: Share = Field(0.15, description="Share of validation cases, if they are split off.")
    test: Share = Field(0.15, description="Share of test cases, if they are split off.")
    split_seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of this random split.")
    arguments: dict[str, Any] = Field({}, description="For functions: their keyword arguments.")

    @model_validator(mode="after")
    def _options_have_a_use(self) -> DataSource:
        said = self.model_fields_set - {"source"}
        if said and not self.outside:
            raise ValueError(
                f"data set '{self.source}' comes with the package; '{min(said)}' is for data of "
                "your own"
            )
        if self.arguments and not self.code:
            raise ValueError("'arguments' are for a function, such as ./file.py:function")
        if self.validation + self.test >= 0.95:
            raise ValueError("validation and test together leave too few cases to train with")
        return self

    @property
    def code(self) -> str:
        """The reference of the function that makes the data; empty for data in files."""
        source = references.installed("data").get(self.source, self.source)
        known = source in DATA_SETS
        return source if references.is_reference(source) and not known else ""

    @property
    def outside(self) -> bool:
        """Whether the data do not come with the package."""
        return self.source not in DATA_SETS

    @property
    def shown(self) -> str:
        """A short name: the data set's, the file's, or the function's."""
        if not self.outside or self.source in references.installed("data"):
            return self.source
        return Path(self.source).name or self.source

    def placed(self, folder: Path) -> DataSource:
        """Return the source with whole paths; relative ones refer to the folder."""
        changes: dict[str, Any] = {}
        if self.arguments:
            changes["arguments"] = references.placed(self.arguments, folder)
        for name in ("source", "labels"):
            text = getattr(self, name)
            if text is None:
                continue
            if references.is_reference(text):
                changes[name] = references.placed(text, folder)
            elif name == "labels" or (is_path(text) and text not in DATA_SETS):
                changes[name] = str(references.whole_path(text, folder))
        return self.model_copy(update=changes)

    def fingerprint(self) -> str:
        """Return a hash of the files that hold the data or their code; empty if there are none.

        It changes with the content of a file, and with the names of files in a folder. It does not
        depend on where the files are.
        """
        if self.code:
            return references.digest(self.code)
        paths = [Path(text) for text in (self.source, self.labels) if text is not None]
        return references.fingerprint(*(path for path in paths if path.exists()))

    def identity(self) -> str:
        """Return the identity of the data, which does not depend on where their files are.

        For shipped data sets this is the name; for other data the file's name, a hash of its
        content, and the options.
        """
        if not self.outside:
            return self.source
        options = self.model_dump(exclude_defaults=True, exclude={"source", "labels"})
        options = references.shortened(options)
        more = "".join(f" {name}={value}" for name, value in sorted(options.items()))
        return f"{self.shown}@{self.fingerprint()[:12]}{more}"


def _which(choice: object) -> str:
    if isinstance(choice, Mapping | DataSource):
        return "<DataSource>"
    return "<Pair>" if isinstance(choice, list | tuple) else "<Source>"


# The value of ``data:``: a text, a pair of .npy files, or a mapping with options.
DataChoice = Annotated[
    Annotated[Source, Tag("<Source>")]
    | Annotated[
        tuple[str, ...],
        Field(strict=False, min_length=2, max_length=2),
        Tag("<Pair>"),
    ]
    | Annotated[DataSource, Tag("<DataSource>")],
    Discriminator(_which),
]


def as_source(choice: str | Path | tuple[str, ...] | Mapping[str, Any] | DataSource) -> DataSource:
    """Return a source from the value of ``data:``.

    Raises
    ------
    InputError
        If the value is not a source.
    """
    from wakesleep.files.documents import Document

    if isinstance(choice, DataSource):
        return choice
    if isinstance(choice, str | Path):
        one, comma, two = str(choice).partition(",")
        pair = comma and not Path(choice).exists()  # a file's name may have a comma in it
        choice = (one, two) if pair else {"source": str(choice)}
    if isinstance(choice, tuple | list):
        if len(choice) != 2:
            raise InputError(f"data: expected a pair of files, cases and labels, not {choice}")
        choice = dict(zip(("source", "labels"), map(str, choice), strict=True))
    return specs.validate(DataSource, dict(choice), Document("data", "", dict(choice), {}))
