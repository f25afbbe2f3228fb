"""Making a translator: what is said, saved, taken again and taken up."""

from dataclasses import replace

import pytest
import torch

from workbook.corpus import tatoeba
from workbook.corpus.mixture import Corpus
from workbook.corpus.pairs import SentencePair
from workbook.training import Budget, loop
from workbook.translator import making
from workbook.translator.making import (
    encoded_pairs,
    evaluate,
    expectation,
    learn_words,
    to_draw,
    translator,
)
from workbook.translator.presets import PRESETS, preset, preset_for
from workbook.translator.saved import checkpoint_of, goes_on, saved, saved_at
from workbook.translator.translation import Translator, card_of

ANIMALS = {"cat": "gato", "dog": "perro", "bird": "pájaro", "horse": "caballo", "lion": "león"}
LOOKS = {"large": "grande", "sad": "triste", "young": "joven", "old": "viejo", "white": "blanco"}
PAIRS = tuple(
    SentencePair(f"{'The' if the else 'My'} {a} is {b}.", f"{'El' if the else 'Mi'} {x} es {y}.")
    for the in (True, False)
    for a, x in ANIMALS.items()
    for b, y in LOOKS.items()
)
MINUTE = replace(
    PRESETS["tiny"], vocab_size=90, d_model=32, tokens=2_500, batch_tokens=128, d_ff=32, peak=1e-2
)


