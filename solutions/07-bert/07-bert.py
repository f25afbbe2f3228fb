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
# # Lesson 07 · Read in both directions
#
# A decoder reads from left to right. An encoder sees the whole sentence at once. Today you turn
# the encoder into **BERT**: a model that learns from plain text, without anybody's labels, and can
# then be taught a task with ten examples.
#
# | | |
# |---|---|
# | **You will build** | `BertEmbeddings`, `mask_tokens`, `Bert`, `masked_lm_loss`, `SentenceClassifier` |
# | **You need** | lesson 05's `Encoder`, `LayerNorm` and `padding_mask` (or the course's) |
# | **Your time** | 2 hours 30 minutes, with a good place for a break after section 5 |
# | **Points** | 35 from the checks, 9 from three written questions |
# | **Running it all** | two to three minutes on a laptop without a GPU |

# %% tags=["setup"]
import copy
import math
import random
from collections import Counter

import torch
from torch import nn
from torch.nn import functional as F

from autograder import check
from workbook import figures
from workbook.corpus import phrasebook
from workbook.device import pick_device, seed

device = pick_device()
seed(7)
torch.set_printoptions(precision=2, sci_mode=False)
torch.set_num_threads(1)  # our tensors are small: one thread beats several that wait

# %% [markdown]
# Three pieces come from lesson 05: yours where they have passed, otherwise the course's, with a
# badge that says so.

# %% tags=["nbval-ignore-output"]
from workbook.toolbox import Encoder, LayerNorm, padding_mask

# %%
figures.transformer_map("07-bert")

# %% [markdown]
# BERT is the left half of the map, the encoder, with nothing on the right. What is new stands
# below it (how words come in) and beside it (what it is trained to do).
#
# Stuck? Open the hints one at a time. To read on first, add a cell with
# `from workbook.toolbox import borrow` and `mask_tokens = borrow("mask_tokens")`. It lends you
# the course's version, without the points.

# %% [markdown]
# ---
# ## 1 · What is a bank?
#
# > I arrived at the **bank** after crossing the ___.
#
# *Street*: then it is a house with money in it. *River*: then it is wet. The word that decides
# comes **after** *bank*. A model that reads from left to right has to write *bank* down before it
# knows which one it is.
#
# An encoder doesn't have this problem: every word looks at every other one. But what should it
# **learn from**? A translator learns from translations, a tagger from tags, and people have to
# make those by hand. Of plain text there is no end.

# %% [markdown]
# ### The smallest example
#
# Play it yourself. Which word is hidden?
#
# 1. I arrived at the bank after crossing the ███.
# 2. I arrived at the ███ after crossing the river.
# 3. I arrived ███ the bank after crossing the river.
#
# For the third you need grammar, for the first two some knowledge of the world. **Nobody had to
# label anything**: the answer is the word that stood there. You can make as many such riddles as
# you have sentences.
#
# A decoder plays a game like it, *what comes next?*, and has to hide everything to the right for
# it. Hide **single words** instead, and both sides stay open. That is the idea of BERT:
# *bidirectional encoder representations from Transformers* (Devlin et al., 2019). The game is
# called masked-language modelling.

# %% [markdown]
# ---
# ## 2 · How words come in
#
# BERT reads one sentence, or two at once ("Does the second follow from the first?"). So it has
# three special tokens, and three things to say about each place:
#
# - `[CLS]` stands in front of everything. It means nothing by itself. Its place in the last layer
#   is where the model collects what it has to say **about the whole input**.
# - `[SEP]` ends each sentence.
# - `[PAD]` fills up short sentences, as before. (`[MASK]` is the fourth. It comes in section 3.)

