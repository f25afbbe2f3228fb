"""Lesson 09: against `nn.Transformer`, brute force and sacreBLEU."""

import math
from itertools import product
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU
from torch import nn

from workbook.pieces import (
    KVCache,
    Transformer,
    beam_search,
    corpus_bleu,
    decode_step,
    future_leak,
    greedy_decode,
    label_smoothing_loss,
    sinusoidal_encoding,
    train_step,
    warmup_rate,
)

SOURCE_VOCAB, TARGET_VOCAB, D_MODEL, HEADS, LAYERS, D_FF = 17, 19, 12, 3, 2, 7
PAD, BOS, EOS = 0, 1, 2
SOURCE = torch.tensor([[5, 6, 7, 8, 9], [9, 8, 7, 0, 0], [4, 3, 0, 0, 0]])
TARGET_IN = torch.tensor([[1, 5, 6, 7], [1, 8, 9, 0], [1, 4, 0, 0]])
TARGET_OUT = torch.tensor([[5, 6, 7, 2], [8, 9, 2, 0], [4, 2, 0, 0]])


def transformer(**changes) -> Transformer:
    sizes = {"source_vocab": SOURCE_VOCAB, "target_vocab": TARGET_VOCAB, "d_model": D_MODEL}
    sizes |= {"num_heads": HEADS, "num_layers": LAYERS, "d_ff": D_FF, "dropout": 0.0}
    return Transformer(**(sizes | changes))


def torchs_transformer(norm_first: bool, activation: str) -> nn.Transformer:
    """`nn.Transformer`; left to itself, it would end post-norm stacks in a norm too."""
    layer = (D_MODEL, HEADS, D_FF, 0.0, getattr(F, activation), 1e-5, True, norm_first)

    def norm():
        return nn.LayerNorm(D_MODEL) if norm_first else None

    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(*layer), LAYERS, norm(), enable_nested_tensor=False
    )
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(*layer), LAYERS, norm())
    return nn.Transformer(
        D_MODEL, HEADS, custom_encoder=encoder, custom_decoder=decoder, batch_first=True
    ).double()


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("activation", ["relu", "silu"])
@pytest.mark.parametrize("norm_first", [True, False])
def test_it_equals_torchs_in_values_and_gradients(random, as_torch, norm_first, activation, share):
    vocabularies = {"source_vocab": TARGET_VOCAB} if share else {}
    ours = random(
        transformer(
            norm_first=norm_first, activation=activation, share_embeddings=share, **vocabularies
        )
    )
    stacks = [(n, p) for n, p in ours.named_parameters() if n.startswith(("encoder", "decoder"))]
    twin = torchs_transformer(norm_first, activation)
    twin.load_state_dict(as_torch(stacks))

    source_words = ours.source_embedding.weight.detach().clone().requires_grad_()
    target_words = source_words
    if not share:
        target_words = ours.target_embedding.weight.detach().clone().requires_grad_()
    positions = sinusoidal_encoding(5, D_MODEL).double()
    hidden = twin(
        source_words[SOURCE] * math.sqrt(D_MODEL) + positions,
        target_words[TARGET_IN] * math.sqrt(D_MODEL) + positions[:4],
        tgt_mask=torch.ones(4, 4, dtype=torch.bool).triu(1),
        src_key_padding_mask=SOURCE == PAD,
        memory_key_padding_mask=SOURCE == PAD,
    )
    expected = hidden @ target_words.T
    logits = ours(SOURCE, TARGET_IN)
    torch.testing.assert_close(logits, expected, rtol=1e-10, atol=1e-10)

    weight = torch.randn_like(logits)
    (logits * weight).sum().backward()
    (expected * weight).sum().backward()
    gradients = {name: parameter.grad for name, parameter in ours.named_parameters()}
    stacks = as_torch((n, g) for n, g in gradients.items() if n.startswith(("encoder", "decoder")))
    wanted = {name: parameter.grad for name, parameter in twin.named_parameters()}
    stacks |= {"source": gradients["source_embedding.weight"]}
    wanted |= {"source": source_words.grad}
    if not share:
        stacks |= {"target": gradients["target_embedding.weight"]}
        wanted |= {"target": target_words.grad}
    assert stacks.keys() == wanted.keys()
    for name, gradient in wanted.items():
        torch.testing.assert_close(
            stacks[name], gradient, rtol=1e-8, atol=1e-9, msg=lambda m, n=name: n + m
        )


