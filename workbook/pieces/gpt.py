"""Lesson 08: write what comes next.

Sources: Radford et al., "Language models are unsupervised multitask learners" (2019), GPT-2; Brown
et al., "Language models are few-shot learners" (2020), GPT-3; Holtzman et al., "The curious case of
neural text degeneration" (2020), for top-p.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from workbook.pieces.decoder import causal_mask
from workbook.pieces.dot_product_attention import scaled_dot_product_attention
from workbook.pieces.encoder import EncoderLayer, LayerNorm
from workbook.pieces.multi_head_attention import (
    MultiHeadAttention,
    heads_of,
    merge_heads,
    split_heads,
)


class GPT(nn.Module):
    """A decoder without cross-attention: encoder layers under a causal mask.

    `token` and `position` (embeddings), `layers` (pre-norm, tanh-GELU, d_ff = 4 d_model), `norm`;
    the logits are read with `token`'s own weight. As in GPT-2, matrices start normal with deviation
    0.02, those that write into the residual stream with 0.02 / sqrt(2 num_layers), biases at zero.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        num_heads: int,
        num_layers: int,
        context_length: int,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.token = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(context_length, d_model)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            EncoderLayer(d_model, num_heads, 4 * d_model, dropout, activation="gelu_tanh")
            for _ in range(num_layers)
        )
        self.norm = LayerNorm(d_model)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                writes = name.endswith(("out_proj.weight", "linear2.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * num_layers if writes else 1))

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens (batch, length) -> logits (batch, length, vocab_size) of each next token.

        Raises ValueError past context_length.
        """
        length, longest = tokens.size(-1), self.position.num_embeddings
        if length > longest:
            raise ValueError(
                f"the sequence has {length} tokens and the context {longest}; "
                "shorten the sequence or build the model with a larger context_length"
            )
        x = self.dropout(self.token(tokens) + self.position.weight[:length])
        mask = causal_mask(length).to(x.device)
        for layer in self.layers:
            x = layer(x, mask)
        return F.linear(self.norm(x), self.token.weight)


def next_token_loss(logits: Tensor, tokens: Tensor, pad_id: int | None = None) -> Tensor:
    """Cross-entropy of each position's logits with the token after it, the mean over real ones.

    logits (batch, length, vocab_size), tokens (batch, length), length at least 2 -> scalar. With
    `pad_id`, targets that are padding are left out.
    """
    targets = tokens[:, 1:].flatten()
    ignored = -100 if pad_id is None else pad_id
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), targets, ignore_index=ignored)


def sample_next(
    logits: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw one token from each row of logits.

    logits (..., vocab_size) -> token ids (...). In this order, as in Hugging Face: divide by the
    temperature (0 takes the most likely token), keep the `top_k` most likely (and those that tie
    with the last), keep of what is left the most likely until their sum reaches `top_p`: the token
    that crosses it stays. Raises ValueError for a temperature below 0, a top_k below 1 or a top_p
    outside 0 to 1.
    """
    if temperature < 0:
        raise ValueError(f"temperature is 0 (greedy) or more; got {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k keeps at least 1 token; got {top_k}")
    if top_p is not None and not 0 <= top_p <= 1:
        raise ValueError(f"top_p is a probability, from 0 to 1; got {top_p}")
    if temperature == 0:
        return logits.argmax(-1)
    logits = logits / temperature
    if top_k is not None:
        weakest = logits.topk(min(top_k, logits.size(-1))).values[..., -1:]
        logits = logits.masked_fill(logits < weakest, -math.inf)
    if top_p is not None and top_p < 1:
        ranked, order = logits.sort(descending=True, dim=-1)
        probabilities = ranked.softmax(-1)
        before = probabilities.cumsum(-1) - probabilities
        beyond = before >= top_p
        beyond[..., 0] = False  # top_p = 0 still has to leave one token
        logits = logits.masked_fill(beyond.gather(-1, order.argsort(-1)), -math.inf)
    probabilities = logits.softmax(-1)
    if generator is not None:
        probabilities = probabilities.to(generator.device)
    drawn = torch.multinomial(probabilities.reshape(-1, logits.size(-1)), 1, generator=generator)
    return drawn.view(logits.shape[:-1]).to(logits.device)


class KVCache:
    """The keys and values of the positions already read, for each layer of a decoder."""

    def __init__(self, num_layers: int) -> None:
        self._keys: list[Tensor | None] = [None] * num_layers
        self._values: list[Tensor | None] = [None] * num_layers

    @property
    def length(self) -> int:
        """The positions read so far, as the first layer has them: it is the first to know."""
        return 0 if self._keys[0] is None else self._keys[0].size(-2)

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """key and value (batch, num_heads, new, d_head) -> all of this layer's keys and values,
        (batch, num_heads, length, d_head) each, the new ones last."""
        keys, values = self._keys[layer], self._values[layer]
        self._keys[layer] = key if keys is None else torch.cat([keys, key], dim=-2)
        self._values[layer] = value if values is None else torch.cat([values, value], dim=-2)
        return self._keys[layer], self._values[layer]


def cached_attention(
    attention: MultiHeadAttention, x: Tensor, cache: KVCache, layer: int
) -> tuple[Tensor, Tensor]:
    """Causal self-attention of one new position, with the keys and values of those before it.

    attention: an existing module with `q_proj`, `k_proj`, `v_proj`, `out_proj`. x (batch, 1,
    d_model), the new position; `cache` gains its key and value in `layer` -> output (batch, 1,
    d_model), weights (batch, num_heads, 1, length): what `attention` gives that position in the
    whole sequence. For use in eval mode: attention weights are not dropped. Raises ValueError for
    more than one position, among which a causal mask would be needed.
    """
    if x.size(1) != 1:
        raise ValueError(f"one new position at a time, (batch, 1, d_model); got {tuple(x.shape)}")
    num_heads = heads_of(attention)
    keys, values = cache.append(
        layer,
        split_heads(attention.k_proj(x), num_heads),
        split_heads(attention.v_proj(x), num_heads),
    )
    query = split_heads(attention.q_proj(x), num_heads)
    heads, weights = scaled_dot_product_attention(query, keys, values)
    return attention.out_proj(merge_heads(heads)), weights


@torch.no_grad()
def generate(
    model: Callable[[Tensor], Tensor],
    prompt: Tensor,
    max_new_tokens: int,
    eos_id: int | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Continue each prompt, one sampled token at a time.

    model: tokens (batch, length) -> logits (batch, length, vocab_size); put a module in eval mode
    first. It is given the whole sequence at every step, so that any model will do. prompt (batch,
    length) -> (batch, length + at most max_new_tokens), the prompt first, as in Hugging Face. A row
    stops after its own new `eos_id` and is padded with it; writing ends when all rows have. The
    rest is `sample_next`'s.
    """
    tokens = prompt
    running = torch.ones(prompt.size(0), dtype=torch.bool, device=prompt.device)
    for _ in range(max_new_tokens):
        chosen = sample_next(model(tokens)[:, -1], temperature, top_k, top_p, generator)
        if eos_id is not None:
            chosen = chosen.where(running, eos_id)
            running = chosen != eos_id
        tokens = torch.cat([tokens, chosen.unsqueeze(1)], dim=1)
        if not running.any():
            break
    return tokens


def gpt_parameters(num_layers: int, d_model: int, vocab_size: int, context_length: int) -> int:
    """The number of parameters of a `GPT`, its head tied to its embedding.

    124,439,808 for GPT-2 small (12, 768, 50257, 1024).
    """
    embeddings = (vocab_size + context_length) * d_model
    attention = 4 * d_model * (d_model + 1)
    feed_forward = 8 * d_model * d_model + 5 * d_model
    norm = 2 * d_model
    return embeddings + num_layers * (attention + feed_forward + 2 * norm) + norm
