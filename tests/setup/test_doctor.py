"""What the report finds, and what it says about what is missing."""

import os
import shutil
import subprocess
import sys
from importlib import metadata

import pytest
import torch
from packaging.specifiers import SpecifierSet

from tests.setup.conftest import make_lesson
from workbook import doctor
from workbook.home import datasets_folder

SOURCES = datasets_folder() / "sources.toml"
SENTENCES = sorted(path.name for path in datasets_folder().glob("phrasebook/*.tsv"))


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    monkeypatch.setenv("WORKBOOK_TOOLBOX", str(tmp_path / "toolbox"))
    monkeypatch.delenv("WORKBOOK_DATA", raising=False)
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: ["torch>=2.6", "x; extra == 'y'"])
    make_lesson(tmp_path / "lessons", "01-rnn-recap")
    (tmp_path / "datasets" / "phrasebook").mkdir(parents=True)
    for name in ("README.md", *SENTENCES):
        (tmp_path / "datasets" / "phrasebook" / name).touch()
    shutil.copy(SOURCES, tmp_path / "datasets")
    return tmp_path


def findings() -> dict[str, doctor.Finding]:
    return {finding.subject: finding for finding in doctor.examine()}


def test_all_is_well_where_everything_is_there(course, capsys):
    assert doctor.main() == 0
    told = capsys.readouterr().out
    assert f"PyTorch   {torch.__version__}" in told
    assert "What to do" not in told


def test_lessons_and_pieces_are_counted(course):
    make_lesson(course / "work", "01-rnn-recap")
    make_lesson(course / "work", "scratch")
    make_lesson(course / "lessons", "11-scratch")
    (course / "toolbox").mkdir()
    (course / "toolbox" / "RNN.py").touch()
    found = findings()
    assert found["lessons"].found == "1 of 10 released, 1 in work/"
    assert found["toolbox"].found == "1 of 7 pieces are yours"


def test_missing_lessons_are_a_problem_with_a_remedy(course, capsys):
    (course / "lessons" / "01-rnn-recap" / "01-rnn-recap.ipynb").unlink()
    assert doctor.main() == 1
    assert "What to do: download the course again" in capsys.readouterr().out


@pytest.mark.parametrize("name", SENTENCES)
def test_a_missing_file_of_the_phrasebook_is_a_problem(course, name):
    (course / "datasets" / "phrasebook" / name).unlink()
    assert findings()["datasets"].found == f"the phrasebook lacks {name}"
    assert findings()["datasets"].remedy


def test_a_missing_phrasebook_is_a_problem(course):
    shutil.rmtree(course / "datasets" / "phrasebook")
    assert "lacks" in findings()["datasets"].found
    assert all(name in findings()["datasets"].found for name in SENTENCES)
    assert findings()["datasets"].remedy


@pytest.mark.parametrize("given", ["{}/nowhere", "{}/lessons", "~no-such-user/course"])
def test_workbook_home_that_leads_to_no_course_is_named(course, monkeypatch, given):
    monkeypatch.setenv("WORKBOOK_HOME", given.format(course))
    found = findings()
    assert found["course"].found.startswith(f"WORKBOOK_HOME is {given.format(course)}, and ")
    assert found["course"].remedy == "correct or unset WORKBOOK_HOME"
    assert "datasets" not in found  # what isn't there isn't taken for a damaged course


def test_workbook_data_that_leads_to_nothing_is_named(course, monkeypatch):
    for given in (course / "nowhere", course / "datasets"):
        monkeypatch.setenv("WORKBOOK_DATA", str(given))
        assert findings()["datasets"].found == f"WORKBOOK_DATA is {given}, and no spa.txt is there"
        assert findings()["datasets"].remedy == "correct or unset WORKBOOK_DATA"


@pytest.mark.parametrize("given", ["~/data/spa.txt", "~/data", "~", "{}/data/spa.txt", "{}/data"])
def test_what_the_course_finds_in_workbook_data_the_report_finds_too(
    course, tmp_path, monkeypatch, given
):
    folder = tmp_path / "home" / ("tatoeba" if given == "~" else "data")
    folder.mkdir(parents=True)
    (folder / "spa.txt").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.setenv("WORKBOOK_DATA", given.format(tmp_path / "home"))
    assert findings()["datasets"] == doctor.Finding("datasets", f"Tatoeba, {folder / 'spa.txt'}")


def test_fetched_sentences_are_named_and_their_absence_is_no_problem(course):
    assert "phrasebook" in findings()["datasets"].found
    fetched = course / "datasets" / "fetched" / "tatoeba" / "spa.txt"
    fetched.parent.mkdir(parents=True)
    fetched.touch()
    assert findings()["datasets"] == doctor.Finding("datasets", f"Tatoeba, {fetched}")


def test_a_broken_list_of_data_sets_is_a_problem(course, capsys):
    (course / "datasets" / "sources.toml").write_text("[tatoeba")
    assert doctor.main() == 1
    told = capsys.readouterr().out
    assert "sources.toml should list the data sets" in told
    assert "What to do: download the course again" in told


def test_a_pytorch_that_does_not_load_is_a_problem_and_the_rest_is_still_told(course, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    found = findings()
    assert "doesn't load" in found["PyTorch"].found
    assert found["PyTorch"].remedy
    assert "device" not in found
    assert "lessons" in found


@pytest.mark.parametrize("trouble", ["OSError('[WinError 126] no c10.dll')", "AttributeError('x')"])
def test_a_pytorch_that_is_damaged_is_told_in_its_own_words(course, trouble):
    fake = course / "packages" / "torch" / "__init__.py"
    fake.parent.mkdir(parents=True)
    fake.write_text(f"raise {trouble}")
    found = os.pathsep.join([str(fake.parents[1]), *sys.path])
    ran = subprocess.run(
        [sys.executable, "-m", "workbook.doctor"],
        env=os.environ | {"PYTHONPATH": found},
        capture_output=True,
        text=True,
    )
    told = next(line for line in ran.stdout.splitlines() if "PyTorch" in line)
    assert "doesn't load" in told
    assert trouble.split("'")[1] in told
    assert "lessons   1 of 10 released" in ran.stdout
    assert (ran.returncode, ran.stderr) == (1, "")


def test_packages_that_are_missing_or_too_old_are_named(course, monkeypatch):
    monkeypatch.setattr(doctor.metadata, "requires", lambda name: ["torch>=99", "no-such-package"])
    found = findings()["packages"]
    assert ">=99 is needed" in found.found
    assert "no-such-package is missing" in found.found
    assert "--fresh" in found.remedy


def test_a_local_build_of_pytorch_counts_as_its_version(monkeypatch):
    monkeypatch.setattr(doctor.metadata, "version", lambda name: "2.13.0+cpu")
    assert doctor._lack("torch", SpecifierSet("==2.13.0")) == ""


def test_a_course_that_is_not_installed_is_told_how_to_be(course, monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "requires", missing)
    assert "pip install --no-deps -e" in findings()["packages"].remedy
