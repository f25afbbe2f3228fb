"""The list of what can be fetched."""

import re

import pytest

from workbook.corpus.sources import source, sources


def test_every_source_says_where_from_what_and_under_which_licence():
    for known in sources().values():
        assert re.fullmatch("[0-9a-f]{64}", known.sha256)
        assert known.licence
        assert known.attribution
        assert len(known.archives) >= 2
        assert all(archive.address.startswith("http") for archive in known.archives)
        assert not known.archives[0].changing


def test_a_source_is_put_where_git_does_not_look():
    path = source("tatoeba").fetched
    assert path.parts[-4:] == ("datasets", "fetched", "tatoeba", "spa.txt")


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(KeyError, match="there is tatoeba"):
        source("europarl")


@pytest.mark.parametrize("text", ["[tatoeba\n", "[tatoeba]\ntitle = 1\n", "\N{BELL}"])
def test_a_damaged_list_is_named(tmp_path, monkeypatch, text):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "sources.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"sources\.toml should list"):
        sources()
