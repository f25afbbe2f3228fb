"""BERT's published names and shapes, and a blank filled as Hugging Face's model fills it."""

import pytest
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForPreTraining, BertTokenizer

from workbook.pieces import Bert, padding_mask
from workbook.weights import bert
from workbook.weights.published import OtherWeights

SIZES = {"vocab_size": 37, "d_model": 12, "num_heads": 3, "num_layers": 2, "d_ff": 20}
SIZES |= {"max_length": 16}


def config(**sizes) -> BertConfig:
    return BertConfig(
        vocab_size=sizes["vocab_size"],
        hidden_size=sizes["d_model"],
        num_attention_heads=sizes["num_heads"],
        num_hidden_layers=sizes["num_layers"],
        intermediate_size=sizes["d_ff"],
        max_position_embeddings=sizes["max_length"],
    )


def published_names(layers: int) -> list[str]:
    """The names in the published file, written down here by hand: norms are gamma and beta, and the
    head's matrix, which is tied, isn't stored."""
    names = [
        f"bert.embeddings.{name}"
        for name in (
            "word_embeddings.weight",
            "position_embeddings.weight",
            "token_type_embeddings.weight",
            "LayerNorm.gamma",
            "LayerNorm.beta",
        )
    ]
    for layer in range(layers):
        for part in (
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
            "attention.output.dense",
            "intermediate.dense",
            "output.dense",
        ):
            names += [f"bert.encoder.layer.{layer}.{part}.{kind}" for kind in ("weight", "bias")]
        for part in ("attention.output", "output"):
            names += [
                f"bert.encoder.layer.{layer}.{part}.LayerNorm.{kind}" for kind in ("gamma", "beta")
            ]
    names += ["bert.pooler.dense.weight", "bert.pooler.dense.bias", "cls.predictions.bias"]
    names += [f"cls.predictions.transform.dense.{kind}" for kind in ("weight", "bias")]
    names += [f"cls.predictions.transform.LayerNorm.{kind}" for kind in ("gamma", "beta")]
    return [*names, "cls.seq_relationship.weight", "cls.seq_relationship.bias"]


def old(name: str) -> str:
    return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
        "LayerNorm.bias", "LayerNorm.beta"
    )


