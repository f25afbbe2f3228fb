"""Sub-words and batches."""

import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workbook.translator.padding import padding_share
from workbook.corpus.pairs import clean
from workbook.home import root
from workbook.translator.text import (
    BOS_ID,
    EOS_ID,
    PAD_ID,
    UNK_ID,
    Batches,
    SubwordTokenizer,
    by_length,
    make_batch,
)

SENTENCES = [
    f"{a} {b} {c}{mark}"
    for a in ("the", "my", "this", "el", "mi", "este")
    for b in ("cat", "dog", "house", "gato", "perro", "niño")
    for c in ("is large", "isn't here", "está aquí", "es muy grande")
    for mark in (".", "?", "")
] + ["¿Dónde está?", "¡Sí!", "0 1 2 3 4 5 6 7 8 9"]


@pytest.fixture(scope="module")
def tokenizer():
    return SubwordTokenizer.train(SENTENCES, 150)


def test_the_special_tokens_come_first(tokenizer):
    assert (PAD_ID, BOS_ID, EOS_ID, UNK_ID) == (0, 1, 2, 3)
    assert 60 < len(tokenizer) <= 150
    assert not {PAD_ID, BOS_ID, EOS_ID} & {i for s in SENTENCES for i in tokenizer.encode(s)}


def test_every_sentence_of_training_comes_back(tokenizer):
    for sentence in SENTENCES:
        assert tokenizer.decode(tokenizer.encode(sentence)) == sentence


LETTERS = st.text(alphabet="aeginorst dhu?¿.,0123'", max_size=30)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(LETTERS)
def test_any_text_of_known_letters_comes_back(text):
    tokenizer = SubwordTokenizer.train([*SENTENCES, "aeginorst dhu ? ¿ . , 0 1 2 3 '"], 150)
    assert tokenizer.unknown(text) == []
    assert tokenizer.decode(tokenizer.encode(text)) == clean(text)


def test_frequent_words_are_one_subword_and_blanks_are_kept_visible(tokenizer):
    assert tokenizer.subwords("the cat") == ["▁the", "▁cat"]
    assert tokenizer.subwords("¿Dónde?")[0] == "▁¿"


@pytest.mark.parametrize("sentence", ["Dónde está?", "gato", "Sí", "¿Dónde está?", "32"])
@pytest.mark.parametrize("mark", "¿¡")
def test_a_word_has_the_same_subwords_after_an_opening_mark(sentence, mark):
    tokenizer = SubwordTokenizer.train([*SENTENCES, "¡ ¿ 2 3 S D"], 150)
    assert tokenizer.subwords(mark + sentence) == [f"▁{mark}", *tokenizer.subwords(sentence)]
    assert tokenizer.decode(tokenizer.encode(mark + sentence)) == clean(mark + sentence)


def test_digits_and_marks_stand_alone(tokenizer):
    assert tokenizer.subwords("32?") == ["▁3", "2", "?"]


def test_composed_and_decomposed_letters_are_the_same(tokenizer):
    assert tokenizer.encode("nin\u0303o") == tokenizer.encode("niño")


def test_an_unknown_letter_is_unk_and_is_named(tokenizer):
    assert UNK_ID in tokenizer.encode("cat 😀")
    assert tokenizer.unknown("cat 😀 ж 😀") == ["😀", "ж"]
    assert tokenizer.unknown("the cat") == []


def test_a_run_of_unknown_letters_is_one_unk(tokenizer):
    assert tokenizer.encode("the 日本語 cat").count(UNK_ID) == 1
    assert "日本語" in tokenizer.subwords("the 日本語 cat")


@pytest.mark.parametrize("sentences", [[], [""], ["..."]])
def test_hardly_anything_to_learn_from_is_a_small_vocabulary(sentences):
    tokenizer = SubwordTokenizer.train(sentences, 50)
    assert len(tokenizer) <= 8
    assert tokenizer.encode("cat")[-1] == UNK_ID


def test_many_sentences_are_encoded_as_one_by_one(tokenizer):
    assert tokenizer.encode_all(SENTENCES) == [tokenizer.encode(s) for s in SENTENCES]


def test_decoding_ends_at_the_end_and_skips_what_is_special(tokenizer):
    ids = tokenizer.encode("the cat")
    assert tokenizer.decode([BOS_ID, *ids, EOS_ID, *ids, PAD_ID]) == "the cat"
    assert tokenizer.decode([EOS_ID]) == ""


def test_it_comes_back_from_json(tokenizer):
    again = SubwordTokenizer.from_json(tokenizer.to_json())
    assert [again.encode(s) for s in SENTENCES] == [tokenizer.encode(s) for s in SENTENCES]
    assert again.digest == tokenizer.digest
    assert again.decode(again.encode("¿Dónde está?")) == "¿Dónde está?"


@pytest.mark.parametrize("text", ["", "{}", "[1"])
def test_what_is_no_tokenizer_is_refused(text):
    with pytest.raises(ValueError, match="no tokenizer"):
        SubwordTokenizer.from_json(text)


