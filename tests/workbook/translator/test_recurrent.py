"""The recurrent translators: what they see, and that they learn."""

import pytest
import torch

from workbook.pieces import additive_attention, greedy_decode, train_step
from workbook.training import Budget, WarmupAndDecay, train
from workbook.translator.recurrent import RecurrentTranslator
from workbook.translator.text import BOS_ID, EOS_ID, Batches, as_source, padded

SOURCES = [[5, 6, 7, 8], [9, 4], [7, 7, 5]]


def model(attention, layers=2):
    torch.manual_seed(3)
    return RecurrentTranslator(12, 8, layers, attention).double().eval()


def logits(made, source, target=((1, 5, 6), (1, 9, 9), (1, 4, 4))):
    return made(padded([as_source(s) for s in source]), torch.tensor(target))


@pytest.mark.parametrize("attention", [True, False])
def test_padding_changes_nothing(attention):
    made = model(attention)
    together = logits(made, SOURCES)
    for row, source in enumerate(SOURCES):
        alone = logits(made, [source], [[(1, 5, 6), (1, 9, 9), (1, 4, 4)][row]])
        torch.testing.assert_close(together[row : row + 1], alone)


@pytest.mark.parametrize("attention", [True, False])
def test_every_source_word_reaches_the_first_output(attention):
    made = model(attention)
    before = logits(made, SOURCES)[0, 0]
    for place in range(4):
        changed = [list(SOURCES[0]), *SOURCES[1:]]
        changed[0][place] = 10
        assert not torch.allclose(logits(made, changed)[0, 0], before)


@pytest.mark.parametrize("attention", [True, False])
def test_no_output_sees_a_later_word(attention):
    made = model(attention)
    one = logits(made, SOURCES)
    other = logits(made, SOURCES, ((1, 5, 11), (1, 9, 11), (1, 4, 11)))
    torch.testing.assert_close(one[:, :2], other[:, :2])
    assert not torch.allclose(one[:, 2], other[:, 2])


def test_its_attention_is_lesson_01s():
    made = model(attention=True, layers=1)
    memory, mask = made.encode(padded([as_source(s) for s in SOURCES]))
    states = memory[:, 1:]
    query = torch.randn(3, 8, dtype=torch.float64)
    context, _ = additive_attention(
        query, states, states, made.q_proj.weight.T, made.k_proj.weight.T,
        made.score.weight[0], mask[:, 0, 0],
    )  # fmt: skip
    # The same query, as the only written state: what reaches the mixer is context and query.
    given = []
    made.mixer.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    made.writer.register_forward_hook(lambda *_: (query.unsqueeze(1), None))
    made.decode(torch.ones(3, 1, dtype=torch.long), memory, mask)
    torch.testing.assert_close(given[0][:, 0, :8], context)


def test_without_attention_the_source_is_one_vector_a_layer():
    made = model(attention=False)
    source = padded([as_source(s) for s in SOURCES])
    memory, mask = made.encode(source)
    scrambled = memory.clone()
    scrambled[:, 2:] = torch.randn(scrambled[:, 2:].shape, dtype=torch.float64)
    target = torch.tensor([[1, 5], [1, 9], [1, 4]])
    torch.testing.assert_close(
        made.decode(target, memory, mask), made.decode(target, scrambled, mask)
    )


@pytest.mark.parametrize("attention", [True, False])
def test_the_same_loop_trains_it_and_the_same_search_decodes_it(attention):
    torch.manual_seed(0)
    made = RecurrentTranslator(12, 16, 1, attention)
    pairs = [([a, b], [b, a]) for a in range(4, 12) for b in range(4, 12)]
    train(
        made, Batches(pairs, 96), Budget(steps=250), step=train_step,
        rate=WarmupAndDecay(1e-2), precision="float32", smoothing=0.0,
    )  # fmt: skip
    source = padded([as_source(s) for s, _ in pairs])
    written = greedy_decode(made, source, 4, BOS_ID, EOS_ID)
    right = sum(
        row[:3] == [*target, EOS_ID]
        for row, (_, target) in zip(written.tolist(), pairs, strict=True)
    )
    assert right > 0.9 * len(pairs)


def test_an_odd_size_is_refused():
    with pytest.raises(ValueError, match="even; got 7"):
        RecurrentTranslator(12, 7)