# %%
tokens = "[CLS] i ran to the bank [SEP] it was closed [SEP]".split()
segments = [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
figures.embedding_sum(tokens, segments)

# %% [markdown]
# The *segment* says which of the two sentences a token is in. Without it, `bank` in sentence 1 and
# `bank` in sentence 2 would differ by their place alone. All three tables are **learned**. There are
# no sinusoids.
#
# ### By hand
#
# Take `d_model = 2` and one token: its token vector is (3, 1), its segment vector (0, 2), its
# position vector (1, 1). What comes out? Add: (4, 4). Then the norm: the mean is 4, the deviation 0.
# **0 / √(0 + eps)**: both numbers are 0. Now you know why there is an eps. With position (3, 1)
# the sum is (6, 4), mean 5, deviation 1, and the norm gives (1, −1).

# %% [markdown]
# ### Exercise 1: `BertEmbeddings`
#
# *Difficulty 2 of 5 · importance 4 of 5 · 15 minutes · 5 points*
#
# Parameters, by name: `token`, an `nn.Embedding(vocab_size, d_model)`; `segment`, an
# `nn.Embedding(num_segments, d_model)`; `position`, an `nn.Embedding(max_length, d_model)`; and
# `norm`, your `LayerNorm(d_model, eps)`. Dropout comes last.
#
# The course's norms had an eps of 1e-5. BERT's has 1e-12, so pass it on. Where `segments` is None,
# every token is of segment 0, and **that row is added too**. A sentence longer than `max_length`
# gets a `ValueError`.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which of the three tables is looked up with `tokens`, which with `segments`, and with which
# numbers the third?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# tokens and segments are (batch, length). Their vectors are (batch, length, d_model). The positions
# 0, 1, … length − 1 give (length, d_model), which broadcasts over the batch.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth:  three embeddings, a norm with eps, a dropout
# forward:   refuse a length above max_length
#            segments = zeros like tokens, if there are none
#            total    = token of tokens + segment of segments + position of 0 … length − 1
#            answer   = dropout of the norm of total
# ```
#
# The positions have to be on the device of the tokens: torch.arange(length, device=tokens.device).
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "BertEmbeddings-answer", "locked": false, "solution": true, "task": false}
class BertEmbeddings(nn.Module):
    """Token + segment + position, then norm, then dropout.

    Parameters: token, segment, position (nn.Embedding) and norm (LayerNorm).
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        max_length: int,
        num_segments: int = 2,
        dropout: float = 0.1,
        eps: float = 1e-12,
    ) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.max_length = max_length
        self.token = nn.Embedding(vocab_size, d_model)
        self.segment = nn.Embedding(num_segments, d_model)
        self.position = nn.Embedding(max_length, d_model)
        self.norm = LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def forward(self, tokens: torch.Tensor, segments: torch.Tensor | None = None) -> torch.Tensor:
        """tokens and segments (batch, length) -> (batch, length, d_model).

        Rule: dropout(norm(token + segment + position)); segment 0 where segments is None;
        ValueError for more than max_length tokens.
        """
        ### BEGIN SOLUTION
        length = tokens.size(1)
        if length > self.max_length:
            raise ValueError(f"{length} tokens, and only {self.max_length} positions")
        if segments is None:
            segments = torch.zeros_like(tokens)
        places = torch.arange(length, device=tokens.device)
        total = self.token(tokens) + self.segment(segments) + self.position(places)
        return self.dropout(self.norm(total))
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "BertEmbeddings", "locked": true, "points": 5, "solution": false, "task": false}
check("BertEmbeddings")

# %% [markdown]
# <details><summary>If the check says <b>a tiny eps</b></summary>
#
# Your norm uses its own default of 1e-5. Pass eps on: LayerNorm(d_model, eps).
#
# </details>
#
# **Break it.** Two sentences with the same words in another order. Switch off the positions, and
# then look at the vectors of *dog*:

# %%
layer = BertEmbeddings(vocab_size=9, d_model=8, max_length=6, dropout=0.0)
orders = torch.tensor([[1, 5, 2, 6], [1, 6, 2, 5]])  # dog is 5; it stands in places 1 and 3
with torch.no_grad():
    print("with positions, the same:", torch.equal(layer(orders)[0, 1], layer(orders)[1, 3]))
    layer.position.weight.zero_()
    print("without them, the same:  ", torch.equal(layer(orders)[0, 1], layer(orders)[1, 3]))

# %% [markdown]
# ---
# ## 3 · Hide words, but not quite
#
# Choose 15 % of the tokens, put `[MASK]` there, and let the model guess. Almost. One thing is wrong
# with that: later, in real use, **there is no `[MASK]`**. A model that has learned to work hard
# only at `[MASK]` has never had a reason to think about the words it sees.
#
# So the paper does three different things to the chosen tokens:
#
# | share of the **chosen** | becomes | why |
# |---|---|---|
# | 80 % | `[MASK]` | the riddle |
# | 10 % | any token of the vocabulary | a word that is there may be wrong: check it |
# | 10 % | itself | and it may be right |
#
# In all three cases the model has to guess the token that **stood there before**.

# %% [markdown]
# ### By hand
#
# Here are twelve tokens, of which three are chosen. The labels say what is to be guessed, and
# **−100** where nothing is:

# %%
figures.masked_sentence(
    "[CLS] i arrived at the bank after crossing the river . [SEP]".split(),
    "[CLS] i [MASK] at the bank after crossing the monkey . [SEP]".split(),
    [None, None, "arrived", None, None, "bank", None, None, None, "river", None, None],
)

# %% [markdown]
# Why −100? It is no token, so it can't be mixed up with one. And torch's `cross_entropy` leaves out
# exactly this number, by default.
#
# Of 1,000 ordinary tokens, how many are chosen, how many become `[MASK]`, how many become a random
# token, and how many of the 1,000 look the same as before?
#
# <details><summary><b>The answer</b></summary>
#
# 150 are chosen: 120 masks, 15 random tokens, 15 unchanged. So 850 + 15 = 865 look as before. (On
# the average. And now and then a random token happens to be the right one.)
#
# </details>

# %% [markdown]
# ### Exercise 2: `mask_tokens`
#
# *Difficulty 4 of 5 · importance 5 of 5 · 25 minutes · 9 points*
#
# - Each token that isn't in `special_ids` is chosen with probability `rate`, **on its own**: not a
#   fixed number in each sentence.
# - Of the chosen, 80 % become `mask_id`, 10 % a random id from 0 to `vocab_size − 1` (any id, special
#   ones too, as in the paper's code), 10 % stay.
# - `tokens` stays as it was.
# - Every random number comes from `generator`. `torch.rand(shape, generator=generator)` makes
#   numbers spread evenly between 0 and 1, `torch.randint(n, shape, generator=generator)` whole ones
#   from 0 to n − 1. The generator is on the CPU; `.to(tokens.device)` brings what it drew to the tokens.
#
# Randomness can't be compared number by number. The check counts, over many draws.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# How can one random number between 0 and 1 decide between 80, 10 and 10 %? And may it be the same
# number that decided whether the token is chosen?
#
# <details><summary><b>Hint 2: the tensors</b></summary>
#
# Everything has the shape of tokens. chosen is boolean; fate is a number between 0 and 1 for each
# token; words a random id for each token. torch.isin(tokens, torch.tensor(special_ids)) marks the
# special ones (on the tokens' device). torch.where(condition, a, b) picks.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# chosen = a random number is below rate, and the token is not special
# fate   = another random number for each token
# words  = a random id for each token
# inputs = tokens, but mask_id where chosen and fate < 0.8,
#                  and words   where chosen and 0.8 ≤ fate < 0.9
# labels = tokens where chosen, −100 elsewhere
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "mask_tokens-answer", "locked": false, "solution": true, "task": false}
def mask_tokens(
    tokens: torch.Tensor,
    mask_id: int,
    vocab_size: int,
    special_ids: list[int],
    generator: torch.Generator,
    rate: float = 0.15,
) -> tuple[torch.Tensor, torch.Tensor]:
    """tokens (batch, length) -> inputs, labels, both of that shape and int64.

    Rule: choose with probability rate among what is not special; of the chosen 80 % become
    mask_id, 10 % any id, 10 % stay; labels hold the chosen tokens, −100 elsewhere.
    """
    ### BEGIN SOLUTION
    special = torch.isin(tokens, torch.tensor(special_ids, device=tokens.device))
    first = torch.rand(tokens.shape, generator=generator).to(tokens.device)
    fate = torch.rand(tokens.shape, generator=generator).to(tokens.device)
    chosen = (first < rate) & ~special
    words = torch.randint(vocab_size, tokens.shape, generator=generator).to(tokens.device)
    inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)
    inputs = torch.where(chosen & (fate >= 0.8) & (fate < 0.9), words, inputs)
    return inputs, torch.where(chosen, tokens, -100)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "mask_tokens", "locked": true, "points": 9, "solution": false, "task": false}
check("mask_tokens")

# %% [markdown]
# <details><summary>If the check gives you <b>other shares</b> than 80, 10 and 10</summary>
#
# Did you draw anew for the random tokens? Then some masks are overwritten, or the other way round.
# One number for each token, cut at 0.8 and at 0.9, gives all three.
#
# </details>
#
# <details><summary>If the check says <b>tokens were changed</b></summary>
#
# `inputs = tokens` is one tensor with two names. Use torch.where, or begin with tokens.clone().
#
# </details>

# %% [markdown]
# ### On a real sentence
#
# Five draws from one sentence, and behind each what is to be guessed. Some have no riddle at all,
# some have three, and a draw may come twice. That is no mistake: each token is chosen on its own. A
# word to guess that still stands there is one of the 10 % that stay. **Break it:** with a rate of
# 0.9, could you still guess?

# %%
sentence = "[CLS] i arrived at the bank after crossing the river . [SEP]".split()
words = ["[CLS]", "[SEP]", "[MASK]", *sorted(set(sentence[1:-1]))]
ids = torch.tensor([[words.index(word) for word in sentence]])
dice = torch.Generator().manual_seed(1)
for rate in (0.15, 0.15, 0.15, 0.15, 0.15, 0.9):
    inputs, labels = mask_tokens(ids, 2, len(words), [0, 1, 2], dice, rate)
    print(f"{rate:.2f}", " ".join(words[number] for number in inputs[0].tolist()))
    asked = [words[number] for number in labels[0].tolist() if number != -100]
    print("     to guess:", " ".join(asked) or "nothing")

# %% [markdown]
# ---
# ## 4 · The model
#
# The rest you have already. BERT is your embeddings, your encoder, and one linear layer:
#
# | step | shape |
# |---|---|
# | tokens, segments | $(B, T)$ |
# | `embeddings` | $(B, T, d_\text{model})$ |
# | `encoder` gives **hidden** | $(B, T, d_\text{model})$ |
# | the first place, `[CLS]` | $(B, d_\text{model})$ |
# | `pooler`, then tanh, gives **pooled** | $(B, d_\text{model})$ |
#
# *Hidden* has a vector for each token, *pooled* one for the whole input.

# %% [markdown]
# Three settings are BERT's, of 2018. Your `Encoder` has others by default:
#
# - **post-norm**: `norm_first=False`. There is no norm after the last layer.
# - **GELU** in place of ReLU: `activation="gelu"`, the exact one, $x\,\Phi(x)$, where $\Phi$ is the
#   bell curve's area to the left of $x$. It is a ReLU with a soft corner. (`"gelu_tanh"` is an
#   approximation, which GPT uses.)
# - **eps** is 1e-12 in every norm: `eps=1e-12`.
#
# Get one of them wrong and everything seems to work, until you load published weights and the
# answers are slightly off.

# %%
x = torch.tensor([-3.0, -1.0, -0.1, 0.0, 0.1, 1.0, 3.0])
print("x        ", x)
print("ReLU     ", F.relu(x))
print("GELU     ", F.gelu(x))

# %% [markdown]
# ### Exercise 3: `Bert`
#
# *Difficulty 3 of 5 · importance 5 of 5 · 20 minutes · 9 points*
#
# Sub-modules, by name: `embeddings`, your `BertEmbeddings`; `encoder`, your `Encoder`; `pooler`, an
# `nn.Linear(d_model, d_model)`. `dropout` goes to the embeddings and to the encoder.
#
# As a reminder, lesson 05's encoder is made and called like this:
#
# ```
# Encoder(num_layers, d_model, num_heads, d_ff, dropout=0.1, norm_first=True, activation="relu", eps=1e-5)
# hidden = encoder(x, mask)
# ```
#
# The mask is the one of `padding_mask`: True means "may attend". Hand it on as it comes.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# Go down the table of shapes. Which line needs the segments, which the mask, and which is neither
# a module of yours nor a linear layer?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# hidden is (B, T, d_model); hidden[:, 0] is the vector of [CLS] of every sentence, (B, d_model).
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth:  embeddings (vocab_size, d_model, max_length, and the dropout by its name)
#            encoder (post-norm, exact GELU, eps 1e-12, with dropout)
#            pooler
# forward:   hidden = encoder of the embeddings of tokens and segments, with the mask
#            pooled = tanh of the pooler of hidden's first place
#            return both
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "Bert-answer", "locked": false, "solution": true, "task": false}
class Bert(nn.Module):
    """An encoder that reads in both directions. Sub-modules: embeddings, encoder, pooler."""

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
        ### BEGIN SOLUTION
        self.embeddings = BertEmbeddings(vocab_size, d_model, max_length, dropout=dropout)
        self.encoder = Encoder(
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
        ### END SOLUTION

    def forward(
        self,
        tokens: torch.Tensor,
        segments: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """tokens, segments (B, T), mask broadcasts to (B, H, T, T), True may attend
        -> hidden (B, T, d_model), pooled (B, d_model).

        Rule: hidden = encoder(embeddings); pooled = tanh(pooler(hidden at the first place)).
        """
        ### BEGIN SOLUTION
        hidden = self.encoder(self.embeddings(tokens, segments), mask)
        pooled = torch.tanh(self.pooler(hidden[:, 0]))
        return hidden, pooled
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "Bert", "locked": true, "points": 9, "solution": false, "task": false}
check("Bert")

# %% [markdown]
# <details><summary>If the check says that <b>parameters are missing or not asked for</b></summary>
#
# `encoder.norm.weight` too many: your encoder is pre-norm. Names with `.0.` in them: something is
# wrapped in an nn.Sequential.
#
# </details>

# %% [markdown]
# ### The same as Hugging Face's
#
# The best-known BERT is the one of the library *transformers*. With copied weights, yours has to give
# the same numbers. Its tensors have other names; `workbook.weights` knows which is which, from
# `embeddings.word_embeddings.weight` to `pooler.dense.bias`.
#
# The library isn't part of this course's installation. Where it isn't there, the cell says so, and
# you may take our word: a test of the course compares the two at every change.


# %%
@torch.no_grad()
def compare_with_hugging_face():
    try:
        from transformers import BertConfig, BertModel
    except ImportError:
        return "transformers isn't installed here: nothing to compare with"
    from workbook.weights.bert import fill_bert

    settings = BertConfig(
        vocab_size=31,
        hidden_size=12,
        num_attention_heads=3,
        num_hidden_layers=2,
        intermediate_size=20,
        max_position_embeddings=9,
    )
    theirs = BertModel(settings).eval()
    mine = Bert(31, 12, 3, 2, 20, 9).eval()
    fill_bert(mine, theirs.state_dict())
    tokens = torch.tensor([[3, 14, 15, 9, 26], [5, 3, 5, 0, 0]])
    hidden, pooled = mine(tokens, None, padding_mask(tokens, 0))
    answer = theirs(tokens, attention_mask=(tokens != 0).long())
    gap = (hidden - answer.last_hidden_state)[tokens != 0].abs().max()
    gap = max(gap.item(), (pooled - answer.pooler_output).abs().max().item())
    return f"largest difference of hidden and pooled: {gap:.0e}"


# %% tags=["nbval-ignore-output"]
print(compare_with_hugging_face())

# %% [markdown]
# (A number like 1e-07 is rounding: two programs add the same float32 numbers in another order.)
#
# **Break it.** Which of the three settings would such a comparison notice? Pre-norm at once: it has
# a norm too many, and the weights don't fit. Here are the other two, changed one at a time, with the
# same weights:

# %%
settings = {"norm_first": False, "activation": "gelu", "eps": 1e-12}
right = Encoder(2, 12, 3, 20, **settings).eval()
x = torch.randn(2, 5, 12)
for changed in ({"activation": "relu"}, {"activation": "gelu_tanh"}, {"eps": 1e-5}):
    other = Encoder(2, 12, 3, 20, **settings | changed)
    other.load_state_dict(right.state_dict())
    with torch.no_grad():
        gap = (other.eval()(x) - right(x)).abs().max().item()
    print(changed, "visible" if gap > 1e-3 else "below a thousandth, and still not the same")

# %% [markdown]
# ---
# ## 5 · The loss
#
# The model gives logits for every place, $(B, T, \text{vocab})$. Only the chosen places count:
#
# $$\text{loss} = -\frac{1}{|\text{chosen}|}\sum_{i \,\in\, \text{chosen}} \log p_i(\text{label}_i)$$
#
# ### By hand
#
# Three places, two of them chosen. The model gives the right token 0.5 at the first and 0.25 at the
# second. What is the loss?
#
# −ln 0.5 = 0.69 and −ln 0.25 = 1.39. Their mean is **1.04**. The third place isn't asked. (If you
# had divided by 3, you'd have got 0.69, and a batch with fewer riddles would look better.)

# %% [markdown]
# ### Exercise 4: `masked_lm_loss`
#
# *Difficulty 1 of 5 · importance 4 of 5 · 5 minutes · 5 points*
#
# One line is enough: `F.cross_entropy` is allowed, and leaves out labels of −100 by itself. It wants
# one row for each place.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# cross_entropy takes (N, classes) and (N,). How do you get from (B, T, vocab) to (N, vocab)?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# logits.flatten(0, 1) is (B · T, vocab), labels.flatten() is (B · T,).
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# answer = cross entropy of the flattened logits and the flattened labels
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "masked_lm_loss-answer", "locked": false, "solution": true, "task": false}
def masked_lm_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """logits (batch, length, vocab_size), labels (batch, length) -> a scalar.

    Rule: the mean of −log p(label) over all places whose label is not −100.
    """
    ### BEGIN SOLUTION
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten())
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "masked_lm_loss", "locked": true, "points": 5, "solution": false, "task": false}
check("masked_lm_loss")

# %% [markdown]
# The example from above, as a check of your own. The probabilities are put in as logarithms:

# %%
by_hand = torch.tensor([[[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]]).log()
print(f"{masked_lm_loss(by_hand, torch.tensor([[0, 1, -100]])).item():.2f}")

# %% [markdown]
# **Break it.** A model that knows nothing gives each of 500 tokens the same probability. What loss
# has it? And what does it mean if a loss starts **above** that?

# %%
print(f"{masked_lm_loss(torch.zeros(1, 4, 500), torch.tensor([[7, -100, 3, -100]])).item():.2f}")

# %% [markdown]
# ln 500 = 6.21. A loss above it is surer of wrong answers than of right ones. Remember the rule, ln
# of the number of words: section 6 starts there.

# %% [markdown]
# *This is a good place for a break.*

# %% [markdown]
# ---
# ## 6 · Pre-training
#
# Now your model learns English from the phrasebook. Nobody tells it what a noun is, or a river.
#
# The original had 3.3 billion words and 64 chips for four days. You have a minute. So the model is
# small, and so is its world: short sentences about banks, and some other short ones.
#
# The next three cells read the phrasebook and make numbers of its words. You may run them without
# studying them.


# %%
def read(pair):
    return [word.lower() for word in phrasebook.tokenise(pair.english)]


MARKS = {".", "?", "!"}


def without_mark(words):
    return [word for word in words if word not in MARKS]


short = [pair for pair in phrasebook.load_phrasebook("train") if len(pair.tags) <= 11]
# A sentence that comes twice, with its mark and without, would be in training and in the test.
short = list({tuple(without_mark(read(pair))): pair for pair in short}.values())
probes = [probe.pair for probe in phrasebook.load_probes("bank")]
about_banks = [pair for pair in short if pair.sense]
counted = Counter(word for pair in short for word in read(pair)).most_common(500)
known = {word for word, _ in counted} | {w for pair in about_banks + probes for w in read(pair)}
vocabulary = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", *sorted(known)]
number_of = {word: number for number, word in enumerate(vocabulary)}
PAD, CLS, SEP, MASK = range(4)
print(f"{len(about_banks)} sentences about banks; {len(vocabulary)} words")

# %%
shuffle = random.Random(7).shuffle
shuffle(about_banks)
bank_pool, bank_test = about_banks[:1000], about_banks[1000:]
KINDS = ("statement", "question", "command")
others = [pair for pair in short if not pair.sense and known >= set(read(pair))]
of_kind = {kind: [pair for pair in others if pair.kind == kind] for kind in KINDS}
fewest = min(len(pairs) for pairs in of_kind.values())
for pairs in of_kind.values():
    shuffle(pairs)
kinds = [pair for kind in KINDS for pair in of_kind[kind][:fewest]]
shuffle(kinds)
kind_pool, kind_test = kinds[:1500], kinds[1500:1900]
print(f"kinds: {len(kind_pool)} to learn from, {len(kind_test)} for the test")


# %%
def pack(sentences):
    """Sentences as [CLS] … [SEP] -> token ids, segments (all 0), mask."""
    rows = [[CLS, *(number_of[word] for word in words), SEP] for words in sentences]
    longest = max(map(len, rows))
    tokens = torch.tensor([row + [PAD] * (longest - len(row)) for row in rows], device=device)
    return tokens, torch.zeros_like(tokens), padding_mask(tokens, PAD)


# %% [markdown]
# ### Sentences need neighbours
#
# BERT reads **texts**, and a text stays with its subject: the bank in its second sentence is the bank
# in its first. That is how a model can find out that *ducks* and *boats* have something to do with
# each other. A phrasebook has single sentences only. So we put little texts together: two sentences
# about the same bank, in any order. A sentence about anything else stays alone.
#
# People don't always type the last mark. So half of the sentences, drawn at random, lose theirs on the
# way in. Otherwise the model would seldom see a sentence that ends in a word, and section 9 asks it
# about such sentences.

# %%
by_sense = {s: [read(p) for p in bank_pool if p.sense == s] for s in ("money", "river")}
alone = [read(pair) for pair in kind_pool]


def texts(count, dice):
    """Sentences, half of them without their mark, and for each one its neighbour in the text.

    Every second one, from the first on, stands alone: its neighbour is itself, with its mark, if any.
    """
    firsts, neighbours = [], []
    for number in range(count):
        same = by_sense[dice.choice(("money", "river"))] if number % 2 else None
        first = dice.choice(same or alone)
        neighbours.append(dice.choice(same) if same else first)
        firsts.append(without_mark(first) if dice.random() < 0.5 else first)
    return firsts, neighbours


for number, (first, neighbour) in enumerate(zip(*texts(6, random.Random(2)), strict=True)):
    print(" ".join(first), "|" if number % 2 else "| alone:", " ".join(neighbour))

# %% [markdown]
# (Whoever writes a text knows which bank they mean, and so does our phrasebook when it puts two
# sentences together. The **model** only sees text. It is never told how many kinds of bank there are,
# nor which sentence has which.)
#
# ### The second game
#
# Guessing hidden words trains *hidden*. It trains *pooled* not at all. So the paper plays a second
# game, next-sentence prediction: two sentences go in, segments 0 and 1, and *pooled* says whether the
# second follows the first, yes or no.
#
# Yes and no are little to learn from, and we have a minute in place of four days. So we ask for more:
# **which words does the neighbour have?** One sentence goes in, and a linear layer on *pooled* gives
# every word of the vocabulary a probability. The idea is older than BERT (skip-thought vectors, 2015).
#
# A sentence that stands alone is its own neighbour, **with its mark**, if it has one. Where the mark
# was lost on the way in, *pooled* has to say from the words alone what belongs there: `.` or `?`.
# Nobody labels that either: the mark stood in the text.

# %% [markdown]
# ### The model and its two heads
#
# To guess a hidden word, the hidden state goes through one more layer and is then compared with every
# word's own embedding: the last matrix is the **token table once more**. That is how the paper does
# it, and it saves as many weights as there are words times features.


# %%
SIZES = {"vocab_size": len(vocabulary), "d_model": 64, "num_heads": 4, "num_layers": 2}
SIZES |= {"d_ff": 128, "max_length": 16}


def new_bert():
    """The paper starts with a deviation of 0.02 for 768 features; 64 features like a wider one."""
    bert = Bert(**SIZES, dropout=0.0)
    for weights in bert.parameters():
        if weights.dim() > 1:
            nn.init.normal_(weights, std=0.06)
    return bert.to(device)


class PreTraining(nn.Module):
    def __init__(self, bert):
        super().__init__()
        d_model = SIZES["d_model"]
        self.bert = bert
        self.transform, self.norm = nn.Linear(d_model, d_model), LayerNorm(d_model, 1e-12)
        self.bias = nn.Parameter(torch.zeros(len(vocabulary)))
        self.neighbour = nn.Linear(d_model, len(vocabulary))

    def words(self, hidden):
        hidden = self.norm(F.gelu(self.transform(hidden)))
        return hidden @ self.bert.embeddings.token.weight.T + self.bias


# %% [markdown]
# One step of training adds three losses: your `masked_lm_loss`; minus the mean log-probability of the
# neighbour's words, for the sentences of a text; and the same for the sentences that stand alone.
# The 40 commonest words are left out: *the* doesn't say what a text is about. The marks are among
# them. They are left out in a text, and asked for where a sentence stands alone.
#
# (Guessing needs logits at the chosen places only, so the others aren't even worked out. And 15 % of
# 8 words would be one riddle a sentence, so our rate is 0.3.)


# %%
common = [PAD, CLS, SEP, MASK, *(number_of[word] for word, _ in counted[:40])]
common = torch.tensor(common, device=device)
marks = torch.tensor([number_of[mark] for mark in sorted(MARKS)], device=device)


def pre_training_step(model, batch, neighbours, dice):
    """The loss, and the share of hidden words that were guessed."""
    tokens, parts, mask = batch
    inputs, labels = mask_tokens(tokens, MASK, len(vocabulary), [PAD, CLS, SEP, MASK], dice, 0.3)
    hidden, pooled = model.bert(inputs, parts, mask)
    chosen = labels != -100
    logits, labels = model.words(hidden[chosen]), labels[chosen]
    guessed = (logits.argmax(-1) == labels).float().mean().item()
    about = model.neighbour(pooled).log_softmax(-1).gather(1, neighbours)  # (sentences, length)
    telling = ~torch.isin(neighbours, common)
    telling[::2] |= torch.isin(neighbours[::2], marks)  # every second sentence stands alone
    own, neighbour = about[::2][telling[::2]].mean(), about[1::2][telling[1::2]].mean()
    return masked_lm_loss(logits[None], labels[None]) - own - neighbour, guessed


# %%
def pre_train(model, steps, every=25):
    """Train in place; the share of hidden words guessed, every so many steps."""
    seed(7)
    dice, random_numbers = random.Random(7), torch.Generator().manual_seed(7)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    curve, recent = [0.0], []
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:  # up, level, and down at the end
            group["lr"] = 3e-3 * min(1, step / (0.05 * steps), (steps - step) / (0.4 * steps))
        firsts, neighbours = texts(64, dice)
        loss, guessed = pre_training_step(model, pack(firsts), pack(neighbours)[0], random_numbers)
        if step == 1:
            even = 3 * math.log(len(vocabulary))
            print(f"first loss {loss.item():.2f}; 3 · ln {len(vocabulary)} is {even:.2f}")
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        recent.append(guessed)
        if step % every == 0:
            curve.append(sum(recent) / every)
            recent = []
    return curve


# %% tags=["nbval-ignore-output"]
untrained = new_bert()
model = PreTraining(copy.deepcopy(untrained)).to(device)
curve = pre_train(model, steps=750)
model.eval()
figures.learning_curves(
    {"hidden words": [curve]},
    every=25,
    title="Grammar comes fast, the rest slowly: hidden words, guessed from both sides",
    measure="share guessed",
)

# %% [markdown]
# The first loss is near three times ln of the number of words, once for each of the three: the
# weights are noise, and it knows nothing. Then look at the curve. Within a hundred steps the model
# guesses every fifth hidden word or more: after *the* comes a noun, the last token is often a mark.
# Then it gets slower, and it can't ever reach 1: who came to the bank? Any name fits.

# %% [markdown]
# ---
# ## 7 · Fill in the blank
#
# Choose a sentence and hide a word. (The model has never seen these sentences. The first two are
# *probes* of the phrasebook: they come in pairs that differ in one word.) Where there are several
# good answers, see how the model shares its bets.


# %%
@torch.no_grad()
def guess(sentence, hidden_word, count=5):
    """The likeliest words for one place of a sentence, and their probabilities."""
    tokens, parts, mask = pack([sentence])
    tokens[0, hidden_word + 1] = MASK  # [CLS] stands in front
    hidden, _ = model.bert(tokens, parts, mask)
    shares, numbers = model.words(hidden[0, hidden_word + 1]).softmax(-1).topk(count)
    return [(vocabulary[n], p.item()) for n, p in zip(numbers, shares, strict=True)]


# %% tags=["nbval-ignore-output"]
some = [*probes[:2], *bank_test[:2], *kind_test[:2]]
shown = [" ".join(read(pair)) for pair in some]
figures.blank_explorer(guess, shown, place=len(shown[0].split()) - 2)

# %% [markdown]
# **Break it.** Hide *bank* itself. It is the only noun of its kind in this little world, so the
# model is sure, and has learned nothing from it. What teaches is the riddle that **nearly** has one
# answer.

# %% tags=["nbval-ignore-output"]
words = shown[0].split()
figures.filled_blank(words, words.index("bank"), guess(words, words.index("bank")))

# %% [markdown]
# ---
# ## 8 · One word, two vectors
#
# In the token table, *bank* has **one** vector. After the encoder it has another one in each
# sentence. Does it say which bank is meant?
#
# The probes come in pairs that differ in one word, after *bank*: "… the bank after crossing the
# street", "… the river". They were never trained on. We look at the vectors of *bank* in them from
# one special side. On the 1,000 bank sentences of the training, we search for the **straight cut**
# that sorts their vectors best by sense (that is a linear classifier, found by least squares). The
# picture shows the cut as a dashed line and the probes on its two sides; upwards is where else they
# spread most.


# %%
@torch.no_grad()
def vectors_of(bert, pairs, which):
    """The vectors of *bank*, or of the whole sentence (pooled): (sentences, d_model)."""
    tokens, parts, mask = pack([read(pair) for pair in pairs])
    hidden, pooled = bert.eval()(tokens, parts, mask)
    return (pooled if which == "pooled" else hidden[tokens == number_of["bank"]]).cpu()


def senses_of(pairs):
    return torch.tensor([1.0 if pair.sense == "river" else -1.0 for pair in pairs])


def across_the_cut(bert, which):
    """The probes in a plane, (probes, 2), and the share that the cut sorts rightly."""
    pool, seen = (vectors_of(bert, pairs, which) for pairs in (bank_pool, probes))
    pool, seen = pool - pool.mean(0), seen - pool.mean(0)
    square = pool.T @ pool + 0.3 * torch.eye(pool.size(1))
    cut = torch.linalg.solve(square, pool.T @ senses_of(bank_pool))
    share = ((seen @ cut).sign() == senses_of(probes)).float().mean().item()
    cut = cut / cut.norm()
    rest = seen - (seen @ cut)[:, None] * cut
    spread = torch.linalg.svd(rest - rest.mean(0), full_matrices=False)[2][0]
    return torch.stack([seen @ cut, rest @ spread], 1), share


# %% tags=["nbval-ignore-output"]
looks = {
    "“bank”, before": across_the_cut(untrained, "bank"),
    "“bank”, after": across_the_cut(model.bert, "bank"),
    "pooled, after": across_the_cut(model.bert, "pooled"),
}
figures.word_in_a_plane(
    {name: points for name, (points, _) in looks.items()},
    [pair.sense for pair in probes],
    f"{len(probes)} sentences with “bank”: a cut sorts them better after pre-training",
    {name: share for name, (_, share) in looks.items()},
)

# %% [markdown]
# Before, attention with random weights mixes a bit of every word into *bank*. A bit of *river* is
# among them, so a cut does better than a coin, and not well. After pre-training, most sentences lie
# on their own side (the headings say what share): **the vector of *bank* depends on its sense**,
# and nobody told the model that there are two. `pooled`, which had to know what the neighbours will
# be about, sorts most of them too, and it stands at `[CLS]`, not at *bank*.

# %% [markdown]
# ---
# ## 9 · Fine-tuning
#
# Now give it a task. Take the pre-trained model, put one small layer on top of `pooled`, and train
# **everything** a little more, on labelled sentences. That is fine-tuning.
#
# ### By hand
#
# How much is new? The classifier for two senses has 64 · 2 + 2 = 130 weights. All the others (there
# are more than 100,000) come from pre-training. They start from something that knows about rivers.
# From scratch, they start from noise, and ten sentences have to teach them everything.

# %% [markdown]
# ### Exercise 5: `SentenceClassifier`
#
# *Difficulty 2 of 5 · importance 5 of 5 · 10 minutes · 7 points*
#
# Sub-modules, by name: `bert`, your `Bert` with all its arguments, `dropout` included; `classifier`,
# an `nn.Linear(d_model, num_classes)`. In between, dropout on `pooled`. It returns logits; the loss
# takes the softmax.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Bert returns two things. Which of them has one vector for each sentence?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# pooled (B, d_model), after dropout the same, logits (B, num_classes).
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth:  bert, a dropout, classifier
# forward:   pooled = the second result of bert (with segments and mask)
#            answer = classifier of dropout of pooled
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "SentenceClassifier-answer", "locked": false, "solution": true, "task": false}
class SentenceClassifier(nn.Module):
    """One class for each sentence. Sub-modules: bert, classifier."""

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
        ### BEGIN SOLUTION
        self.bert = Bert(vocab_size, d_model, num_heads, num_layers, d_ff, max_length, dropout)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(d_model, num_classes)
        ### END SOLUTION

    def forward(
        self,
        tokens: torch.Tensor,
        segments: torch.Tensor | None = None,
        mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The arguments of Bert -> logits (B, num_classes).

        Rule: classifier(dropout(pooled)). All weights learn, none is frozen.
        """
        ### BEGIN SOLUTION
        _, pooled = self.bert(tokens, segments, mask)
        return self.classifier(self.dropout(pooled))
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "SentenceClassifier", "locked": true, "points": 7, "solution": false, "task": false}
check("SentenceClassifier")