def test_another_vocabulary_is_refused(tokenizer):
    with pytest.raises(ValueError, match="first tokens"):
        SubwordTokenizer.from_json(tokenizer.to_json().replace("[BOS]", "<s>"))


def test_a_vocabulary_without_room_for_the_letters_is_refused():
    with pytest.raises(ValueError, match="has no room for the 28 different letters"):
        SubwordTokenizer.train(["abcdefghijklmnopqrstuvwxyz.!"], 20)


def test_another_process_learns_the_same_vocabulary(tokenizer):
    code = (
        "from tests.workbook.translator.test_text import SENTENCES, SubwordTokenizer;"
        "print(SubwordTokenizer.train(SENTENCES, 150).to_json())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=root(),
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "RAYON_NUM_THREADS": "3"},
    )
    assert done.stdout.strip() == tokenizer.to_json()


def test_a_batch_shifts_the_target_and_ends_the_source():
    batch = make_batch([([5, 6], [7, 8, 9]), ([5], [7])])
    assert batch.source.tolist() == [[5, 6, EOS_ID], [5, EOS_ID, PAD_ID]]
    assert batch.target_in.tolist() == [[BOS_ID, 7, 8, 9], [BOS_ID, 7, PAD_ID, PAD_ID]]
    assert batch.target_out.tolist() == [[7, 8, 9, EOS_ID], [7, EOS_ID, PAD_ID, PAD_ID]]


def test_a_batch_moves_to_a_device():
    batch = make_batch([([5], [7])]).to("meta")
    assert {batch.source.device.type, batch.target_in.device.type} == {"meta"}


def pairs(count, seed=1):
    """Pairs with lengths like those of everyday sentences, each recognisable by its ids."""
    draw = torch.Generator().manual_seed(seed)
    made = []
    for number in range(count):
        length = int(torch.randint(3, 16, (), generator=draw))
        other = max(1, length + int(torch.randint(-2, 4, (), generator=draw)))
        made.append(([4 + number] * length, [4 + number] * other))
    return made


def members(epoch):
    return [int(row[0]) - 4 for batch in epoch for row in batch.source]


PAIRS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 30)), min_size=1, max_size=80)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(PAIRS, st.integers(31, 200), st.integers(0, 5))
def test_every_pair_comes_once_an_epoch_and_no_batch_is_too_large(lengths, tokens, epoch):
    made = [([4 + i] * s, [4 + i] * t) for i, (s, t) in enumerate(lengths)]
    batches = Batches(made, tokens, seed=3)(epoch)
    assert sorted(members(batches)) == list(range(len(made)))
    for batch in batches:
        assert batch.source.numel() <= tokens
        assert batch.target_out.numel() <= tokens


def test_padding_is_under_five_percent():
    epoch = Batches(pairs(4_000), 1_024)(0)
    assert padding_share(epoch) < 0.05
    assert len(epoch) > 20


def test_padding_share_counts_both_sides():
    assert padding_share([make_batch([([5, 6], [7]), ([5], [7])])]) == pytest.approx(1 / 10)


def test_an_epoch_is_the_same_again_and_the_next_one_is_another():
    batches = Batches(pairs(300), 128, seed=5)
    assert members(batches(2)) == members(Batches(pairs(300), 128, seed=5)(2))
    assert members(batches(2)) != members(batches(3))
    assert members(batches(2)) != members(Batches(pairs(300), 128, seed=6)(2))
    assert {frozenset(members([b])) for b in batches(2)} != {
        frozenset(members([b])) for b in batches(3)
    }


def test_short_and_long_batches_come_mixed():
    lengths = [batch.target_out.size(1) for batch in Batches(pairs(2_000), 128)(0)]
    assert lengths != sorted(lengths)


def test_an_epoch_can_be_entered_anywhere():
    epoch = Batches(pairs(300), 128)(0)
    rest = epoch[7:]
    assert len(rest) == len(epoch) - 7
    assert torch.equal(rest[0].source, epoch[7].source)
    with pytest.raises(IndexError):
        epoch[len(epoch)]


def test_nothing_to_batch_and_too_long_a_sentence_are_refused():
    with pytest.raises(ValueError, match="no pairs"):
        Batches([])
    with pytest.raises(ValueError, match="longest sentence has 41"):
        Batches([([5] * 40, [5])], 40)


def test_sources_for_decoding_come_longest_first_and_all_of_them():
    sentences = [[9] * length for length in (3, 12, 0, 7, 40)]
    found = list(by_length(sentences, 20))
    assert [position for positions, _ in found for position in positions] == [4, 1, 3, 0, 2]
    for positions, source in found:
        assert source.size(0) == len(positions)
        for position, row in zip(positions, source.tolist(), strict=True):
            assert [i for i in row if i != PAD_ID] == [*sentences[position], EOS_ID]
        assert source.numel() <= 20 or len(positions) == 1
