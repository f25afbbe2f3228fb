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
# # Lesson 06 · Write one word at a time, looking at the source
#
# Your encoder reads. It has never written a word. Today you build the other half of the map, the
# half that writes. On the way you'll train a model that names nearly every next word and can't write a
# sentence, and you'll build the test that catches it.
#
# | | |
# |---|---|
# | **You will build** | `causal_mask`, `shift_right`, `DecoderLayer`, `Decoder`, `OutputHead`, `future_leak` |
# | **You need** | multi-head attention (lesson 03), positions (04), the encoder's pieces (05), or the course's |
# | **Your time** | 2½ to 3 hours, with a good place for a break after section 5 |
# | **Points** | 27 from the checks, 9 from three written questions |
# | **Running it all** | about a minute on a laptop without a GPU |

# %% tags=["setup"]
import math
from collections import Counter

import torch
from torch import nn

from autograder import check
from workbook import figures
from workbook.corpus import phrasebook
from workbook.device import pick_device, seed

device = pick_device()
seed(6)
torch.set_printoptions(precision=2, sci_mode=False)
torch.set_num_threads(1)  # our tensors are small: one thread beats several that wait

# %% [markdown]
# Seven pieces come from earlier lessons: yours where they have passed, otherwise the course's, with
# a badge that says so.

# %% tags=["nbval-ignore-output"]
from workbook.toolbox import (
    Encoder,
    FeedForward,
    LayerNorm,
    MultiHeadAttention,
    PositionalEncoding,
    padding_mask,
    residual,
)

# %%
figures.transformer_map("06-decoder")

# %% [markdown]
# The hatched boxes are today's: the whole right side, and the output on top of it. One arrow comes
# over from the encoder. It is the only way in for the source.
#
# Stuck? Open the hints one at a time. To read on first, add a cell with
# `from workbook.toolbox import borrow` and `causal_mask = borrow("causal_mask")`. It lends you
# the course's version, without the points.

# %% [markdown]
# ---
# ## 1 · All positions at once
#
# > this cat is very large → este gato es muy ____
#
# A translator writes one word, reads it back, and writes the next. (Lesson 01 called such a model
# **autoregressive**.) Six words take six runs, one after the other. That is slow, and in use there
# is no way around it: the third word depends on the second.
#
# In **training** it's different. There you have the whole translation. Must the model still wait
# for itself?

# %% [markdown]
# ### By hand
#
# The translation is *este gato es muy grande*, and an end mark, `<eos>`. Write down six small
# exercises: what is given, and what should come next?
#
# | given | next |
# |---|---|
# | `<bos>` | este |
# | `<bos>` este | gato |
# | `<bos>` este gato | ? |
# | `<bos>` este gato es | ? |
# | `<bos>` este gato es muy | ? |
# | `<bos>` este gato es muy grande | ? |
#
# `<bos>` stands at the beginning of every sentence, so that the first word has something to follow.

# %% [markdown]
# <details><summary><b>The answer</b></summary>
#
# es, muy, grande, and `<eos>`.
#
# </details>
#
# Look at the last row: all others are beginnings of it. So **one** row is enough, if position 1 sees
# one word, position 2 sees two, and so on. Six exercises, one pass:

# %%
figures.teacher_forcing("este gato es muy grande <eos>".split())

# %% [markdown]
# This is called **teacher forcing**. Whatever the model would have said, the next position is given
# the right word. If it says *gata* at the second position, the third one still reads *gato*.
#
# So two things are needed. What is **given** is the target, moved one place to the right. That is
# your first function. And no position may see the word it should say: the second one.

# %% [markdown]
# ### Exercise 1: `shift_right`
#
# *Difficulty 1 of 5 · importance 4 of 5 · 5 minutes · 2 points*
#
# The caller still needs its tokens: they are what the loss compares with. Make a new tensor. In a
# batch, shorter sentences end in `<eos>` and padding. Look for neither: they move like any other
# token.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which column of tokens is never given? And what takes the place that becomes free, and where
# is it?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# (batch, length) without its last column is (batch, length − 1). A column of bos_id is (batch, 1):
# `tokens.new_full((batch, 1), bos_id)` makes one of the same kind as `tokens`.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# first  = a column of bos_id
# rest   = all columns of tokens but the last
# answer = first and rest, side by side
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "shift_right-answer", "locked": false, "solution": true, "task": false}
def shift_right(tokens: torch.Tensor, bos_id: int) -> torch.Tensor:
    """tokens (batch, length), whole numbers -> the same shape and kind.

    Rule: bos_id comes first, everything moves one to the right, the last column is left out. tokens
    stays as it was.
    """
    ### BEGIN SOLUTION
    first = tokens.new_full((tokens.size(0), 1), bos_id)
    return torch.cat([first, tokens[:, :-1]], dim=1)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "shift_right", "locked": true, "points": 2, "solution": false, "task": false}
check("shift_right")

# %% [markdown]
# Two sentences, the second one padded with 0. (1 is `<bos>`, 2 is `<eos>`.)

# %%
targets = torch.tensor([[11, 12, 13, 14, 15, 2], [11, 16, 2, 0, 0, 0]])
print("should say:", *targets.tolist(), sep="\n  ")
print("given:     ", *shift_right(targets, bos_id=1).tolist(), sep="\n  ")

# %% [markdown]
# Read them column by column. In the second sentence, the position that is given 2 should say 0.
# That is padding, and the loss leaves it out.
#
# **Break it.** Forget the shift. What would each position be given, and what should it say?

# %%
for name, given in (("without", targets), ("with   ", shift_right(targets, bos_id=1))):
    print(f"{name} the shift: {(targets == given).float().mean():.0%} of the answers are given")

# %% [markdown]
# Without the shift, every answer lies on the table. A model has nothing to learn but to copy. (What
# is left with the shift is padding after padding.)

# %% [markdown]
# ---
# ## 2 · Nobody looks ahead
#
# Now all words are given at once, in one row. Position 2 should say *gato*. And *gato* stands
# right beside it, at position 3. What keeps it from looking?
#
# ### By hand
#
# Four positions. Position 1 may look at 1; position 2 at 1 and 2. Write T where a look is allowed:
#
# | who asks ↓ | 1 | 2 | 3 | 4 |
# |---|---|---|---|---|
# | **1** | T | | | |
# | **2** | T | T | | |
# | **3** | | | | |
# | **4** | | | | |
#
# How many T are there in all? How many would there be for 100 positions?