# %% [markdown]
# ### Two tasks
#
# 1. **The sense of *bank***: money or river?
# 2. **The kind of sentence**: statement, question or command, with the last mark taken away. "do you
#    play" or "you play"? "closes the door" or "close the door"?
#
# Each with 10, 100 and 1,000 labelled sentences, drawn from all classes in turn; each twice, from the
# pre-trained weights and from scratch; all of it three times, with other sentences and another start.
#
# Two things to be strict about. The test sentences must be in neither pre-training nor fine-tuning,
# not even without their mark: the next cell counts. And **pre-training asked for something close to
# both tasks**, which helps more than texts off a shelf would:
#
# - Our little texts were put together by sense. That is close to task 1.
# - Single sentences were asked for their lost mark. That is close to task 2, though it tells only
#   questions from the rest: statements and commands both end in a full stop.
# - The single sentences were picked in equal numbers of each kind. In a book, commands are rare.
#
# Both starts get the same labelled sentences, the same number of steps and the same rate. The top
# layer begins as suits each better (we tried both): with small numbers after pre-training, as in the
# paper, and with torch's larger ones from scratch.


# %%
def read_without_mark(pair):
    return without_mark(read(pair))


TASKS = {
    "the sense of bank": (bank_pool, bank_test, read, lambda p: p.sense, ("money", "river")),
    "the kind of sentence": (kind_pool, kind_test, read_without_mark, lambda p: p.kind, KINDS),
}


