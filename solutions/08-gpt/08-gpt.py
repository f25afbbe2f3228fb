# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lesson 08 · Write what comes next
#
# Take a Transformer, throw the encoder away, and ask the rest one question over and over: *what
# comes next?* That is GPT. Today you build one, teach it English, let it write, and make it fast.
#
# | | |
# |---|---|
# | **You will build** | `GPT`, `next_token_loss`, `sample_next`, `generate`, `KVCache`, `cached_attention`, `gpt_parameters` |
# | **You need** | lesson 03's `MultiHeadAttention`, lesson 05's `EncoderLayer` and `LayerNorm`, lesson 06's `causal_mask` and `future_leak` (or the course's) |
# | **Your time** | 3 hours, with a good place for a break after section 4 |
# | **Points** | 29 from the checks, 9 from three written questions |
# | **Running it all** | about a minute and a half on a laptop without a GPU |

# %% tags=["setup"]
import copy
import itertools
import math
import time
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from autograder import check
from workbook import figures
from workbook.corpus import phrasebook
from workbook.device import pick_device, seed
from workbook.training import WarmupAndDecay, muon

device = pick_device()
seed(8)
torch.set_printoptions(precision=3, sci_mode=False)
torch.set_num_threads(1)  # our tensors are small: one thread beats several that wait

# %% [markdown]
# Today's model is made of pieces that you have. Yours where they have passed, otherwise the
# course's, with a badge that says so.

# %% tags=["nbval-ignore-output"]
from workbook.toolbox import (
    EncoderLayer,
    LayerNorm,
    MultiHeadAttention,
    causal_mask,
    future_leak,
    merge_heads,
    scaled_dot_product_attention,
    split_heads,
)

# %%
figures.transformer_map("08-gpt")

# %% [markdown]
# The side panel shows today's loop: the words so far go in, a distribution over the next word
# comes out, one word is drawn and put behind the others, and it starts again.
#
# Stuck? Open the hints one at a time. To read on first, add a cell with
# `from workbook.toolbox import borrow` and `GPT = borrow("GPT")`. It lends you the course's
# version, without the points.

# %% [markdown]
# ---
# ## 1 · Half a Transformer
#
# A translator reads an English sentence while it writes a Spanish one. What is left of it when
# there is **no source**, only a text to go on with?
#
# - The encoder has nothing to read. It goes.
# - Cross-attention has nothing to look at. It goes too.
# - What stays of a decoder layer: self-attention that looks **back only**, and a feed-forward
#   layer. That is an *encoder* layer under a causal mask. You have both.

# %% [markdown]
# ### By hand
#
# Four tokens: *the · cat · is · black*. The causal mask says who sees whom (1 means "may attend"):
#
# | | the | cat | is | black |
# |---|---|---|---|---|
# | **the** | 1 | 0 | 0 | 0 |
# | **cat** | 1 | 1 | 0 | 0 |
# | **is** | 1 | 1 | 1 | 0 |
# | **black** | 1 | 1 | 1 | 1 |
#
# The row of *is* ends before *black*. So whatever comes out at *is* can't depend on *black*, and
# may be used to **predict** it. Which rows may be used to predict *cat*? Only the first.

# %% [markdown]
# ### The rule
#
# $$x = \text{dropout}(\text{token} + \text{position}) \qquad x = \text{layer}_i(x, \text{mask}) \qquad \text{logits} = \text{norm}(x)\; W_\text{token}^\top$$
#
# That is GPT-2 (Radford et al. 2019). Its conventions, which its published weights rely on:
#
# | | GPT-2 | the paper of 2017 |
# |---|---|---|
# | order | **pre-norm**, and one `norm` after the last layer | post-norm |
# | activation | **GELU, the tanh approximation** | ReLU |
# | positions | a **learned** table, added as it is | sinusoids, words scaled by √d_model |
# | feed-forward | 4 · d_model | 4 · d_model |
# | head | **tied**: the token table, used a second time | tied |

# %% [markdown]
# **Tied** means: the logit of a word is the dot product of what the model has in mind with that
# word's own vector. No further matrix, no bias. `F.linear(x, self.token.weight)` does it.
#
# There is a catch. `nn.Embedding` starts with numbers of standard deviation 1. As a head, such a
# table gives a new model logits of ±√d_model: it is absurdly sure of its first guess. So GPT-2
# starts its token table with **0.02**. Here both tables do:

# %%
x = F.layer_norm(torch.randn(1, 64), (64,))
for deviation in (1.0, 0.02):
    table = deviation * torch.randn(1000, 64)
    surest = F.linear(x, table).softmax(-1).max().item()
    print(f"start with {deviation}: the surest of 1,000 words gets {surest:.1%}")

# %% [markdown]
# ### Exercise 1: `GPT`
#
# *Difficulty 3 of 5 · importance 5 of 5 · 25 minutes · 6 points*
#
# Sub-modules, by name: `token` and `position` (both `nn.Embedding`), `layers` (an `nn.ModuleList`
# of `EncoderLayer`), `norm` (a `LayerNorm`). No parameters besides theirs. The two tables start with
# 0.02, everything else as it comes. `EncoderLayer`'s arguments are
# `(d_model, num_heads, d_ff, dropout, norm_first=True, activation="relu")`, its call is
# `layer(x, mask)`.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which of `EncoderLayer`'s defaults are not GPT-2's? What must happen to the mask so that it works
# on a GPU, when `causal_mask(length)` makes it on the CPU?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# tokens (batch, length). token(tokens): (batch, length, d_model). position.weight[:length]:
# (length, d_model), the same for every sentence. Mask (1, 1, length, length). The head:
# (batch, length, d_model) times (vocab_size, d_model) transposed.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth: two tables, started with normal numbers of deviation 0.02
#           a dropout; num_layers layers, each made anew, with 4 · d_model and "gelu_tanh"; a norm
# forward:  more tokens than rows of position? ValueError
#           x = dropout(token of the tokens + the first rows of position)
#           for each layer: x = layer(x, mask)
#           logits = norm(x) by the token table's weight
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "GPT-answer", "locked": false, "solution": true, "task": false}
class GPT(nn.Module):
    """A decoder-only model. Sub-modules: token, position, layers, norm."""

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
        ### BEGIN SOLUTION
        self.token = nn.Embedding(vocab_size, d_model)
        self.position = nn.Embedding(context_length, d_model)
        for table in (self.token, self.position):
            nn.init.normal_(table.weight, std=0.02)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            EncoderLayer(d_model, num_heads, 4 * d_model, dropout, activation="gelu_tanh")
            for _ in range(num_layers)
        )
        self.norm = LayerNorm(d_model)
        ### END SOLUTION

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """tokens (batch, length) -> logits (batch, length, vocab_size).

        Rule: dropout(token + position), every layer under the causal mask, norm, then the token
        table's own weight. ValueError past context_length.
        """
        ### BEGIN SOLUTION
        length, context = tokens.size(1), self.position.num_embeddings
        if length > context:
            raise ValueError(f"{length} tokens don't fit into a context of {context}")
        x = self.dropout(self.token(tokens) + self.position.weight[:length])
        mask = causal_mask(length).to(tokens.device)
        for layer in self.layers:
            x = layer(x, mask)
        return F.linear(self.norm(x), self.token.weight)
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "GPT", "locked": true, "points": 6, "solution": false, "task": false}
check("GPT")