# %% [markdown]
# <details><summary><b>The answer</b></summary>
#
# Row 3 has three, row 4 has four: 1 + 2 + 3 + 4 = 10. For 100 positions 1 + … + 100 = 5,050: a
# little more than half of 10,000.
#
# </details>
#
# ### The rule
#
# $$\text{mask}[t, s] = (s \le t)$$
#
# Rows ask (queries), columns are looked at (keys). The diagonal is allowed: after the shift, the
# word at position $t$ is one that has been **given**. It's the one before the answer. The mask is
# called **causal**, since nothing depends on what comes later.

# %% [markdown]
# ### Exercise 2: `causal_mask`
#
# *Difficulty 1 of 5 · importance 5 of 5 · 5 minutes · 2 points*
#
# True means "may attend", as always. The mask serves all sentences and all heads, so its first two
# dimensions are 1.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which triangle of a square is it, the lower or the upper one? And is the diagonal part of it?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# (1, 1, length, length). Two ways: `tril` keeps the lower triangle of a tensor. Or compare the
# positions as a row, (length,), with the positions as a column, (length, 1).
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# all    = True everywhere, (1, 1, length, length)
# answer = the lower triangle of it, with the diagonal
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "causal_mask-answer", "locked": false, "solution": true, "task": false}
def causal_mask(length: int) -> torch.Tensor:
    """-> (1, 1, length, length) boolean, True where a query (row) may attend to a key (column).

    Rule: a position may attend to itself and to those before it.
    """
    ### BEGIN SOLUTION
    return torch.ones(1, 1, length, length, dtype=torch.bool).tril()
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "causal_mask", "locked": true, "points": 2, "solution": false, "task": false}
check("causal_mask")

# %% [markdown]
# With equal scores, each word shares its weight among the words that it may see. Your mask in your
# attention from lesson 03:

# %%
given = "<bos> este gato es muy grande".split()
attention = MultiHeadAttention(d_model=8, num_heads=1)
with torch.no_grad():
    attention.q_proj.weight.zero_()  # no questions, so all scores are equal
    x = torch.randn(1, 6, 8)
    _, weights = attention(x, x, x, causal_mask(6))
figures.attention_matrix(
    weights[0, 0],
    given,
    given,
    "The first word sees itself alone, the last one sees everything",
    mask=causal_mask(6)[0, 0],
)

# %% [markdown]
# ### Why training in parallel is honest
#
# "Honest" means: in training, a position knows what it will know when the model writes alone, and
# no more. Test it. Change the last word, and look at the outputs of all positions:

# %%
with torch.no_grad():
    changed = x.clone()
    changed[:, 5] = 100.0  # the last word is now something else
    for name, mask in (("with the mask", causal_mask(6)), ("without", None)):
        moved = attention(changed, changed, changed, mask)[0] - attention(x, x, x, mask)[0]
        print(f"{name:14s}", [bool(row.abs().max() > 1e-6) for row in moved[0]])

# %% [markdown]
# True: this position's output has changed. With the mask, only the changed position itself notices.
# Positions 1 to 5 can't tell whether a sixth word exists. Without it, everybody notices. Keep that
# test in mind: in section 8 you'll make a tool of it.
#
# **Break it.** Use `tril(-1)`, without the diagonal. What may the first position look at?

# %%
strict = torch.ones(1, 1, 6, 6, dtype=torch.bool).tril(-1)
print("looks allowed for each position:", strict[0, 0].sum(-1).tolist())

# %% [markdown]
# Nothing. It can't read `<bos>`, and position 2 can't read the word it was given.

# %% [markdown]
# ---
# ## 3 · Look across
#
# Looking back isn't enough. After *este gato es muy* comes *grande*, or *viejo*, or *pequeño*.
# Which one, only the source can say. How does a word on the right side of the map ask a sentence on
# the left side?
#
# You have had the tool since lesson 03: query, key and value are three arguments.
#
# - The **encoder** extracts the relevant information and organises it into **keys and values**.
#   What it hands over is called the **memory**: one vector for each source word.
# - The **decoder** makes **queries**, to search that information.
#
# $$\text{cross-attention} = \text{Attention}(x\,W^Q,\; \text{memory}\,W^K,\; \text{memory}\,W^V)$$

# %% [markdown]
# ### By hand
#
# The source is *this cat is very large*, 5 words. Written so far: `<bos>` *este gato*, 3 words.
#
# | | queries | keys and values | weights, a head |
# |---|---|---|---|
# | encoder self-attention | 5 | 5 | 5 × 5 |
# | decoder self-attention | 3 | 3 | 3 × 3 |
# | **cross-attention** | **?** | **?** | **? × ?** |

# %% [markdown]
# <details><summary><b>The answer</b></summary>
#
# 3 queries, 5 keys and values, so 3 × 5 weights. Each written word looks at all source words.
#
# </details>

# %%
figures.three_kinds_of_attention(
    "this cat is large <pad>".split(), "<bos> este gato es grande".split()
)

# %% [markdown]
# One calculation, three uses:
#
# - **Who asks** decides the number of rows, and so the length of what comes out.
# - **What is hidden**: padding wherever the source is looked at, the future where the target looks
#   at itself. Nothing of the *source* is future: the whole sentence is there before the first word
#   is written. So cross-attention has no causal mask.
# - In the picture both sentences have five words. Then a swapped mask raises no error. Beware.
#
# In code, with your own attention:

# %%
memory = torch.randn(1, 5, 8)  # five source words
asking = torch.randn(1, 3, 8)  # three words written so far
found, weights = MultiHeadAttention(8, 2)(asking, memory, memory)
print("what comes back:", tuple(found.shape), " weights:", tuple(weights.shape))

# %% [markdown]
# **Break it.** Swap the two: let the memory ask.

# %%
found, weights = MultiHeadAttention(8, 2)(memory, asking, asking)
print("what comes back:", tuple(found.shape), " weights:", tuple(weights.shape))

# %% [markdown]
# Five vectors come back for three words. That can't be added to `x`: an error tells you at once. With
# sentences of equal length it wouldn't.

# %% [markdown]
# ---
# ## 4 · The decoder layer
#
# The encoder's layer has two sublayers. How many has the decoder's, and in which order? Look at the
# map before you read on.

# %%
figures.decoder_layer()

# %% [markdown]
# Three, each with a norm, dropout, and a road around it (a residual connection):
#
# | sublayer | queries from | keys, values from | mask | norm |
# |---|---|---|---|---|
# | `self_attention` | `x` | `x` | `self_mask` | `norm1` |
# | `cross_attention` | `x` | `memory` | `cross_mask` | `norm2` |
# | `feed_forward` | `x` | – | – | `norm3` |
#
# In this order: first a word learns what is written, then it knows what to ask the source, then it
# works on what it found.