def test_forward_is_encode_then_decode(random):
    model = random(transformer())
    memory, memory_mask = model.encode(SOURCE)
    assert memory.shape == (3, 5, D_MODEL)
    assert torch.equal(memory_mask, (SOURCE != PAD)[:, None, None])
    logits = model.decode(TARGET_IN, memory, memory_mask)
    torch.testing.assert_close(model(SOURCE, TARGET_IN), logits, rtol=0, atol=0)


def test_the_head_is_the_target_embedding_and_stays_it():
    model = transformer().double()
    assert model.head.weight is model.target_embedding.weight
    other = transformer().double()
    other.load_state_dict(model.state_dict())
    assert other.head.weight is other.target_embedding.weight
    torch.testing.assert_close(other(SOURCE, TARGET_IN), model(SOURCE, TARGET_IN), rtol=0, atol=0)


def test_shared_embeddings_are_one_for_both_sides():
    model = transformer(source_vocab=TARGET_VOCAB, share_embeddings=True)
    assert model.source_embedding.weight is model.target_embedding.weight is model.head.weight
    apart = transformer(source_vocab=TARGET_VOCAB)
    assert apart.source_embedding.weight is not apart.target_embedding.weight


def test_vocabularies_of_two_sizes_cannot_be_shared():
    with pytest.raises(ValueError, match="17 source and 19 target"):
        transformer(share_embeddings=True)


def test_a_sentence_longer_than_max_length_is_refused():
    model = transformer(max_length=4)
    with pytest.raises(ValueError, match="max_length"):
        model.encode(SOURCE)
    memory, memory_mask = model.encode(SOURCE[:, :4])
    with pytest.raises(ValueError, match="max_length"):
        model.decode(torch.ones(3, 5, dtype=torch.long), memory, memory_mask)


@pytest.mark.parametrize("pad_id", [0, 16])
def test_more_padding_changes_nothing(random, pad_id):
    model = random(transformer(pad_id=pad_id))
    source = SOURCE.masked_fill(SOURCE == PAD, pad_id)
    logits = model(source, TARGET_IN)
    longer = F.pad(source, (0, 3), value=pad_id)
    target = F.pad(TARGET_IN, (0, 2), value=pad_id)
    torch.testing.assert_close(model(longer, target)[:, :4], logits, rtol=1e-11, atol=1e-11)
    alone = model(source[2:, :2], TARGET_IN[2:])
    torch.testing.assert_close(logits[2:], alone, rtol=1e-11, atol=1e-11)


def test_no_target_token_sees_a_later_one(random):
    model = random(transformer())
    assert future_leak(lambda target: model(SOURCE, target), TARGET_IN, TARGET_VOCAB) == 0.0


def test_it_drops_out_in_training_only():
    model = transformer(dropout=0.3)
    assert not torch.allclose(model(SOURCE, TARGET_IN), model(SOURCE, TARGET_IN))
    model.eval()
    expected = model(SOURCE, TARGET_IN)
    torch.testing.assert_close(model(SOURCE, TARGET_IN), expected, rtol=0, atol=0)
    exact = model.double()(SOURCE, TARGET_IN)
    torch.testing.assert_close(expected.double(), exact, rtol=1e-4, atol=1e-5)


def test_a_new_model_writes_logits_of_size_one():
    model = transformer(d_model=48, source_vocab=400, target_vocab=500)
    words = model.source_embedding.weight * math.sqrt(48)
    assert words.std().item() == pytest.approx(1.0, rel=0.05)
    logits = model(torch.randint(3, 400, (8, 9)), torch.randint(3, 500, (8, 7)))
    assert 0.7 < logits.std().item() < 1.4


# Training -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.4])
def test_the_smoothed_loss_is_its_formula_over_real_tokens(smoothing):
    logits = torch.randn(3, 4, TARGET_VOCAB, dtype=torch.float64, requires_grad=True)
    surprise = -logits.log_softmax(-1)
    of_target = surprise.gather(-1, TARGET_OUT.unsqueeze(-1)).squeeze(-1)
    each = (1 - smoothing) * of_target + smoothing * surprise.mean(-1)
    expected = each[TARGET_OUT != PAD].mean()
    loss = label_smoothing_loss(logits, TARGET_OUT, PAD, smoothing)
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert not gradient[TARGET_OUT == PAD].any()