def labelled(pairs, words_of, label_of, classes):
    batch = pack([words_of(pair) for pair in pairs])
    return batch, torch.tensor([classes.index(label_of(pair)) for pair in pairs], device=device)


seen, tested = (
    {tuple(read_without_mark(pair)) for pair in pairs}
    for pairs in (bank_pool + kind_pool, bank_test + kind_test + probes)
)
print(f"{len(tested)} test sentences; seen before, with the mark or without: {len(seen & tested)}")


# %%
def in_turn(pool, count, label_of, dice):
    """`count` sentences drawn from the classes in turn, as long as each has some left."""
    so_far = Counter()

    def turn(pair):
        so_far[label_of(pair)] += 1
        return so_far[label_of(pair)]

    return sorted(dice.sample(pool, len(pool)), key=turn)[:count]


def fine_tune(task, count, run, start_from=None):
    """Train a classifier on `count` labelled sentences; the classifier, and its share of right
    answers on the test."""
    pool, test, words_of, label_of, classes = TASKS[task]
    some = in_turn(pool, count, label_of, random.Random(run))
    (tokens, parts, mask), answers = labelled(some, words_of, label_of, classes)
    seed(run)
    net = SentenceClassifier(len(classes), **SIZES, dropout=0.1).to(device)
    net.bert.load_state_dict((new_bert() if start_from is None else start_from).state_dict())
    if start_from is not None:  # as in the paper; from scratch, torch's larger start does better
        nn.init.normal_(net.classifier.weight, std=0.02)
        nn.init.zeros_(net.classifier.bias)
    steps = {10: 80, 100: 80, 1000: 120}[count]
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps, pct_start=0.1)
    net.train()
    for _ in range(steps):
        some = torch.randperm(count, device=device)[:16]
        loss = F.cross_entropy(net(tokens[some], parts[some], mask[some]), answers[some])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        rate.step()
    batch, answers = labelled(test, words_of, label_of, classes)
    with torch.no_grad():
        return net, (net.eval()(*batch).argmax(-1) == answers).float().mean().item()


