"""Where a translator's training begins: translations near each other, before any training."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.pieces import Transformer
from workbook.translator.beginning import begin_aligned, translations
from workbook.translator.text import SPECIAL

WORDS = 30
FIRST = len(SPECIAL)
VOCABULARY = FIRST + 2 * WORDS
DICTIONARY = {FIRST + word: FIRST + WORDS + (7 * word) % WORDS for word in range(WORDS)}


def sentences(count, seed=0, extra=0):
    """Pairs by the dictionary, targets in another order and with `extra` ids from nowhere."""
    draw = random.Random(seed)
    pairs = []
    for _ in range(count):
        source = draw.sample(list(DICTIONARY), draw.randint(2, 6))
        target = [DICTIONARY[word] for word in source] + [VOCABULARY] * extra
        draw.shuffle(target)
        pairs.append((source, target))
    return pairs


def made(seed=0, vocab=VOCABULARY, **options):
    torch.manual_seed(seed)
    return Transformer(vocab, vocab, 32, 4, 2, 48, 0.0, **{"share_embeddings": True, **options})


def test_a_dictionary_is_found_in_sentences_of_another_order():
    chances = translations(sentences(400), VOCABULARY).to_dense()
    for english, spanish in DICTIONARY.items():
        assert chances[english].argmax() == spanish
        assert chances[spanish].argmax() == english
        assert chances[english, spanish] > 0.9
        assert chances[spanish, english] > 0.9


def test_what_comes_unasked_is_not_taken_for_a_translation():
    chances = translations(sentences(400, extra=1), VOCABULARY + 1).to_dense()
    for english, spanish in DICTIONARY.items():
        assert chances[english].argmax() == spanish
        assert chances[english, VOCABULARY] < 0.12  # 0.17 if every id had to come from a word


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(FIRST, 20), min_size=1, max_size=6),
            st.lists(st.integers(FIRST, 20), min_size=1, max_size=6),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_the_chances_of_an_id_sum_to_one_each_way(pairs):
    chances = translations(pairs, 21).to_dense()
    sources = {each for source, _ in pairs for each in source}
    targets = {each for _, target in pairs for each in target}
    expected = torch.tensor([float((i in sources) + (i in targets)) for i in range(21)])
    torch.testing.assert_close(chances.sum(1), expected, atol=1e-4, rtol=0)
    assert (chances >= 0).all()


def by_hand(pairs, vocab_size, rounds):
    """Model 1 as the paper has it, sentence by sentence, with dictionaries."""
    none = "none"
    met = {(s, t) for source, target in pairs for s in (none, *source) for t in target}
    chance = dict.fromkeys(met, 1.0)
    for _ in range(rounds):
        counts = dict.fromkeys(met, 0.0)
        for source, target in pairs:
            for t in target:
                total = sum(chance[s, t] for s in (none, *source))
                for s in (none, *source):
                    counts[s, t] += chance[s, t] / total
        whole = {s: sum(c for (other, _), c in counts.items() if other == s) for s, _ in met}
        chance = {(s, t): count / whole[s] for (s, t), count in counts.items()}
    table = torch.zeros(vocab_size, vocab_size)
    for (s, t), count in counts.items():
        if s != none:
            table[s, t] += count / sum(counts[s, u] for u in range(vocab_size) if (s, u) in met)
            back = sum(c for (o, u), c in counts.items() if u == t and o != none)
            table[t, s] += count / back
    return table


@pytest.mark.parametrize("seed", range(5))
def test_it_is_model_1(seed):
    draw = random.Random(seed)
    pairs = [
        ([draw.randint(4, 12) for _ in range(draw.randint(1, 5))],
         [draw.randint(8, 18) for _ in range(draw.randint(1, 5))])
        for _ in range(12)
    ]  # fmt: skip
    torch.testing.assert_close(
        translations(pairs, 20).to_dense(), by_hand(pairs, 20, 5), atol=1e-4, rtol=1e-3
    )


def test_translations_begin_near_each_other_and_as_long_as_before():
    model = made()
    before = model.source_embedding.weight.detach().clone()
    begin_aligned(model, sentences(400))
    after = model.source_embedding.weight.detach()
    alike = torch.cosine_similarity(after.unsqueeze(0), after.unsqueeze(1), dim=-1)
    alike.fill_diagonal_(-1)
    for english, spanish in DICTIONARY.items():
        assert alike[english].argmax() == spanish
    torch.testing.assert_close(after[FIRST:].norm(dim=1).mean(), before.norm(dim=1).mean())
    torch.testing.assert_close(after[:FIRST], before[:FIRST], rtol=0, atol=0)
    assert model.head.weight is model.target_embedding.weight is model.source_embedding.weight


def test_cross_attention_begins_by_passing_on_what_it_reads():
    model = made()
    begin_aligned(model, sentences(100))
    attention = model.decoder.layers[1].cross_attention
    memory = torch.randn(2, 1, 32)  # one place to look at, so it is looked at
    passed = attention(torch.randn(2, 3, 32), memory, memory)[0]
    expected = 0.64 * memory.expand(2, 3, 32)
    torch.testing.assert_close(passed, expected)


def test_the_same_pairs_give_the_same_beginning_and_draw_nothing():
    first, second = made(), made()
    state = torch.get_rng_state()
    begin_aligned(first, sentences(100))
    assert torch.equal(state, torch.get_rng_state())
    begin_aligned(second, sentences(100))
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
        assert one.requires_grad


def test_an_id_without_sentences_points_where_it_did():
    model = made(vocab=VOCABULARY + 5)
    before = model.source_embedding.weight.detach().clone()
    begin_aligned(model, sentences(100))
    after = model.source_embedding.weight.detach()
    alike = torch.cosine_similarity(after[VOCABULARY:], before[VOCABULARY:])
    torch.testing.assert_close(alike, torch.ones(5))


def test_two_names_of_one_table_are_one():
    model = made(share_embeddings=False)
    model.target_embedding.weight = model.source_embedding.weight
    begin_aligned(model, sentences(100))
    english, spanish = next(iter(DICTIONARY.items()))
    table = model.source_embedding.weight
    assert torch.cosine_similarity(table[english], table[spanish], dim=0) > 0.5


def test_two_tables_are_refused():
    with pytest.raises(ValueError, match="share_embeddings=True"):
        begin_aligned(made(share_embeddings=False), sentences(10))