def test_the_rate_warms_up_and_decays_as_in_the_paper():
    rates = [warmup_rate(step, 512, 4000) for step in range(12_001)]
    assert rates[0] == rates[1] == pytest.approx(512**-0.5 * 4000**-1.5)
    assert rates[2000] == pytest.approx(512**-0.5 * 2000 * 4000**-1.5)
    assert rates[4000] == max(rates) == pytest.approx(512**-0.5 * 4000**-0.5)
    assert rates[12_000] == pytest.approx(512**-0.5 * 12_000**-0.5)


BATCH = SimpleNamespace(source=SOURCE, target_in=TARGET_IN, target_out=TARGET_OUT)


@pytest.mark.parametrize("max_norm", [0.05, 1e6])
def test_a_training_step_is_loss_clipped_gradient_and_update(random, max_norm):
    model = random(transformer())
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    expected = F.cross_entropy(
        model(SOURCE, TARGET_IN).transpose(1, 2),
        TARGET_OUT,
        ignore_index=PAD,
        label_smoothing=0.2,
    )
    gradients = torch.autograd.grad(expected, list(model.parameters()))
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    factor = (max_norm / (norm + 1e-6)).clamp(max=1.0)

    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)  # what an earlier step may have left
    loss, tokens = train_step(model, BATCH, optimizer, smoothing=0.2, max_norm=max_norm)
    assert isinstance(loss, float)
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    assert tokens == 9
    for (name, parameter), gradient in zip(model.named_parameters(), gradients, strict=True):
        updated = before[name] - 0.5 * factor * gradient
        torch.testing.assert_close(parameter.detach(), updated, rtol=1e-10, atol=1e-12)


def test_a_training_step_moves_the_scheduler_after_the_update():
    model = transformer()
    optimizer = torch.optim.Adam(model.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: warmup_rate(step, D_MODEL, 10)
    )
    for step in range(1, 4):
        train_step(model, BATCH, optimizer, scheduler)
        assert scheduler.get_last_lr() == [pytest.approx(warmup_rate(step, D_MODEL, 10))]


def test_a_training_step_keeps_the_models_mode():
    model = transformer()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for mode in (True, False):
        model.train(mode)
        train_step(model, BATCH, optimizer)
        assert model.training is mode


def test_a_model_learns_to_reverse_and_both_decoders_write_it():
    model = transformer(d_model=24, d_ff=48, target_vocab=SOURCE_VOCAB)
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    source = torch.randint(3, SOURCE_VOCAB, (200, 4))
    out = F.pad(source.flip(1), (0, 1), value=EOS)
    target_in = F.pad(source.flip(1), (1, 0), value=BOS)
    for _ in range(150):
        rows = torch.randint(200, (64,))
        batch = SimpleNamespace(
            source=source[rows], target_in=target_in[rows], target_out=out[rows]
        )
        train_step(model, batch, optimizer)
    model.eval()
    assert (greedy_decode(model, source, 8, BOS, EOS)[:, :5] == out).all(1).double().mean() > 0.9
    found, _ = beam_search(model, source, 8, BOS, EOS, beam_size=3)
    assert (found[:, :5] == out).all(1).double().mean() > 0.9


# Decoding -----------------------------------------------------------------------------------------


class Table:
    """A model in place of a network: its next-token logits are a fixed function of the source row
    and of every token written so far."""

    def __init__(self, vocab: int, seed: int, pad_id: int = PAD) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.pad_id = pad_id
        self.mix = 3 * torch.randn(8, vocab, vocab, generator=generator, dtype=torch.float64)

    def encode(self, source):
        return source[:, :1, None].double(), (source != self.pad_id)[:, None, None]

    def decode(self, target_in, memory, memory_mask):
        assert len(target_in) == len(memory) == len(memory_mask)
        steps = torch.arange(target_in.size(1))
        return 2 * (self.mix[steps, target_in].cumsum(1) + memory).sin()


class Chain:
    """A model whose next token depends on the last one alone: rows of probabilities."""

    pad_id = PAD

    def __init__(self, rows: dict[int, list[float]]) -> None:
        size = len(next(iter(rows.values())))
        self.logits = torch.full((size, size), -30.0, dtype=torch.float64)
        for token, probabilities in rows.items():
            self.logits[token] = torch.tensor(probabilities, dtype=torch.float64).log()

    def encode(self, source):
        return source.double().unsqueeze(-1), None

    def decode(self, target_in, memory, memory_mask):
        return self.logits[target_in]


