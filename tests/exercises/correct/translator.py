"""Right answers to lesson 09."""

import math
from collections import Counter

import torch
import torch.nn.functional as F
from torch import nn

from tests.exercises.correct import variant
from workbook.pieces import (
    Decoder,
    Encoder,
    OutputHead,
    PositionalEncoding,
    cached_attention,
    causal_mask,
    clip_gradients_,
    merge_heads,
    padding_mask,
    residual,
    scaled_dot_product_attention,
    split_heads,
)
from workbook.pieces import label_smoothing_loss as course_loss

# ---- Transformer


@variant("Transformer", "as the paper draws it")
class Transformer(nn.Module):
    def __init__(
        self,
        source_vocab,
        target_vocab,
        d_model,
        num_heads,
        num_layers,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        share_embeddings=False,
        pad_id=0,
        max_length=512,
    ):
        super().__init__()
        if share_embeddings and source_vocab != target_vocab:
            raise ValueError("two sizes")
        self.pad_id, self.d_model = pad_id, d_model
        self.source_embedding = nn.Embedding(source_vocab, d_model)
        self.target_embedding = nn.Embedding(target_vocab, d_model)
        if share_embeddings:
            self.target_embedding = self.source_embedding
        self.positions = PositionalEncoding(d_model, max_length, dropout)
        stack = num_layers, d_model, num_heads, d_ff, dropout, norm_first, activation
        self.encoder, self.decoder = Encoder(*stack), Decoder(*stack)
        self.head = OutputHead(d_model, target_vocab)
        self.head.weight = self.target_embedding.weight
        nn.init.normal_(self.source_embedding.weight, std=d_model**-0.5)
        nn.init.normal_(self.target_embedding.weight, std=d_model**-0.5)

    def encode(self, source):
        mask = padding_mask(source, self.pad_id)
        x = self.positions(math.sqrt(self.d_model) * self.source_embedding(source))
        return self.encoder(x, mask), mask

    def decode(self, target_in, memory, memory_mask):
        x = self.positions(math.sqrt(self.d_model) * self.target_embedding(target_in))
        mask = causal_mask(target_in.size(1)).to(target_in.device)
        return self.head(self.decoder(x, memory, mask, memory_mask))

    def forward(self, source, target_in):
        memory, memory_mask = self.encode(source)
        return self.decode(target_in, memory, memory_mask)


@variant("Transformer", "head first, and the embedding tied to it; masks by hand; uniform weights")
class _(nn.Module):
    def __init__(
        self,
        source_vocab,
        target_vocab,
        d_model,
        num_heads,
        num_layers,
        d_ff,
        dropout=0.1,
        norm_first=True,
        activation="relu",
        share_embeddings=False,
        pad_id=0,
        max_length=512,
    ):
        super().__init__()
        self.head = OutputHead(d_model, target_vocab)
        options = {"dropout": dropout, "norm_first": norm_first, "activation": activation}
        self.decoder = Decoder(num_layers, d_model, num_heads, d_ff, **options)
        self.encoder = Encoder(num_layers, d_model, num_heads, d_ff, **options)
        self.positions = PositionalEncoding(d_model, dropout=dropout, max_length=max_length)
        self.target_embedding = nn.Embedding(target_vocab, d_model)
        self.target_embedding.weight = self.head.weight
        if share_embeddings:
            if source_vocab != target_vocab:
                raise ValueError("share_embeddings takes one vocabulary")
            self.source_embedding = self.target_embedding
        else:
            self.source_embedding = nn.Embedding(source_vocab, d_model)
            with torch.no_grad():
                self.source_embedding.weight.div_(d_model**0.5)
        self.pad_id = pad_id

    def _embed(self, table, tokens):
        return self.positions(table(tokens) * table.weight.size(1) ** 0.5)

    def encode(self, source):
        mask = (source != self.pad_id).unsqueeze(1).unsqueeze(1)
        return self.encoder(self._embed(self.source_embedding, source), mask=mask), mask

    def decode(self, target_in, memory, memory_mask):
        n = target_in.shape[1]
        seen = torch.tril(torch.ones(n, n, device=target_in.device)).bool()[None, None]
        x = self._embed(self.target_embedding, target_in)
        x = self.decoder(x, memory, self_mask=seen, cross_mask=memory_mask)
        return F.linear(x, self.target_embedding.weight)

    def forward(self, source, target_in):
        return self.decode(target_in, *self.encode(source))


