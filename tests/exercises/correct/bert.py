"""Right answers to lesson 07."""

import random

import torch
import torch.nn.functional as F
from torch import nn

from tests.exercises.correct import variant
from workbook import pieces

# ---- BertEmbeddings


@variant("BertEmbeddings", "three tables, a sum, a norm")
class BertEmbeddings(nn.Module):
    def __init__(self, vocab_size, d_model, max_length, num_segments=2, dropout=0.1, eps=1e-12):
        super().__init__()
        self.max_length = max_length
        self.token = nn.Embedding(vocab_size, d_model)
        self.segment = nn.Embedding(num_segments, d_model)
        self.position = nn.Embedding(max_length, d_model)
        self.norm = pieces.LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens, segments=None):
        length = tokens.size(1)
        if length > self.max_length:
            raise ValueError(f"{length} tokens, but only {self.max_length} positions")
        if segments is None:
            segments = torch.zeros_like(tokens)
        places = torch.arange(length, device=tokens.device)
        x = self.token(tokens) + self.segment(segments) + self.position(places)
        return self.dropout(self.norm(x))


@variant("BertEmbeddings", "torch's norm, functional dropout, the first row for no segments")
class _(nn.Module):
    def __init__(self, vocab_size, d_model, max_length, num_segments=2, dropout=0.1, eps=1e-12):
        super().__init__()
        self.norm = nn.LayerNorm(d_model, eps=eps)
        self.position = nn.Embedding(max_length, d_model)
        self.segment = nn.Embedding(num_segments, d_model)
        self.token = nn.Embedding(vocab_size, d_model)
        self.p = dropout

    def forward(self, tokens, segments=None):
        length = tokens.shape[1]
        if length > len(self.position.weight):
            raise ValueError("too long")
        total = self.position.weight[None, :length].expand(len(tokens), -1, -1)
        total = total + (self.segment.weight[0] if segments is None else self.segment(segments))
        total = total + F.embedding(tokens, self.token.weight)
        return F.dropout(self.norm(total), p=self.p, training=self.training)


@variant("BertEmbeddings", "one-hot products, the norm written out")
class _(BertEmbeddings):
    def forward(self, tokens, segments=None):
        if tokens.shape[-1] > self.max_length:
            raise ValueError(tokens.shape)
        weight = self.token.weight
        x = F.one_hot(tokens, len(weight)).to(weight) @ weight
        kinds = tokens * 0 if segments is None else segments
        x = x + F.one_hot(kinds, self.segment.num_embeddings).to(weight) @ self.segment.weight
        for place in range(tokens.shape[1]):
            row = torch.zeros_like(x)
            row[:, place] = self.position.weight[place]
            x = x + row
        centred = x - x.mean(-1, keepdim=True)
        deviation = (centred.square().mean(-1, keepdim=True) + self.norm.eps).sqrt()
        return self.dropout(centred / deviation * self.norm.weight + self.norm.bias)


@variant("BertEmbeddings", "inherited, position ids in a buffer that isn't saved")
class _(BertEmbeddings):
    def __init__(self, vocab_size, d_model, max_length, num_segments=2, dropout=0.1, eps=1e-12):
        super().__init__(vocab_size, d_model, max_length, num_segments, dropout, eps)
        self.register_buffer("ids", torch.arange(max_length).unsqueeze(0), persistent=False)

    def forward(self, tokens, segments=None):
        n = tokens.shape[1]
        if not n <= self.ids.shape[1]:
            raise ValueError("longer than max_length")
        parts = [self.token(tokens), self.position(self.ids[:, :n].expand_as(tokens))]
        parts.append(self.segment(torch.zeros_like(tokens) if segments is None else segments))
        return self.dropout(self.norm(torch.stack(parts).sum(0)))


# ---- mask_tokens


