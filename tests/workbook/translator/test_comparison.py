"""Kinds of translators, compared and recorded."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from workbook.corpus import mixture
from workbook.translator import comparison
from workbook.translator.making import learn_words
from workbook.translator.presets import preset

SIZE = replace(preset("tiny"), vocab_size=400, d_model=32, num_heads=2, d_ff=64, batch_tokens=256)


@pytest.fixture(scope="module")
def kept():
    """The names of the kinds there were, each time `compare` had something to keep."""
    return []


@pytest.fixture(scope="module")
def found(kept):
    corpus = mixture.phrasebook_corpus()
    corpus = replace(corpus, training=corpus.training[:300])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "_SCORED", 3)
        patch.setattr(comparison, "probed", lambda translator, name: {name: 0.0})
        learnt = learn_words(corpus.training, SIZE.vocab_size)
        return comparison.compare(
            corpus, learnt, SIZE, 3_000, ["transformer", "GRU"], shares=(0.5, 1.0),
            say=lambda line: None, keep=lambda found: kept.append(list(found)),
        )  # fmt: skip


def test_each_kind_is_scored_at_its_shares(found):
    assert list(found) == ["transformer", "GRU"]
    for kind in found.values():
        assert [sorted(point) for point in kind["curve"]] == [
            ["bank", "it", "new meetings", "test", "tokens"]
        ] * 2
        first, last = kind["curve"]
        assert 1_500 <= first["tokens"] < last["tokens"] < 4_000
        assert all(0 <= last[name] <= 1 for name in ("new meetings", "test"))


def test_all_are_of_about_the_same_size(found):
    sizes = [kind["parameters"] for kind in found.values()]
    assert max(sizes) <= sizes[0]
    assert min(sizes) > 0.7 * max(sizes)


def test_what_is_recorded_says_how_it_came_about(found, tmp_path, monkeypatch, capsys):
    path = tmp_path / "comparison.json"
    monkeypatch.setattr(comparison, "recorded_at", lambda corpus: path)
    monkeypatch.setattr(comparison, "compare", lambda *given, keep: keep(found))
    monkeypatch.setattr(
        "sys.argv",
        ["comparison", "phrasebook", "--preset", "tiny", "--tokens", "50", "--seed", "7"],
    )
    with pytest.raises(FileNotFoundError):
        comparison.recorded("phrasebook")
    comparison.main()
    record = comparison.recorded("phrasebook")
    assert record["kinds"] == json.loads(json.dumps(found))
    said = comparison.about_the_record(record)
    command = "python -m workbook.translator.comparison phrasebook --preset tiny --tokens 50"
    assert said.endswith(f"{command} --seed 7 --kinds transformer GRU")
    assert record["date"] in said
    assert "seed 7 on " in said


@pytest.fixture
def recording(tmp_path, monkeypatch, capsys):
    """Records kinds whose only figure is a mark, and gives the record and what was said."""
    monkeypatch.setattr(comparison, "recorded_at", lambda corpus: tmp_path / "comparison.json")
    learnt = SimpleNamespace(digest="0123456789ab")
    monkeypatch.setattr(comparison, "learn_words", lambda pairs, size: (None, learnt))

    def record(mark, *arguments):
        def marked(corpus, learnt, size, tokens, kinds, seed, keep):
            for number in range(len(kinds)):
                keep(dict.fromkeys(kinds[: number + 1], mark))

        monkeypatch.setattr(comparison, "compare", marked)
        monkeypatch.setattr("sys.argv", ["comparison", "phrasebook", "--tokens", "50", *arguments])
        comparison.main()
        return comparison.recorded("phrasebook"), capsys.readouterr().out

    return record


def test_a_run_of_some_kinds_leaves_the_others_and_its_command_trains_them_all(recording):
    first, _ = recording(1)
    assert first["command"].endswith(" --preset small --tokens 50")
    again, said = recording(2, "--kinds", "GRU")
    assert again["kinds"] == {"transformer": 1, "GRU": 2, "GRU, attention": 1}
    assert again["command"] == first["command"]
    assert "dropped" not in said
    more, _ = recording(3, "--kinds", "no positions")
    assert more["kinds"] == {**again["kinds"], "no positions": 3}
    assert more["command"] == first["command"] + (
        " --kinds transformer 'GRU, attention' GRU 'no positions'"
    )


def test_what_was_recorded_otherwise_is_dropped_and_named(recording):
    recording(1)
    other, said = recording(2, "--seed", "7", "--kinds", "GRU")
    assert other["kinds"] == {"GRU": 2}
    assert other["command"].endswith(" --tokens 50 --seed 7 --kinds GRU")
    assert "was recorded with another command, seed;" in said
    assert "of 'transformer' and 'GRU, attention' can't stand" in said


def test_a_second_run_that_is_stopped_keeps_what_it_has_not_come_to(recording, monkeypatch):
    recording(1)

    def stopped(*given, keep):
        keep({"transformer": 2})
        raise KeyboardInterrupt

    monkeypatch.setattr(comparison, "compare", stopped)
    with pytest.raises(KeyboardInterrupt):
        comparison.main()
    kept = comparison.recorded("phrasebook")["kinds"]
    assert kept == {"transformer": 2, "GRU, attention": 1, "GRU": 1}


def test_what_ships_was_recorded_by_the_command_it_names():
    for corpus in ("phrasebook", "tatoeba"):
        record = comparison.recorded(corpus)
        assert record["command"].endswith(
            f" {corpus} --preset small --tokens 7000000{comparison._asking_for(record['kinds'])}"
        )


def test_what_is_done_is_kept_when_the_rest_is_stopped(found, tmp_path, monkeypatch):
    def stopped(*given, keep):
        keep({"transformer": found["transformer"]})
        raise KeyboardInterrupt

    path = tmp_path / "comparison.json"
    monkeypatch.setattr(comparison, "recorded_at", lambda corpus: path)
    monkeypatch.setattr(comparison, "compare", stopped)
    monkeypatch.setattr("sys.argv", ["comparison", "phrasebook", "--tokens", "50"])
    with pytest.raises(KeyboardInterrupt):
        comparison.main()
    assert list(comparison.recorded("phrasebook")["kinds"]) == ["transformer"]


def test_each_kind_is_kept_as_soon_as_it_is_done(found, kept):
    assert kept == [["transformer"], ["transformer", "GRU"]]


def test_a_recurrent_kind_is_as_wide_as_the_transformer_allows():
    torch.manual_seed(0)
    room = comparison.count(comparison.KINDS["transformer"].make(400, SIZE))
    for name in ("GRU", "GRU, attention"):
        assert 0.7 * room < comparison.count(comparison.KINDS[name].make(400, SIZE)) <= room


def test_only_the_aligned_kind_begins_aligned():
    pairs = [([5, 6], [15, 16]), ([5, 7], [15, 17])] * 4
    made = {name: kind.made(pairs, 400, SIZE, seed=1) for name, kind in comparison.KINDS.items()}
    plain, aligned = made["transformer"], made["transformer, aligned"]
    again = comparison.KINDS["transformer"].made(pairs, 400, SIZE, seed=1)
    for one, other in zip(plain.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    table = aligned.source_embedding.weight
    assert torch.cosine_similarity(table[5], table[15], dim=0) > 0.5
    assert torch.cosine_similarity(*plain.source_embedding.weight[[5, 15]], dim=0) < 0.5
