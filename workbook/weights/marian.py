"""MarianMT, a production translator, in the course's own Transformer.

    translator = load(folder)                     # the files of Helsinki-NLP/opus-mt-en-es
    translator.translate(["This cat is very large."])

Of the paper's Transformer it differs in three things: SiLU in place of ReLU; a table of positions
whose first half are the sines and whose second half the cosines; and a bias on the logits. Layers
are post-norm, embeddings are shared by both languages and the head, and scaled by sqrt(d_model).
Padding begins a translation.

Sources: Junczys-Dowmunt et al., "Marian: fast neural machine translation in C++" (2018); Tiedemann
and Thottingal, "OPUS-MT" (2020); Kudo and Richardson, "SentencePiece" (2018).
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from workbook.tensor_file import model_tensors
from workbook.translator.assembly import Pieces, take
from workbook.translator.text import padded
from workbook.weights.published import fill, for_each_layer, read_published

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
FILES = ("config.json", "source.spm", "target.spm", "vocab.json")
_TIED = ("source_embedding.weight", "target_embedding.weight", "head.head.weight")
# Weights that repeat others, as some versions of the format have them.
_REPEATED = (r"model\.(encoder|decoder)\.embed_tokens\.weight", r"lm_head\.weight")
_ATTENTION = tuple(
    f"{name}_proj.{kind}" for name in ("q", "k", "v", "out") for kind in ("weight", "bias")
)


class NotMarian(ValueError):
    """The folder's settings are of another architecture; the message says which one."""


@dataclass(frozen=True)
class Shape:
    """What of `config.json` decides the architecture, in the course's words."""

    vocab_size: int
    d_model: int
    num_heads: int
    num_layers: int
    d_ff: int
    max_length: int
    activation: str
    pad_id: int
    eos_id: int
    start_id: int

    @classmethod
    def of(cls, config: dict[str, Any]) -> "Shape":
        """Raises NotMarian where the settings say something else than this file knows."""
        wanted = {
            "normalize_before": False,
            "normalize_embedding": False,
            "add_final_layer_norm": False,
            "scale_embedding": True,
            "static_position_embeddings": True,
        }
        other = {k: config[k] for k, want in wanted.items() if config.get(k, want) != want}
        for one, two in (
            ("encoder_layers", "decoder_layers"),
            ("encoder_ffn_dim", "decoder_ffn_dim"),
            ("encoder_attention_heads", "decoder_attention_heads"),
        ):
            if config.get(one) != config.get(two):
                other[two] = config.get(two)
        activation = {"swish": "silu"}.get(config.get("activation_function", ""), "")
        activation = activation or config.get("activation_function", "")
        try:
            shape = cls(
                vocab_size=config["vocab_size"],
                d_model=config["d_model"],
                num_heads=config["encoder_attention_heads"],
                num_layers=config["encoder_layers"],
                d_ff=config["encoder_ffn_dim"],
                max_length=config["max_position_embeddings"],
                activation=activation,
                pad_id=config["pad_token_id"],
                eos_id=config["eos_token_id"],
                start_id=config["decoder_start_token_id"],
            )
        except KeyError as error:
            raise NotMarian(f"config.json has no {error}; is it the one of a MarianMT?") from None
        if other:
            raise NotMarian(
                f"this MarianMT is built otherwise than opus-mt's ({other}); this loader knows "
                "theirs alone"
            )
        return shape


class HalvedPositions(nn.Module):
    """Marian's positions: sines in the first half of the features, cosines in the second.

    It stands where a Transformer has its `positions`, and does what those do. Buffer `table`
    (max_length, d_model).
    """

    def __init__(self, d_model: int, max_length: int, dropout: float = 0.0) -> None:
        super().__init__()
        half = math.ceil(d_model / 2)
        frequencies = 10000 ** (-2 * torch.arange(half, dtype=torch.float64) / d_model)
        angles = torch.arange(max_length, dtype=torch.float64)[:, None] * frequencies
        table = torch.cat([angles.sin(), angles[:, : d_model - half].cos()], 1)
        self.register_buffer("table", table.float())
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """x (batch, length, d_model) -> the same shape. Raises ValueError past max_length."""
        if x.size(1) > len(self.table):
            raise ValueError(f"{x.size(1)} positions are more than the table's {len(self.table)}")
        return self.dropout(x + self.table[: x.size(1)])


class BiasedHead(nn.Module):
    """A head whose logits get a bias: Marian's `final_logits_bias`, buffer `bias` (vocab,)."""

    def __init__(self, head: nn.Module, vocab_size: int) -> None:
        super().__init__()
        self.head = head
        self.register_buffer("bias", torch.zeros(vocab_size))

    def forward(self, x: Tensor) -> Tensor:
        """x (..., d_model) -> logits (..., vocab_size)."""
        return self.head(x) + self.bias


def assemble(Transformer: Callable[..., nn.Module], shape: Shape, dropout: float = 0.0):
    """A Transformer, the course's or a student's, built as a MarianMT: two of its parts changed,
    none of its code."""
    model = Transformer(
        shape.vocab_size,
        shape.vocab_size,
        shape.d_model,
        shape.num_heads,
        shape.num_layers,
        shape.d_ff,
        dropout=dropout,
        norm_first=False,
        activation=shape.activation,
        share_embeddings=True,
        pad_id=shape.pad_id,
        max_length=shape.max_length,
    )
    model.positions = HalvedPositions(shape.d_model, shape.max_length, dropout)
    model.head = BiasedHead(model.head, shape.vocab_size)
    return model


