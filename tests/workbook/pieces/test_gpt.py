"""Lesson 08: against Hugging Face's `GPT2LMHeadModel` and its logits processors."""

import math

import pytest
import torch
import torch.nn.functional as F
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from workbook.pieces import (
    GPT,
    KVCache,
    MultiHeadAttention,
    cached_attention,
    causal_mask,
    future_leak,
    generate,
    gpt_parameters,
    next_token_loss,
    residual,
    sample_next,
)

VOCAB, D_MODEL, HEADS, LAYERS, CONTEXT = 31, 12, 3, 4, 9
SIZES = (VOCAB, D_MODEL, HEADS, LAYERS, CONTEXT)
TOKENS = torch.tensor([[3, 14, 15, 9, 26], [5, 3, 5, 8, 9]])

HUGGING_FACE_NAMES = (
    ("token.", "transformer.wte."),
    ("position.", "transformer.wpe."),
    ("layers.", "transformer.h."),
    ("self_attention.out_proj.", "attn.c_proj."),
    ("feed_forward.linear1.", "mlp.c_fc."),
    ("feed_forward.linear2.", "mlp.c_proj."),
    ("norm1.", "ln_1."),
    ("norm2.", "ln_2."),
)


def hugging_face_weights(named) -> dict[str, torch.Tensor]:
    """GPT-2's names; its linear layers keep their weights transposed, q, k and v in one."""
    weights = {}
    named = dict(named)
    for name, tensor in named.items():
        if ".q_proj." in name:
            kept = [named[name.replace("q_proj", f"{part}_proj")] for part in "qkv"]
            name = name.replace("self_attention.q_proj.", "attn.c_attn.")
            tensor = torch.cat(kept)
        elif ".k_proj." in name or ".v_proj." in name:
            continue
        if name.startswith("norm."):
            name = "transformer.ln_f." + name.removeprefix("norm.")
        for ours, theirs in HUGGING_FACE_NAMES:
            name = name.replace(ours, theirs)
        linear = ".attn." in name or ".mlp." in name
        weights[name] = tensor.T if linear and tensor.dim() > 1 else tensor
    return weights


@pytest.fixture
def pair(random):
    """Our model and Hugging Face's, with the same random weights."""
    ours = random(GPT(*SIZES, dropout=0.0))
    config = GPT2Config(
        vocab_size=VOCAB,
        n_embd=D_MODEL,
        n_head=HEADS,
        n_layer=LAYERS,
        n_positions=CONTEXT,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=None,
        eos_token_id=None,
    )
    twin = GPT2LMHeadModel(config).double()
    weights = hugging_face_weights(ours.state_dict().items())
    twin.load_state_dict(weights | {"lm_head.weight": weights["transformer.wte.weight"]})
    return ours, twin


def test_it_equals_hugging_faces_in_values_loss_and_gradients(pair):
    ours, twin = pair
    logits = ours(TOKENS)
    expected = twin(TOKENS, labels=TOKENS)
    torch.testing.assert_close(logits, expected.logits, rtol=1e-10, atol=1e-10)
    loss = next_token_loss(logits, TOKENS)
    torch.testing.assert_close(loss, expected.loss, rtol=1e-6, atol=0, check_dtype=False)
    # Hugging Face takes its loss in float32, so the gradients are compared through the logits.
    weight = torch.randn_like(logits)
    (logits * weight).sum().backward()
    (expected.logits * weight).sum().backward()
    gradients = hugging_face_weights((n, p.grad) for n, p in ours.named_parameters())
    for name, parameter in twin.named_parameters():
        torch.testing.assert_close(
            gradients[name], parameter.grad, rtol=1e-8, atol=1e-9, msg=lambda m, n=name: n + m
        )


def test_its_state_dict_has_the_contracts_names():
    names = {name.split(".")[0] for name in GPT(*SIZES).state_dict()}
    assert names == {"token", "position", "layers", "norm"}


def test_no_token_sees_a_later_one(random):
    assert future_leak(random(GPT(*SIZES)), TOKENS, VOCAB) == 0.0


def test_a_text_longer_than_the_context_is_refused():
    with pytest.raises(ValueError, match=r"10 tokens.*context 9.*context_length"):
        GPT(*SIZES)(torch.ones(1, 10, dtype=torch.long))


def test_it_drops_out_in_training_only():
    model = GPT(*SIZES, dropout=0.3)
    assert not torch.allclose(model(TOKENS), model(TOKENS))
    model.layers.eval()
    assert not torch.allclose(model(TOKENS), model(TOKENS)), "the embeddings drop out too"
    model.eval()
    torch.testing.assert_close(model(TOKENS), model(TOKENS), rtol=0, atol=0)


def test_a_new_model_has_gpt_2s_initial_weights():
    model = GPT(300, 60, 4, LAYERS, 50)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            writes = "out_proj" in name or "linear2" in name
            expected = 0.02 / math.sqrt(2 * LAYERS) if writes else 0.02
            assert parameter.std().item() == pytest.approx(expected, rel=0.1), name
        elif name.endswith("bias"):
            assert not parameter.any(), name


