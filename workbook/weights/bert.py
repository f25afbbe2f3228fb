"""The published `bert-base-uncased` in a `Bert`, the course's or a student's, and blanks filled.

    from workbook.weights import bert

    reader = bert.load(bert.fetch())
    reader.fill_blank("i arrived at the [MASK] after crossing the river .")

Source of names and sizes: the checkpoint of Devlin et al. (2019) as Hugging Face publishes it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbook import pieces
from workbook.weights import fetching
from workbook.weights.published import fill, for_each_layer, read_published

NAME = "bert-base-uncased"
BASE = {
    "vocab_size": 30522,
    "d_model": 768,
    "num_heads": 12,
    "num_layers": 12,
    "d_ff": 3072,
    "max_length": 512,
}

_OUTSIDE_THE_LAYERS = {
    "embeddings.token.weight": "embeddings.word_embeddings.weight",
    "embeddings.segment.weight": "embeddings.token_type_embeddings.weight",
    "embeddings.position.weight": "embeddings.position_embeddings.weight",
    "embeddings.norm.weight": "embeddings.LayerNorm.weight",
    "embeddings.norm.bias": "embeddings.LayerNorm.bias",
    "pooler.weight": "pooler.dense.weight",
    "pooler.bias": "pooler.dense.bias",
}
_IN_A_LAYER = {
    "self_attention.q_proj": "attention.self.query",
    "self_attention.k_proj": "attention.self.key",
    "self_attention.v_proj": "attention.self.value",
    "self_attention.out_proj": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "feed_forward.linear1": "intermediate.dense",
    "feed_forward.linear2": "output.dense",
    "norm2": "output.LayerNorm",
}
_HEAD = {
    "transform.weight": "cls.predictions.transform.dense.weight",
    "transform.bias": "cls.predictions.transform.dense.bias",
    "norm.weight": "cls.predictions.transform.LayerNorm.weight",
    "norm.bias": "cls.predictions.transform.LayerNorm.bias",
    "bias": "cls.predictions.bias",
}
# What some files hold besides: positions counted up, next-sentence prediction, and the head's
# matrix, which is the word embeddings once more.
_UNUSED = (
    r"embeddings\.position_ids",
    r"cls\.seq_relationship\.(weight|bias)",
    r"cls\.predictions\.decoder\.(weight|bias)",
)


def mapping(num_layers: int) -> dict[str, str]:
    """For each parameter of `Bert`, its published name, without the `bert.` in front."""
    layer = {
        f"encoder.layers.{{}}.{ours}.{kind}": f"encoder.layer.{{}}.{theirs}.{kind}"
        for ours, theirs in _IN_A_LAYER.items()
        for kind in ("weight", "bias")
    }
    return {**_OUTSIDE_THE_LAYERS, **for_each_layer(layer, num_layers)}


def today(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Published tensors under the names of today: the norms' old `gamma` and `beta` become `weight`
    and `bias`, and a `bert.` in front is left out."""
    renamed = {}
    for name, tensor in tensors.items():
        name = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", name)
        name = re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name)
        renamed[name.removeprefix("bert.")] = tensor
    return renamed


def fill_bert(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Put published tensors into a `Bert` of the same sizes; a head among them is passed over.

    Raises OtherWeights, with what is missing, left over and of another shape.
    """
    layers = len(model.encoder.layers)
    fill(model, today(tensors), mapping(layers), (*_UNUSED, r"cls\.predictions\..*"))


class MaskedWords(nn.Module):
    """A `bert` and the head that fills blanks: `transform`, GELU, `norm`, and then the word
    embeddings once more as the last matrix, with a `bias` of its own."""

    def __init__(self, bert: nn.Module) -> None:
        super().__init__()
        vocab_size, d_model = bert.embeddings.token.weight.shape
        self.bert = bert
        self.transform = nn.Linear(d_model, d_model)
        self.norm = pieces.LayerNorm(d_model, eps=1e-12)
        self.bias = nn.Parameter(torch.zeros(vocab_size))

    def forward(
        self, tokens: Tensor, segments: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """The arguments of `Bert` -> logits (batch, length, vocab_size)."""
        hidden, _ = self.bert(tokens, segments, mask)
        hidden = self.norm(F.gelu(self.transform(hidden)))
        return hidden @ self.bert.embeddings.token.weight.T + self.bias

    def fill(self, tensors: Mapping[str, Tensor]) -> None:
        """Put published tensors in, those of the head (`cls.predictions.…`) too.

        Raises OtherWeights, with what is missing, left over and of another shape.
        """
        names = {f"bert.{ours}": theirs for ours, theirs in self._body().items()} | _HEAD
        fill(self, today(tensors), names, _UNUSED)

    def _body(self) -> dict[str, str]:
        return mapping(len(self.bert.encoder.layers))


@dataclass
class Reader:
    """A masked-words model with its tokenizer, ready to be asked."""

    model: MaskedWords
    tokenizer: Any

    @torch.no_grad()
    def fill_blank(self, sentence: str, count: int = 5) -> list[tuple[str, float]]:
        """The likeliest tokens for the first `[MASK]` of a sentence, and their probabilities.

        Raises ValueError for a sentence without `[MASK]`, or one that is too long.
        """
        encoded = self.tokenizer.encode(sentence)
        if "[MASK]" not in encoded.tokens:
            raise ValueError(f"write [MASK] where a word is to be guessed; got {sentence!r}")
        device = self.model.bias.device
        tokens = torch.tensor([encoded.ids], device=device)
        place = encoded.tokens.index("[MASK]")
        best = self.model(tokens)[0, place].softmax(-1).topk(count)
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [(self.tokenizer.id_to_token(number), share) for number, share in pairs]


def wordpiece(vocab: Path) -> Any:
    """BERT's tokenizer, uncased, from a `vocab.txt`: a token a line, its id the number of the line
    from 0. Sentences come out as [CLS] … [SEP]. Raises OSError where the file can't be read."""
    from tokenizers.implementations import BertWordPieceTokenizer

    lines = Path(vocab).read_text(encoding="utf-8").splitlines()
    return BertWordPieceTokenizer(
        {token: number for number, token in enumerate(lines)}, lowercase=True
    )


def is_here() -> bool:
    """Whether the published files have been fetched."""
    return fetching.model(NAME).is_here


def fetch(say: Callable[[str], None] = print, progress: bool | None = None) -> Path:
    """Bring the published files (441 MB), unless they are here; their folder. Raises CannotFetch
    with what to do instead."""
    return fetching.fetch_weights(fetching.model(NAME), say, progress)


def load(
    folder: Path,
    bert: Callable[..., nn.Module] = pieces.Bert,
    device: torch.device | str = "cpu",
    **sizes: int,
) -> Reader:
    """The published weights in a `Bert`: the course's, or the class that is passed.

    folder: with `vocab.txt`, and `model.safetensors` or `pytorch_model.bin`. sizes: those that
    differ from BERT base's.

    Raises OSError for a missing file, NotWeights for a damaged one, OtherWeights for another model.
    """
    folder = Path(folder)
    found = [folder / name for name in ("model.safetensors", "pytorch_model.bin")]
    path = next((path for path in found if path.is_file()), found[0])
    model = MaskedWords(bert(**BASE | sizes))
    model.fill(read_published(path))
    return Reader(model.to(device).eval(), wordpiece(folder / "vocab.txt"))