def corpus(name="phrasebook", training=PAIRS):
    return Corpus(name, training, PAIRS[:2], PAIRS[:8], f"{name} pairs", "A few animals.", 0.0)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A course of its own, with no Tatoeba; `gathered` are the choices asked for."""
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    monkeypatch.delenv("WORKBOOK_DATA", raising=False)
    gathered = []

    def gather(choice, fetch, say, drawn):
        gathered.append((choice, fetch))
        return corpus("tatoeba" if choice == "tatoeba" else "phrasebook")

    def find():
        raise tatoeba.NoTatoeba("nowhere")

    monkeypatch.setattr(making.mixture, "gather", gather)
    monkeypatch.setattr(tatoeba, "find", find)
    # Which precision is faster is asked of the machine, and a busy one answers now so, now so.
    monkeypatch.setattr(loop, "faster_precision", lambda *given: "float32")
    return gathered


def make(**options):
    said = []
    made = translator(MINUTE, say=said.append, **options)
    return made, "\n".join(said)


def test_it_is_trained_scored_and_saved_and_says_so(tmp_path):
    made, said = make(budget=Budget(tokens=20_000))
    assert "Training the translator 'tiny' on phrasebook pairs." in said
    assert "What to expect: A few animals." in said
    assert "BLEU" in said
    path = tmp_path / "models" / "tiny-phrasebook.safetensors"
    assert str(path) in said
    left = [file.name for file in path.parent.iterdir() if file.suffix != ".lock"]
    assert left == [path.name]  # no checkpoint
    assert made.translate("the lion is sad").text == "el león es triste"
    card = card_of(path)
    assert card == made.card
    assert card.share == 1.0
    assert len(card.scores) == 2
    assert {"lion", "my"} <= card.words


def test_the_next_time_the_saved_one_is_used(place):
    first, _ = make()
    again, said = make()
    assert len(place) == 1  # no corpus was gathered for the second
    assert "Using the translator saved as" in said
    assert "trained on phrasebook pairs" in said
    assert "What to expect" in said
    english = [pair.english for pair in PAIRS]
    assert again.translate_all(english) == first.translate_all(english)


def test_the_same_seed_makes_the_same_translator():
    first, _ = make()
    second, said = make(again=True)
    assert "Using the translator" not in said
    english = [pair.english for pair in PAIRS]
    assert second.translate_all(english) == first.translate_all(english)


def test_tatoeba_that_has_come_is_trained_on_and_not_left_for_what_was_saved(place, monkeypatch):
    make()
    monkeypatch.setattr(tatoeba, "find", lambda: "spa.txt")
    make()
    assert len(place) == 2


def test_a_choice_of_data_has_its_own_file(place):
    make(choice="tatoeba", fetch=False)
    make(choice="phrasebook")
    assert place == [("tatoeba", False), ("phrasebook", True)]
    assert saved("tiny", "auto") == saved_at("tiny", "tatoeba")
    assert saved("tiny", "phrasebook") == saved_at("tiny", "phrasebook")


def test_a_damaged_file_is_trained_anew(place):
    path = saved_at("tiny", "phrasebook")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a file")
    assert saved() is None
    _, said = make()
    assert f"{path} is damaged" in said
    assert saved() == path


def test_it_is_scored_on_sentences_from_all_over_the_test(monkeypatch):
    scored = []

    def evaluated(made, pairs):
        scored.extend(pairs)
        return evaluate(made, pairs)

    monkeypatch.setattr(making, "_SCORED", 3)
    monkeypatch.setattr(making, "evaluate", evaluated)
    made, _ = make()
    assert scored == [PAIRS[0], PAIRS[2], PAIRS[5]]  # of eight
    assert made.card.scores[0].startswith(f"BLEU {made.card.bleu:.1f} (")


def test_what_cannot_be_written_is_known_before_anything_is_trained(tmp_path, place):
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="models"):
        make()
    assert not place


def test_minutes_that_are_not_used_are_told_of():
    make()
    _, said = make()
    assert "--again" not in said
    _, said = make(budget=Budget(seconds=60))
    assert "Using the translator saved as" in said
    assert "add --again" in said


def interrupt_after(steps):
    def watch(moment):
        if moment.progress.steps == steps and not moment.stopped:
            raise KeyboardInterrupt

    return watch


def test_an_interrupted_training_is_kept_and_goes_on_to_the_same_end(place):
    made, said = make(watchers=[interrupt_after(5)])
    assert "To go on with this training: workbook translator --preset tiny --data phras" in said
    assert 0 < made.card.share < 1
    assert "What to expect: Less than this, which a whole training gives: A few animals." in said
    kept = Translator.load(saved_at("tiny", "phrasebook"))
    assert kept.card.share == made.card.share
    resumed, said = make()
    assert "Going on with a training that was interrupted." in said
    whole, _ = make(again=True)
    english = [pair.english for pair in PAIRS]
    assert resumed.card.share == 1
    assert resumed.translate_all(english) == whole.translate_all(english)


def test_an_interrupted_training_on_other_sentences_is_begun_anew(monkeypatch):
    make(watchers=[interrupt_after(5)])
    monkeypatch.setattr(
        making.mixture, "gather", lambda *given, **more: corpus(training=PAIRS[:30])
    )
    made, said = make()
    assert "Beginning anew: the training that was interrupted had another budget, other" in said
    assert "Going on" not in said
    assert "delete" not in said
    assert made.card.share == 1


def test_a_longer_training_chooses_among_more_sentences_up_to_a_bound():
    assert 0 < to_draw(1_000_000) < to_draw(7_000_000) < to_draw(10**9) == to_draw(10**10)


@pytest.mark.parametrize(
    ("device", "budget", "tokens"),
    [
        ("cpu", None, MINUTE.tokens),
        ("cpu", Budget(tokens=9_000), 9_000),
        ("cpu", Budget(seconds=60), 600_000),
        ("cuda", Budget(seconds=60), MINUTE.tokens),
        ("cpu", Budget(steps=3), MINUTE.tokens),
    ],
)
def test_no_more_sentences_are_written_than_the_training_can_read(
    device, budget, tokens, monkeypatch
):
    class Asked(Exception):
        pass

    def gather(choice, fetch, say, drawn):
        raise Asked(drawn)

    monkeypatch.setattr(making.mixture, "gather", gather)
    monkeypatch.setattr(making, "pick_device", lambda: torch.device(device))
    with pytest.raises(Asked, match=f"^{to_draw(tokens)}$"):
        make(budget=budget)


def test_training_begins_where_translations_are_near_each_other():
    made, _ = make(budget=Budget(tokens=1))
    table = made.model.source_embedding.weight.detach()
    words = [map(made.tokenizer.encode, both) for both in (*ANIMALS.items(), *LOOKS.items())]
    whole = [(*english, *spanish) for english, spanish in words if len(english + spanish) == 2]
    assert len(whole) >= 5
    for english, spanish in whole:
        alike = torch.cosine_similarity(table[english], table, dim=-1)
        assert spanish in alike.topk(3).indices


def test_other_subwords_begin_anew(monkeypatch):
    make(watchers=[interrupt_after(5)])
    monkeypatch.setattr(
        making,
        "learn_words",
        lambda pairs, size: learn_words([*pairs, *pairs[:5], *pairs[:5], *pairs[:5]], size),
    )
    _, said = make()
    assert "Beginning anew" in said
    assert "Going on" not in said


def test_a_damaged_checkpoint_is_told_of_and_begun_anew():
    make(watchers=[interrupt_after(5)])
    checkpoint_of(saved_at("tiny", "phrasebook")).write_bytes(b"half")
    assert goes_on(saved_at("tiny", "phrasebook")) == ""
    made, said = make()
    assert "Beginning anew: what was kept of an interrupted training is damaged." in said
    assert made.card.share == 1


def test_what_was_stopped_within_its_first_step_is_not_said_to_go_on(monkeypatch):
    def step(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(making, "train_step", step)
    _, said = make()
    assert "before anything was kept to go on from" in said
    assert "To go on with this training" not in said


def test_an_unfinished_training_is_thrown_away_when_asked_for():
    make(watchers=[interrupt_after(5)])
    _, said = make(again=True)
    assert "Going on" not in said
    assert "Beginning anew" not in said


def test_with_mine_the_pieces_come_from_the_toolbox_and_the_file_is_another():
    from workbook.toolbox import save

    save(
        "train_step",
        "from workbook.pieces import train_step as theirs\n\n\n"
        "def train_step(*given):\n    return theirs(*given)\n",
    )
    made, _ = make(mine=True)
    assert made.pieces.mine
    assert made.pieces.train_step.__module__ == "toolbox.train_step"
    assert made.card.mine
    assert saved_at("tiny", "phrasebook", mine=True).is_file()
    assert saved() is None


def test_evaluation_is_sacrebleus_on_what_was_written():
    made, _ = make()
    bleu, chrf = evaluate(made, PAIRS[:8])
    assert (bleu.name, chrf.name) == ("BLEU", "chrF")
    assert 0 <= bleu.low <= bleu.high <= 110


def test_very_long_pairs_are_not_trained_on():
    made, _ = make()
    long = SentencePair("cat " * 150, "gato")
    assert len(encoded_pairs(made.case, made.tokenizer, [PAIRS[0], long])) == 1


def test_a_brief_training_is_told_to_expect_little():
    whole = replace(corpus(), trained=30.0)
    assert expectation(whole, 31.0) == "A few animals."
    assert expectation(whole, 10.0).startswith("Little: it was trained too briefly")
    assert expectation(whole, None).endswith(" a whole training gives: A few animals.")


def test_the_presets_are_four_sizes_in_order():
    assert list(PRESETS) == ["tiny", "small", "medium", "base"]
    sizes = [(p.d_model * p.num_layers, p.tokens) for p in PRESETS.values()]
    assert sizes == sorted(sizes)
    assert all(p.d_model % p.num_heads == 0 for p in PRESETS.values())
    assert preset("small").budget == Budget(tokens=PRESETS["small"].tokens)
    with pytest.raises(KeyError, match="tiny, small, medium, base"):
        preset("large")


@pytest.mark.parametrize(
    ("minutes", "name"), [(None, "small"), (0.1, "small"), (20, "small"), (45, "medium")]
)
def test_more_minutes_are_for_a_larger_model(minutes, name):
    assert preset_for(minutes) is preset(name)