def test_it_survives_a_state_dict_and_a_change_of_precision():
    module, other = GPT(*SIZES).eval(), GPT(*SIZES).eval()
    other.load_state_dict(module.state_dict())
    torch.testing.assert_close(other(TOKENS), module(TOKENS), rtol=0, atol=0)
    exact = module.double()(TOKENS)
    assert exact.dtype == torch.float64
    torch.testing.assert_close(other(TOKENS).double(), exact, rtol=1e-4, atol=1e-5)


def test_gpt_parameters_counts_the_papers_models_and_ours():
    assert gpt_parameters(12, 768, 50257, 1024) == 124_439_808
    assert gpt_parameters(96, 12288, 50257, 2048) == pytest.approx(174.6e9, rel=1e-3)
    counted = sum(parameter.numel() for parameter in GPT(*SIZES).parameters())
    assert gpt_parameters(LAYERS, D_MODEL, VOCAB, CONTEXT) == counted


def test_the_loss_leaves_padding_out():
    logits = torch.randn(2, 4, VOCAB, dtype=torch.float64)
    tokens = torch.tensor([[4, 7, 0, 2], [5, 6, 2, 2]])
    surprise = -logits.log_softmax(-1)
    real = [surprise[0, 0, 7], surprise[0, 1, 0], surprise[1, 0, 6]]
    padding = [surprise[0, 2, 2], surprise[1, 1, 2], surprise[1, 2, 2]]
    for pad_id, expected in ((2, real), (None, real + padding), (30, real + padding)):
        mean = torch.stack(expected).mean()
        torch.testing.assert_close(next_token_loss(logits, tokens, pad_id), mean)


# Sampling -----------------------------------------------------------------------------------------

DRAWS = 60_000


def frequencies(logits, seed=0, **how) -> torch.Tensor:
    """How often each token of one row of logits is drawn."""
    generator = torch.Generator().manual_seed(seed)
    drawn = sample_next(logits.expand(DRAWS, -1), generator=generator, **how)
    return torch.bincount(drawn, minlength=logits.size(-1)) / DRAWS


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"temperature": 0.4},
        {"temperature": 2.5},
        {"top_k": 3},
        {"top_k": 99},
        {"top_p": 0.6},
        {"top_p": 0.0},
        {"top_p": 1.0},
        {"temperature": 0.7, "top_k": 4, "top_p": 0.8},
    ],
)
def test_tokens_are_drawn_as_often_as_hugging_faces_processors_say(how):
    logits = torch.tensor([0.3, 2.0, -1.0, 1.4, 0.2, -0.5, 1.9])
    scores = logits[None]
    if "temperature" in how:
        scores = TemperatureLogitsWarper(how["temperature"])(None, scores)
    if "top_k" in how:
        scores = TopKLogitsWarper(how["top_k"])(None, scores)
    if "top_p" in how:
        scores = TopPLogitsWarper(how["top_p"])(None, scores)
    expected = scores.softmax(-1)[0]
    drawn = frequencies(logits, **how)
    torch.testing.assert_close(drawn, expected, rtol=0, atol=0.008)
    assert not drawn[expected == 0].any()


def test_top_p_keeps_the_token_that_crosses_it():
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    assert (frequencies(logits, top_p=0.6) > 0).tolist() == [True, True, False, False]
    assert (frequencies(logits, top_p=0.85) > 0).tolist() == [True, True, True, False]


def test_temperature_zero_is_greedy_and_needs_no_luck():
    logits = torch.randn(5, 3, VOCAB)
    assert torch.equal(sample_next(logits, temperature=0), logits.argmax(-1))


def test_sampling_takes_any_leading_dimensions_and_keeps_its_logits():
    for shape in [(VOCAB,), (4, VOCAB), (2, 3, VOCAB)]:
        logits = torch.randn(shape)
        before = logits.clone()
        drawn = sample_next(logits, 0.9, top_k=5, top_p=0.7)
        assert drawn.shape == shape[:-1]
        assert drawn.dtype == torch.long
        assert torch.equal(logits, before)


def test_rows_are_drawn_each_from_its_own_logits():
    logits = torch.full((3, 4), -30.0)
    logits[0, 2] = logits[1, 0] = logits[2, 3] = 30.0
    assert sample_next(logits).tolist() == [2, 0, 3]


def test_sampling_is_the_generators_alone():
    logits = torch.zeros(50, VOCAB)

    def draw(seed):
        return sample_next(logits, generator=torch.Generator().manual_seed(seed))

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 1.1}, "top_p"),
        ({"top_p": -0.1}, "top_p"),
    ],
)
def test_impossible_ways_of_sampling_are_refused(how, message):
    with pytest.raises(ValueError, match=message):
        sample_next(torch.zeros(2, 3), **how)


# The cache ----------------------------------------------------------------------------------------


def test_a_cache_returns_all_it_was_given_layer_by_layer():
    cache = KVCache(2)
    assert cache.length == 0
    keys, values = torch.randn(2, 5, HEADS, 7, 4).unbind()
    for start, end in ((0, 3), (3, 4), (4, 7)):
        for layer, sign in ((0, 1), (1, -1)):
            seen = cache.append(layer, sign * keys[:, :, start:end], values[:, :, start:end])
            assert torch.equal(seen[0], sign * keys[:, :, :end])
            assert torch.equal(seen[1], values[:, :, :end])
        assert cache.length == end