# %% [markdown]
# <details><summary>If the check says that the <b>parameters have other names</b></summary>
#
# Print `[name for name, _ in GPT(11, 8, 2, 1, 5).named_parameters()]`. The first should be
# `token.weight`; the last two `norm.weight` and `norm.bias`, or stand before the layers'. A name
# like `head.weight` means that you have made a matrix of your own for the head.
#
# </details>
#
# <details><summary>If the logits are wrong and <b>no mistake is named</b></summary>
#
# Take `num_layers=0` in your head: then only `token + position`, `norm` and the product are left.
# Check those three first.
#
# </details>
#
# <br>
#
# Does it look ahead? Lesson 06's detector replaces later tokens and watches the earlier ones.

# %%
small = GPT(vocab_size=11, d_model=16, num_heads=2, num_layers=2, context_length=6)
some = torch.tensor([[3, 1, 4, 1, 5]])
print("what leaks from later tokens:", future_leak(small, some, 11))

# %% [markdown]
# **Break it.** A model whose layers forget the mask, with the same weights:


# %%
def without_mask(tokens):
    x = small.token(tokens) + small.position.weight[: tokens.size(1)]
    for layer in small.layers:
        x = layer(x)
    return F.linear(small.norm(x), small.token.weight)


small.eval()
print("what leaks now:", "something" if future_leak(without_mask, some, 11) > 1e-6 else "nothing")

# %% [markdown]
# Such a model would copy the answer from its own input, and be worth nothing when it has to write.
#
# ### The same as PyTorch's
#
# PyTorch has no GPT, but it has a pre-norm layer. Copy the weights over and compare. (There, True
# in a mask means "hidden", so the mask is turned round.)


# %%
@torch.no_grad()
def torchs_twin(layer, d_model, num_heads):
    """PyTorch's own layer with the weights of one of yours."""
    gelu = partial(F.gelu, approximate="tanh")
    twin = nn.TransformerEncoderLayer(
        d_model, num_heads, 4 * d_model, 0.0, gelu, batch_first=True, norm_first=True
    )
    named = dict(layer.named_parameters())
    for kind in ("weight", "bias"):
        parts = [named.pop(f"self_attention.{part}_proj.{kind}") for part in "qkv"]
        getattr(twin.self_attn, f"in_proj_{kind}").copy_(torch.cat(parts))
    for name, parameter in named.items():
        name = name.replace("self_attention", "self_attn").replace("feed_forward.", "")
        twin.get_parameter(name).copy_(parameter)
    return twin.eval()


# %%
with torch.no_grad():
    x = small.token(some) + small.position.weight[:5]
    for layer in small.layers:
        x = torchs_twin(layer, 16, 2)(x, src_mask=~causal_mask(5)[0, 0])
    theirs = F.linear(F.layer_norm(x, (16,)), small.token.weight)
print("the same logits:", torch.allclose(small(some), theirs, atol=1e-5))

# %% [markdown]
# ---
# ## 2 · Every position is an exercise
#
# One sentence, one question at the end? That would be a waste. The causal mask makes **every**
# position an honest exercise. How many are there in one sentence, and what is the score?

# %%
line = ["<end>", "The", "cat", "is", "black", ".", "<end>", "<pad>"]
figures.next_token_targets(line, padding="<pad>")

# %% [markdown]
# Read it upwards. `<end>` stands between texts, so it is also what a text *begins* with. At
# `<end>` the model should say *The*, at *The* it should say *cat*. At the last word, `<end>`.
# Padding is no exercise.
#
# ### By hand
#
# Three words, *a*, *b* and *c*, and the text `a b c`. What a model says at each of its positions:
#
# | read so far | *a* | *b* | *c* | comes next | its probability |
# |---|---|---|---|---|---|
# | a | 0.2 | **0.5** | 0.3 | b | 0.5 |
# | a b | 0.1 | 0.1 | **0.8** | c | 0.8 |
# | a b c | 0.3 | 0.4 | 0.3 | nothing | (left out) |
#
# $$\text{loss} = \frac{-\ln 0.5 - \ln 0.8}{2} = \frac{0.693 + 0.223}{2} = 0.458$$
#
# Two terms for three tokens: **position $t$ is compared with token $t + 1$.**

# %%
probabilities = torch.tensor([[[0.2, 0.5, 0.3], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3]]])
abc = torch.tensor([[0, 1, 2]])
shifted = F.cross_entropy(probabilities.log()[0, :-1], abc[0, 1:])
print(f"loss by hand: {(-math.log(0.5) - math.log(0.8)) / 2:.3f}, by cross_entropy: {shifted:.3f}")

# %% [markdown]
# ### Exercise 2: `next_token_loss`
#
# *Difficulty 2 of 5 · importance 5 of 5 · 10 minutes · 3 points*
#
# One mean over all real targets of the batch: not sentence by sentence. With `pad_id`, targets
# that are padding are left out; without it, all count. `F.cross_entropy` is allowed.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which position has no next token? Which token is nobody's next? And is `pad_id=0` the same as no
# `pad_id` at all?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# logits[:, :-1] is (batch, length − 1, vocab_size), tokens[:, 1:] is (batch, length − 1).
# `cross_entropy` wants (N, vocab_size) and (N,): flatten both. It has an argument `ignore_index`,
# whose default is −100.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# scores  = logits without the last position, flattened to (N, vocab_size)
# targets = tokens without the first, flattened to (N,)
# answer  = cross_entropy of both; targets equal to pad_id, where there is one, ignored
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "next_token_loss-answer", "locked": false, "solution": true, "task": false}
def next_token_loss(
    logits: torch.Tensor, tokens: torch.Tensor, pad_id: int | None = None
) -> torch.Tensor:
    """logits (batch, length, vocab_size), tokens (batch, length) -> the loss, one number.

    Rule: position t's logits against token t + 1; the mean over the targets that aren't pad_id.
    """
    ### BEGIN SOLUTION
    scores = logits[:, :-1].flatten(0, 1)
    targets = tokens[:, 1:].flatten()
    ignored = -100 if pad_id is None else pad_id
    return F.cross_entropy(scores, targets, ignore_index=ignored)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "next_token_loss", "locked": true, "points": 3, "solution": false, "task": false}
check("next_token_loss")