# %% [markdown]
# ### The formula, by hand
#
# Your `residual` from lesson 05 wraps all three. With $f$ for a sublayer:
#
# $$\text{pre-norm: } x + \text{dropout}(f(\text{norm}(x))) \qquad \text{post-norm: } \text{norm}(x + \text{dropout}(f(x)))$$
#
# Take $x = 10$. Say the three sublayers bring home $+1$, $+2$ and $+3$, and leave the norms and
# dropout out. What comes out of the layer? And if the second road is forgotten?
#
# <details><summary><b>The answer</b></summary>
#
# 10 + 1 = 11, then 13, then **16**. Without the second road, what cross-attention brings home
# replaces $x$: 11 becomes 2, and 2 + 3 = **5**. The 10 is gone, and with it the words written so
# far.
#
# </details>

# %% [markdown]
# Three things to know before you write:
#
# - **`memory` isn't normed here.** In pre-norm the layer norms its *own* states. The memory has been
#   through the encoder's last norm.
# - **All layers get the same memory**, and each asks it with queries of its own.
# - `residual` takes a function of one argument. Attention takes four and returns two things. A small
#   function inside `forward` (or a `lambda`) brings them together.
#
# As a reminder, lesson 05's pieces are called like this:
#
# ```
# x = residual(x, sublayer, norm, dropout, norm_first=True)   # dropout is an nn.Dropout
# FeedForward(d_model, d_ff, dropout=0.1, activation="relu")
# LayerNorm(d_model, eps=1e-5)
# output, weights = attention(query, key, value, mask)        # attention = MultiHeadAttention(…)
# ```