@variant("Transformer", "tied by a property of forward's own, keyword arguments")
class _(Transformer):
    def forward(self, source, target_in):
        memory, memory_mask = self.encode(source=source)
        return self.decode(target_in=target_in, memory=memory, memory_mask=memory_mask)


# ---- label_smoothing_loss


@variant("label_smoothing_loss", "one cross_entropy")
def label_smoothing_loss(logits, targets, pad_id, smoothing=0.1):
    return F.cross_entropy(
        logits.reshape(-1, logits.size(-1)),
        targets.reshape(-1),
        ignore_index=pad_id,
        label_smoothing=smoothing,
    )


@variant("label_smoothing_loss", "written out, real tokens picked first")
def _(logits, targets, pad_id, smoothing=0.1):
    real = targets != pad_id
    logs = torch.log_softmax(logits[real], dim=-1)
    right = logs.gather(1, targets[real].unsqueeze(1)).squeeze(1)
    return -((1 - smoothing) * right + smoothing * logs.mean(-1)).mean()


@variant("label_smoothing_loss", "a table of smoothed targets")
def _(logits, targets, pad_id, smoothing=0.1):
    vocab = logits.size(-1)
    q = F.one_hot(targets, vocab).to(logits.dtype) * (1 - smoothing) + smoothing / vocab
    losses = -(q * logits.log_softmax(-1)).sum(-1)
    real = (targets != pad_id).to(logits.dtype)
    return (losses * real).sum() / real.sum()


@variant("label_smoothing_loss", "the vocabulary moved to second place")
def _(logits, targets, pad_id, smoothing=0.1):
    losses = nn.CrossEntropyLoss(ignore_index=pad_id, label_smoothing=smoothing, reduction="none")
    moved = logits if logits.ndim == 2 else logits.movedim(-1, 1)
    return losses(moved, targets).sum() / (targets != pad_id).sum()


# ---- warmup_rate


@variant("warmup_rate", "the paper's formula")
def warmup_rate(step, d_model, warmup):
    step = max(step, 1)
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)


@variant("warmup_rate", "if and else")
def _(step, d_model, warmup):
    if step == 0:
        step = 1
    if step < warmup:
        return step / (math.sqrt(d_model) * warmup * math.sqrt(warmup))
    return 1 / math.sqrt(d_model * step)


@variant("warmup_rate", "of the peak")
def _(step, d_model, warmup):
    peak = 1 / math.sqrt(d_model * warmup)
    step = step or 1
    return peak * min(step / warmup, math.sqrt(warmup / step))


# ---- train_step