# %% [markdown]
# <details><summary>If the loss <b>differs only with padding</b></summary>
#
# Which positions do you leave out? Those that should *predict* padding: look at `tokens[:, 1:]`, not
# at `tokens[:, :-1]`. And a position left out doesn't count when you divide.
#
# </details>
#
# <br>
#
# A model that knows nothing gives every word the same probability, so its loss is
# $\ln(\text{vocab\_size})$. That is worth remembering: it is the first thing to look at in any
# training.

# %%
fresh = GPT(vocab_size=1000, d_model=32, num_heads=4, num_layers=2, context_length=16).eval()
random_words = torch.randint(1000, (8, 16))
with torch.no_grad():
    print(f"a new model: {next_token_loss(fresh(random_words), random_words):.1f}")
print(f"ln(1000):    {math.log(1000):.1f}")

# %% [markdown]
# **Break it.** Don't shift. Then each position is asked for the token that it has **just read**.
# How hard is that? Train both ways for a moment on random words, where nothing can be predicted:

# %% tags=["nbval-ignore-output"]
for way in ("shifted", "not shifted"):
    model = copy.deepcopy(fresh)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        noise = torch.randint(1000, (16, 16))
        logits = model(noise)
        if way == "shifted":
            loss = next_token_loss(logits, noise)
        else:
            loss = F.cross_entropy(logits.flatten(0, 1), noise.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{way}: loss {loss.item():.2f}")

# %% [markdown]
# Shifted, it stays at ln(1000), as it must. Not shifted, it falls and falls, on pure noise: the
# model has learnt to repeat. A loss that is too good is a symptom. Ask what the model can see.

# %% [markdown]
# ---
# ## 3 · Teach it English
#
# Now the real thing, in small. GPT-2 read 40 GB of web pages. Yours reads some thousand sentences
# of the phrasebook, all from a few corners of it:

# %%
CORNERS = {"bank money", "bank river", "weather", "if it rains", "so", "when in general"}
pairs = [p for p in phrasebook.load_phrasebook("train") if p.construction.split("/")[1] in CORNERS]
sentences = [pair.english for pair in pairs]
for sentence in sentences[:4]:
    print(sentence)

# %% [markdown]
# Words become numbers. A sentence stands between two `<end>`.

# %%
split = [phrasebook.tokenise(sentence) for sentence in sentences]
vocabulary = ["<pad>", "<end>", *sorted({word for words in split for word in words})]
number_of = {word: number for number, word in enumerate(vocabulary)}
PAD, END = 0, 1
rows = [torch.tensor([END, *(number_of[word] for word in words), END]) for words in split]
print(f"{len(rows):,} sentences, {len(vocabulary):,} different tokens")
print("for example:", rows[0].tolist())


# %%
def batches(rows, size=40):
    """All rows in batches (size, length), padded; sentences of about one length stand together."""
    shuffled = [rows[place] for place in torch.randperm(len(rows)).tolist()]
    shuffled.sort(key=len)  # as good as no padding
    packed = [
        nn.utils.rnn.pad_sequence(shuffled[at : at + size], batch_first=True, padding_value=PAD)
        for at in range(0, len(rows), size)
    ]
    return [packed[place].to(device) for place in torch.randperm(len(packed)).tolist()]


# %% [markdown]
# The loop is the one that you know: predict, loss, gradients, a step. The learning rate falls to
# zero towards the end. (The optimiser is the course's own mixture: *Muon* for matrices, AdamW for
# everything else. It needs fewer steps than AdamW alone.)

# %%
EPOCHS = 10
STEPS = EPOCHS * math.ceil(len(rows) / 40)
rate = WarmupAndDecay(peak=3e-3)


def train(model, optimizer, losses, epochs):
    """Some epochs more; the loss of every step is put behind `losses`."""
    model.train()
    for batch in itertools.chain.from_iterable(batches(rows) for _ in range(epochs)):
        for group in optimizer.param_groups:
            group["lr"] = rate(len(losses) / STEPS, len(losses))
        loss = next_token_loss(model(batch), batch, PAD)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    model.eval()


# %% [markdown]
# What should the very first loss be? And what will follow *If it*, before it has learnt anything?


# %%
@torch.no_grad()
def next_logits(text):
    """The logits (vocabulary,) of what follows a text."""
    ids = [END, *(number_of[word] for word in phrasebook.tokenise(text))]
    return writer(torch.tensor([ids], device=device))[0, -1].cpu()


def likely(*texts):
    """Print the five likeliest tokens after each text."""
    for text in texts:
        best, places = next_logits(text).softmax(-1).topk(5)
        said = [f"{vocabulary[at]} {p:.0%}" for p, at in zip(best, places, strict=True)]
        print(f"{text or '(nothing)':30s} →  {', '.join(said)}")


# %% tags=["nbval-ignore-output"]
seed(8)
writer = GPT(len(vocabulary), d_model=96, num_heads=4, num_layers=2, context_length=32).to(device)
optimizer, losses = muon(writer), []
writer.eval()
likely("If it")

# %% [markdown]
# Anything, equally likely. Now train, a little at a time, and look again. Which does it learn
# first: which words there are, which words follow each other, or what a sentence is about?

# %% tags=["nbval-ignore-output"]
BEGINNINGS = ("", "If it", "She went to the bank", "Sara was very thirsty, so she")
train(writer, optimizer, losses, epochs=1)
print(f"first loss {losses[0]:.2f} (ln of {len(vocabulary)}: {math.log(len(vocabulary)):.2f})")
likely(*BEGINNINGS)

# %% tags=["nbval-ignore-output"]
train(writer, optimizer, losses, epochs=1)
likely(*BEGINNINGS)

# %% tags=["nbval-ignore-output"]
train(writer, optimizer, losses, epochs=4)
likely(*BEGINNINGS)

# %% tags=["nbval-ignore-output"]
train(writer, optimizer, losses, epochs=4)
likely(*BEGINNINGS)

# %% tags=["nbval-ignore-output"]
chunk = STEPS // 30
means = [sum(losses[at : at + chunk]) / chunk for at in range(0, STEPS - chunk + 1, chunk)]
title = "From knowing nothing to knowing what may follow"
figures.loss_curve(means, chunk, math.log(len(vocabulary)), title)

# %% [markdown]
# After *(nothing)* it stays open, in the middle of a sentence it may be nearly settled. The model
# has only ever been asked for the next word, and to answer that it had to learn grammar.
#
# Why doesn't the loss go to zero? After *The* there is no right answer. Many words are possible,
# and the best that a model can do is to know **how** possible each one is. What is left is the
# freedom of the language.

# %% [markdown]
# ---
# ## 4 · Choose a word
#
# The model gives a distribution. A text needs **one** word. Take the most likely one? Then it says
# the same thing every time. Draw one with its probability? Then once in a while it draws
# nonsense: a thousand unlikely words have, together, a few per cent, and a text has many words.
#
# ### By hand
#
# Logits 2, 1, 0 for *cat*, *dog*, *bird*. Three knobs, one after the other:
#
# | | cat | dog | bird |
# |---|---|---|---|
# | logits | 2 | 1 | 0 |
# | softmax | 0.67 | 0.24 | 0.09 |
# | **temperature 0.5**: logits / 0.5 | 4 | 2 | 0 |
# | softmax | 0.87 | 0.12 | 0.02 |
# | **temperature 2**: logits / 2 | 1 | 0.5 | 0 |
# | softmax | ? | ? | ? |
#
# A small temperature makes the likely likelier. Towards 0 only the first is left, so **0 is
# defined as the most likely token** (there is nothing to divide by).

# %%
three = torch.tensor([2.0, 1.0, 0.0])
for temperature in (0.5, 1.0, 2.0):
    print(f"temperature {temperature}: {(three / temperature).softmax(-1)}")

# %% [markdown]
# **Top-k** keeps the k most likely tokens and forgets the rest. **Top-p** (Holtzman et al. 2020)
# keeps as many as it takes to reach the probability p. How many that is depends on how sure the
# model is. With 0.67, 0.24, 0.09:
#
# | | sum so far | top-p 0.5 | top-p 0.8 |
# |---|---|---|---|
# | cat 0.67 | 0.67 | stays: **crosses** 0.5 | stays |
# | dog 0.24 | 0.91 | goes | stays: **crosses** 0.8 |
# | bird 0.09 | 1.00 | goes | goes |
#
# The token that crosses p **stays**. Otherwise top-p 0.5 would leave nothing here. What is left
# shares the probability: under top-p 0.8, cat gets 0.67 / 0.91 = 0.73.

# %% [markdown]
# ### The rule
#
# In this order, as everywhere: divide by the **temperature**, keep **top-k**, then keep **top-p**
# of what is left (with probabilities that add up to 1 again), draw. A dropped token has the logit
# −∞, so its probability is 0.
#
# `torch.multinomial(probabilities, 1, generator=generator)` draws one token for each row and
# returns (batch, 1). A `generator` is a source of random numbers of one's own: with the same seed,
# the same text.

# %% [markdown]
# ### Exercise 3: `sample_next`
#
# *Difficulty 4 of 5 · importance 4 of 5 · 30 minutes · 6 points*
#
# A `top_k` larger than the vocabulary keeps all. Where tokens are equally likely, top-p keeps no
# more of them than it takes. Leave the caller's logits as they are.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# For top-p, sort first. In the sorted order, a token goes if the sum **before** it has already
# reached p. How do you get the sum before a token from `cumsum`? And how does a mask that is in
# sorted order get back into the order of the vocabulary?
#
# <details><summary><b>Hint 2: the shapes and the functions</b></summary>
#
# All are (batch, vocab_size). `logits.topk(k).values[:, -1:]` is each row's k-th largest logit,
# (batch, 1). `ordered, order = logits.sort(dim=-1, descending=True)`. If `drop` is in sorted order,
# `torch.zeros_like(drop).scatter(-1, order, drop)` is in the vocabulary's.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# temperature 0? the place of the largest logit
# logits = logits / temperature
# top_k?  logits below the k-th largest become -inf         (k at most the vocabulary)
# top_p?  sort; p_sorted = softmax of the sorted logits
#         drop = (cumsum of p_sorted) - p_sorted >= top_p
#         bring drop back into the vocabulary's order; those logits become -inf
# draw from the softmax, (batch, 1) -> (batch,)
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "sample_next-answer", "locked": false, "solution": true, "task": false}
def sample_next(
    logits: torch.Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """logits (batch, vocab_size) -> one token id a row, (batch,).

    Rule: temperature (0: the most likely), then top_k, then top_p, then draw by the softmax. The
    token that crosses top_p stays.
    """
    ### BEGIN SOLUTION
    if temperature == 0:
        return logits.argmax(-1)
    logits = logits / temperature
    if top_k is not None:
        weakest = logits.topk(min(top_k, logits.size(-1))).values[:, -1:]
        logits = logits.masked_fill(logits < weakest, -math.inf)
    if top_p is not None:
        ordered, order = logits.sort(dim=-1, descending=True)
        ranked = ordered.softmax(-1)
        drop = ranked.cumsum(-1) - ranked >= top_p
        drop = torch.zeros_like(drop).scatter(-1, order, drop)
        logits = logits.masked_fill(drop, -math.inf)
    probabilities = logits.softmax(-1)
    return torch.multinomial(probabilities, 1, generator=generator).squeeze(-1)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "sample_next", "locked": true, "points": 6, "solution": false, "task": false}
