"""Writing the files, bit for bit; reading them; drawing more than they hold."""

from itertools import islice

import pytest

from workbook.corpus import phrasebook
from workbook.corpus.phrasebook import every_sentence, normalise, shipping
from workbook.corpus.phrasebook.__main__ import main
from workbook.corpus.phrasebook.constructions import phrasebook_grammar
from workbook.corpus.phrasebook.shipping import PROBES, folder, load_phrasebook, load_probes
from workbook.corpus.phrasebook.splits import SPLITS
from workbook.corpus.phrasebook.tokens import tokenise

GENERATED = ["compositional", "famous", "probe-bank", "probe-it", "test", "train", "valid"]


def test_the_command_writes_the_shipped_files_bit_for_bit(tmp_path, capsys):
    assert main([str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.tsv" for name in GENERATED]
    for name in GENERATED:
        written = (tmp_path / f"{name}.tsv").read_bytes()
        assert written == (folder() / f"{name}.tsv").read_bytes(), name
    assert capsys.readouterr().out.count(".tsv") == len(GENERATED)
    assert sum(path.stat().st_size for path in folder().iterdir()) < 6_000_000


def test_a_folder_without_files_says_how_to_write_them(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python -m workbook\.corpus\.phrasebook"):
        phrasebook.load_phrasebook("train", tmp_path)


def test_a_broken_line_is_named(tmp_path):
    header = "english\tspanish\ttags\tconstruction\n"
    (tmp_path / "valid.tsv").write_text(header + "Hello!\t¡Hola!\tINTJ PUNCT\tx\nHello!\n")
    with pytest.raises(ValueError, match=r"valid\.tsv, line 3: expected 4 columns, got 1"):
        phrasebook.load_phrasebook("valid", tmp_path)


def test_other_columns_are_refused(tmp_path):
    (tmp_path / "valid.tsv").write_text("a\tb\n")
    with pytest.raises(ValueError, match="expected the columns"):
        phrasebook.load_phrasebook("valid", tmp_path)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: phrasebook.load_phrasebook("training"), "training"),
        (lambda: phrasebook.load_probes("river"), "river"),
        (lambda: list(phrasebook.generate(1, 0, split="all")), "all"),
        (lambda: list(phrasebook.generate(-1, 0)), "-1"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(call, names):
    with pytest.raises(ValueError, match=f"expected .*got '?{names}"):
        call()


def test_the_same_seed_draws_the_same_pairs_and_another_one_others():
    first = list(phrasebook.generate(50, seed=1))
    assert first == list(phrasebook.generate(50, seed=1))
    assert first != list(phrasebook.generate(50, seed=2))
    assert first[:20] == list(phrasebook.generate(20, seed=1))
    assert list(phrasebook.generate(0, seed=1)) == []


def test_drawn_training_pairs_are_never_held_out():
    held = [
        phrasebook.load_phrasebook(split) for split in ("valid", "test", "compositional", "famous")
    ]
    held += [[probe.pair for probe in phrasebook.load_probes(name)] for name in ("bank", "it")]
    english = {normalise(pair.english) for pairs in held for pair in pairs}
    spanish = {normalise(pair.spanish) for pairs in held for pair in pairs}
    for pair in phrasebook.generate(4_000, seed=5):
        assert normalise(pair.english) not in english
        assert normalise(pair.spanish) not in spanish


def test_who_chooses_pairs_is_never_offered_one_that_is_held_out(monkeypatch):
    first = next(phrasebook.generate(1, seed=3))
    held = frozenset({f"english {normalise(first.english)}"})
    monkeypatch.setattr(shipping, "_held_out", lambda: held)
    offered = []
    given = list(phrasebook.generate(3, 3, keep=lambda pair: not offered.append(pair)))
    assert given == offered
    assert first not in offered


def test_one_may_ask_for_pairs_of_a_kind():
    short = list(phrasebook.generate(20, 3, keep=lambda pair: len(pair.tags) <= 4))
    assert len(short) == 20
    assert all(len(pair.tags) <= 4 for pair in short)
    banks = list(phrasebook.generate(20, 3, keep=lambda pair: pair.sense is not None))
    assert {pair.sense for pair in banks} == {"money", "river"}


def test_there_are_more_than_a_hundred_thousand_pairs():
    # The first constructions alone give so many: a lower bound.
    first = {sentence.pair.english for sentence in islice(every_sentence(), 110_000)}
    assert len(first) > 100_000


def test_the_grammar_has_sixty_constructions_and_more():
    assert len(phrasebook_grammar().labels()) >= 60


def card_figures():
    """What the data card reports: rows of each file, word forms and constructions of training."""
    train = load_phrasebook("train")
    figures = {split: len(load_phrasebook(split)) for split in SPLITS}
    figures |= {f"probe {name}": len(load_probes(name)) for name in PROBES}
    figures["english forms"] = len(
        {t.lower() for p in train for t in tokenise(p.english) if t.isalpha()}
    )
    figures["spanish forms"] = len({w for p in train for w in normalise(p.spanish).split()})
    labels = {label for pair in train for label in pair.construction.split("/")[1:]}
    figures["constructions"] = len(labels)
    figures["bank sentences"] = sum(pair.sense is not None for pair in train)
    return figures


def test_the_data_card_gives_the_right_figures():
    card = (folder() / "README.md").read_text(encoding="utf-8")
    figures = card_figures()
    for split in ("train", "valid", "test", "compositional"):
        assert f"| `{split}.tsv` | {figures[split]:,} |" in card
    for name in ("bank", "it"):
        assert f"| `probe-{name}.tsv` | {figures[f'probe {name}']:,} |" in card
    flowing = " ".join(card.split())
    assert f"{figures['english forms']:,} English word forms" in flowing
    assert f"{figures['spanish forms']:,} Spanish ones" in flowing
    assert f"{figures['constructions']} constructions" in flowing
    assert f"{figures['bank sentences']:,} sentences in training are about a bank" in flowing
