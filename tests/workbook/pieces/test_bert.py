"""Lesson 07: against Hugging Face's `BertModel`; masking by its statistics."""

import pytest
import torch
import torch.nn.functional as F
from transformers import BertConfig, BertModel

from workbook.pieces import (
    Bert,
    BertEmbeddings,
    SentenceClassifier,
    mask_tokens,
    masked_lm_loss,
    padding_mask,
)

VOCAB, D_MODEL, HEADS, LAYERS, D_FF, MAX_LENGTH = 31, 12, 3, 2, 7, 9
SIZES = (VOCAB, D_MODEL, HEADS, LAYERS, D_FF, MAX_LENGTH)
TOKENS = torch.tensor([[3, 14, 15, 9, 26], [5, 3, 5, 0, 0]])
SEGMENTS = torch.tensor([[0, 0, 1, 1, 1], [0, 1, 1, 0, 0]])

HUGGING_FACE_NAMES = (
    ("token.", "word_embeddings."),
    ("segment.", "token_type_embeddings."),
    ("position.", "position_embeddings."),
    ("embeddings.norm.", "embeddings.LayerNorm."),
    ("encoder.layers.", "encoder.layer."),
    ("self_attention.q_proj.", "attention.self.query."),
    ("self_attention.k_proj.", "attention.self.key."),
    ("self_attention.v_proj.", "attention.self.value."),
    ("self_attention.out_proj.", "attention.output.dense."),
    ("feed_forward.linear1.", "intermediate.dense."),
    ("feed_forward.linear2.", "output.dense."),
    ("norm1.", "attention.output.LayerNorm."),
    ("norm2.", "output.LayerNorm."),
    ("pooler.", "pooler.dense."),
)


def hugging_face_name(name: str) -> str:
    for ours, theirs in HUGGING_FACE_NAMES:
        name = name.replace(ours, theirs)
    return name


