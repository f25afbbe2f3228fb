"""Reading the Tatoeba file: what is taken, what is refused and how the refusal reads."""

import pytest

from workbook.corpus import tatoeba
from workbook.corpus.pairs import SentencePair

GOOD = "Go.\tVe.\nGo.\tVete.\nI'm at home.\tEstoy en casa.\nWho?\t¿Quién?\n"


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No file of whoever runs the tests is found."""
    monkeypatch.delenv("WORKBOOK_DATA", raising=False)
    home = tmp_path / "home"
    (home / "datasets").mkdir(parents=True)
    real = tatoeba.source("tatoeba")
    monkeypatch.setenv("WORKBOOK_HOME", str(home))
    monkeypatch.setattr(tatoeba, "source", lambda name: real)
    return home


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "data" / "spa.txt"
    path.parent.mkdir()
    path.write_bytes(GOOD.encode())
    return path


def test_a_pair_a_line_in_order(file):
    assert tatoeba.read(file) == [
        SentencePair("Go.", "Ve."),
        SentencePair("Go.", "Vete."),
        SentencePair("I'm at home.", "Estoy en casa."),
        SentencePair("Who?", "¿Quién?"),
    ]


def test_a_third_column_a_byte_order_mark_and_windows_line_ends_are_taken(file):
    text = "\ufeff" + GOOD.replace("\n", "\tCC-BY 2.0 (France) #1 (ck)\r\n")
    file.write_bytes(text.encode())
    assert tatoeba.read(file)[-1] == SentencePair("Who?", "¿Quién?")
    assert tatoeba.read(file)[0] == SentencePair("Go.", "Ve.")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (GOOD.encode()[:-9], "line 4, has no line end: the file was cut off"),
        (GOOD.encode("latin-1"), "line 4, is not UTF-8: byte 0xbf"),
        (GOOD.encode("utf-16"), "is UTF-16"),
        (b"PK\x03\x04rest", "is zip"),
        (GOOD.replace("Ve.", "Ve.\nGo. Corre.").encode(), "line 2, should be English, a tab"),
        (GOOD.replace("Vete.", " ").encode(), "line 2, should be English, a tab"),
        (GOOD.replace("Ve.", "Ve.\t1\t2").encode(), "line 1, should be English, a tab"),
        (GOOD.replace("home", "h\0me").encode(), "line 3, holds damaged letters"),
        (GOOD.replace("Quién", "Qui\ufffdn").encode(), "line 4, holds damaged letters"),
        (
            GOOD.replace("¿Quién", "¿Quién".encode().decode("latin-1")).encode(),
            "line 4, was encoded twice",
        ),
        (b"<!DOCTYPE html>\n<html>\n", "line 1, should be English, a tab"),
    ],
)
def test_a_broken_file_is_refused_by_line_with_what_to_do(file, content, told):
    file.write_bytes(content)
    with pytest.raises(tatoeba.BrokenFile) as caught:
        tatoeba.read(file)
    assert told in str(caught.value)
    assert "workbook fetch tatoeba" in str(caught.value)
    assert str(file) in str(caught.value)


def test_loading_cleans_and_drops_repetitions(file):
    decomposed = "Who?\t¿Quie\u0301n?\nIt’s  late.\tEs\u00a0tarde.\nIt's late.\tEs tarde.\n"
    file.write_text(GOOD + decomposed, encoding="utf-8")
    assert tatoeba.load(file)[3:] == [
        SentencePair("Who?", "¿Quién?"),
        SentencePair("It's late.", "Es tarde."),
    ]


@pytest.mark.parametrize("given", ["data", "data/spa.txt"])
def test_workbook_data_is_the_folder_or_the_file(file, tmp_path, monkeypatch, given):
    monkeypatch.setenv("WORKBOOK_DATA", str(tmp_path / given))
    assert tatoeba.find().samefile(file)


def test_what_was_fetched_is_found_and_what_was_given_comes_first(file, nowhere, monkeypatch):
    fetched = nowhere / "datasets" / "fetched" / "tatoeba" / "spa.txt"
    fetched.parent.mkdir(parents=True)
    fetched.write_text(GOOD, encoding="utf-8")
    assert tatoeba.find() == fetched
    monkeypatch.setenv("WORKBOOK_DATA", str(file.parent))
    assert tatoeba.find().samefile(file)


def test_a_missing_file_is_told_with_the_places_looked_at(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBOOK_DATA", str(tmp_path / "elsewhere"))
    with pytest.raises(tatoeba.NoTatoeba) as caught:
        tatoeba.load()
    told = str(caught.value)
    assert str(tmp_path / "elsewhere" / "spa.txt") in told
    assert "fetched" in told
    assert "workbook fetch tatoeba" in told


def test_the_split_of_a_file_holds_out_whole_sentences(file):
    lines = [f"This is word {n}.\tEs la palabra {n}.\n" for n in range(40)]
    file.write_text("".join(lines), encoding="utf-8")
    parts = tatoeba.load_split(file, test=6, validation=4)
    assert (len(parts.training), len(parts.validation), len(parts.test)) == (30, 4, 6)


def test_an_edition_is_told_by_its_sha256(file, monkeypatch):
    from workbook.corpus import fetching

    assert tatoeba.edition(file).startswith("another file than the edition of 2018-05-13")
    monkeypatch.setattr(fetching, "sha256", lambda path: tatoeba.source("tatoeba").sha256)
    assert tatoeba.edition(file) == "the edition of 2018-05-13"