check("sample_next")

# %% [markdown]
# The check draws hundreds of tokens and counts them. Its limits are so wide that a right answer
# fails less than once in a million checks.
#
# <details><summary>If the check says that a token <b>comes too often or never</b></summary>
#
# Take one row that you can reckon by hand: `torch.tensor([[2.0, 1.0, 0.0]])`, repeated 1,000 times
# with `.expand(1000, -1)`. Count what comes with `torch.bincount`. Turn one knob at a time.
#
# </details>
#
# <br>
#
# Your function on your model. Here it draws 2,000 times at each setting, and the outline is what
# the model itself says:

# %% tags=["nbval-ignore-output"]
figures.sampling_explorer(vocabulary, next_logits("She"), sample_next)

# %% [markdown]
# Turn the temperature up to 3: the words that aren't even shown take over. Now bring top-p down.
# Top-p 0.9 at temperature 3 is **more** words than top-p 0.9 at temperature 1: that's why the
# order matters.
#
# **Break it.** Let top-p drop the token that crosses p. What is left when the model is sure?

# %%
sure = torch.tensor([0.97, 0.02, 0.01])
kept = sure.cumsum(0) <= 0.9
print("left:", kept.tolist(), "· probabilities that remain:", (sure * kept).sum().item())

# %% [markdown]
# Nothing, exactly when there is only one right word. `multinomial` then raises an error, or, after
# a softmax over −∞ alone, draws from NaN.

# %% [markdown]
# ---
# *A good place for a break.*
#
# ---
# ## 5 · Write
#
# One word is chosen. Put it behind the text and ask again. That is all there is to writing:
#
# $$\text{text} \rightarrow \text{logits of the last position} \rightarrow \text{one token} \rightarrow \text{text + token} \rightarrow \dots$$
#
# ### By hand
#
# Three texts in one batch, `<end>` is 1. Step by step:
#
# | | prompt | step 1 | step 2 | step 3 |
# |---|---|---|---|---|
# | row 0 | 1 7 | 4 | **1** | *1* |
# | row 1 | 1 9 | **1** | *1* | *1* |
# | row 2 | 1 5 | 6 | 8 | **1** |
#
# Bold: the row has said `<end>` and is finished. Italic: padding, again with `<end>`. Row 2 goes
# on alone. After step 3 all have ended, so there is no step 4, even if more were allowed. And the
# 1 **in the prompt** ends nothing.