@pytest.mark.parametrize("bias", [True, False])
def test_cached_attention_equals_causal_attention_position_by_position(random, bias):
    attention = random(MultiHeadAttention(D_MODEL, HEADS, bias=bias))
    x = torch.randn(2, 6, D_MODEL, dtype=torch.float64)
    expected, expected_weights = attention(x, x, x, causal_mask(6))
    cache = KVCache(2)
    for position in range(6):
        step = x[:, position : position + 1]
        before = step.clone()
        output, weights = cached_attention(attention, step, cache, layer=0)
        torch.testing.assert_close(
            output, expected[:, position : position + 1], rtol=1e-11, atol=1e-12
        )
        seen = expected_weights[:, :, position : position + 1, : position + 1]
        torch.testing.assert_close(weights, seen, rtol=1e-11, atol=1e-12)
        assert torch.equal(step, before)


def test_cached_attention_takes_one_position_at_a_time():
    with pytest.raises(ValueError, match=r"one new position.*\(2, 3, 12\)"):
        cached_attention(MultiHeadAttention(12, 3), torch.zeros(2, 3, 12), KVCache(1), 0)


def test_a_whole_gpt_read_through_the_cache_gives_the_same_logits(random):
    model = random(GPT(*SIZES)).eval()
    cache = KVCache(LAYERS)
    for position in range(TOKENS.size(1)):
        assert cache.length == position
        x = model.token(TOKENS[:, position : position + 1]) + model.position.weight[position]
        for index, layer in enumerate(model.layers):
            x = residual(
                x,
                lambda y, a=layer.self_attention, i=index: cached_attention(a, y, cache, i)[0],
                layer.norm1,
                layer.dropout,
            )
            x = residual(x, layer.feed_forward, layer.norm2, layer.dropout)
        logits = F.linear(model.norm(x), model.token.weight)
        expected = model(TOKENS[:, : position + 1])[:, -1:]
        torch.testing.assert_close(logits, expected, rtol=1e-9, atol=1e-10)


# Generation ---------------------------------------------------------------------------------------

EOS = 0


def counting(tokens: torch.Tensor) -> torch.Tensor:
    """A model that counts down: after n comes n - 1, and after 0 comes 5."""
    following = torch.where(tokens == EOS, 5, tokens - 1)
    return 50.0 * F.one_hot(following, 8).double()


def test_each_row_stops_on_its_own_and_is_padded_with_eos():
    prompt = torch.tensor([[7, 2], [3, 4], [1, 1]])
    before = prompt.clone()
    written = generate(counting, prompt, max_new_tokens=9, eos_id=EOS)
    expected = [[7, 2, 1, 0, 0, 0], [3, 4, 3, 2, 1, 0], [1, 1, 0, 0, 0, 0]]
    assert written.tolist() == expected
    assert torch.equal(prompt, before)


def test_writing_ends_at_the_limit_and_eos_in_the_prompt_ends_nothing():
    prompt = torch.tensor([[0, 3], [2, 0]])
    assert generate(counting, prompt, 2, eos_id=EOS).tolist() == [[0, 3, 2, 1], [2, 0, 5, 4]]
    assert torch.equal(generate(counting, prompt, 0, eos_id=EOS), prompt)


def test_without_eos_nothing_stops_early():
    prompt = torch.tensor([[2], [1]])
    expected = [[2, 1, 0, 5, 4], [1, 0, 5, 4, 3]]
    assert generate(counting, prompt, 4).tolist() == expected


def test_greedy_generation_equals_hugging_faces(pair):
    ours, twin = pair
    expected = twin.generate(
        TOKENS,
        attention_mask=torch.ones_like(TOKENS),
        max_new_tokens=4,
        do_sample=False,
        pad_token_id=EOS,
    )
    assert torch.equal(generate(ours, TOKENS, 4, temperature=0), expected)


def test_generation_passes_its_ways_of_sampling_on():
    flat = torch.tensor([0.45, 0.35, 0.2, 0.0]).log()

    def model(tokens):
        return flat.expand(*tokens.shape, -1)

    prompt = torch.zeros(500, 1, dtype=torch.long)

    def seen(seed=0, **how):
        generator = torch.Generator().manual_seed(seed)
        return generate(model, prompt, 2, generator=generator, **how)[:, 1:]

    assert seen().unique().tolist() == [0, 1, 2]
    assert seen(top_k=2).unique().tolist() == [0, 1]
    assert seen(top_p=0.4).unique().tolist() == [0]
    assert seen(temperature=0.01).unique().tolist() == [0]
    assert torch.equal(seen(3), seen(3))
    assert not torch.equal(seen(3), seen(4))


def test_generation_keeps_no_graph():
    model = GPT(*SIZES).eval()
    seen = []
    model.register_forward_hook(lambda _, __, logits: seen.append(logits.requires_grad))
    generate(model, TOKENS, 2)
    assert seen == [False, False]