@variant("train_step", "line by line")
def train_step(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
    optimizer.zero_grad()
    logits = model(batch.source, batch.target_in)
    loss = course_loss(logits, batch.target_out, model.pad_id, smoothing)
    loss.backward()
    clip_gradients_(model.parameters(), max_norm)
    optimizer.step()
    if scheduler is not None:
        scheduler.step()
    return loss.item(), (batch.target_out != model.pad_id).sum().item()


@variant("train_step", "gradients cleared at the end, torch's clipping, model.train()")
def _(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
    model.train()
    count = int(batch.target_out.ne(model.pad_id).sum())
    loss = course_loss(
        model.forward(batch.source, batch.target_in), batch.target_out, model.pad_id, smoothing
    )
    model.zero_grad(set_to_none=False)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(list(model.parameters()), max_norm)
    optimizer.step()
    optimizer.zero_grad()
    if scheduler:
        scheduler.step()
    return float(loss.detach()), count


@variant("train_step", "encode and decode, clipping by hand")
def _(model, batch, optimizer, scheduler=None, smoothing=0.1, max_norm=1.0):
    memory, mask = model.encode(batch.source)
    loss = course_loss(
        model.decode(batch.target_in, memory, mask), batch.target_out, model.pad_id, smoothing
    )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    norm = torch.sqrt(sum((g**2).sum() for g in grads))
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    optimizer.step()
    _ = scheduler.step() if scheduler is not None else None
    tokens = [t for row in batch.target_out.tolist() for t in row if t != model.pad_id]
    return loss.detach().item(), len(tokens)


# ---- greedy_decode


@variant("greedy_decode", "all rows at once")
def greedy_decode(model, source, max_length, bos_id, eos_id):
    memory, memory_mask = model.encode(source)
    tokens = torch.full((source.size(0), 1), bos_id, device=source.device)
    done = torch.zeros(source.size(0), dtype=torch.bool, device=source.device)
    for _ in range(max_length):
        with torch.no_grad():
            logits = model.decode(tokens, memory, memory_mask)
        best = logits[:, -1].argmax(dim=-1)
        best = best.masked_fill(done, model.pad_id)
        tokens = torch.cat([tokens, best.unsqueeze(1)], dim=1)
        done |= best == eos_id
        if done.all():
            break
    return tokens[:, 1:]


@variant("greedy_decode", "sentence by sentence, padded at the end")
def _(model, source, max_length, bos_id, eos_id):
    rows = []
    for row in source:
        memory, mask = model.encode(row[None])
        words = [bos_id]
        while len(words) <= max_length and (len(words) == 1 or words[-1] != eos_id):
            logits = model.decode(torch.tensor([words]), memory, mask)
            words.append(int(logits[0, -1].argmax()))
        rows.append(torch.tensor(words[1:]))
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=model.pad_id)


@variant("greedy_decode", "always max_length columns, written into a full tensor")
@torch.no_grad()
def _(model, source, max_length, bos_id, eos_id):
    memory, mask = model.encode(source)
    tokens = source.new_full((len(source), max_length + 1), model.pad_id)
    tokens[:, 0] = bos_id
    for place in range(1, max_length + 1):
        best = model.decode(tokens[:, :place], memory, mask)[:, place - 1].argmax(-1)
        tokens[:, place] = best
    ended = (tokens == eos_id).cumsum(1)
    after = torch.cat([torch.zeros_like(ended[:, :1]), ended[:, :-1]], 1) > 0
    return tokens.masked_fill(after, model.pad_id)[:, 1:]


# ---- beam_search


@variant("beam_search", "sentence by sentence, lists")
@torch.no_grad()
def beam_search(model, source, max_length, bos_id, eos_id, beam_size=4, length_penalty=0.6):
    memory, mask = model.encode(source)
    rows, scores = [], []
    for row in range(len(source)):
        live, done = [([], 0.0)], []
        for length in range(1, max_length + 1):
            given = torch.tensor([[bos_id, *words] for words, _ in live], device=source.device)
            logits = model.decode(
                given,
                memory[row].expand(len(live), *memory.shape[1:]),
                mask[row].expand(len(live), *mask.shape[1:]),
            )
            logs = logits[:, -1].log_softmax(-1).tolist()
            ranked = sorted(
                (
                    ([*words, token], before + log)
                    for (words, before), row_of in zip(live, logs, strict=True)
                    for token, log in enumerate(row_of)
                ),
                key=lambda each: each[1],
                reverse=True,
            )
            done += [
                (total / ((5 + length) / 6) ** length_penalty, words)
                for words, total in ranked[:beam_size]
                if words[-1] == eos_id or length == max_length
            ]
            live = [each for each in ranked if each[0][-1] != eos_id][:beam_size]
            if len(done) >= beam_size:
                break
        score, words = max(done)
        rows.append(torch.tensor(words))
        scores.append(score)
    tokens = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=model.pad_id)
    return tokens, torch.tensor(scores)