# %% [markdown]
# ### Exercise 3: `DecoderLayer`
#
# *Difficulty 4 of 5 · importance 5 of 5 · 30 minutes · 9 points*
#
# Sub-modules, by name: `self_attention`, `cross_attention` (each a
# `MultiHeadAttention(d_model, num_heads, dropout)`), `feed_forward`, `norm1`, `norm2`, `norm3`.
# `dropout` acts in six places: on what each of the three sublayers brings home (one `nn.Dropout`,
# given to `residual`), and inside both attentions and the feed-forward layer, which get it from you.
# torch's own attention would be the answer itself.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# Write your `EncoderLayer` down again. What is new in `__init__`? What is new in `forward`, and
# between which two lines?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# x is (B, T, d_model) from the first line to the last. memory (B, S, d_model) is only a key and a
# value. self_mask fits (B, H, T, T), cross_mask fits (B, H, T, S): pass both on as they are, None
# included.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth:  two attentions, a feed-forward layer, three norms, a dropout; keep norm_first
# forward:   look back  = y → first result of self_attention(y, y, y, self_mask)
#            look across = y → first result of cross_attention(y, memory, memory, cross_mask)
#            x = residual of x with look back,    norm1
#            x = residual of x with look across,  norm2
#            x = residual of x with feed_forward, norm3      (norm_first given each time)
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "DecoderLayer-answer", "locked": false, "solution": true, "task": false}
class DecoderLayer(nn.Module):
    """Self-attention, cross-attention, a feed-forward layer.

    Sub-modules: self_attention, cross_attention, feed_forward, norm1, norm2, norm3.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        d_ff: int,
        dropout: float = 0.1,
        norm_first: bool = True,
        activation: str = "relu",
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.norm_first = norm_first
        self.self_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model, eps)
        self.norm2 = LayerNorm(d_model, eps)
        self.norm3 = LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def forward(
        self,
        x: torch.Tensor,
        memory: torch.Tensor,
        self_mask: torch.Tensor | None = None,
        cross_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """x (B, T, d_model), memory (B, S, d_model), self_mask broadcasts to (B, H, T, T),
        cross_mask to (B, H, T, S) -> (B, T, d_model).

        Rule: self-attention, cross-attention, feed-forward, each through residual.
        """
        ### BEGIN SOLUTION

        def look_back(y):
            return self.self_attention(y, y, y, self_mask)[0]

        def look_across(y):
            return self.cross_attention(y, memory, memory, cross_mask)[0]

        x = residual(x, look_back, self.norm1, self.dropout, self.norm_first)
        x = residual(x, look_across, self.norm2, self.dropout, self.norm_first)
        return residual(x, self.feed_forward, self.norm3, self.dropout, self.norm_first)
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "DecoderLayer", "locked": true, "points": 9, "solution": false, "task": false}
check("DecoderLayer")

# %% [markdown]
# <details><summary>If you see <b>The size of tensor a must match the size of tensor b</b></summary>
#
# Either the two masks have changed places, or memory asks where x should. The check also tries a
# source and a target of different lengths: there both raise this error.
#
# </details>
#
# <details><summary>If you see <b>a tuple</b> where a tensor is expected</summary>
#
# `MultiHeadAttention` returns output *and* weights. `residual` wants the output: `[0]`.
#
# </details>
#
# <details><summary>If the check speaks of <b>dropout</b></summary>
#
# There are six places. Both attentions get it as their third argument, and so does the feed-forward
# layer. For the other three, `residual` gets your `nn.Dropout` each time.
#
# </details>

# %% [markdown]
# ### The same as PyTorch's
#
# PyTorch has this layer too, `nn.TransformerDecoderLayer`. With the same weights yours must give
# the same numbers, in both norm orders. It keeps query, key and value in one tall matrix; `chunk(3)`
# cuts it, as in lesson 03.


# %%
@torch.no_grad()
def copied(theirs):
    """A DecoderLayer of ours with the weights of an nn.TransformerDecoderLayer."""
    mine = DecoderLayer(12, 3, 20, dropout=0.0, norm_first=theirs.norm_first)
    for our_name, their_name in (
        ("self_attention", "self_attn"),
        ("cross_attention", "multihead_attn"),
    ):
        ours, packed = getattr(mine, our_name), getattr(theirs, their_name)
        parts = zip(
            "qkv", packed.in_proj_weight.chunk(3), packed.in_proj_bias.chunk(3), strict=True
        )
        for letter, weight, bias in parts:
            getattr(ours, f"{letter}_proj").weight.copy_(weight)
            getattr(ours, f"{letter}_proj").bias.copy_(bias)
        ours.out_proj.load_state_dict(packed.out_proj.state_dict())
    for name in ("linear1", "linear2"):
        getattr(mine.feed_forward, name).load_state_dict(getattr(theirs, name).state_dict())
    for name in ("norm1", "norm2", "norm3"):
        getattr(mine, name).load_state_dict(getattr(theirs, name).state_dict())
    return mine


# %%
x, memory = torch.randn(2, 4, 12), torch.randn(2, 6, 12)  # 4 target words, 6 source words
real = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])  # the second source is shorter
for norm_first in (True, False):
    theirs = nn.TransformerDecoderLayer(12, 3, 20, 0.0, batch_first=True, norm_first=norm_first)
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.4)  # biases and norms too: 0 and 1 would hide a mistake
    hidden = {"tgt_mask": ~causal_mask(4)[0, 0], "memory_key_padding_mask": ~real}
    with torch.no_grad():
        wanted = theirs(x, memory, **hidden)
        yours = copied(theirs)(x, memory, causal_mask(4), real[:, None, None, :])
    print(f"norm_first={norm_first!s:5}: largest difference {(yours - wanted).abs().max():.4f}")

# %% [markdown]
# Twice 0.0000. (And `~` at the border, since PyTorch's layer says True for "hidden".)
#
# **Break it.** Norm the memory as well, as people do who think pre-norm means "norm everything":

# %%
theirs = nn.TransformerDecoderLayer(12, 3, 20, 0.0, batch_first=True, norm_first=True)
with torch.no_grad():
    mine = copied(theirs)
    normed = mine.norm2(memory)
    print(f"a memory as it came:  {(mine(x, normed) - mine(x, memory)).abs().max():.1f} off")
    print(
        f"a memory normed once: {(mine(x, mine.norm2(normed)) - mine(x, normed)).abs().max():.1f} off"
    )

# %% [markdown]
# On a raw memory, the output is another one. On one that has been normed already, a *new* layer's second norm
# changes nothing: mean 0 and deviation 1 stay what they are. The bug appears when `norm2` has
# learned something. Bugs like that survive for months.

# %% [markdown]
# ---
# ## 5 · The decoder
#
# A stack, as in lesson 05: each layer goes on from what the one before made. What does *every* layer
# need, besides `x`?
#
# ### By hand
#
# Two layers. The first gets `self_mask`, the second one doesn't. Position 1 hasn't seen position 2
# in layer 1. Has it after layer 2?
#
# Yes. In layer 2 it looks at everything. **A mask that is missing in one layer is missing.** So every
# layer gets the memory and both masks.
#
# ### The rule
#
# $x \leftarrow \text{layer}_n(x, \text{memory}, \text{self\_mask}, \text{cross\_mask})$ for all layers in turn. In
# pre-norm, a last `norm` comes after them; in post-norm there is none.

# %% [markdown]
# ### Exercise 4: `Decoder`
#
# *Difficulty 2 of 5 · importance 4 of 5 · 10 minutes · 6 points*
#
# Sub-modules, by name: `layers`, an `nn.ModuleList` of `num_layers` DecoderLayers, each made anew;
# with `norm_first=True` also `norm`, a `LayerNorm(d_model, eps)`.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# It's your `Encoder` with two changes. What do its layers need that the encoder's didn't?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# x keeps (B, T, d_model) through all layers. memory (B, S, d_model) and both masks are handed to
# each layer as they came. DecoderLayer takes its seven arguments in the order of its signature.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth:  layers = a ModuleList of num_layers new DecoderLayers
#            norm   = a LayerNorm if norm_first, otherwise nothing
# forward:   for each layer: x = the layer's answer to x, memory, self_mask, cross_mask
#            x through norm, if there is one
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "Decoder-answer", "locked": false, "solution": true, "task": false}
class Decoder(nn.Module):
    """A stack of DecoderLayers. Sub-modules: layers and, with norm_first, norm."""

    def __init__(
        self,
        num_layers: int,
        d_model: int,
        num_heads: int,
        d_ff: int,
        dropout: float = 0.1,
        norm_first: bool = True,
        activation: str = "relu",
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.layers = nn.ModuleList(
            DecoderLayer(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
            for _ in range(num_layers)
        )
        self.norm = LayerNorm(d_model, eps) if norm_first else None
        ### END SOLUTION

    def forward(
        self,
        x: torch.Tensor,
        memory: torch.Tensor,
        self_mask: torch.Tensor | None = None,
        cross_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """x (B, T, d_model), memory (B, S, d_model), self_mask broadcasts to (B, H, T, T),
        cross_mask to (B, H, T, S) -> (B, T, d_model).

        Rule: all layers in turn, each with the memory and both masks; with norm_first, then norm.
        """
        ### BEGIN SOLUTION
        for layer in self.layers:
            x = layer(x, memory, self_mask, cross_mask)
        return x if self.norm is None else self.norm(x)
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "Decoder", "locked": true, "points": 6, "solution": false, "task": false}
check("Decoder")

# %% [markdown]
# Four layers, untrained. Change the last of six words; who notices?

# %%
stack = Decoder(num_layers=4, d_model=12, num_heads=3, d_ff=24).eval()
x = torch.randn(1, 6, 12)
changed = x.clone()
changed[:, 5] = 3.0
with torch.no_grad():
    moved = stack(changed, memory[:1], causal_mask(6)) - stack(x, memory[:1], causal_mask(6))
print("every layer masked: ", [bool(row.abs().max() > 1e-6) for row in moved[0]])

# %% [markdown]
# **Break it.** Leave the mask out in the last layer only:

# %%
with torch.no_grad():
    ends = []
    for start in (x, changed):
        hidden = start
        for layer in stack.layers[:-1]:
            hidden = layer(hidden, memory[:1], causal_mask(6))
        ends.append(stack.layers[-1](hidden, memory[:1]))
print("all but one masked: ", [bool(row.abs().max() > 1e-6) for row in (ends[1] - ends[0])[0]])

# %% [markdown]
# One layer is enough to let the future in. (A good place for a break.)

# %% [markdown]
# ---
# ## 6 · From a vector to a word
#
# The decoder's last vector for a position has, say, 64 numbers. The vocabulary has 600 words. How
# does one become the other?
#
# ### By hand
#
# Give every word a row of as many numbers as the vector has, and compare by dot product, as in
# lesson 02. The vector is (1, 2):
#
# | word | row | dot product |
# |---|---|---|
# | gato | (2, 1) | 2 + 2 = 4 |
# | perro | (1, 0) | ? |
# | casa | (−1, 1) | ? |

# %%
rows = torch.tensor([[2.0, 1.0], [1.0, 0.0], [-1.0, 1.0]])
logits = torch.tensor([1.0, 2.0]) @ rows.T
print("logits:", logits.tolist(), " after softmax:", logits.softmax(-1))

# %% [markdown]
# ### The rule
#
# $$\text{logits} = x\,W^\top \qquad W: (\text{vocab\_size}, d_\text{model})$$
#
# The numbers before the softmax are called **logits**. The head returns them as they are:
# `cross_entropy` takes the softmax itself, and for the most probable word the largest logit will do.
#
# $W$ has a row for each word. So has an embedding. They can even be the **same** matrix: one row
# says what a word means when it's read, and when it is written. That is called tying. Lesson 09 does it
# by `head.weight = embedding.weight`, and that's why there is no bias here.

# %% [markdown]
# ### Exercise 5: `OutputHead`
#
# *Difficulty 1 of 5 · importance 3 of 5 · 5 minutes · 3 points*
#
# One parameter, by name: `weight`, an `nn.Parameter` of shape (vocab_size, d_model), which starts
# random with a standard deviation of $1/\sqrt{d_\text{model}}$. No bias.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# You could use an `nn.Linear` inside. What would its weight be called then, from outside?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# x (…, d_model), weight (vocab_size, d_model), logits (…, vocab_size): what has to be transposed?
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth:  weight = parameter of normal numbers (vocab_size, d_model), divided by the root of d_model
# forward:   x times the transposed weight
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "OutputHead-answer", "locked": false, "solution": true, "task": false}
class OutputHead(nn.Module):
    """Logits over the vocabulary. No bias.

    Parameter: weight (vocab_size, d_model), random, of standard deviation 1/√d_model.
    """

    def __init__(self, d_model: int, vocab_size: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.weight = nn.Parameter(torch.randn(vocab_size, d_model) / math.sqrt(d_model))
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (..., d_model) -> logits (..., vocab_size).

        Rule: x times the transposed weight, nothing else.
        """
        ### BEGIN SOLUTION
        return x @ self.weight.T
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "OutputHead", "locked": true, "points": 3, "solution": false, "task": false}
check("OutputHead")

