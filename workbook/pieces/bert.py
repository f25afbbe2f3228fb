"""Lesson 07: read in both directions, by guessing the words that were hidden.

Source: Devlin et al., "BERT: pre-training of deep bidirectional Transformers for language
understanding" (2019).
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbook.pieces.encoder import Encoder, LayerNorm

_EPS = 1e-12
_NOT_CHOSEN = -100


class BertEmbeddings(nn.Module):
    """Token + segment + position embeddings, then norm, then dropout.

    Sub-modules `token`, `segment`, `position` (embeddings, normal with deviation 0.02 at first) and
    `norm`.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        max_length: int,
        num_segments: int = 2,
        dropout: float = 0.1,
        eps: float = _EPS,
    ) -> None:
        super().__init__()
        self.token = nn.Embedding(vocab_size, d_model)
        self.segment = nn.Embedding(num_segments, d_model)
        self.position = nn.Embedding(max_length, d_model)
        self.norm = LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)
        for embedding in (self.token, self.segment, self.position):
            nn.init.normal_(embedding.weight, std=0.02)

    def forward(self, tokens: Tensor, segments: Tensor | None = None) -> Tensor:
        """tokens (batch, length), segments of the same shape, all 0 where they are not given
        -> (batch, length, d_model). Raises ValueError past max_length."""
        length, longest = tokens.size(-1), self.position.num_embeddings
        if length > longest:
            raise ValueError(
                f"the sequence has {length} tokens and there are {longest} positions; "
                "shorten the sequence or build the module with a larger max_length"
            )
        if segments is None:
            segments = torch.zeros_like(tokens)
        positions = self.position.weight[:length]
        return self.dropout(self.norm(self.token(tokens) + self.segment(segments) + positions))


def mask_tokens(
    tokens: Tensor,
    mask_id: int,
    vocab_size: int,
    special_ids: Iterable[int],
    generator: torch.Generator | None,
    rate: float = 0.15,
) -> tuple[Tensor, Tensor]:
    """Choose tokens to guess: the 80/10/10 rule of masked-language-model pre-training.

    tokens (batch, length) -> inputs, labels, both of that shape. Each token that is not special is
    chosen with probability `rate`, on its own. Of the chosen, 80 % become `mask_id`, 10 % any token
    of the vocabulary, 10 % stay. Labels hold the chosen tokens and -100 elsewhere.
    """
    device = tokens.device
    source = device if generator is None else generator.device

    def draw() -> Tensor:
        return torch.rand(tokens.shape, generator=generator, device=source).to(device)

    special = torch.isin(tokens, torch.tensor(list(special_ids), dtype=tokens.dtype, device=device))
    chosen = (draw() < rate) & ~special
    fate = draw()
    others = torch.randint(vocab_size, tokens.shape, generator=generator, device=source)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.9), others.to(device, tokens.dtype), inputs)
    return inputs, torch.where(chosen, tokens, _NOT_CHOSEN)


class Bert(nn.Module):
    """`embeddings`, a post-norm `encoder` with exact GELU and eps 1e-12, and a `pooler` (a linear).

    All matrices start normal with deviation 0.02 and all biases at zero, as in the paper's code.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        num_heads: int,
        num_layers: int,
        d_ff: int,
        max_length: int,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.embeddings = BertEmbeddings(vocab_size, d_model, max_length, dropout=dropout)
        self.encoder = Encoder(
            num_layers,
            d_model,
            num_heads,
            d_ff,
            dropout,
            norm_first=False,
            activation="gelu",
            eps=_EPS,
        )
        self.pooler = nn.Linear(d_model, d_model)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)
        nn.init.zeros_(self.pooler.bias)

    def forward(
        self, tokens: Tensor, segments: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """tokens and segments (batch, length), mask broadcast against (batch, heads, length,
        length), as `padding_mask` gives it -> hidden (batch, length, d_model), pooled (batch,
        d_model): tanh of `pooler` on the first token's hidden state. Raises ValueError past
        max_length."""
        hidden = self.encoder(self.embeddings(tokens, segments), mask)
        return hidden, torch.tanh(self.pooler(hidden[:, 0]))


def masked_lm_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy, the mean over the chosen positions, those whose label is not -100.

    logits (batch, length, vocab_size), labels (batch, length) -> scalar. As `F.cross_entropy`, NaN
    where nothing was chosen.
    """
    return F.cross_entropy(logits.flatten(0, -2), labels.flatten(), ignore_index=_NOT_CHOSEN)


class SentenceClassifier(nn.Module):
    """One class for each sentence: `bert`, then dropout and `classifier` (a linear) on `pooled`."""

    def __init__(
        self,
        num_classes: int,
        vocab_size: int,
        d_model: int,
        num_heads: int,
        num_layers: int,
        d_ff: int,
        max_length: int,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.bert = Bert(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(d_model, num_classes)
        nn.init.normal_(self.classifier.weight, std=0.02)
        nn.init.zeros_(self.classifier.bias)

    def forward(
        self, tokens: Tensor, segments: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """The arguments of `Bert` -> logits (batch, num_classes)."""
        _, pooled = self.bert(tokens, segments, mask)
        return self.classifier(self.dropout(pooled))