@variant("mask_tokens", "one number, cut at 0.8 and 0.9")
def mask_tokens(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    special = torch.isin(tokens.cpu(), torch.tensor(special_ids))
    chosen = (torch.rand(tokens.shape, generator=generator) < rate) & ~special
    fate = torch.rand(tokens.shape, generator=generator)
    words = torch.randint(0, vocab_size, tokens.shape, generator=generator)
    inputs, labels = tokens.cpu().clone(), tokens.cpu().clone()
    labels[~chosen] = -100
    inputs[chosen & (fate < 0.8)] = mask_id
    random_ones = chosen & (fate >= 0.8) & (fate < 0.9)
    inputs[random_ones] = words[random_ones]
    return inputs.to(tokens.device), labels.to(tokens.device)


@variant("mask_tokens", "bernoulli, and half of what the mask leaves, as libraries do it")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    inputs, labels = tokens.clone(), tokens.clone()
    odds = torch.full(tokens.shape, rate)
    for special in special_ids:
        odds.masked_fill_((tokens == special).cpu(), 0.0)
    chosen = torch.bernoulli(odds, generator=generator).bool()
    labels[~chosen] = -100
    replaced = torch.bernoulli(torch.full(tokens.shape, 0.8), generator=generator).bool() & chosen
    inputs[replaced] = mask_id
    half = torch.bernoulli(torch.full(tokens.shape, 0.5), generator=generator).bool()
    other = half & chosen & ~replaced
    words = torch.randint(vocab_size, tokens.shape, dtype=torch.long, generator=generator)
    inputs[other] = words[other].to(tokens.device)
    return inputs, labels


@variant("mask_tokens", "token by token, in Python")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    start = int(torch.randint(2**40, (), generator=generator))
    dice = random.Random(start)
    rows, answers = [], []
    for row in tokens.tolist():
        new, labels = [], []
        for token in row:
            label = -100
            if token not in special_ids and dice.random() < rate:
                label, roll = token, dice.random()
                if roll < 0.8:
                    token = mask_id
                elif roll < 0.9:
                    token = dice.randrange(vocab_size)
            new.append(token)
            labels.append(label)
        rows.append(new)
        answers.append(labels)
    return torch.tensor(rows).to(tokens), torch.tensor(answers).to(tokens)


@variant("mask_tokens", "one number for choice and fate, scaled")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    drawn = torch.rand(tokens.shape, generator=generator, dtype=torch.float64).to(tokens.device)
    ordinary = (tokens[..., None] != torch.tensor(special_ids, device=tokens.device)).all(-1)
    chosen = ordinary & (drawn < rate)
    fate = drawn / max(rate, 1e-12)  # of the chosen: even between 0 and 1
    words = (torch.rand(tokens.shape, generator=generator) * vocab_size).long().to(tokens.device)
    inputs = torch.where(chosen & (fate < 0.1), words, tokens)
    inputs = torch.where(chosen & (fate >= 0.2), mask_id, inputs)
    return inputs, tokens.masked_fill(~chosen, -100)


@variant("mask_tokens", "a multinomial draw of fates, only for the chosen")
def _(tokens, mask_id, vocab_size, special_ids, generator, rate=0.15):
    special = torch.isin(tokens, torch.as_tensor(list(special_ids), device=tokens.device))
    chosen = torch.rand(tokens.shape, generator=generator).to(tokens.device).lt(rate)
    chosen = chosen.logical_and(special.logical_not())
    labels = torch.full_like(tokens, -100)
    labels[chosen] = tokens[chosen]
    inputs = tokens.clone()
    count = int(chosen.sum())
    if count:
        shares = torch.tensor([0.8, 0.1, 0.1])
        fates = torch.multinomial(shares, count, replacement=True, generator=generator)
        words = torch.randint(0, vocab_size, (count,), generator=generator)
        was = tokens[chosen].cpu()
        mask = torch.full_like(was, mask_id)
        choice = torch.stack([mask, words, was])[fates, torch.arange(count)]
        inputs[chosen] = choice.to(tokens.device)
    return inputs, labels


# ---- Bert


@variant("Bert", "embeddings, encoder, pooler")
class Bert(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__()
        self.embeddings = BertEmbeddings(vocab_size, d_model, max_length, dropout=dropout)
        self.encoder = pieces.Encoder(
            num_layers,
            d_model,
            num_heads,
            d_ff,
            dropout=dropout,
            norm_first=False,
            activation="gelu",
            eps=1e-12,
        )
        self.pooler = nn.Linear(d_model, d_model)

    def forward(self, tokens, segments=None, mask=None):
        hidden = self.encoder(self.embeddings(tokens, segments), mask)
        pooled = torch.tanh(self.pooler(hidden[:, 0]))
        return hidden, pooled


@variant("Bert", "by position, a tanh module, select")
class _(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__()
        self.pooler = nn.Linear(d_model, d_model)
        self.tanh = nn.Tanh()
        self.encoder = pieces.Encoder(
            num_layers, d_model, num_heads, d_ff, dropout, False, "gelu", 1e-12
        )
        self.embeddings = pieces.BertEmbeddings(vocab_size, d_model, max_length, 2, dropout, 1e-12)

    def forward(self, tokens, segments=None, mask=None):
        x = self.embeddings(tokens, segments=segments)
        x = self.encoder(x, mask=mask)
        first = x.select(1, 0)
        return x, self.tanh(self.pooler(first))


class _Layers(nn.Module):
    """An encoder of one's own, with the names of the course's."""

    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                pieces.EncoderLayer(
                    d_model,
                    num_heads,
                    d_ff,
                    dropout,
                    norm_first=False,
                    activation="gelu",
                    eps=1e-12,
                )
                for _ in range(num_layers)
            ]
        )

    def forward(self, x, mask):
        for layer in self.layers:
            x = layer(x, mask)
        return x


@variant("Bert", "layers of one's own, the pooler over every position")
class _(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1):
        super().__init__()
        self.embeddings = pieces.BertEmbeddings(
            vocab_size, d_model, max_length, num_segments=2, dropout=dropout
        )
        self.encoder = _Layers(num_layers, d_model, num_heads, d_ff, dropout)
        self.pooler = nn.Linear(d_model, d_model)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                module.weight.data.normal_(0.0, 0.02)

    def forward(self, tokens, segments=None, mask=None):
        if segments is None:
            segments = torch.zeros_like(tokens)
        hidden = self.encoder(self.embeddings(tokens, segments), mask)
        every = torch.tanh(self.pooler(hidden))
        return hidden, every[:, 0, :]


@variant("Bert", "tanh written with exponentials, a list returned")
class _(Bert):
    def forward(self, tokens, segments=None, mask=None):
        hidden = self.encoder(self.embeddings(tokens, segments), mask)
        z = self.pooler(hidden[:, 0])
        return [hidden, 2 * torch.sigmoid(2 * z) - 1]


# ---- masked_lm_loss


@variant("masked_lm_loss", "cross_entropy over everything flattened")
def masked_lm_loss(logits, labels):
    return F.cross_entropy(logits.view(-1, logits.size(-1)), labels.view(-1))


@variant("masked_lm_loss", "the vocabulary swapped to dimension 1")
def _(logits, labels):
    return nn.CrossEntropyLoss(ignore_index=-100)(logits.transpose(1, 2), labels)


@variant("masked_lm_loss", "the chosen picked out first")
def _(logits, labels):
    chosen = labels != -100
    return F.cross_entropy(logits[chosen], labels[chosen])


@variant("masked_lm_loss", "log_softmax and gather")
def _(logits, labels):
    chosen = labels.ne(-100)
    logs = torch.log_softmax(logits, dim=-1)
    own = logs.gather(-1, labels.masked_fill(~chosen, 0).unsqueeze(-1)).squeeze(-1)
    return -(own * chosen).sum() / chosen.sum()


@variant("masked_lm_loss", "logsumexp, sentence by sentence")
def _(logits, labels):
    losses = []
    for rows, answers in zip(logits, labels, strict=True):
        for row, answer in zip(rows, answers, strict=True):
            if answer != -100:
                losses.append(row.logsumexp(0) - row[answer])
    return torch.stack(losses).mean()


# ---- SentenceClassifier


@variant("SentenceClassifier", "bert, dropout, classifier")
class SentenceClassifier(nn.Module):
    def __init__(
        self, num_classes, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1
    ):
        super().__init__()
        self.bert = Bert(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(d_model, num_classes)

    def forward(self, tokens, segments=None, mask=None):
        _, pooled = self.bert(tokens, segments, mask)
        return self.classifier(self.dropout(pooled))


@variant("SentenceClassifier", "keywords, functional dropout")
class _(nn.Module):
    def __init__(
        self, num_classes, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1
    ):
        super().__init__()
        self.p = dropout
        self.classifier = nn.Linear(d_model, num_classes)
        self.bert = pieces.Bert(
            vocab_size=vocab_size,
            d_model=d_model,
            num_heads=num_heads,
            num_layers=num_layers,
            d_ff=d_ff,
            max_length=max_length,
            dropout=dropout,
        )

    def forward(self, tokens, segments=None, mask=None):
        pooled = self.bert(tokens, mask=mask, segments=segments)[1]
        pooled = nn.functional.dropout(pooled, self.p, self.training)
        return F.linear(pooled, self.classifier.weight, self.classifier.bias)


@variant("SentenceClassifier", "dropout and tanh as modules, weights started as the paper's")
class _(SentenceClassifier):
    def __init__(
        self, num_classes, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout=0.1
    ):
        super().__init__(
            num_classes, vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout
        )
        nn.init.normal_(self.classifier.weight, std=0.02)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, tokens, segments=None, mask=None):
        _, pooled = self.bert(tokens, segments, mask)
        logits = self.dropout(pooled) @ self.classifier.weight.T
        return logits + self.classifier.bias