# %% [markdown]
# **Break it.** Start from `torch.randn` as it is, without the root. What does a new model of 64
# features believe about the next word, out of 600?

# %%
small = torch.randn(1000, 64) @ (torch.randn(600, 64) / 8).T
large = torch.randn(1000, 64) @ torch.randn(600, 64).T
for name, logits in (("divided by the root", small), ("not divided", large)):
    surest = logits.softmax(-1).max(-1).values.mean()
    print(f"{name:20s} the surest word gets {surest:.0%} on average")

# %% [markdown]
# Without the root, it is nearly certain of a random word before it has learned anything. And it has
# to unlearn that first.

# %% [markdown]
# ---
# ## 7 · Two translators
#
# You have all of it. Put it together, small, and train it on the phrasebook: sentences of up to 8
# words, out of the 400 most frequent English and the 600 most frequent Spanish ones.
#
# And train a **second** one, in which one thing is forgotten: the causal mask. Same sentences, same
# start, same steps. Which one will do better? Write your guess down, for the training, and for
# writing.


# %%
PAD, BOS, EOS = 0, 1, 2


def words_of(sentence):
    return phrasebook.normalise(sentence).split()


def vocabulary(sentences, size, extra):
    counts = Counter(word for sentence in sentences for word in sentence)
    return {word: n for n, word in enumerate([*extra, *[w for w, _ in counts.most_common(size)]])}


pairs = [(words_of(p.english), words_of(p.spanish)) for p in phrasebook.load_phrasebook("train")]
english = vocabulary([e for e, _ in pairs], 400, ["<pad>"])
spanish = vocabulary([s for _, s in pairs], 600, ["<pad>", "<bos>", "<eos>"])


# %%
def known(pair):
    words = zip(pair, (english, spanish), strict=True)
    return all(len(side) <= 8 and all(word in names for word in side) for side, names in words)


def pack(some):
    """Pairs of sentences -> source (count, S) and target (count, T) with <eos>, both padded."""
    source = [torch.tensor([english[word] for word in e]) for e, _ in some]
    target = [torch.tensor([*[spanish[word] for word in s], EOS]) for _, s in some]
    return [
        nn.utils.rnn.pad_sequence(rows, batch_first=True).to(device) for rows in (source, target)
    ]


held_out = [*phrasebook.load_phrasebook("valid"), *phrasebook.load_phrasebook("test")]
testing = [(words_of(pair.english), words_of(pair.spanish)) for pair in held_out]
training, testing = [list(filter(known, some)) for some in (pairs, testing)]
source, target = pack(training)
test_source, test_target = pack(testing)
print(f"{len(training):,} pairs to train on, {len(testing)} to test on")

# %% [markdown]
# The model: your encoder and your decoder, one layer each, with lesson 04's positions. (Embeddings
# are multiplied by $\sqrt{d_\text{model}}$, so that they are as large as the sinusoids; lesson 09
# says more.) Read `forward` closely. It is the map, line by line.


# %%
class Translator(nn.Module):
    def __init__(self, causal, d_model=64):
        super().__init__()
        self.causal, self.scale = causal, math.sqrt(d_model)
        self.source_embedding = nn.Embedding(len(english), d_model)
        self.target_embedding = nn.Embedding(len(spanish), d_model)
        for table in (self.source_embedding, self.target_embedding):
            nn.init.normal_(table.weight, std=1 / self.scale)
        self.positions = PositionalEncoding(d_model, max_length=64)
        self.encoder = Encoder(1, d_model, 4, 2 * d_model)
        self.decoder = Decoder(1, d_model, 4, 2 * d_model)
        self.head = OutputHead(d_model, len(spanish))
        self.head.weight = self.target_embedding.weight  # tied

    def forward(self, source, given):
        """source (B, S), given (B, T), shifted right -> logits (B, T, Spanish words)."""
        real = padding_mask(source, PAD)
        memory = self.encoder(self.positions(self.source_embedding(source) * self.scale), real)
        x = self.positions(self.target_embedding(given) * self.scale)
        mask = causal_mask(given.size(1)).to(given.device) if self.causal else None
        return self.head(self.decoder(x, memory, self_mask=mask, cross_mask=real))


# %% [markdown]
# One of your functions is in the training loop, too. Find the line that makes it teacher forcing.


# %%
def train(causal, steps=400, peak=6e-3):
    """A model, and every 20 steps the share of next words that it names."""
    seed(1)
    model = Translator(causal).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=peak, betas=(0.9, 0.98))
    curve = []
    for step in range(steps + 1):
        optimizer.param_groups[0]["lr"] = peak * min((step + 1) / 50, 1 - step / (steps + 1))
        some = torch.randint(len(source), (64,)).to(device)
        logits, wanted = model(source[some], shift_right(target[some], BOS)), target[some]
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=PAD)
        if step % 20 == 0:
            curve.append((logits.argmax(-1) == wanted)[wanted != PAD].float().mean().item())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval(), curve