# %% [markdown]
# ### Exercise 4: `generate`
#
# *Difficulty 3 of 5 · importance 5 of 5 · 20 minutes · 5 points*
#
# The model is any callable: tokens (batch, length) to logits (batch, length, vocab_size). Give it
# the **whole** text each time; the logits that count are the last position's. Hand temperature,
# top_k, top_p and generator on to your `sample_next`.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# What do you have to remember about each row from step to step? What if `eos_id` is None? And what
# if it is 0?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# model(tokens)[:, -1] is (batch, vocab_size). sample_next gives (batch,). To put it behind tokens
# (batch, length) with `torch.cat(…, dim=1)`, it has to be (batch, 1): `.unsqueeze(1)`.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# ended = for each row: False
# max_new_tokens times:
#     new = sample_next(the last position's logits, and all four settings)
#     if there is an eos_id:
#         rows that have ended get eos_id in place of new
#         ended = ended, or new is eos_id
#     put new behind the text
#     all ended? stop
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "generate-answer", "locked": false, "solution": true, "task": false}
@torch.no_grad()
def generate(
    model,
    prompt: torch.Tensor,
    max_new_tokens: int,
    eos_id: int | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """prompt (batch, length) -> the prompt and what follows, (batch, length + new).

    Rule: at most max_new_tokens; a row that has said a new eos_id gets only eos_id from then on,
    and when all have, the text ends.
    """
    ### BEGIN SOLUTION
    tokens = prompt
    ended = torch.zeros(len(prompt), dtype=torch.bool, device=prompt.device)
    for _ in range(max_new_tokens):
        new = sample_next(model(tokens)[:, -1], temperature, top_k, top_p, generator)
        if eos_id is not None:
            new = new.masked_fill(ended, eos_id)
            ended = ended | (new == eos_id)
        tokens = torch.cat([tokens, new.unsqueeze(1)], dim=1)
        if ended.all():
            break
    return tokens
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "generate", "locked": true, "points": 5, "solution": false, "task": false}
check("generate")

# %% [markdown]
# <details><summary>If the check says that a row <b>goes on after its end</b></summary>
#
# A row that has ended gets `eos_id`, whatever was drawn for it. Fill `new` with it **before** you
# put it behind the text: `new.masked_fill(ended, eos_id)`.
#
# </details>
#
# <br>
#
# Let it write. The prompt is `<end>` alone, or the beginning of a sentence:


# %%
def write(count, text="", **how):
    """Sentences that begin with this text."""
    ids = [END, *(number_of[word] for word in phrasebook.tokenise(text))]
    prompt = torch.tensor([ids] * count, device=device)
    found = []
    for line in generate(writer, prompt, 24, END, **how).tolist():
        words = itertools.takewhile(lambda token: token != END, line[1:])
        found.append(phrasebook.join([vocabulary[word] for word in words]))
    return found


# %% tags=["nbval-ignore-output"]
seed(8)
for sentence in write(6, temperature=0.7, top_p=0.8):
    print(sentence)
print()
for beginning in BEGINNINGS[1:]:
    print(f"{beginning} …  →", *write(2, beginning, temperature=0.7, top_p=0.8), sep="\n    ")

# %% [markdown]
# ### Is it English? Has it only copied?
#
# Six nice sentences prove nothing. There are two questions, and both can be counted:
#
# 1. **Is it a sentence?** The phrasebook is made by a grammar, and the grammar can also read:
#    `phrasebook.parses(sentence)` says whether it could have written this. One wrong word, and it
#    says no.
# 2. **Is it new?** A model that has learnt its sentences by heart would get 100 % in the first
#    count.

# %%
for sentence in (
    "When Sara is thirsty, she drinks water.",
    "When Sara is thirsty, she drinks the bank.",
):
    print(f"{phrasebook.parses(sentence)!s:6s}", sentence)

# %% tags=["nbval-ignore-output"]
known = set(sentences)
TEMPERATURES = (0.3, 0.5, 0.7, 1.0, 1.5)
right, new = [], []
for temperature in TEMPERATURES:
    seed(8)
    found = write(100, temperature=temperature, top_p=0.8)
    right.append(sum(map(phrasebook.parses, found)) / len(found))
    new.append(sum(sentence not in known for sentence in found) / len(found))
    print(f"temperature {temperature}: {right[-1]:.0%} are sentences, {new[-1]:.0%} are new")

# %% tags=["nbval-ignore-output"]
figures.share_curves(
    TEMPERATURES,
    {"are sentences of the grammar": right, "are new, not in the training data": new},
    "Careful or creative: the temperature trades one for the other",
    "temperature",
    measure="share of 100 sentences",
)

# %% [markdown]
# At the lowest temperature most sentences are right, and about half or more stood in its data. High
# temperatures bring more that is new, and the highest more that is wrong. At 0.7 and 1.0, about
# nine in ten are correct, or more, **and** most were never in its data. It hasn't memorised
# sentences, it has picked up the rules that make them.
#
# What does it get wrong? Look at some:

# %% tags=["nbval-ignore-output"]
seed(9)
wrong = [s for s in write(100, temperature=1.0) if not phrasebook.parses(s)]
print(*wrong[:6], sep="\n")

# %% [markdown]
# Read them slowly. Some are broken English: a word too many or too few, or two that don't go
# together. Others are grammatical in the usual sense, and break a finer rule of the grammar: whose
# mother one calls, who can be famous or bad, how many adjectives describe one person, a *he* or
# *she* that fits the person just named, what one does when one is sad, when it is sunny or when it
# snows.
#
# **Break it.** Give it a beginning that it has never met, with a word in the wrong place:

# %% tags=["nbval-ignore-output"]
seed(8)
print(*write(3, "The bank drank the", temperature=0.7, top_p=0.8), sep="\n")

# %% [markdown]
# It goes on as if nothing had happened. It has no notion of a mistake in its own text: the text is
# what it is given, and its only task is what comes next.

# %% [markdown]
# ---
# ## 6 · Remember the keys and values
#
# Each new word costs a run over the **whole** text. At word 200 the model works out 199 positions
# that it has worked out before. Has anything about them changed?
#
# ### By hand
#
# In a causal model, position 3 sees positions 0 to 3. A word at place 4 changes nothing there: not
# its hidden state, not its key, not its value. So what does the new position need from the old
# ones? Its query meets their **keys**, its weights take their **values**. No more.

# %%
figures.cached_work("The cat is very large .".split())

# %% [markdown]
# Keep keys and values, of every layer, and each step works out **one** position. For $n$ words
# that is $n$ in place of $n(n+1)/2$. For 200 words: 200 in place of 20,100.
#
# ### The rule
#
# | | shape |
# |---|---|
# | new key, new value, of one layer | (batch, num_heads, new, d_head), mostly new = 1 |
# | kept, of that layer | (batch, num_heads, **length**, d_head) |
#
# `append` puts the new ones **behind** the old ones, along the axis of the positions, and returns
# all. `length` counts positions, and not once for every layer.

