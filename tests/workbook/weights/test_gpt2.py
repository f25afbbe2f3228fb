"""The published GPT-2: its names and shapes in full size, its values in a small one."""

import json
import math

import pytest
import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel

from workbook.pieces import GPT, gpt_parameters
from workbook.weights import fetching, gpt2
from workbook.weights.published import OtherWeights

SMALL = {
    "vocab_size": 50257,
    "d_model": 768,
    "num_heads": 12,
    "num_layers": 12,
    "context_length": 1024,
}
SIZES = (31, 12, 3, 2, 9)
TOKENS = torch.tensor([[3, 14, 15, 9, 26], [5, 3, 5, 8, 9]])


def as_published(vocab_size, d_model, num_layers, context_length):
    """Names and shapes of every tensor in the published file, written out from its listing."""
    d = d_model
    shapes = {"wte.weight": (vocab_size, d), "wpe.weight": (context_length, d)}
    shapes |= {"ln_f.weight": (d,), "ln_f.bias": (d,)}
    for n in range(num_layers):
        shapes |= {
            f"h.{n}.ln_1.weight": (d,),
            f"h.{n}.ln_1.bias": (d,),
            f"h.{n}.attn.bias": (1, 1, context_length, context_length),
            f"h.{n}.attn.c_attn.weight": (d, 3 * d),
            f"h.{n}.attn.c_attn.bias": (3 * d,),
            f"h.{n}.attn.c_proj.weight": (d, d),
            f"h.{n}.attn.c_proj.bias": (d,),
            f"h.{n}.ln_2.weight": (d,),
            f"h.{n}.ln_2.bias": (d,),
            f"h.{n}.mlp.c_fc.weight": (d, 4 * d),
            f"h.{n}.mlp.c_fc.bias": (4 * d,),
            f"h.{n}.mlp.c_proj.weight": (4 * d, d),
            f"h.{n}.mlp.c_proj.bias": (d,),
        }
    return shapes


@pytest.fixture
def twin():
    """A random GPT-2 of Hugging Face's, in float64."""
    torch.manual_seed(3)
    vocab_size, d_model, num_heads, num_layers, context_length = SIZES
    config = GPT2Config(
        vocab_size=vocab_size,
        n_embd=d_model,
        n_head=num_heads,
        n_layer=num_layers,
        n_positions=context_length,
        bos_token_id=None,
        eos_token_id=None,
    )
    model = GPT2LMHeadModel(config).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    return model


def tensors_of(twin, prefix="transformer."):
    """A state dict as Hugging Face writes it, with or without the prefix."""
    found = {name: tensor.contiguous().clone() for name, tensor in twin.state_dict().items()}
    return {
        name.removeprefix("transformer.") if not prefix else name: tensor
        for name, tensor in found.items()
    }


@pytest.fixture
def ours():
    return GPT(*SIZES, dropout=0.0).double().eval()


@pytest.mark.parametrize("prefix", ["transformer.", ""])
def test_the_logits_are_those_of_hugging_faces_model(ours, twin, prefix, tmp_path):
    tensors = tensors_of(twin, prefix)
    if not prefix:  # as `gpt2` itself: no head, and the mask that older versions stored
        del tensors["lm_head.weight"]
        tensors["h.0.attn.bias"] = torch.ones(1, 1, 9, 9).tril()
        tensors["h.1.attn.masked_bias"] = torch.tensor(-1e4)
    path = tmp_path / "model.safetensors"
    save_file(tensors, path)
    gpt2.load(ours, path)
    with torch.no_grad():
        torch.testing.assert_close(ours(TOKENS), twin(TOKENS).logits, rtol=1e-10, atol=1e-10)


def test_the_full_size_has_exactly_the_published_names_and_shapes():
    with torch.device("meta"):
        model = GPT(**SMALL)
        tensors = {
            name: torch.empty(shape) for name, shape in as_published(50257, 768, 12, 1024).items()
        }
    assert len(tensors) == 160
    gpt2.load(model, tensors)
    sizes = (SMALL[name] for name in ("num_layers", "d_model", "vocab_size", "context_length"))
    counted = sum(parameter.numel() for parameter in model.parameters())
    assert counted == gpt_parameters(*sizes) == 124_439_808


def test_other_weights_are_refused_with_lists_and_nothing_is_changed(ours, twin):
    tensors = tensors_of(twin, "")
    del tensors["h.1.attn.c_attn.bias"]
    tensors["h.2.ln_1.weight"] = torch.ones(12)
    tensors["wpe.weight"] = torch.zeros(8, 12)
    before = {name: value.clone() for name, value in ours.state_dict().items()}
    with pytest.raises(OtherWeights) as refused:
        gpt2.load(ours, tensors)
    assert refused.value.missing == ["h.1.attn.c_attn.bias"]
    assert refused.value.left_over == ["h.2.ln_1.weight"]
    assert len(refused.value.misshapen) == 1
    assert "wpe.weight" in refused.value.misshapen[0]
    for name, value in ours.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_head_of_its_own_is_refused(ours, twin):
    tensors = tensors_of(twin)
    tensors["lm_head.weight"] = tensors["lm_head.weight"] + 1
    with pytest.raises(ValueError, match="head of their own"):
        gpt2.load(ours, tensors)


def test_the_tokenizer_reads_gpt_2s_two_files(tmp_path):
    letters = ["a", "b", "Ġ", "ab", "Ġab"]
    (tmp_path / "vocab.json").write_text(json.dumps({word: n for n, word in enumerate(letters)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b\nĠ ab\n")
    words = gpt2.tokenizer(tmp_path)
    assert words.encode("ab ab").ids == [3, 4]
    assert words.decode([3, 4]) == "ab ab"


def test_without_the_files_the_tokenizer_says_how_to_get_them(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"vocab\.json.*fetch\(\)"):
        gpt2.tokenizer(tmp_path)


def test_what_can_be_fetched_is_what_is_read():
    listed = {file.name: file for file in fetching.model("gpt2").files}
    assert list(listed) == ["vocab.json", "merges.txt", "model.safetensors"]
    shapes = as_published(50257, 768, 12, 1024).values()
    numbers = sum(math.prod(shape) for shape in shapes)
    header = listed["model.safetensors"].size - 4 * numbers
    assert 0 < header < 20_000


def test_fetching_brings_the_model_of_the_list(monkeypatch, tmp_path):
    asked = []

    def bring(model, say, progress):
        asked.append(model)
        return tmp_path

    monkeypatch.setattr(fetching, "fetch_weights", bring)
    assert gpt2.fetch() == tmp_path
    assert asked == [fetching.model("gpt2")]