def log_probability(model, row: torch.Tensor, tokens: tuple[int, ...]) -> float:
    memory, memory_mask = model.encode(row)
    target_in = torch.tensor([[BOS, *tokens[:-1]]])
    log_probs = model.decode(target_in, memory, memory_mask).log_softmax(-1)[0]
    return sum(log_probs[step, token].item() for step, token in enumerate(tokens))


def penalty(length: int, alpha: float) -> float:
    return ((5 + length) / 6) ** alpha


def unpadded(row: torch.Tensor, eos: int = EOS) -> tuple[int, ...]:
    tokens = row.tolist()
    return tuple(tokens[: tokens.index(eos) + 1] if eos in tokens else tokens)


def by_brute_force(model, row, eos, vocab, max_length, alpha) -> tuple[tuple[int, ...], float]:
    whole = [
        tokens
        for length in range(1, max_length + 1)
        for tokens in product(range(vocab), repeat=length)
        if eos not in tokens[:-1] and (tokens[-1] == eos or length == max_length)
    ]
    scores = [log_probability(model, row, t) / penalty(len(t), alpha) for t in whole]
    best = max(range(len(whole)), key=scores.__getitem__)
    return whole[best], scores[best]


def by_lists(model, row, vocab, max_length, alpha, beam_size):
    """The rules of `beam_search`'s docstring, one sentence at a time, without stopping early."""
    live, sentences = [((), 0.0)], []
    for length in range(1, max_length + 1):
        ranked = sorted(
            (
                ((*tokens, token), log_probability(model, row, (*tokens, token)))
                for tokens, _ in live
                for token in range(vocab)
            ),
            key=lambda candidate: -candidate[1],
        )
        sentences += [
            (tokens, score / penalty(length, alpha))
            for tokens, score in ranked[:beam_size]
            if tokens[-1] == EOS or length == max_length
        ]
        if len(sentences) >= beam_size:
            break
        live = [c for c in ranked[: 2 * beam_size] if c[0][-1] != EOS][:beam_size]
    return max(sentences, key=lambda sentence: sentence[1])


ROWS = torch.tensor([[3, 5], [4, 0], [6, 7], [9, 0], [12, 1]])


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0, -0.7])
@pytest.mark.parametrize("eos", [0, EOS])
def test_a_beam_that_drops_nothing_finds_the_best_sentence_there_is(eos, alpha):
    model = Table(vocab=4, seed=eos)
    tokens, scores = beam_search(model, ROWS[:3], 4, BOS, eos, 4**4, alpha)
    for row in range(3):
        expected, score = by_brute_force(model, ROWS[row : row + 1], eos, 4, 4, alpha)
        assert unpadded(tokens[row], eos) == expected
        assert scores[row].item() == pytest.approx(score, abs=1e-10)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 999),
    beam_size=st.integers(1, 5),
    max_length=st.integers(1, 5),
    alpha=st.sampled_from([0.0, 0.6, 1.3]),
)
def test_a_batch_is_searched_as_each_sentence_alone(seed, beam_size, max_length, alpha):
    model = Table(vocab=6, seed=seed)
    tokens, scores = beam_search(model, ROWS, max_length, BOS, EOS, beam_size, alpha)
    longest = 0
    for row in range(len(ROWS)):
        expected, score = by_lists(model, ROWS[row : row + 1], 6, max_length, alpha, beam_size)
        assert scores[row].item() == pytest.approx(score, abs=1e-10)
        assert unpadded(tokens[row]) == expected
        assert (tokens[row, len(expected) :] == PAD).all()
        longest = max(longest, len(expected))
    assert tokens.size(1) == longest


def test_each_beginning_of_a_batch_reads_its_own_source_without_padding(random):
    model = random(transformer())
    tokens, scores = beam_search(model, SOURCE, 6, BOS, EOS, beam_size=3)
    for row, length in enumerate((SOURCE != PAD).sum(1)):
        alone, score = beam_search(model, SOURCE[row : row + 1, :length], 6, BOS, EOS, 3)
        assert unpadded(alone[0]) == unpadded(tokens[row])
        torch.testing.assert_close(scores[row], score[0], rtol=1e-10, atol=1e-10)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), max_length=st.integers(1, 7), alpha=st.floats(0, 2))
def test_a_beam_of_one_is_greedy(seed, max_length, alpha):
    model = Table(vocab=5, seed=seed, pad_id=3)
    greedy = greedy_decode(model, ROWS, max_length, BOS, EOS)
    tokens, scores = beam_search(model, ROWS, max_length, BOS, EOS, 1, alpha)
    assert torch.equal(tokens, greedy)
    for row, score in enumerate(scores):
        written = unpadded(greedy[row])
        expected = log_probability(model, ROWS[row : row + 1], written)
        assert score.item() == pytest.approx(expected / penalty(len(written), alpha), abs=1e-10)


