"""References become BibTeX, which another program reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wakesleep.errors import InputError
from wakesleep.files import citations, library
from wakesleep.reports.cited import references_of

pybtex = pytest.importorskip("pybtex.database")


def read(*references: str):
    text = "\n\n".join(map(str, citations.entries(references)))
    return pybtex.parse_string(text, "bibtex").entries


def test_an_article():
    its = read("Dement 1960, The effect of dream deprivation, Science 131, 1705-1707")[
        "dement_1960"
    ]
    assert its.type == "article"
    assert [str(one) for one in its.persons["author"]] == ["Dement"]
    wanted = {
        "title": "{The effect of dream deprivation}",
        "journal": "Science",
        "volume": "131",
        "pages": "1705--1707",
        "year": "1960",
    }
    assert dict(its.fields) == wanted


def test_a_preprint_with_several_authors_and_the_part_that_is_meant():
    work = "van de Ven & Tolias 2019, Three scenarios for continual learning, arXiv 1904.07734"
    its = read(f"{work}, section 4")["van_de_ven_2019"]
    assert [" ".join(one.prelast_names + one.last_names) for one in its.persons["author"]] == [
        "van de Ven",
        "Tolias",
    ]
    assert its.fields["title"] == "{Three scenarios for continual learning}"
    assert (its.fields["eprint"], its.fields["archiveprefix"]) == ("1904.07734", "arXiv")


def test_others_and_letters_that_tex_would_misread():
    its = read("Åkerstedt et al. 2009, Loss & fatigue of 5 %, Sleep Medicine Clinics 4, 257-271")
    its = its["akerstedt_2009"]
    assert [str(one) for one in its.persons["author"]] == ["Åkerstedt", "others"]
    assert its.fields["title"] == r"{Loss \& fatigue of 5 \%}"


def test_one_work_is_one_entry_and_two_works_of_a_year_are_two():
    found = read(
        "Hinton 2022, The Forward-Forward Algorithm, arXiv 2212.13345, section 5",
        "Hinton 2022, The Forward-Forward Algorithm, arXiv 2212.13345, sections 3.2 and 3.3",
        "Kirkpatrick et al. 2017, PNAS 114, 3521-3526",
        "Kirkpatrick et al. 2017, Overcoming forgetting, PNAS 114, 3521-3526",
        "Kirkpatrick et al. 2017, Another paper, Nature 5, 1-2",
    )
    assert list(found) == ["hinton_2022", "kirkpatrick_2017", "kirkpatrick_2017_b"]
    assert found["kirkpatrick_2017"].fields["title"] == "{Overcoming forgetting}"


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C"])), max_size=4))
def test_any_line_gives_entries_that_can_be_read(lines):
    read(*lines)
    found = citations.entries(lines)
    keys = [its.key for its in found]
    assert len(set(keys)) == len(keys)
    for its in found:
        assert its.key.replace("_", "").isalnum()


def test_every_reference_of_the_shipped_files_has_a_year_and_an_author():
    every = []
    for shelf in library.SHELVES:
        for name in library.shipped(shelf):
            every += references_of(f"{shelf}/{name}")
    found = read(*every)
    assert len(found) > 25
    lacking = [key for key, its in found.items() if "year" not in its.fields]
    assert len(lacking) <= 4  # programs without a paper
    for key, its in found.items():
        assert key in lacking or (its.persons["author"] and its.fields.get("title", "x"))


def test_the_command(wakesleep, tmp_path):
    code, told, _ = wakesleep("cite", "two_process", "ff_digits")
    assert code == 0
    keys = set(pybtex.parse_string(told, "bibtex").entries)
    assert {"wakesleep", "hinton_2022", "daan_1984"} <= keys
    assert wakesleep("cite")[1].startswith("@misc{wakesleep")
    code, _, told = wakesleep("cite", "two_proces")
    assert (code, told.count("\n")) == (2, 1)
    assert "two_process" in told


@pytest.mark.parametrize("given", ["", " [{a: 1}]", " Smith 2010", " [2010, null]"])
def test_references_that_are_no_list_of_texts(wakesleep, tmp_path, given):
    file = tmp_path / "mine.yaml"
    file.write_text(f"model: mine\nreferences:{given}\n")
    code, _, told = wakesleep("cite", file)
    assert (code, told.count("\n")) == (2, 1)
    assert "mine.yaml:2:" in told
    assert "'references' must be a list of texts" in told


def test_a_file_without_references_says_so(wakesleep, tmp_path):
    (tmp_path / "mine.yaml").write_text("model: mine\n")
    code, out, told = wakesleep("cite", tmp_path / "mine.yaml")
    assert (code, out.count("@")) == (0, 1)
    assert "no references" in told


def test_a_title_keeps_its_figures(tmp_path):
    its = read("Smith 2010, How figures of merit {matter}, Nature 5, 1-2, figure 3")["smith_2010"]
    assert its.fields["journal"] == "Nature"
    assert "figures of merit" in its.fields["title"]


def test_the_references_of_a_result(tmp_path):
    import wakesleep as ws

    ws.run(
        "phase_separation",
        "ff_digits",
        inputs={"nights": 1, "phase_steps": 1},
        out=tmp_path / "run.zarr",
    )
    assert any(its.startswith("Hinton 2022") for its in references_of(str(tmp_path / "run.zarr")))
    with pytest.raises(InputError, match="missing"):
        references_of(str(tmp_path / "missing.zarr"))