@pytest.fixture
def pair(random):
    """Our model and Hugging Face's, with the same random weights."""
    ours = random(Bert(*SIZES, dropout=0.0))
    config = BertConfig(
        vocab_size=VOCAB,
        hidden_size=D_MODEL,
        num_attention_heads=HEADS,
        num_hidden_layers=LAYERS,
        intermediate_size=D_FF,
        max_position_embeddings=MAX_LENGTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    twin = BertModel(config).double()
    twin.load_state_dict({hugging_face_name(k): v for k, v in ours.state_dict().items()})
    return ours, twin


@pytest.mark.parametrize("segments", [None, SEGMENTS])
def test_it_equals_hugging_faces_in_values_and_gradients(pair, segments):
    ours, twin = pair
    real = TOKENS != 0
    hidden, pooled = ours(TOKENS, segments, padding_mask(TOKENS, 0))
    expected = twin(TOKENS, attention_mask=real.long(), token_type_ids=segments)
    torch.testing.assert_close(
        hidden[real], expected.last_hidden_state[real], rtol=1e-10, atol=1e-11
    )
    torch.testing.assert_close(pooled, expected.pooler_output, rtol=1e-10, atol=1e-11)

    (hidden[real].square().sum() + pooled.sum()).backward()
    (expected.last_hidden_state[real].square().sum() + expected.pooler_output.sum()).backward()
    gradients = {hugging_face_name(n): p.grad for n, p in ours.named_parameters()}
    for name, parameter in twin.named_parameters():
        torch.testing.assert_close(
            gradients[name], parameter.grad, rtol=1e-8, atol=1e-10, msg=lambda m, n=name: n + m
        )


def test_without_a_mask_every_token_is_attended_to(pair):
    ours, twin = pair
    hidden, _ = ours(TOKENS)
    expected = twin(TOKENS).last_hidden_state
    torch.testing.assert_close(hidden, expected, rtol=1e-10, atol=1e-11)


def test_embeddings_are_the_normed_sum_of_three(random):
    layer = random(BertEmbeddings(VOCAB, D_MODEL, MAX_LENGTH, 3, 0.0, 0.01))
    assert {name: tuple(p.shape) for name, p in layer.named_parameters()} == {
        "token.weight": (VOCAB, D_MODEL),
        "segment.weight": (3, D_MODEL),
        "position.weight": (MAX_LENGTH, D_MODEL),
        "norm.weight": (D_MODEL,),
        "norm.bias": (D_MODEL,),
    }
    total = layer.token.weight[TOKENS] + layer.segment.weight[2 * SEGMENTS]
    total = total + layer.position.weight[:5]
    expected = F.layer_norm(total, (D_MODEL,), layer.norm.weight, layer.norm.bias, 0.01)
    torch.testing.assert_close(layer(TOKENS, 2 * SEGMENTS), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(layer(TOKENS), layer(TOKENS, 0 * SEGMENTS), rtol=0, atol=0)


def test_a_sentence_longer_than_the_positions_is_refused():
    with pytest.raises(ValueError, match=r"10 tokens.*9 positions.*max_length"):
        Bert(*SIZES)(torch.ones(1, 10, dtype=torch.long))


def test_what_the_padding_holds_changes_no_real_position(pair):
    ours, _ = pair
    mask = padding_mask(TOKENS, 0)
    other = torch.where(TOKENS == 0, 17, TOKENS)
    hidden, pooled = ours(TOKENS, None, mask)
    changed, changed_pooled = ours(other, None, mask)
    torch.testing.assert_close(changed[TOKENS != 0], hidden[TOKENS != 0], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(changed_pooled, pooled, rtol=1e-12, atol=1e-12)


def test_a_new_model_has_the_papers_initial_weights():
    model = Bert(300, 60, 4, 1, 200, 50)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.1), name
        elif name.endswith("bias"):
            assert not parameter.any(), name


# Masking ------------------------------------------------------------------------------------------

SPECIAL = [0, 1, 2]
MASK_ID = 3


def draw(tokens, seed=0, rate=0.15):
    generator = torch.Generator().manual_seed(seed)
    return mask_tokens(tokens, MASK_ID, VOCAB, SPECIAL, generator, rate)


@pytest.fixture(scope="module")
def many() -> torch.Tensor:
    generator = torch.Generator().manual_seed(8)
    return torch.randint(0, VOCAB, (400, 500), generator=generator)


@pytest.mark.parametrize("rate", [0.15, 0.4])
def test_the_80_10_10_rule_holds_over_many_draws(many, rate):
    before = many.clone()
    inputs, labels = draw(many, rate=rate)
    assert torch.equal(many, before)
    special = torch.isin(many, torch.tensor(SPECIAL))
    chosen = labels != -100
    assert not chosen[special].any()
    assert torch.equal(labels[chosen], many[chosen])
    assert torch.equal(inputs[~chosen], many[~chosen])
    assert chosen[~special].double().mean().item() == pytest.approx(rate, abs=0.004)

    # A random token is the mask or the token itself once in VOCAB times each.
    inputs, originals = inputs[chosen], many[chosen]
    ordinary = originals != MASK_ID
    inputs, originals = inputs[ordinary], originals[ordinary]
    masked, same = inputs == MASK_ID, inputs == originals
    assert masked.double().mean().item() == pytest.approx(0.8 + 0.1 / VOCAB, abs=0.01)
    assert same.double().mean().item() == pytest.approx(0.1 + 0.1 / VOCAB, abs=0.01)
    others = inputs[~masked & ~same]
    counts = torch.bincount(others, minlength=VOCAB).double()
    assert counts[MASK_ID] == 0
    counts = torch.cat([counts[:MASK_ID], counts[MASK_ID + 1 :]]) / counts.sum()
    assert counts.max() < 1.6 / VOCAB
    assert counts.min() > 0.6 / VOCAB


def test_masking_is_the_generators_alone(many):
    first, again, other = (draw(many, seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_a_rate_of_zero_chooses_nothing_and_of_one_everything_ordinary():
    inputs, labels = draw(TOKENS, rate=0.0)
    assert torch.equal(inputs, TOKENS)
    assert (labels == -100).all()
    _, labels = draw(TOKENS, rate=1.0)
    assert torch.equal(labels != -100, ~torch.isin(TOKENS, torch.tensor(SPECIAL)))


def test_no_special_tokens_and_no_generator_are_allowed():
    _, labels = mask_tokens(TOKENS, MASK_ID, VOCAB, [], None, rate=1.0)
    assert torch.equal(labels, TOKENS)


# Loss and classifier ------------------------------------------------------------------------------


def test_the_loss_is_the_mean_over_chosen_positions():
    logits = torch.randn(2, 5, VOCAB, dtype=torch.float64)
    labels = torch.full((2, 5), -100)
    labels[0, 1], labels[1, 4], labels[1, 2] = 7, 0, 30
    surprise = -logits.log_softmax(-1)
    expected = (surprise[0, 1, 7] + surprise[1, 4, 0] + surprise[1, 2, 30]) / 3
    torch.testing.assert_close(masked_lm_loss(logits, labels), expected, rtol=1e-12, atol=0)


def test_a_classifier_reads_the_pooled_vector_and_trains_all_weights(random):
    model = random(SentenceClassifier(4, *SIZES, dropout=0.0))
    logits = model(TOKENS, SEGMENTS, padding_mask(TOKENS, 0))
    _, pooled = model.bert(TOKENS, SEGMENTS, padding_mask(TOKENS, 0))
    expected = pooled @ model.classifier.weight.T + model.classifier.bias
    torch.testing.assert_close(logits, expected, rtol=1e-12, atol=1e-12)
    assert logits.shape == (2, 4)
    F.cross_entropy(logits, torch.tensor([1, 3])).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert model.bert.embeddings.token.weight.grad[14].any()


def test_a_classifier_drops_out_in_training_only():
    model = SentenceClassifier(4, *SIZES, dropout=0.5).eval()
    torch.testing.assert_close(model(TOKENS), model(TOKENS), rtol=0, atol=0)
    model.bert.eval()
    model.dropout.train()
    assert not torch.allclose(model(TOKENS), model(TOKENS))


def test_it_survives_a_state_dict_and_a_change_of_precision():
    module, other = (SentenceClassifier(4, *SIZES).eval() for _ in range(2))
    other.load_state_dict(module.state_dict())
    torch.testing.assert_close(other(TOKENS), module(TOKENS), rtol=0, atol=0)
    exact = module.double()(TOKENS)
    assert exact.dtype == torch.float64
    torch.testing.assert_close(other(TOKENS).double(), exact, rtol=1e-4, atol=1e-5)