def test_a_beam_of_one_breaks_ties_as_greedy_does():
    model = Chain({1: [0, 0, 0, 0.5, 0.5], 3: [0, 0, 0.25, 0.25, 0.5], 4: [0.2] * 5})
    greedy = greedy_decode(model, ROWS, 4, BOS, EOS)
    assert torch.equal(beam_search(model, ROWS, 4, BOS, EOS, beam_size=1)[0], greedy)


def test_a_beam_finds_what_greedy_misses():
    #                        pad bos eos  3    4
    model = Chain({1: [0.0, 0.0, 0.0, 0.6, 0.4], 3: [0, 0, 0.4, 0.3, 0.3], 4: [0, 0, 1, 0, 0]})
    assert greedy_decode(model, ROWS[:1], 5, BOS, EOS).tolist() == [[3, 2]]
    tokens, scores = beam_search(model, ROWS[:1], 5, BOS, EOS, beam_size=2)
    assert tokens.tolist() == [[4, 2]]
    assert scores.item() == pytest.approx(math.log(0.4) / (7 / 6) ** 0.6)


def test_a_larger_penalty_prefers_the_longer_sentence():
    #                     pad bos  eos   3    4
    model = Chain({1: [0, 0, 0, 0.55, 0.45], 3: [0, 0, 1, 0, 0], 4: [0, 0, 0.1, 0.9, 0]})
    short = beam_search(model, ROWS[:1], 5, BOS, EOS, 3, length_penalty=0.0)[0]
    long = beam_search(model, ROWS[:1], 5, BOS, EOS, 3, length_penalty=5.0)[0]
    assert short.tolist() == [[3, 2]]
    assert long.tolist() == [[4, 3, 2]]


def test_a_sentence_that_ends_leaves_its_place_to_the_next_beginning():
    #                     pad bos  eos   3    4   5  6  7
    model = Chain({1: [0, 0, 0.3, 0.5, 0.2, 0, 0, 0], 3: [0.125] * 8, 4: [0, 0, 1, 0, 0, 0, 0, 0]})
    tokens, scores = beam_search(model, ROWS[:1], 5, BOS, EOS, 2, length_penalty=3.0)
    assert tokens.tolist() == [[4, EOS]]
    assert scores.item() == pytest.approx(math.log(0.2) / (7 / 6) ** 3)


def test_a_beam_holds_at_least_one():
    with pytest.raises(ValueError, match="at least 1"):
        beam_search(Table(5, 0), ROWS, 3, BOS, EOS, beam_size=0)


def test_greedy_stops_each_row_on_its_own_and_pads_it():
    class Countdown:
        """Writes the source's first token, counts down from it to 4, then ends."""

        pad_id = 3

        def encode(self, source):
            return source[:, :1, None], None

        def decode(self, target_in, memory, memory_mask):
            following = torch.where(target_in > 4, target_in - 1, EOS)
            following = torch.where(target_in == BOS, memory[..., 0], following)
            return F.one_hot(following, 20).double()

    source = torch.tensor([[6, 0], [4, 0], [19, 0]])
    written = greedy_decode(Countdown(), source[:2], 9, BOS, EOS)
    assert written.tolist() == [[6, 5, 4, EOS], [4, EOS, 3, 3]]
    assert greedy_decode(Countdown(), source, 3, BOS, EOS).tolist() == [
        [6, 5, 4],
        [4, EOS, 3],
        [19, 18, 17],
    ]


def test_decoding_keeps_no_graph_and_leaves_the_source_alone(random):
    model = random(transformer())
    source = SOURCE.clone()
    greedy_decode(model, source, 3, BOS, EOS)
    _, scores = beam_search(model, source, 3, BOS, EOS)
    assert not scores.requires_grad
    assert torch.equal(source, SOURCE)


@pytest.mark.parametrize("norm_first", [True, False])
def test_the_cache_changes_no_logit(random, norm_first):
    model = random(transformer(norm_first=norm_first)).eval()
    memory, memory_mask = model.encode(SOURCE)
    expected = model.decode(TARGET_IN, memory, memory_mask)
    cache = KVCache(LAYERS)
    for position in range(TARGET_IN.size(1)):
        logits = decode_step(model, TARGET_IN[:, position], memory, memory_mask, cache)
        torch.testing.assert_close(logits, expected[:, position], rtol=1e-10, atol=1e-10)
    assert cache.length == 4