@pytest.fixture
def theirs():
    torch.manual_seed(4)
    model = BertForPreTraining(config(**SIZES)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    return model


@pytest.fixture
def tensors(theirs):
    """What a published file would hold of it."""
    state = {old(name): tensor.clone() for name, tensor in theirs.state_dict().items()}
    return {name: state[name] for name in published_names(SIZES["num_layers"])}


TOKENS = torch.tensor([[3, 14, 15, 9, 26], [5, 3, 5, 0, 0]])
SEGMENTS = torch.tensor([[0, 0, 1, 1, 1], [0, 1, 1, 0, 0]])


def test_the_full_size_has_the_published_names_and_shapes():
    with torch.device("meta"):
        twin = BertForPreTraining(BertConfig())  # its defaults are those of BERT base
        state = {old(name): tensor for name, tensor in twin.state_dict().items()}
        tensors = {name: state[name] for name in published_names(12)}
        model = bert.MaskedWords(Bert(**bert.BASE))
        model.fill(tensors)
        assert sum(p.numel() for p in model.bert.parameters()) == 109_482_240
        del tensors["bert.encoder.layer.7.output.LayerNorm.beta"]
        tensors["bert.encoder.layer.12.output.dense.bias"] = torch.empty(768)
        with pytest.raises(OtherWeights) as refused:
            model.fill(tensors)
    assert refused.value.missing == ["encoder.layer.7.output.LayerNorm.bias"]
    assert refused.value.left_over == ["encoder.layer.12.output.dense.bias"]
    assert refused.value.misshapen == []


def test_filled_it_predicts_as_hugging_faces_does(theirs, tensors):
    model = bert.MaskedWords(Bert(**SIZES)).eval()
    model.fill(tensors)
    mask = padding_mask(TOKENS, 0)
    with torch.no_grad():
        logits = model(TOKENS, SEGMENTS, mask)
        wanted = theirs(
            TOKENS, attention_mask=(TOKENS != 0).long(), token_type_ids=SEGMENTS
        ).prediction_logits
    real = TOKENS != 0
    torch.testing.assert_close(logits[real], wanted[real], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("prefix", ["bert.", ""])
@pytest.mark.parametrize("names", ["old", "new"])
@pytest.mark.parametrize("head", ["with a head", "without"])
def test_a_bert_is_filled_from_any_of_the_published_forms(theirs, prefix, names, head):
    state = theirs.bert.state_dict() if head == "without" else theirs.state_dict()
    state = {name.removeprefix("bert."): tensor for name, tensor in state.items()}
    renamed = {}
    for name, tensor in state.items():
        name = old(name) if names == "old" else name
        renamed[name if name.startswith("cls.") else prefix + name] = tensor
    model = Bert(**SIZES).eval()
    bert.fill_bert(model, renamed)
    with torch.no_grad():
        wanted = theirs.bert(TOKENS, token_type_ids=SEGMENTS)
        hidden, pooled = model(TOKENS, SEGMENTS)
    torch.testing.assert_close(hidden, wanted.last_hidden_state, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(pooled, wanted.pooler_output, rtol=1e-4, atol=1e-5)


def test_weights_of_another_size_are_refused_by_name(tensors):
    with pytest.raises(OtherWeights) as refused:
        bert.MaskedWords(Bert(**SIZES | {"d_ff": 21})).fill(tensors)
    assert len(refused.value.misshapen) == 2 * 3  # of each layer: linear1's two, linear2's weight
    assert "intermediate.dense.weight (20, 12), for bert.encoder" in str(refused.value)
    assert refused.value.missing == refused.value.left_over == []


def test_a_head_is_asked_for_where_blanks_are_to_be_filled(theirs):
    with pytest.raises(OtherWeights) as refused:
        bert.MaskedWords(Bert(**SIZES)).fill(theirs.bert.state_dict())
    assert len(refused.value.missing) == 5
    assert all(name.startswith("cls.predictions.") for name in refused.value.missing)


# The tokenizer, and a blank ----------------------------------------------------------------------

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"the a cat bank of river is play".split()]
WORDS += ["##ing", "##s", "cafe", ".", ",", "?", "'", "t", "don"]
WORDS += [f"w{number}" for number in range(SIZES["vocab_size"] - len(WORDS))]
SENTENCES = ["The cats of the river?", "A [MASK] is playing.", "CAFÉ, don't; 猫 the  bank"]


@pytest.fixture
def folder(tmp_path, tensors):
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    save_file(tensors, tmp_path / "model.safetensors")
    return tmp_path


@pytest.mark.parametrize("sentence", SENTENCES)
def test_words_are_cut_as_hugging_face_cuts_them(folder, sentence):
    theirs = BertTokenizer(str(folder / "vocab.txt"))
    assert (
        bert.wordpiece(folder / "vocab.txt").encode(sentence).ids == theirs(sentence)["input_ids"]
    )


@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_a_blank_is_filled_as_hugging_faces_model_fills_it(folder, theirs, tensors, file):
    if file == "pytorch_model.bin":
        (folder / "model.safetensors").unlink()
        torch.save(tensors, folder / file)
    reader = bert.load(folder, **SIZES)
    found = reader.fill_blank("the [MASK] of the bank.", count=3)
    tokens = torch.tensor([reader.tokenizer.encode("the [MASK] of the bank.").ids])
    with torch.no_grad():
        wanted = theirs(tokens).prediction_logits[0, 2].softmax(-1).topk(3)
    assert [word for word, _ in found] == [WORDS[number] for number in wanted.indices.tolist()]
    assert [share for _, share in found] == pytest.approx(wanted.values.tolist(), rel=1e-4)


def test_a_class_of_the_students_own_is_filled(folder):
    class Mine(Bert):
        pass

    assert type(bert.load(folder, bert=Mine, **SIZES).model.bert) is Mine


def test_a_sentence_without_a_blank_is_answered(folder):
    with pytest.raises(ValueError, match=r"write \[MASK\] where"):
        bert.load(folder, **SIZES).fill_blank("the bank")