# %% [markdown]
# ### Exercise 5: `KVCache`
#
# *Difficulty 2 of 5 · importance 4 of 5 · 15 minutes · 3 points*
#
# A plain class, no `nn.Module`: nothing is trained here. In each step every layer appends once, in
# order.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# What does the very first `append` of a layer find? Which axis of (batch, num_heads, length,
# d_head) grows?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# `torch.cat([old, new], dim=-2)`: (batch, num_heads, 5, d_head) and (batch, num_heads, 1, d_head)
# give (batch, num_heads, 6, d_head). `@property` above `length` lets one write `cache.length`,
# without brackets; leave it there.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth: for each layer, no keys and no values yet
# append:   if the layer has some: join old and new, of keys and of values
#           keep them, return both
# length:   0 without keys in the first layer, otherwise how many positions they have
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "KVCache-answer", "locked": false, "solution": true, "task": false}
class KVCache:
    """Keys and values of the positions read so far, layer by layer."""

    def __init__(self, num_layers: int) -> None:
        ### BEGIN SOLUTION
        self.held = [None] * num_layers
        ### END SOLUTION

    def append(
        self, layer: int, key: torch.Tensor, value: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """key and value (batch, num_heads, new, d_head) -> this layer's (keys, values) so far.

        Rule: the new ones last, along the positions; layers are counted from 0.
        """
        ### BEGIN SOLUTION
        if self.held[layer] is not None:
            keys, values = self.held[layer]
            key, value = torch.cat([keys, key], dim=-2), torch.cat([values, value], dim=-2)
        self.held[layer] = (key, value)
        return key, value
        ### END SOLUTION

    @property
    def length(self) -> int:
        """How many positions there are, however many layers; 0 at first."""
        ### BEGIN SOLUTION
        return 0 if self.held[0] is None else self.held[0][0].size(-2)
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "KVCache", "locked": true, "points": 3, "solution": false, "task": false}
check("KVCache")

# %%
cache = KVCache(num_layers=2)
for new in (3, 1, 1):
    for layer in range(2):
        keys, values = cache.append(layer, torch.randn(1, 4, new, 8), torch.randn(1, 4, new, 8))
    print(f"{new} new: keys {tuple(keys.shape)}, length {cache.length}")

# %% [markdown]
# ### One position through the attention
#
# Your `MultiHeadAttention` takes a whole text. For **one** new position you use its four
# projections yourself, with the cache in the middle. The module stays as it is.
#
# | step | shape |
# |---|---|
# | x, the new position | (batch, 1, d_model) |
# | query, key, value: project, split | (batch, num_heads, 1, d_head) |
# | append key and value: all keys, all values | (batch, num_heads, length, d_head) |
# | scaled dot-product attention | weights (batch, num_heads, 1, length) |
# | merge, `out_proj` | (batch, 1, d_model) |
#
# And the causal mask? The new position is the **last** one. It may see all that is there. It needs
# no mask.