def copy_weights(model: nn.Module, tensors: dict[str, Tensor], num_layers: int) -> None:
    """Published tensors into a model that `assemble` built.

    Raises OtherWeights where they don't fit, with the model as it was, and KeyError for a model
    whose parameters have other names than the course's.
    """
    tensors = dict(tensors)
    if "final_logits_bias" in tensors:
        tensors["final_logits_bias"] = tensors["final_logits_bias"].flatten()
    own = model_tensors(model)
    mapping = {name: "model.shared.weight" for name in _TIED if name in own}
    mapping |= {
        "positions.table": "model.encoder.embed_positions.weight",
        "head.bias": "final_logits_bias",
    }
    mapping |= for_each_layer(_layer("encoder"), num_layers)
    mapping |= for_each_layer(_layer("decoder"), num_layers)
    unused = [*_REPEATED, r"model\.decoder\.embed_positions\.weight"]
    fill(model, tensors, mapping, unused)


def _layer(side: str) -> dict[str, str]:
    """One layer's names, ours to theirs."""
    ours, theirs = side + ".layers.{}.", f"model.{side}" + ".layers.{}."
    blocks = [("self_attention", "self_attn", "norm1", "self_attn_layer_norm")]
    if side == "decoder":
        blocks.append(("cross_attention", "encoder_attn", "norm2", "encoder_attn_layer_norm"))
    names = {}
    for attention, their_attention, norm, their_norm in blocks:
        for part in _ATTENTION:
            names[f"{ours}{attention}.{part}"] = f"{theirs}{their_attention}.{part}"
        for kind in ("weight", "bias"):
            names[f"{ours}{norm}.{kind}"] = f"{theirs}{their_norm}.{kind}"
    for kind in ("weight", "bias"):
        names[f"{ours}feed_forward.linear1.{kind}"] = f"{theirs}fc1.{kind}"
        names[f"{ours}feed_forward.linear2.{kind}"] = f"{theirs}fc2.{kind}"
        names[f"{ours}norm{len(blocks) + 1}.{kind}"] = f"{theirs}final_layer_norm.{kind}"
    return names


class MarianTokenizer:
    """Sub-words of a source and of a target language by sentencepiece, in one vocabulary."""

    def __init__(self, source: Any, target: Any, vocabulary: dict[str, int]) -> None:
        self._source, self._target = source, target
        self._ids = vocabulary
        self._pieces = {number: piece for piece, number in vocabulary.items()}
        self.eos_id, self.unk_id = vocabulary["</s>"], vocabulary["<unk>"]

    @classmethod
    def read(cls, folder: Path) -> "MarianTokenizer":
        """From `source.spm`, `target.spm` and `vocab.json`. Raises OSError."""
        from sentencepiece import SentencePieceProcessor

        vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        source, target = (
            SentencePieceProcessor(model_file=str(folder / f"{side}.spm"))
            for side in ("source", "target")
        )
        return cls(source, target, vocabulary)

    def encode(self, sentence: str) -> list[int]:
        """Ids of the source language's sub-words, `eos_id` at the end."""
        pieces = self._source.encode(sentence, out_type=str)
        return [*(self._ids.get(piece, self.unk_id) for piece in pieces), self.eos_id]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the target language's sub-words, up to the first `eos_id`; without what the
        vocabulary doesn't know, as Hugging Face leaves it out."""
        ids = list(ids)
        if self.eos_id in ids:
            ids = ids[: ids.index(self.eos_id)]
        left_out = ("<pad>", "</s>", "<unk>")
        pieces = [self._pieces[number] for number in ids if self._pieces[number] not in left_out]
        return self._target.decode_pieces(pieces)


class MarianTranslator:
    """A MarianMT in use, decoded by the pieces it was given."""

    def __init__(
        self, model: nn.Module, tokenizer: MarianTokenizer, shape: Shape, pieces: Pieces
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.shape = shape
        self.pieces = pieces

    @torch.no_grad()
    def translate(self, sentences: Sequence[str], beam_size: int = 4) -> list[str]:
        """Sentences into the other language; a beam of 1 is greedy."""
        device = next(self.model.parameters()).device
        most = self.shape.max_length
        rows = [self.tokenizer.encode(sentence)[-most:] for sentence in sentences]
        source = padded(rows, self.shape.pad_id).to(device)
        ends = (self.shape.start_id, self.shape.eos_id)
        length = min(most, 2 * source.size(1) + 10)
        if beam_size == 1:
            written = self.pieces.greedy_decode(self.model, source, length, *ends)
        else:
            written, _ = self.pieces.beam_search(self.model, source, length, *ends, beam_size)
        return [self.tokenizer.decode(row) for row in written.tolist()]


def load(folder: Path, pieces: Pieces | None = None) -> MarianTranslator:
    """The published translator in a folder, in the classes of these pieces (the course's where
    none are given).

    Raises FileNotFoundError, naming what is missing; NotMarian; NotWeights or OtherWeights for a
    file of weights that doesn't fit.
    """
    folder = Path(folder)
    pieces = pieces or take()
    weights = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    missing = [name for name in FILES if not (folder / name).is_file()]
    if weights is None:
        missing.append(" or ".join(WEIGHTS))
    if missing:
        raise FileNotFoundError(
            f"{folder} lacks {', '.join(missing)}; put the files of a MarianMT there, for "
            "example those of Helsinki-NLP/opus-mt-en-es"
        )
    shape = Shape.of(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    model = assemble(pieces.Transformer, shape)
    copy_weights(model, read_published(weights), shape.num_layers)
    never_written(model, shape.pad_id)
    return MarianTranslator(model, MarianTokenizer.read(folder), shape, pieces)


def never_written(model: nn.Module, token: int) -> None:
    """Forbid a token: padding begins a Marian translation and is never a part of it."""
    with torch.no_grad():
        model.head.bias[token] = -math.inf
