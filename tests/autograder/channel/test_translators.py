"""What lesson 09's pieces need from outside: models to decode and to train, and what goes along."""

import torch
import torch.nn.functional as F

from autograder.channel.made import MAKERS, sgd
from autograder.channel.translators import (
    Writer,
    batch,
    chain,
    empty_cache,
    learner,
    schedule,
    table,
    writer,
)
from workbook.pieces import beam_search, decode_step, greedy_decode, train_step

SOURCE = torch.tensor([[5, 6, 3], [7, 3, 3]])
PAD = 3


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_they_are_in_the_closed_set():
    names = {"table", "chain", "learner", "batch", "schedule", "writer", "empty_cache"}
    assert names <= set(MAKERS)


def test_a_table_reads_its_source_all_tokens_and_the_mask():
    model = table(random(4, 6, 6), [1], PAD)
    memory, mask = model.encode(SOURCE)
    assert mask.shape == (2, 1, 1, 3)
    tokens = torch.tensor([[1, 4, 5], [1, 4, 5]])
    logits = model.decode(tokens, memory, mask)
    assert logits.shape == (2, 3, 6)
    assert (logits[..., 1] == -60).all()
    changes = (
        (tokens.index_fill(1, torch.tensor([1]), 0), memory, mask),
        (tokens, memory + 1, mask),
        (tokens, memory, torch.ones_like(mask)),
    )
    for given in changes:
        assert not torch.allclose(model.decode(*given)[1, -1], logits[1, -1])


def test_a_chain_follows_the_table_of_its_source():
    logits = F.one_hot(torch.tensor([[0, 4, 0, 0, 2], [0, 2, 0, 0, 0]]), 5).double()
    model = chain(logits, PAD)
    written = greedy_decode(model, torch.tensor([[0], [1]]), 4, 1, 2)
    assert written.tolist() == [[4, 2], [2, PAD]]
    assert beam_search(model, torch.tensor([[0]]), 4, 1, 2, 1)[0].tolist() == [[4, 2]]


def test_a_learner_learns_and_tells_its_mode():
    weights = {name: random(9, 5, seed=n) for n, name in enumerate(("source", "target", "head"))}
    kept = torch.tensor([0.0, 2, 1, 1, 1], dtype=torch.float64)
    model = learner(weights, kept, PAD)
    assert model.training
    given = batch(SOURCE, torch.tensor([[1, 4], [1, 5]]), torch.tensor([[4, 2], [5, PAD]]))
    trained = model(given.source, given.target_in)
    padded = model(F.pad(SOURCE, (0, 2), value=PAD), given.target_in)
    torch.testing.assert_close(padded, trained)
    assert not torch.allclose(model.eval()(given.source, given.target_in), trained)
    losses = [train_step(model, given, sgd(model, 0.5))[0] for _ in range(20)]
    assert losses[-1] < losses[0] - 0.3
    assert weights["head"].equal(random(9, 5, seed=2))


def test_a_schedule_sets_the_rate_at_once_and_at_every_step():
    optimizer = sgd(torch.nn.Linear(1, 1), 9.0)
    rates = schedule(optimizer, [0.1, 0.7])
    assert optimizer.param_groups[0]["lr"] == 0.1
    rates.step()
    assert optimizer.param_groups[0]["lr"] == 0.7


def test_a_writer_has_what_a_step_of_decoding_finds():
    sizes = {"vocab_size": 9, "d_model": 8, "num_heads": 2, "num_layers": 2, "d_ff": 5}
    sizes |= {"norm_first": True, "max_length": 6}
    weights = {name: random(*p.shape) for name, p in Writer(**sizes).named_parameters()}
    model = writer(weights, **sizes)
    assert not model.training
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, weights[name])
    cache = empty_cache(2)
    memory, mask = random(3, 4, 8), torch.ones(3, 1, 1, 4, dtype=torch.bool)
    assert decode_step(model, torch.tensor([1, 2, 3]), memory, mask, cache).shape == (3, 9)
    assert cache.length == 1
    assert not hasattr(model, "decode")
