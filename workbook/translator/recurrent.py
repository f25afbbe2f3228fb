"""The translator that there was before the Transformer: two recurrent networks, with attention
between them or without.

It has the Transformer's interface, so that the same loop trains it, the same search decodes it, and
the two can be compared at equal size, data and time.

Sources: Cho et al., "Learning phrase representations using RNN encoder–decoder" (2014); Bahdanau,
Cho and Bengio, "Neural machine translation by jointly learning to align and translate" (2015).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class RecurrentTranslator(nn.Module):
    """A bidirectional GRU reads, a GRU writes.

    Without attention the writer sees the source through one vector, where it begins. With
    attention each of its states also asks the reader's states, by `additive_attention`'s score
    v . tanh(q W_q + k W_k), for what it needs next.

    d_model: of the embeddings and of all states; even, because the reader's two directions share
    it. One table embeds both languages and is the head.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        num_layers: int = 1,
        attention: bool = True,
        dropout: float = 0.0,
        pad_id: int = 0,
    ) -> None:
        super().__init__()
        if d_model % 2:
            raise ValueError(f"two directions share d_model, so it is even; got {d_model}")
        self.pad_id = pad_id
        self.attention = attention
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.dropout = nn.Dropout(dropout)
        options = {"batch_first": True, "dropout": dropout if num_layers > 1 else 0.0}
        self.reader = nn.GRU(d_model, d_model // 2, num_layers, bidirectional=True, **options)
        self.writer = nn.GRU(d_model, d_model, num_layers, **options)
        if attention:
            self.q_proj = nn.Linear(d_model, d_model, bias=False)
            self.k_proj = nn.Linear(d_model, d_model, bias=False)
            self.score = nn.Linear(d_model, 1, bias=False)
            self.mixer = nn.Linear(2 * d_model, d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        self.head.weight = self.embedding.weight
        nn.init.normal_(self.embedding.weight, std=1 / math.sqrt(d_model))

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """source (B, S), padded -> memory (B, L + S, d_model), of the last states of the reader's L
        layers and its states at every token, and memory_mask (B, 1, 1, S), True at real tokens."""
        real = source != self.pad_id
        lengths = real.sum(1).clamp(min=1).cpu()
        embedded = self.dropout(self.embedding(source) * math.sqrt(self.embedding.embedding_dim))
        # Packed, so that the backward direction begins at each sentence's own end.
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        states, last = self.reader(packed)
        states, _ = pad_packed_sequence(states, batch_first=True, total_length=source.size(1))
        layers = last.unflatten(0, (-1, 2)).permute(2, 0, 1, 3).flatten(2)  # (B, L, d_model)
        return torch.cat([layers, states], 1), real[:, None, None]

    def decode(self, target_in: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        """target_in (B, T), what `encode` returned -> logits (B, T, vocab_size)."""
        layers = self.writer.num_layers
        first, states = memory[:, :layers], memory[:, layers:]
        embedded = self.dropout(self.embedding(target_in) * math.sqrt(self.embedding.embedding_dim))
        written, _ = self.writer(embedded, first.transpose(0, 1).contiguous())
        if self.attention:
            query, key = self.q_proj(written).unsqueeze(2), self.k_proj(states).unsqueeze(1)
            scores = self.score(torch.tanh(query + key)).squeeze(-1)  # (B, T, S)
            weights = scores.masked_fill(~memory_mask.squeeze(1), -math.inf).softmax(-1)
            written = torch.tanh(self.mixer(torch.cat([weights @ states, written], -1)))
        return self.head(self.dropout(written))

    def forward(self, source: Tensor, target_in: Tensor) -> Tensor:
        """source (B, S), target_in (B, T) -> logits (B, T, vocab_size)."""
        return self.decode(target_in, *self.encode(source))