# %% [markdown]
# ### Exercise 6: `cached_attention`
#
# *Difficulty 3 of 5 · importance 4 of 5 · 20 minutes · 4 points*
#
# `attention.q_proj`, `k_proj`, `v_proj` and `out_proj` are its layers, `attention.num_heads` is the
# number of its heads. Your `split_heads`, `merge_heads` and `scaled_dot_product_attention` do the
# rest. Return `(output, weights)`, as the attention itself does.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# The query is only for now. Which two of the three have to be kept, and before or after the split
# into heads? Look at the shapes that the cache wants.
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# split_heads(attention.k_proj(x), attention.num_heads) is (batch, num_heads, 1, d_head).
# cache.append(layer, key, value) returns what the query should look at.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# query, key, value = x through q_proj, k_proj, v_proj, each split into heads
# keys, values      = what the cache returns for this layer, with the new ones in it
# heads, weights    = attention of the query over them, no mask
# answer            = out_proj of the merged heads, and the weights
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "cached_attention-answer", "locked": false, "solution": true, "task": false}
def cached_attention(
    attention: nn.Module, x: torch.Tensor, cache: KVCache, layer: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """x (batch, 1, d_model) -> output (batch, 1, d_model), weights (batch, num_heads, 1, length).

    Rule: the new position's query over all keys and values of the layer, its own among them; the
    cache gains one position. The same as the attention gives it in the whole text.
    """
    ### BEGIN SOLUTION
    query, key, value = (
        split_heads(projection(x), attention.num_heads)
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    keys, values = cache.append(layer, key, value)
    heads, weights = scaled_dot_product_attention(query, keys, values)
    return attention.out_proj(merge_heads(heads)), weights
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "cached_attention", "locked": true, "points": 4, "solution": false, "task": false}
check("cached_attention")

# %% [markdown]
# <details><summary>If your own class from lesson 03 <b>has no num_heads</b></summary>
#
# Then it keeps the number under another name. The line below that sets `num_heads` gives it this
# one as well.
#
# </details>
#
# <br>
#
# Now a whole model, one token at a time. Everything but the attention works on each position by
# itself anyway. And the cache knows which position is next: its length.


# %%
@torch.no_grad()
def next_with_cache(model, token, cache):
    """The newest token (batch, 1) -> logits of the next one, (batch, vocab_size)."""
    x = model.token(token) + model.position.weight[cache.length]
    for number, layer in enumerate(model.layers):
        y, _ = cached_attention(layer.self_attention, layer.norm1(x), cache, number)
        x = x + y
        x = x + layer.feed_forward(layer.norm2(x))
    return F.linear(model.norm(x), model.token.weight)[:, 0]


# %%
for layer in writer.layers:
    layer.self_attention.num_heads = 4  # in case that your class calls it otherwise
text = torch.stack([row[:5] for row in rows if len(row) >= 5][:3]).to(device)
cache = KVCache(num_layers=2)
stepwise = [next_with_cache(writer, text[:, at : at + 1], cache) for at in range(5)]
with torch.no_grad():
    whole = writer(text)
print("the same logits:", torch.allclose(torch.stack(stepwise, 1), whole, atol=1e-4))

# %% [markdown]
# **Break it.** Forget where you are: give every new token position 0. The cache remembers the
# words, so does it matter?

# %%
cache, lost = KVCache(num_layers=2), copy.deepcopy(writer)
with torch.no_grad():
    lost.position.weight[:] = writer.position.weight[0]
stepwise = [next_with_cache(lost, text[:, at : at + 1], cache) for at in range(5)]
same = torch.allclose(torch.stack(stepwise, 1), whole, atol=1e-4)
print("the same logits without positions:", same)

# %% [markdown]
# ### What is it worth?
#
# A larger model, four texts at once, 200 tokens. Both ways write with temperature 0, so they must
# write the same. (The weights are random: the time doesn't care what is written.)

# %%
LONG = 200
large = GPT(512, d_model=128, num_heads=4, num_layers=4, context_length=LONG + 1).to(device).eval()
for layer in large.layers:
    layer.self_attention.num_heads = 4


def seconds(step, texts):
    """Write LONG tokens by step(tokens) -> logits; the text, and the time after each token."""
    tokens, times, start = texts, [], time.perf_counter()
    for _ in range(LONG):
        tokens = torch.cat([tokens, step(tokens).argmax(-1, keepdim=True)], dim=1)
        times.append(time.perf_counter() - start)
    return tokens, times


# %% tags=["nbval-ignore-output"]
texts = torch.arange(4, device=device)[:, None]
cache = KVCache(num_layers=4)
ways = {
    "with the cache": lambda tokens: next_with_cache(large, tokens[:, -1:], cache),
    "without": lambda tokens: large(tokens)[:, -1],
}
with torch.no_grad():
    measured = {name: seconds(step, texts) for name, step in ways.items()}
written = [tokens for tokens, _ in measured.values()]
print("the same text:", torch.equal(*written))

# %% tags=["nbval-ignore-output"]
LENGTHS = (10, 25, 50, 100, 150, 200)
speeds = {
    name: [4 * length / times[length - 1] for length in LENGTHS]
    for name, (_, times) in measured.items()
}
fast, slow = (row[-1] for row in speeds.values())
figures.writing_speed(
    LENGTHS, speeds, f"After 200 tokens, the cache is {fast / slow:.1f} times as fast"
)

# %% [markdown]
# Without the cache, each step works out more positions than the one before, and the speed falls.
# With it, a step reads more keys, which costs a little as well, but works out one position: after
# 200 tokens it is several times as fast. The price is memory: for each token, two vectors of
# d_model in every layer. For GPT-3 and its full context of 2,048, in 16-bit numbers, that is 2 · 96
# · 12,288 · 2,048 · 2 bytes:

# %%
print(f"{2 * 96 * 12288 * 2048 * 2 / 1e9:.1f} GB for one text")

# %% [markdown]
# That's why so much work goes into small caches today: fewer key heads than query heads
# (grouped-query attention), shorter windows, fewer bits.

# %% [markdown]
# ---
# ## 7 · Count to 175 billion
#
# GPT-3 is this model, 96 layers deep and 12,288 features wide. Its authors say it has "175 billion
# parameters". You have built every part of it, so you can count them.
#
# ### By hand
#
# One layer with d_model = 2, so 8 hidden features:
#
# | part | numbers | |
# |---|---|---|
# | four projections | 4 · (2 · 2 + 2) | 24 |
# | `linear1`, `linear2` | 2 · 8 + 8 and 8 · 2 + 2 | 42 |
# | `norm1`, `norm2` | 2 · (2 + 2) | 8 |
# | | | **74** |
#
# Add the tables and the last norm. The head? It is the token table, and counts once.

# %% [markdown]
# ### Exercise 7: `gpt_parameters`
#
# *Difficulty 2 of 5 · importance 3 of 5 · 10 minutes · 2 points*
#
# Calculate; don't build. The number is an `int`, and exact.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which parts are there once, and which num_layers times? Does anything depend on the number of
# heads?
#
# <details><summary><b>Hint 2: the sizes</b></summary>
#
# Tables: vocab_size and context_length rows of d_model. Attention: four matrices and four biases.
# Feed-forward: d_model · 4 d_model twice, with biases of 4 d_model and d_model. A norm: 2 d_model.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# layer  = attention + feed-forward + 2 norms
# answer = (vocab_size + context_length) rows + num_layers · layer + 1 norm
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "gpt_parameters-answer", "locked": false, "solution": true, "task": false}
def gpt_parameters(num_layers: int, d_model: int, vocab_size: int, context_length: int) -> int:
    """The number of parameters of a GPT with a tied head."""
    ### BEGIN SOLUTION
    attention = 4 * (d_model * d_model + d_model)
    feed_forward = 2 * 4 * d_model * d_model + 4 * d_model + d_model
    norm = 2 * d_model
    tables = (vocab_size + context_length) * d_model
    return tables + num_layers * (attention + feed_forward + 2 * norm) + norm
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "gpt_parameters", "locked": true, "points": 2, "solution": false, "task": false}
check("gpt_parameters")

# %% [markdown]
# <details><summary>If your count is <b>too small or too large</b></summary>
#
# The check says by how much. Divide that by d_model. A multiple of the vocabulary is a table too
# many or too few. 1, 2, 3 or 4 for each layer are biases or norms.
#
# </details>
#
# <br>
#
# Does the formula agree with your class? On the device `meta`, torch makes tensors without
# numbers: shapes, and no memory. So GPT-2 small fits in here:

# %%
with torch.device("meta"):
    gpt2 = GPT(50257, 768, 12, 12, 1024)
counted = sum(parameter.numel() for parameter in gpt2.parameters())
print(f"GPT-2 small, counted:    {counted:,}")
print(f"GPT-2 small, calculated: {gpt_parameters(12, 768, 50257, 1024):,}")
print(f"GPT-3, calculated:       {gpt_parameters(96, 12288, 50257, 2048):,}")

# %%
SIZES = {
    "yours": (2, 96, len(vocabulary), 32),
    "GPT-2 small": (12, 768, 50257, 1024),
    "GPT-3": (96, 12288, 50257, 2048),
}
parts = {
    name: {
        "tables": (words + context) * d,
        "attention": layers * 4 * d * (d + 1),
        "feed-forward": layers * (8 * d * d + 5 * d),
        "norms": (2 * layers + 1) * 2 * d,
    }
    for name, (layers, d, words, context) in SIZES.items()
}
figures.parameter_shares(parts, "In a large model the vocabulary costs next to nothing")

# %% [markdown]
# In GPT-3 the tables are nothing, and two thirds are feed-forward layers. It's 96 of the blocks
# that you have just trained.
#
# **Break it.** Untie the head. What would that cost?

# %%
for name, (layers, d, words, context) in SIZES.items():
    print(f"{name:12s} +{words * d / gpt_parameters(layers, d, words, context):.1%}")

# %% [markdown]
# ### The real GPT-2
#
# The names that your class has used all along are those that the published weights can be mapped
# to. With internet, 548 MB and a minute, this makes your class the real GPT-2. It is no code cell
# because it needs all three; make one of it if you like:
#
# ```python
# from workbook.weights import gpt2
#
# files = gpt2.fetch()                        # once; says what it does
# real = GPT(50257, 768, 12, 12, 1024, dropout=0.0).eval()
# gpt2.load(real, files / "model.safetensors")
# words = gpt2.tokenizer(files)
# prompt = torch.tensor([words.encode("The Transformer is").ids])
# print(words.decode(generate(real, prompt, 40, temperature=0.8, top_p=0.9)[0].tolist()))
# ```
#
# A test of the course compares such a model with Hugging Face's own, logit by logit.

