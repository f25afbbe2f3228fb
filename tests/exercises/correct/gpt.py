"""Right answers to lesson 08."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from tests.exercises.correct import variant
from workbook import pieces
from workbook.pieces import Encoder, EncoderLayer, LayerNorm, causal_mask, merge_heads, split_heads
from workbook.pieces import scaled_dot_product_attention as course_attention

# ---- GPT


@variant("GPT", "a loop over the layers, F.linear with the table")
class GPT(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1):
        super().__init__()
        self.token = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(context_length, d_model)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            EncoderLayer(d_model, num_heads, 4 * d_model, dropout, activation="gelu_tanh")
            for _ in range(num_layers)
        )
        self.norm = LayerNorm(d_model)
        nn.init.normal_(self.token.weight, std=0.02)
        nn.init.normal_(self.position.weight, std=0.02)

    def forward(self, tokens):
        length = tokens.size(1)
        if length > self.position.num_embeddings:
            raise ValueError(f"{length} tokens are more than the context")
        places = torch.arange(length, device=tokens.device)
        x = self.dropout(self.token(tokens) + self.position(places))
        mask = causal_mask(length).to(tokens.device)
        for layer in self.layers:
            x = layer(x, mask)
        return F.linear(self.norm(x), self.token.weight)


@variant("GPT", "a head tied by assignment, GPT-2's own start, torch's layer norm")
class _(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1):
        super().__init__()
        self.context_length = context_length
        self.norm = nn.LayerNorm(d_model)
        self.position = nn.Embedding(context_length, d_model)
        self.token = nn.Embedding(vocab_size, d_model)
        self.head = nn.Linear(d_model, vocab_size, bias=False)
        self.head.weight = self.token.weight
        self.layers = nn.ModuleList()
        for _ in range(num_layers):
            self.layers.append(
                EncoderLayer(d_model, num_heads, d_model * 4, dropout, True, "gelu_tanh", 1e-5)
            )
        self.drop = nn.Dropout(dropout)
        self.apply(self._start)
        for name, parameter in self.named_parameters():
            if name.endswith(("out_proj.weight", "linear2.weight")):
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * num_layers))

    @staticmethod
    def _start(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, tokens):
        length = tokens.size(1)
        if length > self.context_length:
            raise ValueError
        x = self.drop(self.token(tokens) + self.position.weight[None, :length])
        mask = torch.tril(torch.ones(length, length, dtype=torch.bool, device=x.device))
        for layer in self.layers:
            x = layer(x, mask[None, None])
        return self.head(self.norm(x))


@variant("GPT", "an Encoder's parts, a product with the table transposed, a mask made once")
class _(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, context_length, dropout=0.1):
        super().__init__()
        self.token = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(context_length, d_model)
        for table in (self.token, self.position):
            with torch.no_grad():
                table.weight.mul_(0.02)
        self.p = dropout
        encoder = Encoder(
            num_layers, d_model, num_heads, 4 * d_model, dropout, activation="gelu_tanh"
        )
        self.layers, self.norm = encoder.layers, encoder.norm
        self.register_buffer("mask", causal_mask(context_length), persistent=False)

    def forward(self, tokens):
        length = tokens.size(-1)
        if not length <= len(self.position.weight):
            raise ValueError("too long")
        x = self.token(tokens)
        x = x + self.position(torch.arange(length, device=x.device).expand_as(tokens))
        x = F.dropout(x, self.p, self.training)
        for layer in self.layers:
            x = layer(x, self.mask[:, :, :length, :length])
        return self.norm(x) @ self.token.weight.T


@variant("GPT", "inherited, the error in a method of its own")
class _(GPT):
    def forward(self, tokens):
        self.check(tokens)
        return super().forward(tokens)

    def check(self, tokens):
        if tokens.shape[1] > self.position.weight.shape[0]:
            raise ValueError(f"at most {self.position.weight.shape[0]} tokens")


# ---- next_token_loss


@variant("next_token_loss", "one cross_entropy")
def next_token_loss(logits, tokens, pad_id=None):
    targets = tokens[:, 1:].reshape(-1)
    kept = logits[:, :-1].reshape(-1, logits.size(-1))
    return F.cross_entropy(kept, targets, ignore_index=-100 if pad_id is None else pad_id)


@variant("next_token_loss", "log-softmax and gather")
def _(logits, tokens, pad_id=None):
    targets = tokens[:, 1:]
    losses = -logits[:, :-1].log_softmax(-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    if pad_id is None:
        return losses.mean()
    real = targets != pad_id
    return (losses * real).sum() / real.sum()


@variant("next_token_loss", "classes in the second dimension, if and else")
def _(logits, tokens, pad_id=None):
    predictions = logits[:, :-1, :].transpose(1, 2)
    if pad_id is not None:
        return F.cross_entropy(predictions, tokens[:, 1:], ignore_index=pad_id)
    return F.cross_entropy(predictions, tokens[:, 1:])


@variant("next_token_loss", "only the real positions picked out")
def _(logits, tokens, pad_id=None):
    logits, targets = logits[:, :-1], tokens[:, 1:]
    real = torch.ones_like(targets, dtype=torch.bool) if pad_id is None else targets != pad_id
    return F.cross_entropy(logits[real], targets[real])


@variant("next_token_loss", "a loop over sentences and words")
def _(logits, tokens, pad_id=None):
    losses = []
    for sentence, scores in zip(tokens.tolist(), logits.log_softmax(-1), strict=True):
        for place, target in enumerate(sentence[1:]):
            if target != pad_id:
                losses.append(-scores[place, target])
    return torch.stack(losses).mean()


# ---- sample_next


@variant("sample_next", "masks and one multinomial, by scatter")
def sample_next(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None:
        kth = logits.topk(min(top_k, logits.size(-1)), dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < kth, -math.inf)
    if top_p is not None:
        ordered, order = logits.sort(dim=-1, descending=True)
        probabilities = ordered.softmax(-1)
        drop = probabilities.cumsum(-1) - probabilities >= top_p
        drop[:, 0] = False
        logits = logits.masked_fill(torch.zeros_like(drop).scatter(-1, order, drop), -math.inf)
    return torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze(-1)


@variant("sample_next", "in the sorted order, looked up at the end; probabilities left as they are")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature == 0:
        return torch.argmax(logits, -1)
    probabilities, order = torch.sort((logits / temperature).softmax(-1), descending=True)
    if top_k:
        probabilities = probabilities.clone()
        probabilities[:, top_k:] = 0
        probabilities = probabilities / probabilities.sum(-1, keepdim=True)
    if top_p is not None:
        before = torch.cumsum(probabilities, -1) - probabilities
        keep = before < top_p
        keep[:, 0] = True
        probabilities = probabilities * keep  # multinomial needs no sum of 1
    place = torch.multinomial(probabilities, num_samples=1, generator=generator)
    return order.gather(-1, place)[:, 0]


@variant("sample_next", "Gumbel's noise and an argmax")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature == 0.0:
        return logits.max(dim=-1).indices
    z = logits / temperature
    if top_k is not None:
        indices = z.topk(min(top_k, z.shape[-1])).indices
        z = torch.full_like(z, -math.inf).scatter(-1, indices, z.gather(-1, indices))
    if top_p is not None and top_p < 1:
        ranked, order = z.sort(-1, descending=True)
        reached = ranked.softmax(-1).cumsum(-1) >= top_p
        drop = reached.roll(1, -1)
        drop[..., 0] = False
        z = torch.where(drop.gather(-1, order.argsort(-1)), -math.inf, z)
    uniform = torch.rand(z.shape, generator=generator, dtype=z.dtype).to(z.device)
    return (z - torch.log(-torch.log(uniform))).argmax(-1)


@variant("sample_next", "a loop over the rows and the running sum")
def _(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature == 0:
        return torch.tensor([int(row.argmax()) for row in logits], device=logits.device)
    points = torch.rand(len(logits), generator=generator).tolist()
    chosen = []
    for row, point in zip((logits / temperature).tolist(), points, strict=True):
        order = sorted(range(len(row)), key=lambda token: -row[token])[:top_k]
        weights = [math.exp(row[token] - row[order[0]]) for token in order]
        total, kept, running = sum(weights), [], 0.0
        for token, weight in zip(order, weights, strict=True):
            kept.append((token, weight))
            running += weight / total
            if top_p is not None and running >= top_p:
                break
        mark, place = point * sum(weight for _, weight in kept), 0
        while mark > kept[place][1] and place < len(kept) - 1:
            mark -= kept[place][1]
            place += 1
        chosen.append(kept[place][0])
    return torch.tensor(chosen, device=logits.device)


# ---- KVCache


@variant("KVCache", "two lists and torch.cat")
class KVCache:
    def __init__(self, num_layers):
        self.keys = [None] * num_layers
        self.values = [None] * num_layers

    def append(self, layer, key, value):
        if self.keys[layer] is not None:
            key = torch.cat([self.keys[layer], key], dim=2)
            value = torch.cat([self.values[layer], value], dim=2)
        self.keys[layer], self.values[layer] = key, value
        return key, value

    @property
    def length(self):
        return 0 if self.keys[0] is None else self.keys[0].shape[2]


@variant("KVCache", "a dictionary; the length is that of the last layer")
class _:
    def __init__(self, num_layers):
        self.num_layers = num_layers
        self.store = {}

    def append(self, layer, key, value):
        if layer in self.store:
            old_key, old_value = self.store[layer]
            key, value = torch.cat((old_key, key), -2), torch.cat((old_value, value), -2)
        self.store[layer] = (key, value)
        return self.store[layer]

    @property
    def length(self):
        last = self.store.get(self.num_layers - 1)
        return last[0].size(2) if last else 0


@variant("KVCache", "a number that is kept, and joined only when asked")
class _:
    def __init__(self, num_layers):
        self.length = 0
        self.pairs = [[] for _ in range(num_layers)]

    def append(self, layer, key, value):
        self.pairs[layer].append((key, value))
        if layer == 0:
            self.length += key.size(-2)
        keys, values = zip(*self.pairs[layer], strict=True)
        return [torch.cat(keys, dim=-2), torch.cat(values, dim=-2)]


@variant("KVCache", "memory that doubles when it is full")
class _:
    def __init__(self, num_layers):
        self.memory = [None] * num_layers
        self.used = [0] * num_layers

    def append(self, layer, key, value):
        start = self.used[layer]
        end = start + key.size(-2)
        memory = self.memory[layer]
        if memory is None or memory.size(-2) < end:
            room = key.new_zeros(2, *key.shape[:2], 2 * end, key.size(-1))
            if memory is not None:
                room[..., :start, :] = memory[..., :start, :]
            self.memory[layer] = memory = room
        memory[0, :, :, start:end], memory[1, :, :, start:end] = key, value
        self.used[layer] = end
        return memory[0, :, :, :end], memory[1, :, :, :end]

    @property
    def length(self):
        return min(self.used)


# ---- cached_attention


@variant("cached_attention", "project, split, append, attend, merge")
def cached_attention(attention, x, cache, layer):
    query = split_heads(attention.q_proj(x), attention.num_heads)
    key = split_heads(attention.k_proj(x), attention.num_heads)
    value = split_heads(attention.v_proj(x), attention.num_heads)
    keys, values = cache.append(layer, key, value)
    heads, weights = course_attention(query, keys, values)
    return attention.out_proj(merge_heads(heads)), weights


@variant("cached_attention", "views and products, the softmax written out")
def _(attention, x, cache, layer):
    batch, _, d_model = x.shape
    heads = attention.num_heads
    q, k, v = (
        projection(x).view(batch, 1, heads, d_model // heads).transpose(1, 2)
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    k, v = cache.append(layer, k, v)
    weights = (q @ k.transpose(-2, -1) / math.sqrt(d_model // heads)).softmax(dim=-1)
    out = (weights @ v).transpose(1, 2).reshape(batch, 1, d_model)
    return attention.out_proj(out), weights


@variant("cached_attention", "einsum, a mask that allows everything")
def _(attention, x, cache, layer):
    q = attention.q_proj(x).unflatten(-1, (attention.num_heads, -1)).permute(0, 2, 1, 3)
    k = attention.k_proj(x).unflatten(-1, (attention.num_heads, -1)).permute(0, 2, 1, 3)
    v = attention.v_proj(x).unflatten(-1, (attention.num_heads, -1)).permute(0, 2, 1, 3)
    keys, values = cache.append(layer, k, v)
    mask = causal_mask(keys.size(2))[:, :, -1:]
    scores = torch.einsum("bhqd,bhkd->bhqk", q, keys) * q.size(-1) ** -0.5
    weights = scores.masked_fill(~mask, -math.inf).softmax(-1)
    heads = torch.einsum("bhqk,bhkd->bqhd", weights, values).flatten(-2)
    return attention.out_proj(heads), weights


@variant("cached_attention", "the last row of the causal mask, from the cache's own length")
def _(attention, x, cache, layer):
    query, key, value = (
        split_heads(projection(x), attention.num_heads)
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    keys, values = cache.append(layer, key, value)
    mask = causal_mask(cache.length)[:, :, -1:]
    heads, weights = course_attention(query, keys, values, mask)
    return attention.out_proj(merge_heads(heads)), weights


# ---- generate


@variant("generate", "a mask of the rows that have ended")
@torch.no_grad()
def generate(
    model,
    prompt,
    max_new_tokens,
    eos_id=None,
    temperature=1.0,
    top_k=None,
    top_p=None,
    generator=None,
):
    tokens = prompt
    ended = torch.zeros(prompt.size(0), dtype=torch.bool, device=prompt.device)
    for _ in range(max_new_tokens):
        logits = model(tokens)[:, -1]
        chosen = pieces.sample_next(logits, temperature, top_k, top_p, generator)
        if eos_id is not None:
            chosen = torch.where(ended, eos_id, chosen)
            ended = ended | (chosen == eos_id)
        tokens = torch.cat([tokens, chosen[:, None]], dim=1)
        if ended.all():
            break
    return tokens


@variant("generate", "written into a table made beforehand, cut at the end")
def _(
    model,
    prompt,
    max_new_tokens,
    eos_id=None,
    temperature=1.0,
    top_k=None,
    top_p=None,
    generator=None,
):
    batch, length = prompt.shape
    text = prompt.new_zeros(batch, length + max_new_tokens)
    text[:, :length] = prompt
    alive = [True] * batch
    model.eval()
    for at in range(length, length + max_new_tokens):
        if not any(alive):
            return text[:, :at]
        with torch.no_grad():
            logits = model(text[:, :at])
        new = pieces.sample_next(logits[:, -1, :], temperature, top_k, top_p, generator)
        for row in range(batch):
            text[row, at] = new[row] if alive[row] else eos_id
            if eos_id is not None and text[row, at] == eos_id:
                alive[row] = False
    return text


@variant("generate", "looks for a new end in what was written, collects columns")
def _(
    model,
    prompt,
    max_new_tokens,
    eos_id=None,
    temperature=1.0,
    top_k=None,
    top_p=None,
    generator=None,
):
    columns = []
    while len(columns) < max_new_tokens:
        text = torch.cat([prompt, *columns], dim=1)
        with torch.inference_mode():
            logits = model(text)[:, -1]
        new = pieces.sample_next(
            logits,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            generator=generator,
        )[:, None].clone()
        if eos_id is not None:
            done = (torch.cat([*columns, new], 1) == eos_id).any(1, keepdim=True)
            new = new.masked_fill(done, eos_id)
        columns.append(new)
        if eos_id is not None and bool(done.all()):
            break
    return torch.cat([prompt, *columns], dim=1)


# ---- gpt_parameters


@variant("gpt_parameters", "part by part")
def gpt_parameters(num_layers, d_model, vocab_size, context_length):
    tables = vocab_size * d_model + context_length * d_model
    attention = 4 * (d_model * d_model + d_model)
    feed_forward = d_model * 4 * d_model + 4 * d_model + 4 * d_model * d_model + d_model
    norm = 2 * d_model
    return tables + num_layers * (attention + feed_forward + 2 * norm) + norm


@variant("gpt_parameters", "one formula")
def _(num_layers, d_model, vocab_size, context_length):
    layer = 12 * d_model**2 + 13 * d_model
    return (vocab_size + context_length) * d_model + num_layers * layer + 2 * d_model


@variant("gpt_parameters", "a list of shapes, lesson 03's function for the attention")
def _(num_layers, d_model, vocab_size, context_length):
    shapes = [(vocab_size, d_model), (context_length, d_model), (d_model,), (d_model,)]
    layer = [(4 * d_model, d_model), (4 * d_model,), (d_model, 4 * d_model), (d_model,)]
    layer += 4 * [(d_model,)]
    count = sum(math.prod(shape) for shape in shapes)
    inside = sum(math.prod(shape) for shape in layer) + pieces.attention_parameters(d_model, 1)
    return int(count + num_layers * inside)