@variant("beam_search", "goes on to max_length, the best sentence kept")
def _(model, source, max_length, bos_id, eos_id, beam_size=4, length_penalty=0.6):
    batch, k = source.size(0), beam_size
    memory, mask = (each.repeat_interleave(k, 0) for each in model.encode(source))
    tokens = source.new_full((batch * k, 1), bos_id)
    sums = memory.new_full((batch, k), -math.inf)
    sums[:, 0] = 0
    best = source.new_full((batch, max_length), model.pad_id)
    best_score = memory.new_full((batch,), -math.inf)
    for length in range(1, max_length + 1):
        logs = model.decode(tokens, memory, mask)[:, -1].log_softmax(-1)
        vocab = logs.size(-1)
        total = sums[..., None] + logs.view(batch, k, vocab)
        values, where = total.view(batch, -1).topk(min(2 * k, k * vocab))
        parent, token = where // vocab, where % vocab
        for row in range(batch):
            for place in range(min(k, values.size(1))):
                ends = token[row, place] == eos_id or length == max_length
                score = values[row, place] / ((5 + length) / 6) ** length_penalty
                if ends and score > best_score[row]:
                    best_score[row] = score
                    beginning = tokens[row * k + parent[row, place], 1:]
                    best[row] = model.pad_id
                    best[row, : length - 1] = beginning
                    best[row, length - 1] = token[row, place]
        if k == 1:  # a beam of one has nothing left once its sentence has ended
            values = values.masked_fill(token[:, :1] == eos_id, -math.inf)
        values = values.masked_fill(token == eos_id, -math.inf)
        sums, chosen = values.topk(k, dim=1)
        parent, token = parent.gather(1, chosen), token.gather(1, chosen)
        rows = (parent + torch.arange(batch)[:, None] * k).flatten()
        tokens = torch.cat([tokens[rows], token.reshape(-1, 1)], 1)
    return best, best_score


@variant("beam_search", "each beginning scored alone, float32 scores")
def _(model, source, max_length, bos_id, eos_id, beam_size=4, length_penalty=0.6):
    found = []
    for row in source:
        memory, mask = model.encode(row.unsqueeze(0))
        beams, sentences = {(): 0.0}, {}
        for length in range(1, max_length + 1):
            continued = {}
            for words, total in beams.items():
                given = torch.tensor([[bos_id, *words]])
                logs = F.log_softmax(model.decode(given, memory, mask)[0, -1], dim=0)
                for token in range(len(logs)):
                    continued[(*words, token)] = total + logs[token].item()
            order = sorted(continued, key=continued.get, reverse=True)
            for words in order[:beam_size]:
                if words[-1] == eos_id or len(words) == max_length:
                    sentences[words] = continued[words] / ((5 + length) / 6) ** length_penalty
            alive = [words for words in order if words[-1] != eos_id][:beam_size]
            beams = {words: continued[words] for words in alive}
            if len(sentences) >= beam_size:
                break
        found.append(max(sentences.items(), key=lambda item: item[1]))
    width = max(len(words) for words, _ in found)
    tokens = [[*words, *[model.pad_id] * (width - len(words))] for words, _ in found]
    return torch.tensor(tokens), torch.tensor([score for _, score in found])


# ---- decode_step


@variant("decode_step", "residual by residual")
def decode_step(model, token, memory, memory_mask, cache):
    x = model.target_embedding(token[:, None])
    x = x * math.sqrt(x.size(-1))
    x = model.positions(F.pad(x, (0, 0, cache.length, 0)))[:, -1:]
    norm = getattr(model.decoder, "norm", None)
    off = nn.Identity()
    for i, layer in enumerate(model.decoder.layers):
        x = residual(
            x,
            lambda y, layer=layer, i=i: cached_attention(layer.self_attention, y, cache, i)[0],
            layer.norm1,
            off,
            norm is not None,
        )
        x = residual(
            x,
            lambda y, layer=layer: layer.cross_attention(y, memory, memory, memory_mask)[0],
            layer.norm2,
            off,
            norm is not None,
        )
        x = residual(x, layer.feed_forward, layer.norm3, off, norm is not None)
    if norm is not None:
        x = norm(x)
    return model.head(x).squeeze(1)


@variant("decode_step", "two branches, a position vector of its own")
def _(model, token, memory, memory_mask, cache):
    d = model.target_embedding.weight.shape[1]
    zeros = torch.zeros(1, cache.length + 1, d, dtype=memory.dtype, device=memory.device)
    place = model.positions(zeros)[:, -1]
    x = (model.target_embedding(token) * d**0.5 + place).unsqueeze(1)
    for i, layer in enumerate(model.decoder.layers):
        if getattr(model.decoder, "norm", None) is not None:
            x = x + cached_attention(layer.self_attention, layer.norm1(x), cache, i)[0]
            x = x + layer.cross_attention(layer.norm2(x), memory, memory, memory_mask)[0]
            x = x + layer.feed_forward(layer.norm3(x))
        else:
            x = layer.norm1(x + cached_attention(layer.self_attention, x, cache, i)[0])
            x = layer.norm2(x + layer.cross_attention(x, memory, memory, memory_mask)[0])
            x = layer.norm3(x + layer.feed_forward(x))
    if getattr(model.decoder, "norm", None) is not None:
        x = model.decoder.norm(x)
    return model.head(x[:, -1])