def test_a_step_takes_any_cache_that_appends_and_knows_its_length(random):
    class Plain:
        def __init__(self):
            self.kept, self.length = {}, 0

        def append(self, layer, key, value):
            kept = [*self.kept.get(layer, []), (key, value)]
            self.kept[layer] = kept
            self.length = max(len(entries) for entries in self.kept.values())
            return tuple(torch.cat(parts, dim=2) for parts in zip(*kept, strict=True))

    model = random(transformer()).eval()
    memory, memory_mask = model.encode(SOURCE)
    ours, theirs = KVCache(LAYERS), Plain()
    for token in TARGET_IN.T:
        torch.testing.assert_close(
            decode_step(model, token, memory, memory_mask, theirs),
            decode_step(model, token, memory, memory_mask, ours),
            rtol=0,
            atol=0,
        )


def test_the_memory_is_projected_once_and_again_for_another_memory(random):
    model = random(transformer()).eval()
    memory, memory_mask = model.encode(SOURCE)
    calls = []
    model.decoder.layers[1].cross_attention.k_proj.register_forward_hook(lambda *_: calls.append(1))
    cache = KVCache(LAYERS)
    for position in range(3):
        decode_step(model, TARGET_IN[:, position], memory, memory_mask, cache)
    assert len(calls) == 1

    other, other_mask = model.encode(SOURCE.roll(1, 0))
    logits = decode_step(model, TARGET_IN[:, 3], other, other_mask, cache)
    fresh = KVCache(LAYERS)
    for position in range(3):
        decode_step(model, TARGET_IN[:, position], memory, memory_mask, fresh)
    fresh_logits = decode_step(model, TARGET_IN[:, 3], memory, memory_mask, fresh)
    assert len(calls) == 3
    assert not torch.allclose(logits, fresh_logits)


def test_a_step_past_max_length_is_refused(random):
    model = random(transformer(max_length=5)).eval()
    memory, memory_mask = model.encode(SOURCE)
    cache = KVCache(LAYERS)
    token = TARGET_IN[:, 0]
    for _ in range(5):
        decode_step(model, token, memory, memory_mask, cache)
    with pytest.raises(ValueError, match="max_length"):
        decode_step(model, token, memory, memory_mask, cache)


# BLEU ---------------------------------------------------------------------------------------------

sacrebleu = BLEU(tokenize="none", smooth_method="none", force=True)
sentence = st.lists(st.sampled_from([*"abcd.¿"]), max_size=9).map(" ".join)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.lists(st.tuples(sentence, sentence), min_size=1, max_size=8))
def test_bleu_equals_sacrebleus(pairs):
    hypotheses, references = map(list, zip(*pairs, strict=True))
    expected = sacrebleu.corpus_score(hypotheses, [references]).score
    assert corpus_bleu(hypotheses, references) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("keep", [1.0, 0.9, 0.7])
@pytest.mark.parametrize("extra", [0, 2])
def test_bleu_equals_sacrebleus_on_good_translations_short_and_long(keep, extra):
    words = [f"w{n}" for n in range(12)]
    generator = torch.Generator().manual_seed(4)

    def some(count):
        return [words[n] for n in torch.randint(12, (count,), generator=generator)]

    references = [some(length) for length in range(3, 40)]
    hypotheses = [
        [w for w in reference if torch.rand(1, generator=generator) < keep] + some(extra)
        for reference in references
    ]
    hypotheses, references = ([" ".join(s) for s in side] for side in (hypotheses, references))
    score = corpus_bleu(hypotheses, references)
    assert score > 10
    expected = sacrebleu.corpus_score(hypotheses, [references]).score
    assert score == pytest.approx(expected, abs=1e-9)


def test_bleu_is_100_for_the_reference_and_0_without_a_matching_4_gram():
    text = ["este gato es muy grande", "el perro  duerme\tbien ."]
    assert corpus_bleu(text, text) == pytest.approx(100)
    assert corpus_bleu(["este gato es", "el perro"], text) == 0.0
    assert corpus_bleu([], []) == 0.0


def test_bleu_wants_a_reference_for_each_hypothesis():
    with pytest.raises(ValueError, match="1 hypotheses and 2 references"):
        corpus_bleu(["a"], ["a", "b"])