# %%
STARTS = {"pre-trained": model.bert, "from scratch": None}
results = {task: {name: {} for name in STARTS} for task in TASKS}


def three_runs(count):
    """Every task from every start with this many labels, three times."""
    for task in TASKS:
        for name, start in STARTS.items():
            shares = [fine_tune(task, count, run, start)[1] for run in (1, 2, 3)]
            results[task][name][count] = shares
            print(f"{task}, {name}: {', '.join(f'{share:.0%}' for share in shares)}")


# %% [markdown]
# Ten labelled sentences. What would you expect, if guessing gives 50 % and 33 %?

# %% tags=["nbval-ignore-output"]
three_runs(10)

# %% [markdown]
# And with a hundred, and with a thousand:

# %% tags=["nbval-ignore-output"]
three_runs(100)

# %% tags=["nbval-ignore-output"]
three_runs(1000)


# %% tags=["nbval-ignore-output"]
def commonest(task):
    """What always giving the test's commonest class is worth."""
    _, test, _, label_of, _ = TASKS[task]
    return max(Counter(label_of(pair) for pair in test).values()) / len(test)


figures.few_labels(
    results,
    {task: commonest(task) for task in TASKS},
    "With few labels, it matters what the model knew before",
    "Measured in this notebook: the mean of three runs, and bars from the worst to the best.",
)