# %% [markdown]
# ---
# ## 8 · In your own words
#
# Two to five sentences each. A person reads these.
#
# ### Question 1 (3 points)
#
# In training, GPT handles all positions of a sentence at once. In writing, it goes word by word.
# Why is the first possible and honest, and why does the second have to be?

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-parallel-and-serial", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# In training the whole sentence is known, so every position can be given its true left context at
# once. The causal mask makes sure that no position sees the token it should predict or anything
# after it, so each of the parallel exercises is what the model would face in writing. In writing
# the next token is not known before it has been drawn, and it is part of the input of the step
# after it, so the steps depend on each other and have to be done one after the other.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: in training all tokens are known beforehand, so all positions can be worked out at the
#   same time.
# - 1 point: the causal mask keeps each position from seeing its answer (or later tokens), so the
#   exercises are honest.
# - 1 point: in writing each token is input to the next step and isn't known before it is chosen.
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 2 (3 points)
#
# Why can keys and values be kept from step to step, and queries need not be? Would the cache still
# be right in a model like BERT, where every position sees all others?

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-what-is-cached", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Under the causal mask an old position never sees the new token, so its hidden state in every layer
# and with it its key and value stay as they were: they can be kept. Later positions need the old
# keys (for the scores) and the old values (for the sum), while an old position's query was used for
# that position's own output and is never asked for again. In BERT every position sees the new
# token, so all hidden states, keys and values change and what was kept would be wrong.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: old positions don't see new ones (causal mask), so their keys and values don't change.
# - 1 point: a new position needs the others' keys and values; a query serves only its own position.
# - 1 point: in BERT a new token changes all positions, so the cache would be wrong.
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 3 (3 points)
#
# A friend trains a GPT and reports: "The loss is 0.02, it is perfect! But it writes nonsense." Name
# two possible causes that this lesson has shown, and for each a test that would tell.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-too-good", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# The targets may not be shifted, so that each position is asked for the token it has just read:
# train on random tokens, where the loss can't fall below ln(vocabulary) honestly. Or the causal mask
# may be missing, so that each position sees the next token: change a later token and see whether
# earlier outputs change (future_leak). It may also have learnt a small data set by heart: then the
# loss on held-out sentences is high, and its sentences are found in the training data.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: one cause: not shifted, no (or a wrong) causal mask, padding counted as an easy target,
#   or learnt by heart.
# - 1 point: a second, different cause.
# - 1 point: for at least one of them, a test that would really tell it apart (random tokens;
#   future_leak; held-out loss; share of new sentences).
#
# === END MARK SCHEME ===

# %% [markdown]
# ---
# ## 9 · Spot the bug
#
# *Difficulty 4 of 5 · importance 4 of 5 · 15 minutes · no points*
#
# Somebody wrote the whole loop again, "with the cache, and faster". It writes, and sometimes it
# even writes well. **It has two bugs.** Read it before you go on.


# %%
@torch.no_grad()
def buggy_write(model, prompt, new, temperature):
    cache, tokens = KVCache(len(model.layers)), prompt
    logits = next_with_cache(model, prompt[:, -1:], cache)
    for _ in range(new):
        if temperature == 0:
            token = logits.argmax(-1)
        else:
            token = torch.multinomial((logits * temperature).softmax(-1), 1)[:, 0]
        tokens = torch.cat([tokens, token[:, None]], dim=1)
        logits = next_with_cache(model, token[:, None], cache)
    return tokens


# %% [markdown]
# `compare_write` holds a version against your `generate`, for a short and a longer prompt, and
# looks at how varied hot and cold texts are.


# %%
def compare_write(candidate):
    for length in (1, 4):
        prompt = text[:, :length]
        wanted = generate(writer, prompt, 6, temperature=0.0)
        got = candidate(writer, prompt, 6, 0)
        right = "returns nothing yet" if got is None else torch.equal(got, wanted)
        print(f"prompt of {length}, temperature 0: the same text: {right}")
    if got is not None:
        many = text[:1, :1].repeat(200, 1)
        cold, hot = (len(candidate(writer, many, 1, t)[:, 1].unique()) for t in (0.3, 3.0))
        print("more different words at 3.0 than at 0.3:", hot > cold)


compare_write(buggy_write)

# %% [markdown]
# With a prompt of one token it is right, and with a longer one it isn't. What has the cache seen of
# the prompt?
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# The cache starts empty. Which tokens have to go through the model before the first new one is
# chosen?
#
# <details><summary><b>Hint 2: the other bug</b></summary>
#
# Look at the temperature, and at section 4's table.
#
# </details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "spot-the-bug", "locked": false, "solution": true, "task": false}
@torch.no_grad()
def mended_write(model, prompt, new, temperature):
    """buggy_write without its two bugs."""
    ### BEGIN SOLUTION
    cache, tokens = KVCache(len(model.layers)), prompt
    for at in range(prompt.size(1)):
        logits = next_with_cache(model, prompt[:, at : at + 1], cache)
    for _ in range(new):
        token = sample_next(logits, temperature)
        tokens = torch.cat([tokens, token[:, None]], dim=1)
        logits = next_with_cache(model, token[:, None], cache)
    return tokens
    ### END SOLUTION


# %%
compare_write(mended_write)

# %% [markdown]
# Three times True? Then both are gone. **A test with a prompt of one token sees nothing of the
# first bug, and a test with temperature 0 or 1 nothing of the second.**

# %% [markdown]
# ---
# ## What you can say now
#
# - GPT is the right half of a Transformer without a source: encoder layers under a causal mask.
# - Position $t$ predicts token $t + 1$. All positions learn at once, and the mask keeps it honest.
# - Temperature, then top-k, then top-p, then draw. The token that crosses p stays.
# - Writing is a loop, and a cache of keys and values makes each step cost one position.
# - 124,439,808 and 174.6 billion: the same parts, counted.
#
# The map again, with today's pieces filled in:

# %%
figures.transformer_map("08-gpt")

# %% [markdown]
# ## What to read next
#
# - Radford et al. (2019), [Language Models are Unsupervised Multitask
#   Learners](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf):
#   GPT-2; section 2.3 describes your class.
# - Brown et al. (2020), [Language Models are Few-Shot Learners](https://arxiv.org/abs/2005.14165):
#   GPT-3. Table 2.1 has the sizes that you have counted.
# - Holtzman et al. (2020), [The Curious Case of Neural Text
#   Degeneration](https://arxiv.org/abs/1904.09751): why the most likely text is a bad text, and
#   top-p.
# - Ainslie et al. (2023), [GQA](https://arxiv.org/abs/2305.13245): a smaller cache.

# %% [markdown]
# **Next, lesson 09:** encoder and decoder come together. Your pieces become a translator, and
# today's cache makes it fast.