# %% tags=["nbval-ignore-output"]
honest, honest_curve = train(causal=True)
leaky, leaky_curve = train(causal=False)
figures.learning_curves(
    {"with the mask": [honest_curve], "without the mask": [leaky_curve]},
    every=20,
    title="The model without the mask learns faster and ends higher",
    measure="next words named",
)

# %% [markdown]
# Surprised? Without the mask it's quicker, and it comes closer to 100 %. "Fine," says somebody, "then
# leave it out!" Be careful and measure on sentences that were never in training, loss and accuracy:


# %%
@torch.no_grad()
def measure(model, source, target):
    """The loss, and the share of next words that the model names, when the right words are given."""
    logits, wanted = model(source, shift_right(target, BOS)), target
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=PAD)
    return loss.item(), (logits.argmax(-1) == wanted)[wanted != PAD].float().mean().item()


# %% tags=["nbval-ignore-output"]
for name, model in (("with the mask   ", honest), ("without the mask", leaky)):
    loss, share = measure(model, source[:500], target[:500])
    test_loss, test_share = measure(model, test_source, test_target)
    print(f"{name}  training: loss {loss:.3f}, {share:.1%} named", end="   ")
    print(f"new sentences: loss {test_loss:.3f}, {test_share:.1%} named")

# %% [markdown]
# On new sentences too, the model without the mask is ahead. Its training loss is absurdly low:
# about what a model would have that knows every next word beforehand.
#
# Now let both **write**. No teacher, no right words: each reads back what it wrote itself.


# %%
@torch.no_grad()
def write(model, source, longest=10, never=()):
    """source (B, S) -> (B, longest) words, the most probable one each time, but for some."""
    written = torch.full((len(source), 1), BOS).to(device)
    for _ in range(longest):
        logits = model(source, written)[:, -1]  # at the last position
        logits[:, list(never)] = -math.inf
        written = torch.cat([written, logits.argmax(-1, keepdim=True)], dim=1)
    return written[:, 1:]


names = list(spanish)


def as_text(row):
    """The words up to <eos>."""
    row = row.tolist()
    return " ".join(names[n] for n in row[: row.index(EOS) if EOS in row else None]) or "(nothing)"


# %% tags=["nbval-ignore-output"]
for number in (0, 2, 5, 6):
    print(" ".join(testing[number][0]), "→", " ".join(testing[number][1]))
    for name, model in (("with the mask   ", honest), ("without the mask", leaky)):
        print("   ", name, " ", as_text(write(model, test_source[number : number + 1])[0]))

# %% tags=["nbval-ignore-output"]
for name, model in (("with the mask   ", honest), ("without the mask", leaky)):
    written = [as_text(row) for row in write(model, test_source)]
    right = sum(text == " ".join(s) for text, (_, s) in zip(written, testing, strict=True))
    print(f"{name}: {right} of {len(testing)} new sentences without a fault")

# %% [markdown]
# There it is. The better model, by loss and by accuracy, in training and on new sentences, **can't
# write a single sentence**.
#
# **Break it.** Does it stop too early, perhaps? Forbid `<eos>` and `<bos>`, and make it go on:

# %% tags=["nbval-ignore-output"]
for number in (0, 2, 5, 6):
    text = as_text(write(leaky, test_source[number : number + 1], never=(BOS, EOS))[0])
    print(" ".join(testing[number][0]), "→", text)

# %% [markdown]
# In training, the answer stood one place to the right of every position. The cheapest way to name
# it was to look there. When it writes, nothing stands to the right yet. It has learned to copy from a
# place that is empty.
#
# That is the **accuracy trap**. It has been published more than once, in tutorials too. A number
# that is too good is a bug until you know why.

# %% [markdown]
# ---
# ## 8 · Catch it without writing
#
# Writing shows *that* something is wrong. Which test tells you *what*, for any model, trained or
# not, in a second?
#
# You had it in section 2. Change a later word. No earlier output may move.
#
# ### By hand
#
# Three words, one output number each. We change one word at a time:
#
# | | output 1 | output 2 | output 3 |
# |---|---|---|---|
# | the sentence as it is | 2 | 5 | 7 |
# | word 2 changed | 2 | 6 | 9 |
# | word 3 changed | **1.5** | 5 | 4 |
#
# Which changes are allowed, and which are a leak?

# %% [markdown]
# <details><summary><b>The answer</b></summary>
#
# Word 2 may change outputs 2 and 3: it is given there. Output 1 stays, good. Word 3 may change
# output 3, whatever it likes. But output 1 went from 2 to 1.5: that is a leak of **0.5**. Output 2
# didn't leak.
#
# </details>
#
# ### The rule
#
# For each position from the second to the last, one at a time: put another token there, and take the
# largest absolute change of all outputs **before** it. The largest of all these is the leak. For a
# correct decoder it is 0.
#
# "Another token" must be another one in any case. `(token + 1) % vocab_size` is: the next one in the
# vocabulary, and after the last one comes 0.

# %% [markdown]
# ### Exercise 6: `future_leak`
#
# *Difficulty 3 of 5 · importance 5 of 5 · 20 minutes · 5 points*
#
# Two traps. Dropout changes outputs too, at random, and that isn't a leak: a module is measured in
# eval mode, and put back into the mode it came in. And `model` may be a plain function, like a
# `lambda`, which has no modes: `isinstance(model, nn.Module)` tells.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which position can't be "later" than any other? And if you swap token 4 after token 3, what has to
# happen to token 3 first?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# tokens (batch, length), outputs (batch, length, …). The token at position p of all sentences is
# `[:, p]`, the positions before it are `[:, :p]`. `.item()` makes a float of one number.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# remember the mode of a module, and go to eval mode     (without gradients)
# outputs = the model's for tokens
# leak    = 0.0
# for every position but the first:
#     swapped = a fresh copy of tokens, with another token at this position
#     change  = largest absolute difference of the outputs before this position
#     leak    = the larger of leak and change
# put the mode back
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "future_leak-answer", "locked": false, "solution": true, "task": false}
def future_leak(model, tokens: torch.Tensor, vocab_size: int) -> float:
    """model: tokens (batch, length) -> outputs (batch, length, ...); a module or a plain function.
    tokens (batch, length), ids from 0 to vocab_size - 1 -> a float, 0.0 for an honest model.

    Rule: swap one later token at a time for another one of the vocabulary; the largest absolute
    change of any output at an earlier position. tokens and the model's mode stay as they were.
    """
    ### BEGIN SOLUTION
    training = isinstance(model, nn.Module) and model.training
    if training:
        model.eval()
    leak = 0.0
    with torch.no_grad():
        outputs = model(tokens)
        for later in range(1, tokens.size(1)):
            swapped = tokens.clone()
            swapped[:, later] = (swapped[:, later] + 1) % vocab_size
            change = (model(swapped) - outputs)[:, :later].abs().max().item()
            leak = max(leak, change)
    if training:
        model.train()
    return leak
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "future_leak", "locked": true, "points": 5, "solution": false, "task": false}
check("future_leak")