# %% [markdown]
# Compare the two lines at 10 labels, and at 100. (The dotted line is a habit: always the commonest
# answer of the test.) Then look at 1,000: with many labels, the gap is smaller. **Pre-training
# replaces labels.** That is why it changed the field: text is cheap, labels aren't.
#
# Look at the bars, too. Ten sentences are few, and it can make a difference which ten. That is why
# there are three runs: one run proves nothing. Where bars of both lines overlap, even three don't
# settle it.
#
# Are three enough at 10 labels? With an earlier version of the phrasebook, we drew ten sentences ten
# times. Worst to best:
#
# | with 10 labels, ten draws | pre-trained | from scratch |
# |---|---|---|
# | the sense of *bank* | 90 to 100 %, mean 97 % | 47 to 67 %, mean 57 % |
# | the kind of sentence | 71 to 92 %, mean 83 % | 41 to 60 %, mean 52 % |
#
# The worst of the one beats the best of the other, in both tasks. (A run of yours, or of ours above,
# may lie outside: ten draws don't show every case either.)

# %% [markdown]
# ### On pairs that differ in one word
#
# The probes again, with a classifier that has seen 100 labels. A habit ("it's always money") gets
# exactly half of the sentences, and no pair:

# %% tags=["nbval-ignore-output"]
for name, start in STARTS.items():
    net, _ = fine_tune("the sense of bank", 100, 1, start)
    batch, answers = labelled(probes, read, lambda p: p.sense, ("money", "river"))
    with torch.no_grad():
        hits = (net(*batch).argmax(-1) == answers).float()
    pairs_right = hits.view(-1, 2).prod(1).mean().item()
    print(f"{name}: {hits.mean().item():.0%} of the sentences, {pairs_right:.0%} of the pairs")