@variant("decode_step", "the cache filled by hand, heads taken from the attention")
def _(model, token, memory, memory_mask, cache):
    x = model.target_embedding(token.view(-1, 1))
    x = x * x.shape[-1] ** 0.5
    before = torch.zeros_like(x).expand(-1, cache.length, -1)
    x = model.positions(torch.cat([before, x], 1))[:, cache.length :]
    pre = getattr(model.decoder, "norm", None)
    for i, layer in enumerate(model.decoder.layers):
        own, n = layer.self_attention, layer.self_attention.num_heads
        y = layer.norm1(x) if pre is not None else x
        keys, values = cache.append(i, split_heads(own.k_proj(y), n), split_heads(own.v_proj(y), n))
        heads, _ = scaled_dot_product_attention(split_heads(own.q_proj(y), n), keys, values)
        x = x + own.out_proj(merge_heads(heads))
        x = x if pre is not None else layer.norm1(x)
        y = layer.norm2(x) if pre is not None else x
        x = x + layer.cross_attention(y, memory, memory, memory_mask)[0]
        x = x if pre is not None else layer.norm2(x)
        x = x + layer.feed_forward(layer.norm3(x) if pre is not None else x)
        x = x if pre is not None else layer.norm3(x)
    return model.head(pre(x) if pre is not None else x)[:, 0]


# ---- corpus_bleu


@variant("corpus_bleu", "counters and their intersection")
def corpus_bleu(hypotheses, references):
    right, all_, c, r = [0] * 4, [0] * 4, 0, 0
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        ours, theirs = hypothesis.split(), reference.split()
        c, r = c + len(ours), r + len(theirs)
        for n in range(4):
            mine = Counter(zip(*(ours[i:] for i in range(n + 1)), strict=False))
            yours = Counter(zip(*(theirs[i:] for i in range(n + 1)), strict=False))
            right[n] += sum((mine & yours).values())
            all_[n] += sum(mine.values())
    if min(right) == 0:
        return 0.0
    mean = sum(math.log(right[n] / all_[n]) for n in range(4)) / 4
    return 100 * math.exp(mean + min(0, 1 - r / c))


@variant("corpus_bleu", "loops and dictionaries, the fourth root")
def _(hypotheses, references):
    product, c, r = 1.0, 0, 0
    for h, t in zip(hypotheses, references, strict=True):
        c += len(h.split())
        r += len(t.split())
    for n in (1, 2, 3, 4):
        matched = possible = 0
        for h, t in zip(hypotheses, references, strict=True):
            left = {}
            words = t.split()
            for i in range(len(words) - n + 1):
                gram = " ".join(words[i : i + n])
                left[gram] = left.get(gram, 0) + 1
            words = h.split()
            for i in range(len(words) - n + 1):
                possible += 1
                gram = " ".join(words[i : i + n])
                if left.get(gram, 0) > 0:
                    left[gram] -= 1
                    matched += 1
        if matched == 0:
            return 0.0
        product *= matched / possible
    penalty = math.exp(1 - r / c) if c < r else 1.0
    return 100.0 * penalty * product**0.25


@variant("corpus_bleu", "one list of n-grams after another, tensors inside")
def _(hypotheses, references):
    pairs = [(h.split(), t.split()) for h, t in zip(hypotheses, references, strict=True)]
    logs = torch.zeros(4, dtype=torch.float64)
    for n in range(1, 5):
        total = sum(max(0, len(h) - n + 1) for h, _ in pairs)
        match = 0
        for h, t in pairs:
            grams = [tuple(t[i : i + n]) for i in range(len(t) - n + 1)]
            for i in range(len(h) - n + 1):
                if tuple(h[i : i + n]) in grams:
                    grams.remove(tuple(h[i : i + n]))
                    match += 1
        logs[n - 1] = math.log(match / total) if match else -math.inf
    c, r = (sum(map(len, side)) for side in zip(*pairs, strict=True))
    brevity = 0.0 if c == 0 or c >= r else 1 - r / c
    return (100 * (logs.mean() + brevity).exp()).item()