# %% [markdown]
# <details><summary>If a leak is found <b>where there is none</b></summary>
#
# Do you look at the swapped position itself? `[:, :p]` ends before it. Is the copy a fresh one each
# time? And is the model in eval mode?
#
# </details>
#
# Now the two translators. Logits are numbers of a few units; how large is the leak? (A model takes
# source *and* target, so a `lambda` keeps the source fixed. We have put both models into eval mode.)

# %% tags=["nbval-ignore-output"]
some, given = test_source[:8], shift_right(test_target[:8], BOS)
for name, model in (("with the mask   ", honest), ("without the mask", leaky)):
    leak = future_leak(lambda tokens, m=model: m(some, tokens), given, len(spanish))
    print(f"{name}: {leak:.4f}")

# %% [markdown]
# Caught, and without writing a word. (On a GPU the first number may be 0.0001 rather than 0: sums are
# taken in another order there.)
#
# **Break it.** It works on models that haven't learned anything, too. So it belongs in a test that
# runs before the first training step:

# %%
for causal in (True, False):
    fresh = Translator(causal).to(device).eval()
    leak = future_leak(lambda tokens, m=fresh: m(some, tokens), given, len(spanish))
    print(f"untrained, causal={causal!s:5}: leaks: {leak > 1e-3}")

# %% [markdown]
# ### Where it looks
#
# A forward hook reads along while a module works: it gets the module, its inputs and its output.
# Your attention returns output and weights, so the weights are `output[1]`:


# %%
@torch.no_grad()
def weights_of(model, name, source, given):
    """The weights of one attention of the decoder's layer, averaged over the heads."""
    kept = []
    attention = getattr(model.decoder.layers[0], name)
    hook = attention.register_forward_hook(lambda module, inputs, output: kept.append(output[1]))
    model(source, given)
    hook.remove()
    return kept[0][0].mean(0)


# %% tags=["nbval-ignore-output"]
number = max(range(len(testing)), key=lambda n: len(set(testing[n][1])))  # most different words
one, its_target = test_source[number : number + 1], test_target[number : number + 1]
its_given = shift_right(its_target, BOS)
given_words = [names[n] for n in its_given[0].tolist()]
figures.attention_matrices(
    [weights_of(model, "self_attention", one, its_given) for model in (honest, leaky)],
    given_words,
    given_words,
    ["with the mask", "without the mask"],
    "Decoder self-attention: without the mask, much weight goes one place to the right",
    masks=[causal_mask(len(given_words))[0, 0], None],
    numbers=False,
)

# %% [markdown]
# On the right, follow the cells one place right of the diagonal: there stands the answer. (The
# average over four heads is shown.) Nobody told it to cheat. It was the shortest way.

# %% [markdown]
# ---
# ## 9 · Look across, for real
#
# Back to the honest one. Does it look at the source word that it needs? The same hook, on
# `cross_attention`:

# %% tags=["nbval-ignore-output"]
source_words = testing[number][0]
figures.attention_matrix(
    weights_of(honest, "cross_attention", one, its_given)[:, : len(source_words)],
    given_words,
    source_words,
    "Where each position looks across, on its way to the next word (learned here)",
)

# %% [markdown]
# Each row is a word that was **given**; what it looks for is the word that comes **next**. The
# average over four heads of one small layer is a rough picture, and it differs from run to run. (Lesson
# 03 says what one matrix is worth, and what would prove more.)
#
# Now write a sentence step by step. Above, where the last word looks; below, what is written so far;
# on the right, the candidates.


# %%
@torch.no_grad()
def steps_of(model, sentence, longest=10):
    """Every step of writing a translation of these words."""
    source = torch.tensor([[english[word] for word in sentence]]).to(device)
    written, steps = torch.tensor([[BOS]]).to(device), []
    while written.size(1) <= longest and written[0, -1] != EOS:
        probable = model(source, written)[0, -1].softmax(-1).topk(5)
        candidates = zip(probable.indices.tolist(), probable.values.tolist(), strict=True)
        looks = weights_of(model, "cross_attention", source, written)[-1]
        given = [names[n] for n in written[0].tolist()]
        steps.append(figures.Step(given, looks, {names[n]: share for n, share in candidates}))
        written = torch.cat([written, probable.indices[None, :1]], dim=1)
    return steps


# %% tags=["nbval-ignore-output"]
written = [as_text(row) for row in write(honest, test_source)]
right = [e for (e, s), text in zip(testing, written, strict=True) if text == " ".join(s)]
sentence = max(right, key=len)  # the longest one without a fault
figures.writing_explorer(sentence, steps_of(honest, sentence), start=2)

# %% [markdown]
# Move the slider. At every step the decoder asks anew, with everything it has written. After
# `<eos>` nothing is asked any more.
#
# **Break it.** Give the leaky model the same sentence:

# %% tags=["nbval-ignore-output"]
figures.writing_explorer(sentence, steps_of(leaky, sentence))

# %% [markdown]
# However sure it looks, no translation comes of it.