# %% [markdown]
# **Break it.** Freeze the pre-trained weights and train the top layer alone, 130 numbers. It is
# faster. Is it enough? It is where `pooled` knows the answer already, as your picture in section 8
# says. (Then try it with the kind of sentence: replace the name of the task in all three places, and
# `bank_pool` and `bank_test`, and give `top` three outputs.)

# %% tags=["nbval-ignore-output"]
frozen = copy.deepcopy(model.bert).requires_grad_(False)
(tokens, parts, mask), answers = labelled(bank_pool[:100], *TASKS["the sense of bank"][2:])
top = nn.Linear(SIZES["d_model"], 2).to(device)
optimizer = torch.optim.AdamW(top.parameters(), lr=1e-2)
pooled = frozen(tokens, parts, mask)[1]
for _ in range(200):
    loss = F.cross_entropy(top(pooled), answers)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
batch, answers = labelled(bank_test, *TASKS["the sense of bank"][2:])
right = (top(frozen(*batch)[1]).argmax(-1) == answers).float().mean().item()
everything = sum(results["the sense of bank"]["pre-trained"][100]) / 3
print(f"with 100 labels: top layer alone {right:.0%}, everything {everything:.0%}")

# %% [markdown]
# ---
# ## 10 · The real one
#
# The published `bert-base-uncased` has 12 layers of 12 heads, 768 features, 30,522 word pieces and
# 110 million weights. Its code is your code: `workbook.weights` copies the published weights into
# **your** `Bert`, tensor by tensor, or refuses with a list of what doesn't fit.
#
# The file is 440 MB, so it is fetched only if you ask. With internet, run
# `from workbook.weights import bert` and `bert.fetch()` in a cell of your own, and then this one
# again:

# %% tags=["nbval-ignore-output"]
from workbook.weights import bert as published

riddle = "i arrived at the bank after crossing the [MASK] ."
if published.is_here():
    real = published.load(published.fetch(), Bert, device)
    for word, share in real.fill_blank(riddle):
        print(f"{word:12s} {share:.0%}")
else:
    print("The published weights aren't here. Everything else in this lesson works without them.")

# %% [markdown]
# How many weights has it? You can count without having them: on the *meta* device, a tensor has a
# shape and no numbers.

# %%
with torch.device("meta"):
    base = Bert(**published.BASE)
print(f"{sum(weights.numel() for weights in base.parameters()):,}")

