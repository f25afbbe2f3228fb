"""A MarianMT in the course's classes: against Hugging Face, and on files as they are published."""

import json

import pytest
import sentencepiece
import torch
from transformers import MarianConfig, MarianMTModel
from transformers import MarianTokenizer as TheirTokenizer

from workbook.corpus import phrasebook
from workbook.pieces import KVCache, Transformer, decode_step
from workbook.translator.assembly import take
from workbook.weights import marian
from workbook.weights.published import OtherWeights

PAD, EOS = 40, 0
SIZES = {
    "vocab_size": 41,
    "d_model": 24,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 3,
    "decoder_attention_heads": 3,
    "encoder_ffn_dim": 20,
    "decoder_ffn_dim": 20,
    "max_position_embeddings": 32,
    "pad_token_id": PAD,
    "eos_token_id": EOS,
    "decoder_start_token_id": PAD,
    "activation_function": "swish",
    "scale_embedding": True,
    "forced_eos_token_id": None,
}
SOURCE = torch.tensor([[5, 9, 17, 3, EOS], [8, 21, EOS, PAD, PAD], [30, 2, 11, EOS, PAD]])


@pytest.fixture
def theirs():
    """A random MarianMT of Hugging Face, with weights large enough to have preferences."""
    torch.manual_seed(4)
    model = MarianMTModel(MarianConfig(**SIZES)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "embed_positions" not in name:
                parameter.normal_(1.0 if "norm.weight" in name else 0.0, 0.25)
        model.final_logits_bias.normal_(0, 0.5)
    return model


def ours_of(theirs, Model=Transformer):
    shape = marian.Shape.of(theirs.config.to_dict())
    model = marian.assemble(Model, shape)
    marian.copy_weights(model, theirs.state_dict(), shape.num_layers)
    return model.eval()


def test_the_logits_are_hugging_faces(theirs):
    model = ours_of(theirs)
    target = torch.tensor([[PAD, 6, 7, 8], [PAD, 12, 13, 14], [PAD, 1, 2, 3]])
    with torch.no_grad():
        expected = theirs(
            input_ids=SOURCE, attention_mask=(SOURCE != PAD).long(), decoder_input_ids=target
        ).logits
        found = model(SOURCE, target)
    assert expected.std() > 0.5
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("beam_size", [1, 3, 4])
def test_the_translations_are_hugging_faces(theirs, beam_size):
    model, pieces = ours_of(theirs), take()
    options = {"length_penalty": 0.0, "early_stopping": True} if beam_size > 1 else {}
    expected = theirs.generate(
        input_ids=SOURCE,
        attention_mask=(SOURCE != PAD).long(),
        num_beams=beam_size,
        do_sample=False,
        max_new_tokens=9,
        **options,
    )[:, 1:]
    if beam_size == 1:
        found = pieces.greedy_decode(model, SOURCE, 9, PAD, EOS)
    else:
        found, _ = pieces.beam_search(model, SOURCE, 9, PAD, EOS, beam_size, 0.0)
    assert found.tolist() == expected.tolist()


def test_a_step_with_the_cache_gives_the_same_logits(theirs):
    model = ours_of(theirs)
    target = torch.tensor([[PAD, 6, 7, 8], [PAD, 12, 13, 14], [PAD, 1, 2, 3]])
    with torch.no_grad():
        memory, mask = model.encode(SOURCE)
        expected, cache = model.decode(target, memory, mask), KVCache(2)
        for position in range(4):
            found = decode_step(model, target[:, position], memory, mask, cache)
            torch.testing.assert_close(found, expected[:, position], rtol=1e-4, atol=1e-4)


def test_the_table_of_positions_is_hugging_faces(theirs):
    table = marian.HalvedPositions(24, 32).table
    torch.testing.assert_close(table, theirs.state_dict()["model.encoder.embed_positions.weight"])


def published_names(layers=6, vocab=65001, d=512, d_ff=2048, positions=512):
    """Names and shapes of Helsinki-NLP/opus-mt-en-es's `pytorch_model.bin`."""
    shapes = {"final_logits_bias": (1, vocab), "model.shared.weight": (vocab, d)}
    for side in ("encoder", "decoder"):
        shapes[f"model.{side}.embed_tokens.weight"] = (vocab, d)
        shapes[f"model.{side}.embed_positions.weight"] = (positions, d)
        for number in range(layers):
            layer = f"model.{side}.layers.{number}"
            attentions = ["self_attn"] + (["encoder_attn"] if side == "decoder" else [])
            for attention in attentions:
                for part in ("k_proj", "v_proj", "q_proj", "out_proj"):
                    shapes[f"{layer}.{attention}.{part}.weight"] = (d, d)
                    shapes[f"{layer}.{attention}.{part}.bias"] = (d,)
                shapes[f"{layer}.{attention}_layer_norm.weight"] = (d,)
                shapes[f"{layer}.{attention}_layer_norm.bias"] = (d,)
            shapes[f"{layer}.fc1.weight"], shapes[f"{layer}.fc1.bias"] = (d_ff, d), (d_ff,)
            shapes[f"{layer}.fc2.weight"], shapes[f"{layer}.fc2.bias"] = (d, d_ff), (d,)
            shapes[f"{layer}.final_layer_norm.weight"] = (d,)
            shapes[f"{layer}.final_layer_norm.bias"] = (d,)
    return shapes


def test_the_published_names_and_shapes_fit():
    config = MarianConfig(
        vocab_size=65001, d_model=512, encoder_layers=6, decoder_layers=6,
        encoder_attention_heads=8, decoder_attention_heads=8, encoder_ffn_dim=2048,
        decoder_ffn_dim=2048, max_position_embeddings=512, pad_token_id=65000, eos_token_id=0,
        decoder_start_token_id=65000, activation_function="swish", scale_embedding=True,
    )  # fmt: skip
    shape = marian.Shape.of(config.to_dict())
    tensors = {name: torch.empty(size, device="meta") for name, size in published_names().items()}
    with torch.device("meta"):
        model = marian.assemble(Transformer, shape)
    marian.copy_weights(model, tensors, shape.num_layers)
    counted = {**tensors, "model.encoder.embed_tokens.weight": torch.empty(0)}
    kept = [t for n, t in counted.items() if "embed_" not in n and n != "final_logits_bias"]
    assert sum(p.numel() for p in model.parameters()) == sum(t.numel() for t in kept)
    del tensors["model.decoder.layers.5.fc2.bias"]
    with pytest.raises(OtherWeights, match=r"model.decoder.layers.5.fc2.bias"):
        marian.copy_weights(model, tensors, shape.num_layers)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A published folder in small: a pickle of weights, two sentencepiece models, a vocabulary."""
    folder = tmp_path_factory.mktemp("opus-mt-en-es")
    pairs = phrasebook.load_phrasebook("test")[:400]
    for side, sentences in (
        ("source", [p.english for p in pairs]),
        ("target", [p.spanish for p in pairs]),
    ):
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences), model_prefix=str(folder / side), vocab_size=300,
            minloglevel=2, hard_vocab_limit=False,
        )  # fmt: skip
        (folder / f"{side}.model").rename(folder / f"{side}.spm")
        (folder / f"{side}.vocab").unlink()
    pieces = ["</s>", "<unk>"]
    for side in ("source", "target"):
        model = sentencepiece.SentencePieceProcessor(model_file=str(folder / f"{side}.spm"))
        pieces += [model.id_to_piece(number) for number in range(3, model.get_piece_size())]
    pieces = [*dict.fromkeys(pieces), "<pad>"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    pad = len(pieces) - 1
    sizes = SIZES | {
        "vocab_size": len(pieces), "pad_token_id": pad, "decoder_start_token_id": pad
    }  # fmt: skip
    torch.manual_seed(7)
    config = MarianConfig(**sizes)
    model = MarianMTModel(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "embed_positions" not in name and "norm" not in name:
                parameter.normal_(0, 0.3)
    (folder / "config.json").write_text(json.dumps(config.to_dict()), encoding="utf-8")
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return folder


@pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses:UserWarning")
def test_the_tokenizer_is_hugging_faces(folder):
    ours = marian.MarianTokenizer.read(folder)
    theirs = TheirTokenizer(
        str(folder / "source.spm"), str(folder / "target.spm"), str(folder / "vocab.json")
    )
    # Of these letters, some are not in what the tiny vocabulary was made of.
    strange = phrasebook.Pair("Žižek saw a £ sign.", "Žižek vio un signo de £.", (), "")
    for pair in [*phrasebook.load_phrasebook("test")[:40], strange]:
        ids = theirs(pair.english).input_ids
        assert ours.encode(pair.english) == ids
        spanish = theirs(text_target=pair.spanish).input_ids
        assert ours.decode(spanish) == theirs.decode(spanish, skip_special_tokens=True)


@pytest.mark.parametrize("beam_size", [1, 2])
def test_a_published_folder_translates_as_hugging_face_does(folder, beam_size):
    translator = marian.load(folder)
    theirs = MarianMTModel.from_pretrained(folder).eval()
    sentences = ["This cat is very large.", "Where is the bank?"]
    rows = [translator.tokenizer.encode(sentence) for sentence in sentences]
    found = translator.translate(sentences, beam_size)
    assert all(isinstance(each, str) for each in found)
    for row, mine in zip(rows, found, strict=True):
        if beam_size == 1:
            longest = max(map(len, rows))
            expected = theirs.generate(
                input_ids=torch.tensor([row]), do_sample=False, num_beams=1,
                max_new_tokens=min(32, 2 * longest + 10),
                bad_words_ids=[[translator.shape.pad_id]],
            )[0, 1:]  # fmt: skip
            assert mine == translator.tokenizer.decode(expected.tolist())


def test_a_folder_that_lacks_files_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"source.spm.*model.safetensors or pytorch"):
        marian.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"normalize_before": True}, "normalize_before"),
        ({"decoder_layers": 5}, "decoder_layers"),
    ],
)
def test_another_architecture_is_refused(change, told):
    config = MarianConfig(**SIZES).to_dict() | change
    with pytest.raises(marian.NotMarian, match=told):
        marian.Shape.of(config)
    del config["d_model"]
    with pytest.raises(marian.NotMarian, match="d_model"):
        marian.Shape.of(config)


def test_too_long_a_sentence_is_refused_by_the_positions():
    with pytest.raises(ValueError, match="33 positions"):
        marian.HalvedPositions(24, 32)(torch.zeros(1, 33, 24))


def test_a_students_transformer_takes_the_weights(theirs):
    class Mine(Transformer):
        """Tied the other way round, as a student may write it."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            table = self.target_embedding
            del self.source_embedding, self.target_embedding
            self.target_embedding = self.source_embedding = table

    model = ours_of(theirs, Mine)
    with torch.no_grad():
        expected = ours_of(theirs)(SOURCE, SOURCE)
        torch.testing.assert_close(model(SOURCE, SOURCE), expected)