# %% [markdown]
# ---
# ## 10 · In your own words
#
# Two to five sentences each. A person reads these.
#
# ### Question 1 (3 points)
#
# How do the encoder's and the decoder's self-attention layers differ? And what is different again in
# cross-attention? Say who asks, who is looked at, and what is hidden.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-three-attentions", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# In the encoder's self-attention every source word asks all source words, before and after it; only
# padding is hidden. In the decoder's self-attention each target word asks the target words, but only
# itself and those before it: the causal mask hides the future, because the later words aren't written
# yet when the model is used. In cross-attention the queries come from the target and the keys and
# values from the memory, so each target word looks at the whole source; nothing there is future, so
# only the source's padding is hidden. The calculation is the same in all three, with weights of
# their own.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: encoder self-attention looks both ways, decoder self-attention only at itself and
#   earlier positions (causal mask).
# - 1 point: the reason: later words don't exist yet when the model writes (or: otherwise it would
#   see the answer in training).
# - 1 point: cross-attention: queries from the decoder, keys and values from the encoder's output
#   (memory); no causal mask there, only padding is hidden.
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 2 (3 points)
#
# In training, the decoder reads the whole translation in one pass. When it is used, it has to write
# word by word. Why do the two fit together? Say what is given at each position, what it should say,
# and which two of your functions make it honest.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-teacher-forcing", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# In training the right translation is known, so position t is given the right word t − 1 and should
# say word t (teacher forcing); shift_right makes that input, with <bos> at the beginning. The causal
# mask lets position t look at positions up to t only, so it knows exactly what it will know when the
# model writes: the words before. So all positions can be calculated at once, and each is an exercise
# of its own that could have been done word by word. What remains different is that in use the model
# reads its own words, mistakes included, and not the right ones.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: teacher forcing: the right earlier words are given, whatever the model would have said;
#   each position should say the next word.
# - 1 point: shift_right (the input is the target moved right, bos first) so that a position isn't
#   given its own answer.
# - 1 point: causal_mask: no position sees later ones, so each knows in training what it knows when
#   writing, and all can be done in one pass.
#
# That in use the model reads its own mistakes is a good remark; it isn't needed for the points.
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 3 (3 points)
#
# A colleague writes: "Our new translator names 98 % of the next words of our held-out sentences. The
# old one named 86 %." What do you suspect, why doesn't the held-out set help against it, and what would
# you measure? Name two measurements, and what each would show if you are right.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-too-good", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# I suspect that the decoder sees the word it should name: a missing or wrong causal mask, or a target
# that isn't shifted. The held-out sentences are given to the decoder in the same way, with the answers
# in them, so the score is inflated there too. First I would let it write by itself and compare whole
# sentences: if I'm right they are nonsense. Second I would swap later tokens and see whether earlier
# outputs change (future_leak): if I'm right, the number is far from 0, even for an untrained model.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: suspects that the answer is visible: causal mask missing or wrong, or the shift
#   forgotten.
# - 1 point: the held-out sentences are given with teacher forcing too, so the answers are visible
#   there as well.
# - 1 point: two measurements with their expected results, for example writing without the right
#   words (nonsense), future_leak (not 0), a look at the self-attention weights (on later positions).
#   Half a point for one of them.
#
# === END MARK SCHEME ===

# %% [markdown]
# ---
# ## 11 · Spot the bug
#
# *Difficulty 3 of 5 · importance 4 of 5 · 10 minutes · no points*
#
# Somebody wrote the layer's forward pass without `residual`, "so that one can see what happens". It
# runs, and its first test passed. **It has two bugs.** Read it before you go on.


# %%
def buggy_forward(layer, x, memory, self_mask=None, cross_mask=None):
    y = layer.norm1(x)
    x = x + layer.self_attention(y, y, y, self_mask)[0]
    y, source = layer.norm2(x), layer.norm2(memory)
    mask = cross_mask if self_mask is None else self_mask
    x = x + layer.cross_attention(y, source, source, mask)[0]
    return x + layer.feed_forward(layer.norm3(x))


# %% [markdown]
# `compare_forward` holds a version against your class. Source and target have the same length here,
# as in many a test.


# %%
@torch.no_grad()
def compare_forward(candidate):
    seed(7)
    new, trained = (DecoderLayer(16, 4, 32).eval() for _ in range(2))
    for parameter in trained.parameters():
        nn.init.normal_(parameter, std=0.5)  # as if it had learned something
    x, memory = torch.randn(2, 5, 16), nn.functional.layer_norm(torch.randn(2, 5, 16), (16,))
    padding = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])[:, None, None, :]
    for name, layer, masks in (
        ("a new layer, no masks", new, (None, None)),
        ("a new layer, padding in the source", new, (None, padding)),
        ("a new layer, causal mask", new, (causal_mask(5), padding)),
        ("a trained layer, no masks", trained, (None, None)),
    ):
        try:
            got = candidate(layer, x, memory, *masks)
            if got is None:
                verdict = "returns nothing yet"
            else:
                gap = (got - layer(x, memory, *masks)).abs().max().item()
                verdict = "agrees" if gap < 1e-3 else "differs, still a bug"
        except Exception as problem:
            verdict = f"doesn't work yet ({type(problem).__name__}: {problem})"
        print(f"{name:36s} {verdict}")


compare_forward(buggy_forward)

# %% [markdown]
# Two lines agree. What have the other two that these haven't?
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# What does a causal mask hide in cross-attention? Is that the future?
#
# <details><summary><b>Hint 2: the other bug</b></summary>
#
# Section 4, "Break it". When does a second norm change nothing?
#
# </details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "spot-the-bug", "locked": false, "solution": true, "task": false}
def mended_forward(layer, x, memory, self_mask=None, cross_mask=None):
    """buggy_forward without its two bugs. x (B, T, d_model), memory (B, S, d_model) -> as x."""
    ### BEGIN SOLUTION
    y = layer.norm1(x)
    x = x + layer.self_attention(y, y, y, self_mask)[0]
    y = layer.norm2(x)
    x = x + layer.cross_attention(y, memory, memory, cross_mask)[0]
    return x + layer.feed_forward(layer.norm3(x))
    ### END SOLUTION


# %%
compare_forward(mended_forward)

# %% [markdown]
# Four times "agrees"? Then both are gone. **Where lengths are equal, a swapped mask raises no error,
# and a new layer hides a norm too many.** So the checks compare numbers, of layers with other weights
# than a new one's.

# %% [markdown]
# ---
# ## What you can say now
#
# - Teacher forcing: every position is given the right words so far and should say the next. The input
#   is the target, shifted right.
# - The causal mask makes that honest, and all positions can be trained at once.
# - A decoder layer looks back (self-attention), looks across (cross-attention: queries from the
#   target, keys and values from the memory), and works on what it found.
# - Three attentions, one calculation; they differ in who asks, who is looked at, and what is hidden.
# - A number that is too good is a bug until you know why: let the model write, and measure its leak.
#
# The map again, with today's pieces filled in:

# %%
figures.transformer_map("06-decoder")

# %% [markdown]
# ## What to read next
#
# - Vaswani et al. (2017), [Attention Is All You Need](https://arxiv.org/abs/1706.03762), sections 3.1
#   and 3.2.3: the three uses of attention, in one paragraph each.
# - Press and Wolf (2017), [Using the Output Embedding to Improve Language
#   Models](https://arxiv.org/abs/1608.05859): why the head and the embedding can be one matrix.
# - Bengio et al. (2015), [Scheduled Sampling](https://arxiv.org/abs/1506.03099): what goes wrong when
#   a model that always had a teacher has to write alone, and one idea against it.

# %% [markdown]
# **Next, lesson 07:** take the left side of the map alone. What can an encoder learn from text that
# nobody has labelled?