# %% [markdown]
# ---
# ## 11 · In your own words
#
# Two to five sentences each. A person reads these.
#
# ### Question 1 (3 points)
#
# A decoder learns by guessing the next word, BERT by guessing hidden words. BERT may look to both
# sides. Why do words have to be hidden all the same, and how does a decoder do without `[MASK]`?
# And what can each of the two do after training that the other can't?

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-why-hide-words", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Every position of an encoder sees every other one, and itself. If the word to be guessed were left
# in the input, the model would copy it and learn nothing, so it has to be replaced. A decoder sees
# only what comes before, so the next word is hidden by the causal mask. After training, BERT has a
# vector for each word that depends on both sides, good for understanding (classifying, tagging); a
# decoder can write, word after word, which BERT can't, since it needs the words to the right.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: the encoder would see the answer and copy it; from a decoder, the causal mask hides it.
# - 1 point: BERT uses both sides for each word's vector (understanding, classification); a decoder
#   has only the left side.
# - 1 point: a decoder can generate word by word; BERT can't, or not directly.
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 2 (3 points)
#
# Somebody simplifies `mask_tokens`: all chosen tokens become `[MASK]`. The pre-training loss even
# gets better. Why might fine-tuning get worse? Say what the 10 % random and the 10 % unchanged
# tokens are each good for.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-why-not-only-masks", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# In fine-tuning there is no [MASK]. A model that was only ever asked at [MASK] had no reason to make
# good vectors for the words that it can see. Because some of the words it sees are wrong and it is
# asked for the right one, it has to check every word against its context; because some are
# unchanged and it is asked for them too, it learns that the word it sees is usually the right one
# and that its vector should keep it.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: [MASK] never appears later, so the training would differ from the use.
# - 1 point: random tokens: no visible word can be trusted blindly, so every place needs a vector that
#   depends on context.
# - 1 point: unchanged tokens: keeps the vector of a word close to the word that is there (which is
#   mostly right).
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 3 (3 points)
#
# A colleague fine-tunes a pre-trained model on 10 labelled sentences and reports 90 %, from scratch
# 60 %. "So pre-training gives 30 points." What would you ask before you believe it? Name three
# things, and say what each could change.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-do-you-believe-it", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# How many runs, with which ten sentences? With ten labels single runs spread widely, so it could be
# luck; I want several with error bars. Are the test sentences kept out of training, of pre-training
# too? If not, the model may have seen them. Were both trained with equal care (steps, learning
# rate, the same sentences)? From scratch may need more steps. And what does a trivial habit get?
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# One point each, up to three, for a question with what it could change:
# - several runs or seeds, other samples of ten, spread
# - test sentences held out of fine-tuning and of pre-training
# - the same budget and tuning for both; the same sentences
# - a baseline (chance, always the same answer); the size of the test
# - other numbers of labels: the gap depends on them
#
# === END MARK SCHEME ===

# %% [markdown]
# ---
# ## 12 · Spot the bug
#
# *Difficulty 3 of 5 · importance 4 of 5 · 10 minutes · no points*
#
# Somebody wrote the loss of a pre-training step. It runs, and after a few hundred steps it guesses
# 99 % of the hidden words, far better than yours. **It has two bugs.** Read it before you go on.


# %%
def buggy_loss(model, tokens, dice):
    masked = mask_tokens(tokens, MASK, len(vocabulary), [PAD, CLS, SEP, MASK], dice)
    hidden, _ = model.bert(tokens)
    return masked_lm_loss(model.words(hidden), masked[1])


# %% [markdown]
# `compare_loss` holds a version against a slow way to the same number, one sentence after the other:
# first on sentences of one length, then on sentences that need padding.


# %%
def sentence_by_sentence(model, tokens, dice):
    """The same loss without a batch: where a sentence is alone, there is nothing to pad."""
    riddles = mask_tokens(tokens, MASK, len(vocabulary), [PAD, CLS, SEP, MASK], dice)
    surprises = []
    for sentence, row, answers in zip(tokens, *riddles, strict=True):
        length = int((sentence != PAD).sum())  # in row, a random token may be a [PAD] too
        logits = model.words(model.bert(row[None, :length])[0])[0]
        for place in (answers != -100).nonzero()[:, 0].tolist():
            surprises.append(-logits[place].log_softmax(-1)[answers[place]])
    return torch.stack(surprises).mean()


@torch.no_grad()
def compare_loss(candidate):
    for name, lengths in (("one length ", {10}), ("two lengths", {7, 10})):
        tokens, _, _ = pack([read(pair) for pair in bank_test if len(pair.tags) in lengths])
        try:
            got = candidate(model, tokens, torch.Generator().manual_seed(3))
            wanted = sentence_by_sentence(model, tokens, torch.Generator().manual_seed(3))
            close = got is not None and abs(got - wanted) < 1e-4
            verdict = "agrees" if close else "differs, still a bug"
            verdict = "returns nothing yet" if got is None else verdict
        except Exception as problem:
            verdict = f"doesn't work yet ({type(problem).__name__}: {problem})"
        print(f"{name}: {verdict}")


compare_loss(buggy_loss)

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# 99 % is too good. Which tensor has the answers in it, and who gets to see it?
#
# <details><summary><b>Hint 2: the other bug</b></summary>
#
# It shows only where sentences have different lengths. Who looks at `[PAD]`? (Make the mask
# from the sentences, not from the riddles: a random token may be a `[PAD]` too.)
#
# </details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "spot-the-bug", "locked": false, "solution": true, "task": false}
def mended_loss(model, tokens, dice):
    """buggy_loss without its two bugs. tokens (batch, length) -> a scalar."""
    ### BEGIN SOLUTION
    inputs, labels = mask_tokens(tokens, MASK, len(vocabulary), [PAD, CLS, SEP, MASK], dice)
    hidden, _ = model.bert(inputs, None, padding_mask(tokens, PAD))
    return masked_lm_loss(model.words(hidden), labels)
    ### END SOLUTION


# %%
compare_loss(mended_loss)

# %% [markdown]
# Twice "agrees"? Then both are gone. A loss that is **too good** is a symptom, as in lesson 06.

# %% [markdown]
# ---
# ## What you can say now
#
# - BERT is an encoder that is trained on plain text: hide 15 % of the words, guess them from both
#   sides. 80 % of the chosen become `[MASK]`, 10 % another word, 10 % stay.
# - A token comes in as token + segment + position, normed. `[CLS]` collects what is to be said about
#   the whole input: `pooled`.
# - One word has one vector in the table, and another one in every sentence after the encoder. Its
#   sense can mostly be read from it.
# - Fine-tuning trains all of it a little more, with a small layer on top. With few labels, it beats
#   training from scratch by far. With many, the difference shrinks.
# - Post-norm, exact GELU, eps 1e-12, and your class is the published BERT.
#
# The map again, with today's pieces filled in:

# %%
figures.transformer_map("07-bert")

# %% [markdown]
# ## What to read next
#
# - Devlin et al. (2019), [BERT: Pre-training of Deep Bidirectional Transformers for Language
#   Understanding](https://arxiv.org/abs/1810.04805): sections 3 and 5, and appendix A.
# - Liu et al. (2019), [RoBERTa](https://arxiv.org/abs/1907.11692): what happens if you train longer,
#   and leave the second game out.
# - Wettig et al. (2023), [Should You Mask 15 % in Masked Language
#   Modeling?](https://arxiv.org/abs/2202.08005): often more is better.
# - Gale, Church and Yarowsky (1992), [One Sense Per Discourse](https://aclanthology.org/H92-1045/): why
#   a text stays with its bank.

# %% [markdown]
# **Next, lesson 08:** the other half. A decoder alone, which writes: GPT.
