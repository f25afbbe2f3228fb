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
# # Lesson 05 · One block, stacked
#
# You have attention, and words that know their places. Today you put them into a block that can be
# stacked as often as you like, and then the stack gets a job: it reads English sentences and says
# of each word whether it is a noun, a verb or something else.
#
# | | |
# |---|---|
# | **You will build** | `LayerNorm`, `FeedForward`, `residual`, `padding_mask`, `EncoderLayer`, `Encoder`, `Tagger` |
# | **You need** | `MultiHeadAttention` of lesson 03 and `PositionalEncoding` of lesson 04 (or the course's) |
# | **Your time** | 3 hours, with a good place for a break after section 4 |
# | **Points** | 37 from the checks, 9 from three written questions |
# | **Running it all** | one to two minutes on a laptop without a GPU |

# %% tags=["setup"]
import math
import random
from collections import Counter, defaultdict
from functools import cache

import torch
from torch import nn
from torch.nn import functional as F

from autograder import check
from workbook import figures
from workbook.corpus import phrasebook
from workbook.device import pick_device, seed
from workbook.toolbox import MultiHeadAttention, PositionalEncoding, borrow

device = pick_device()
seed(5)
torch.set_printoptions(precision=2, sci_mode=False)
torch.set_num_threads(1)  # our tensors are small: one thread beats several that wait

# %%
figures.transformer_map("05-encoder")

# %% [markdown]
# The left half of the map is the **encoder**. Its grey frame is one *layer*, or block; N of them
# stand one on top of the other. The side panel shows how each of the two boxes inside is wrapped.
# Today you write all of that.
#
# **When you're stuck**, open the hints one at a time. To read on first, add a cell with
# `LayerNorm = borrow("LayerNorm")`: the course's version, without the points.

# %% [markdown]
# ---
# ## 1 · Keep the numbers in range
#
# In lessons 03 and 04 you met `nn.LayerNorm` and took it on trust. Here is the explanation that
# was promised.
#
# A layer multiplies and adds. If it makes its numbers twice as large on average, then twelve layers
# make them 2¹² = 4,096 times as large; if it halves them, 1/4,096 is left. Then softmax saturates,
# or nothing is left to learn from. A **norm** puts the numbers back into range after every step:
# mean 0, deviation 1. **But the mean of which numbers?**

# %% [markdown]
# ### By hand
#
# Two sentences, four features a word. The second sentence is shorter and padded:

# %%
x = torch.tensor(
    [
        [[2.0, 4, 6, 8], [1, 1, 3, 3], [0, 5, 0, 5]],
        [[10, 20, 10, 20], [0, 0, 0, 0], [0, 0, 0, 0]],
    ]
)
figures.averaged_over(x, [["the", "cat", "sleeps"], ["birds", "<pad>", "<pad>"]])

# %% [markdown]
# **Batch norm** came first (Ioffe and Szegedy, 2015), for pictures. It takes **one feature** and
# averages it over everything in the batch: all sentences, all places. Feature 2 has the mean 5 and
# the deviation 6.98, so the 1 of *cat* becomes (1 − 5) / 6.98 = −0.57. (The deviation is the root of
# the variance, and that is the mean of the squared differences from the mean.)
#
# **Layer norm** (Ba, Kiros and Hinton, 2016) takes **one word** and averages over its features.
# *cat* is (1, 1, 3, 3): mean 2. The differences are (−1, −1, 1, 1), their squares 1, 1, 1, 1, so
# the variance is 1. *cat* becomes (−1, −1, 1, 1).
#
# Now you: what does *birds*, (10, 20, 10, 20), become?
#
# <details><summary><b>The answer</b></summary>
#
# The mean is 15, the differences are (−5, 5, −5, 5), the variance is 25, its root 5: (−1, 1, −1,
# 1). As large as *cat* now, though its numbers were ten times larger.
#
# </details>

# %% [markdown]
# ### Why not batch norm?
#
# Exchange *birds* for another word, and look at *cat*, in a sentence where nothing has changed:


# %%
def batch_norm(x):
    """Each feature by its mean and deviation over all places of the batch."""
    return (x - x.mean((0, 1))) / x.var((0, 1), unbiased=False).sqrt()


other = x.clone()
other[1, 0] = torch.tensor([1.0, 0, 1, 0])
print("“cat” beside “birds”:       ", batch_norm(x)[0, 1])
print("“cat” beside another word:  ", batch_norm(other)[0, 1])
longer = torch.cat([x, torch.zeros(2, 3, 4)], dim=1)  # three more <pad>
print("“cat” with more padding:    ", batch_norm(longer)[0, 1])

# %% [markdown]
# Three times the same sentence, three different cats. With batch norm a word depends on strangers
# and on how much padding there happens to be. A batch of one sentence with one word has no
# deviation at all, so at test time running averages of training have to stand in. For pictures,
# where every batch is full and all pictures have the same size, that works well. For sentences,
# layer norm is used: **a word by itself, the same in training and at test time.**

# %% [markdown]
# ### The formula
#
# $$\text{LayerNorm}(x) = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} \odot \text{weight} +
# \text{bias}, \qquad \mu = \frac{1}{d} \sum_i x_i, \quad \sigma^2 = \frac{1}{d} \sum_i (x_i -
# \mu)^2$$
#
# over the $d$ features of one word. Three conventions, which PyTorch has too:
#
# - The variance is **biased**: divided by $d$, not by $d - 1$. (`var()` and `std()` divide by
#   $d - 1$ unless you say `unbiased=False`.)
# - $\varepsilon$ stands **inside the root**. It keeps a word whose features are all equal from
#   being divided by 0, and the slope of the root finite.
# - `weight` and `bias` are learned, one number for each feature. They start at 1 and 0. So the
#   network can choose another scale where it needs one.

# %% [markdown]
# ### Exercise 1: `LayerNorm`
#
# *Difficulty 2 of 5 · importance 5 of 5 · 15 minutes · 6 points*
#
# Parameters, by name: `weight` and `bias`, each `(d_model,)`. The check refuses torch's own norms:
# they would be the answer itself.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Over which dimension do you average, and what has to stay of it, so that the result still lines
# up with x?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# x is (…, d_model), mean and variance (…, 1): `keepdim=True`. weight and bias (d_model,) broadcast
# by themselves. `nn.Parameter(torch.ones(d_model))` makes a parameter.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth:  weight = parameter of ones, bias = parameter of zeros, keep eps
# forward:   mean     = mean over the last dimension, kept
#            centred  = x minus mean
#            variance = mean of centred², over the last dimension, kept
#            answer   = centred / root of (variance + eps), times weight, plus bias
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "LayerNorm-answer", "locked": false, "solution": true, "task": false}
class LayerNorm(nn.Module):
    """Each word by its own mean and deviation. Parameters: weight, bias, both (d_model,)."""

    def __init__(self, d_model: int, eps: float = 1e-5) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.eps = eps
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (..., d_model) -> the same shape.

        Rule: (x − mean) / √(variance + eps) · weight + bias, over the last dimension; the variance
        is divided by d_model.
        """
        ### BEGIN SOLUTION
        centred = x - x.mean(-1, keepdim=True)
        variance = centred.square().mean(-1, keepdim=True)
        return centred / torch.sqrt(variance + self.eps) * self.weight + self.bias
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "LayerNorm", "locked": true, "points": 6, "solution": false, "task": false}
check("LayerNorm")

# %% [markdown]
# <details><summary>If the check speaks of the <b>unbiased variance</b></summary>
#
# `x.var(-1)` and `x.std(-1)` divide by d_model − 1. Take the mean of the squared differences, or
# `var(-1, unbiased=False)`.
#
# </details>
#
# Your norm on the small batch, and beside PyTorch's:

# %%
norm = LayerNorm(4)
with torch.no_grad():
    print("“cat”  ", norm(x)[0, 1], " beside another word ", norm(other)[0, 1])
    print("“birds”", norm(x)[1, 0])
    gap = (norm(x) - nn.LayerNorm(4)(x)).abs().max().item()
print(f"largest difference to nn.LayerNorm: {gap:.5f}")

# %% [markdown]
# **Break it.** What do the two conventions matter? Divide by $d - 1$, for a small and a large $d$;
# then put ε outside, on a word whose features are all equal, and look at the gradient:

# %%
for d in (4, 64, 512):
    print(f"d = {d:3d}: unbiased, the result is {1 - math.sqrt((d - 1) / d):.2%} too small")
flat = torch.full((1, 4), 3.0, requires_grad=True)
((flat - flat.mean()) / (flat.var(unbiased=False).sqrt() + 1e-5)).sum().backward()
print("gradient with eps outside the root:", flat.grad)

# %% [markdown]
# With 512 features the first mistake is smaller than the tolerance of many tests, and the second
# one shows only where a word is flat, or nearly: at 0 the slope of the root is infinite, and the
# gradient becomes `nan`, not a number. That's why both are alive in code that thousands have copied.
# The padding rows above are flat.

# %% [markdown]
# ---
# ## 2 · A moment to think
#
# Attention moves information **between** words. What it brings is an average of vectors, so a
# weighted sum. Who works on what has arrived?
#
# The **feed-forward layer**: a small network with one hidden layer, applied to each word by itself,
# the same for all of them. First it opens the vector out to more features (`d_ff`, in the paper
# 2048 for 512), then it bends them by an **activation**, then it closes them again.

# %% [markdown]
# ### By hand
#
# One feature in, two hidden ones, one out. Say the hidden features are $h_1 = x$ and $h_2 = -x$,
# and the output is $h_1 + h_2$. Without a bend in between, what comes out for $x = 3$? And with
# ReLU, which turns negative numbers into 0?
#
# | | $h_1$ | $h_2$ | out |
# |---|---|---|---|
# | without | 3 | −3 | 0 |
# | with ReLU | 3 | 0 | 3 |
#
# Try $x = -3$ as well. Without the bend it is always 0. With it, it is the absolute value |x|, and
# no linear layer can do that.

# %%
activations = {
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
}
figures.activation_curves(
    activations,
    torch.linspace(-4, 3, 141),
    "ReLU has a corner, the others are smooth and dip below zero",
)

# %% [markdown]
# The paper uses **ReLU**, max(0, x). BERT uses **GELU**, x times the probability that a normal
# number lies below x (Hendrycks and Gimpel, 2016). GPT-2 calculates it by an approximation with
# tanh: the two curves lie on top of each other here, and the check tells them apart. **SiLU** is
# x times the sigmoid of x; the production translator of lesson 09 has it.
#
# ### The formula
#
# $$\text{FFN}(x) = \text{dropout}(\text{act}(x W_1 + b_1)) \, W_2 + b_2$$
#
# That is section 3.3 of "Attention Is All You Need". Dropout acts on the hidden features, behind
# the activation, as in PyTorch's layer.

# %% [markdown]
# ### Exercise 2: `FeedForward`
#
# *Difficulty 2 of 5 · importance 4 of 5 · 10 minutes · 5 points*
#
# Parameters, by name: `linear1`, an `nn.Linear(d_model, d_ff)`, and `linear2`, back. `activation`
# is one of the four names of the figure. Anything else raises a `ValueError` in `__init__`. Write
# the dictionary of the four into your own cell: the one above belongs to the figure, and a piece has
# to stand on its own in later lessons.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which of the four functions is known when the module is born, and how do you get from a name to a
# function? What does a dictionary raise for a name that it doesn't have?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# (…, d_model), then (…, d_ff) through linear1, activation and dropout, then (…, d_model).
# nn.Linear works on the last dimension and leaves the others alone.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth:  refuse a name that is none of the four
#            keep the function, linear1, linear2, an nn.Dropout
# forward:   hidden = activation of linear1 of x
#            answer = linear2 of the dropped hidden
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "FeedForward-answer", "locked": false, "solution": true, "task": false}
class FeedForward(nn.Module):
    """Two linear layers with a bend between them. Parameters: linear1, linear2."""

    def __init__(
        self, d_model: int, d_ff: int, dropout: float = 0.1, activation: str = "relu"
    ) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        known = {
            "relu": nn.ReLU(),
            "gelu": nn.GELU(),
            "gelu_tanh": nn.GELU(approximate="tanh"),
            "silu": nn.SiLU(),
        }
        if activation not in known:
            raise ValueError(f"activation is one of {', '.join(known)}; got {activation!r}")
        self.activation = known[activation]
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (..., d_model) -> the same shape.

        Rule: linear1, activation, dropout, linear2.
        """
        ### BEGIN SOLUTION
        return self.linear2(self.dropout(self.activation(self.linear1(x))))
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "FeedForward", "locked": true, "points": 5, "solution": false, "task": false}
check("FeedForward")

# %% [markdown]
# <details><summary>If you see a <b>KeyError</b> or an <b>AttributeError</b></summary>
#
# A dictionary raises KeyError for a name it doesn't have, `getattr` an AttributeError. Ask
# `if activation not in …` first, and raise a ValueError yourself.
#
# </details>
#
# The absolute value of the table, by your own class:

# %%
absolute = FeedForward(d_model=1, d_ff=2, dropout=0.0)
with torch.no_grad():
    absolute.linear1.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    absolute.linear2.weight.fill_(1.0)
    absolute.linear1.bias.zero_()
    absolute.linear2.bias.zero_()
    print(absolute(torch.tensor([[-3.0], [-1.0], [0.0], [2.0]])).flatten())

# %% [markdown]
# **Break it.** Each word by itself: change the last of five words. How many of the five results
# change? Then compare with attention.

# %%
words = torch.randn(1, 5, 16)
changed = words.clone()
changed[0, 4] += 1
thinker, looker = FeedForward(16, 64, dropout=0.0), MultiHeadAttention(16, 4)
with torch.no_grad():
    for name, layer in (("feed-forward", thinker), ("attention", lambda y: looker(y, y, y)[0])):
        moved = (layer(words) != layer(changed)).any(-1)[0]
        print(f"{name}: {moved.sum()} of 5 words change")

# %% [markdown]
# One, and five. That is the division of labour in a block: **attention talks, feed-forward
# thinks.** And it thinks with most of the parameters. With `d_ff` = 4 · `d_model`, the feed-forward
# layer has 8 · d_model² weights, attention 4 · d_model².

# %% [markdown]
# ---
# ## 3 · A road past every layer
#
# Stack twenty layers. The first one learns from the gradient that comes back through the nineteen
# above it. How much of it does come back?
#
# ### By hand
#
# Let a layer be f(x) = x / 2, one number. Its slope is ½. Through twenty of them the slope is
# ½²⁰ = 0.000001: the first layer hears nothing.
#
# Now add the input to what the layer makes: x + f(x). The slope is 1 + ½. Whatever f does, there is
# **always a 1**: the gradient of a sum goes to both sides as it is. It has a road past the layer.
# (Twenty times 1 + ½ is 1.5²⁰ = 3,325, too much of a good thing: section 8 comes back to that.)
# And if f does little, as a new layer should, say f(x) = 0.02 x, the slope stays near 1:

# %%
for layers in (1, 5, 20):
    x0 = torch.tensor(1.0, requires_grad=True)
    plain = road = x0
    for _ in range(layers):
        plain, road = plain / 2, road + 0.02 * road  # the second layer does little, as a new one
    slopes = [torch.autograd.grad(y, x0)[0].item() for y in (plain, road)]
    print(f"{layers:2d} layers: slope {slopes[0]:.7f} without the road, {slopes[1]:.2f} with it")

# %% [markdown]
# That is a **residual connection** (He and others, 2015). A layer no longer has to make the
# next vector. It adds a **correction** to the one there is. A layer that has nothing to say returns
# 0, and nothing is lost.
#
# ### The rule
#
# A block does this twice, with attention and with the feed-forward layer as *sublayer*, and a norm
# each. There are two orders:

# %%
figures.norm_orders()

# %% [markdown]
# - **Post-norm** is the paper's: norm(x + dropout(sublayer(x))). The norm stands **on** the road.
# - **Pre-norm** came later: x + dropout(sublayer(norm(x))). The sublayer gets tame numbers, and
#   the road stays free from the bottom to the top. Most models train like this today, and so do we.
#
# Both are needed: BERT and the production translator of lesson 09 are post-norm. In section 8 you
# measure the difference.

# %% [markdown]
# ### Exercise 3: `residual`
#
# *Difficulty 1 of 5 · importance 5 of 5 · 5 minutes · 4 points*
#
# `sublayer`, `norm` and `dropout` are callables: each takes a tensor and returns one of the same
# shape.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# What is added, in either order: x as it came, or x after the norm? Follow the thick line.
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# Everything is (…, d_model). x += … would change the tensor of the caller; x = x + … makes a new
# one.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# pre-norm:   answer = x plus (dropout of sublayer of norm of x)
# post-norm:  answer = norm of (x plus (dropout of sublayer of x))
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "residual-answer", "locked": false, "solution": true, "task": false}
def residual(x: torch.Tensor, sublayer, norm, dropout, norm_first: bool = True) -> torch.Tensor:
    """x (..., d_model) -> the same shape.

    Rule: with norm_first, x + dropout(sublayer(norm(x))); without, norm(x + dropout(sublayer(x))).
    """
    ### BEGIN SOLUTION
    if norm_first:
        return x + dropout(sublayer(norm(x)))
    return norm(x + dropout(sublayer(x)))
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "residual", "locked": true, "points": 4, "solution": false, "task": false}
check("residual")

# %% [markdown]
# <details><summary>If the check says that <b>your call changes the caller's x</b></summary>
#
# `x += …` writes into the tensor that was passed. It looks like `x = x + …` and isn't.
#
# </details>
#
# A sublayer that has nothing to say, in both orders:

# %%
silent = torch.zeros_like
with torch.no_grad():
    for norm_first in (True, False):
        out = residual(x, silent, LayerNorm(4), nn.Identity(), norm_first)
        print(f"norm_first={norm_first}: “the” (2, 4, 6, 8) becomes", out[0, 0])

# %% [markdown]
# In pre-norm x goes through untouched. In post-norm it is normalised even where nothing was added.
#
# **Break it.** A frequent slip in pre-norm is to write `x = norm(x)` first. What is on the road
# then?

# %%
with torch.no_grad():
    y = LayerNorm(4)(x)
    print("the slip: “the” becomes", (y + silent(y))[0, 0], "and “birds”", (y + silent(y))[1, 0])

# %% [markdown]
# The sizes are gone: the road has a norm on it, in front of the fork. It runs, and the shapes are
# right.

# %% [markdown]
# ---
# ## 4 · Don't look at the padding
#
# Sentences have different lengths, and a batch is a rectangle. So short ones are filled up with
# `<pad>`. Who tells the attention that these aren't words?
#
# ### By hand
#
# Word numbers, 0 is `<pad>`:
#
# | | | | | |
# |---|---|---|---|---|
# | the cat sleeps here | 5 | 8 | 3 | 9 |
# | birds sing | 6 | 2 | 0 | 0 |
#
# For each sentence, write down a T for each number that may be looked at, and an F for the others.
# You get two rows: TTTT and TTFF. **That is the mask.** It has to fit the scores, (batch, heads,
# queries, keys). All heads and all queries get the same row: (2, 1, 1, 4).

# %%
tokens = torch.tensor([[5, 8, 3, 9], [6, 2, 0, 0]])
allowed = torch.tensor([[True, True, True, True], [True, True, False, False]])
shares = [row.expand(4, 4) / row.sum() for row in allowed]
figures.attention_matrices(
    shares,
    [f"word {place}" for place in range(1, 5)],
    [f"word {place}" for place in range(1, 5)],
    ["the cat sleeps here", "birds sing <pad> <pad>"],
    "The keys of the padding are hidden, for every query",
    masks=[row.expand(4, 4) for row in allowed],
)

# %% [markdown]
# Look at the second matrix: **columns** are hidden. What the rows of the padding find doesn't
# matter; nobody uses it. Hiding these rows too would make queries without any key, for nothing.

# %% [markdown]
# ### Exercise 4: `padding_mask`
#
# *Difficulty 1 of 5 · importance 4 of 5 · 5 minutes · 2 points*
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Comparing a tensor with a number gives a tensor of booleans. Which comparison is True at the
# words?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# tokens (batch, length), the comparison (batch, length), the mask (batch, 1, 1, length). `None` in
# an index adds a dimension of size 1.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# real   = tokens different from pad_id
# answer = real with two new dimensions in its middle
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "padding_mask-answer", "locked": false, "solution": true, "task": false}
def padding_mask(tokens: torch.Tensor, pad_id: int) -> torch.Tensor:
    """tokens (batch, length) -> (batch, 1, 1, length), boolean.

    Rule: True ("may attend") at the real tokens, False where a token is pad_id.
    """
    ### BEGIN SOLUTION
    return (tokens != pad_id)[:, None, None, :]
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "padding_mask", "locked": true, "points": 2, "solution": false, "task": false}
check("padding_mask")

# %% [markdown]
# <details><summary>If the check says that <b>your mask is True at the padding</b></summary>
#
# `nn.MultiheadAttention` has the opposite convention, and many tutorials follow it. In this course
# True means "may attend".
#
# </details>
#
# *birds sing*, alone and in a batch. The vectors of its two words should not know the difference:

# %%
table = nn.Embedding(10, 16)
with torch.no_grad():
    alone, padded = table(tokens[1:, :2]), table(tokens[1:])
    wanted = looker(alone, alone, alone)[0]
    for name, mask in (("no mask", None), ("your mask", padding_mask(tokens[1:], 0))):
        found = looker(padded, padded, padded, mask)[0][:, :2]
        print(f"{name}: differs by up to {(found - wanted).abs().max():.3f}")

# %% [markdown]
# **Break it.** Turn the mask round by `~`. Where do the words look now?

# %%
with torch.no_grad():
    _, weights = looker(padded, padded, padded, ~padding_mask(tokens[1:], 0))
print("weights of “birds”, first head:", weights[0, 0, 0])

# %% [markdown]
# Only at the padding. No error is raised, and a network trained like this even learns a little,
# because each word still has its residual road.
#
# **A good place for a break.** You have the four parts. What comes next is putting them together.

# %% [markdown]
# ---
# ## 5 · The block
#
# Four parts lie on the table: attention, feed-forward, norms, and the road around them. How do
# they become the frame in the map?
#
# ### By hand
#
# Follow one word's vector through a pre-norm block, with your finger on the map's side panel:
#
# | step | what it does | the road |
# |---|---|---|
# | `norm1` | tames a copy of it | waits |
# | `self_attention` | brings what other words have to say | waits |
# | `dropout`, + | | **takes it in** |
# | `norm2` | tames a copy of the sum | waits |
# | `feed_forward` | works on it | waits |
# | `dropout`, + | | **takes it in** |
#
# Twice `residual`. The two norms have weights of their own, since they stand before different jobs.

# %% [markdown]
# ### The rule
#
# $$x \leftarrow \text{residual}(x, \text{self-attention}, \text{norm}_1) \qquad
# x \leftarrow \text{residual}(x, \text{feed-forward}, \text{norm}_2)$$
#
# Four things to know before you write:
#
# - `residual` wants a sublayer that takes **one** tensor and returns **one**. Your attention takes
#   three and a mask, and returns two. A small function in between, or a `lambda y: …`, does it.
#   Inside it, use `y` (its own argument), not `x`.
# - The mask is passed on as it came.
# - `dropout` acts in three places: behind each sublayer (one `nn.Dropout` serves both), and inside
#   both of them, so pass the rate on to `MultiHeadAttention` and `FeedForward`.
# - `activation` goes to the feed-forward layer, `eps` to both norms.

# %% [markdown]
# ### Exercise 5: `EncoderLayer`
#
# *Difficulty 3 of 5 · importance 5 of 5 · 25 minutes · 8 points*
#
# Sub-modules, by name: `self_attention` (`MultiHeadAttention`), `feed_forward` (`FeedForward`),
# `norm1` and `norm2` (`LayerNorm`). As a reminder:
#
# ```
# MultiHeadAttention(d_model, num_heads, dropout=0.0)   output, weights = attention(q, k, v, mask)
# FeedForward(d_model, d_ff, dropout=0.1, activation="relu")
# LayerNorm(d_model, eps=1e-5)
# residual(x, sublayer, norm, dropout, norm_first=True)
# ```

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which parts are made once, in `__init__`, and which values have to be kept for `forward`? What
# goes into the attention as query, key and value, and which of its two results do you need?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# x is (batch, length, d_model) at every step. The sublayer `lambda y: self.self_attention(…)[0]`
# maps (batch, length, d_model) to the same shape. The mask stays as it is.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth:  attention with dropout, feed-forward with dropout and activation,
#            two norms with eps, one nn.Dropout, keep norm_first
# forward:   look   = function of y: first result of the attention of y, y, y with the mask
#            x      = residual of x around look, with norm1
#            answer = residual of x around feed_forward, with norm2
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "EncoderLayer-answer", "locked": false, "solution": true, "task": false}
class EncoderLayer(nn.Module):
    """One block. Sub-modules: self_attention, feed_forward, norm1, norm2."""

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
        self.self_attention = MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = FeedForward(d_model, d_ff, dropout, activation)
        self.norm1 = LayerNorm(d_model, eps)
        self.norm2 = LayerNorm(d_model, eps)
        self.dropout = nn.Dropout(dropout)
        self.norm_first = norm_first
        ### END SOLUTION

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """x (batch, length, d_model), mask broadcasts to (batch, heads, length, length)
        -> the same shape as x.

        Rule: residual around self-attention, then residual around feed-forward.
        """

        ### BEGIN SOLUTION
        def look(y):
            return self.self_attention(y, y, y, mask)[0]

        x = residual(x, look, self.norm1, self.dropout, self.norm_first)
        return residual(x, self.feed_forward, self.norm2, self.dropout, self.norm_first)
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "EncoderLayer", "locked": true, "points": 8, "solution": false, "task": false}
check("EncoderLayer")

# %% [markdown]
# <details><summary>If you see <b>'tuple'</b> in an error</summary>
#
# The attention returns (output, weights). Take the first: `[0]`.
#
# </details>
#
# <details><summary>If the check says that <b>dropout</b> is missing somewhere</summary>
#
# Three places: the attention's weights, the hidden features, and what each sublayer returns. The
# first two are done inside, if you pass the rate on. MultiHeadAttention's own default is 0.
#
# </details>

# %% [markdown]
# ### The same as PyTorch's, in both orders
#
# `nn.TransformerEncoderLayer` is this block. Copy its weights into yours:


# %%
@torch.no_grad()
def copy_layer(theirs, mine):
    """The weights of an nn.TransformerEncoderLayer into an EncoderLayer of ours."""
    attention, projections = theirs.self_attn, ("q_proj", "k_proj", "v_proj")
    weights, biases = attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
    for name, weight, bias in zip(projections, weights, biases, strict=True):
        projection = getattr(mine.self_attention, name)
        projection.weight.copy_(weight)
        projection.bias.copy_(bias)
    mine.self_attention.out_proj.load_state_dict(attention.out_proj.state_dict())
    for name in ("linear1", "linear2"):
        getattr(mine.feed_forward, name).load_state_dict(getattr(theirs, name).state_dict())
    for name in ("norm1", "norm2"):
        getattr(mine, name).load_state_dict(getattr(theirs, name).state_dict())


# %%
def torchs_layer(norm_first, **more):
    layer = nn.TransformerEncoderLayer(
        12, 3, 20, dropout=0.0, batch_first=True, norm_first=norm_first, **more
    )
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.3)  # norms too: ones and zeros would hide a mistake
    return layer


words = torch.randn(2, 5, 12)
real = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
for norm_first in (True, False):
    theirs, mine = torchs_layer(norm_first), EncoderLayer(12, 3, 20, 0.0, norm_first)
    copy_layer(theirs, mine)
    with torch.no_grad():
        gap = mine(words, real[:, None, None, :]) - theirs(words, src_key_padding_mask=~real)
    print(f"norm_first={norm_first}: largest difference {gap.abs().max():.4f}")

# %% [markdown]
# 0.0000 and 0.0000. (For the mask, PyTorch's layer wants True where something is hidden: `~` at the
# border, as in lesson 03.)
#
# **Break it.** Load the weights of a post-norm layer into a pre-norm one. The names and shapes fit,
# so nothing complains:

# %%
theirs, mine = torchs_layer(norm_first=False), EncoderLayer(12, 3, 20, 0.0, norm_first=True)
copy_layer(theirs, mine)
with torch.no_grad():
    print(f"the wrong order: {(mine(words) - theirs(words)).abs().max():.2f}")

# %% [markdown]
# The order isn't in the weights. Whoever loads a published model has to know it, and the
# activation and eps as well.

# %% [markdown]
# ---
# ## 6 · The stack
#
# One block lets each word look around once. To follow a chain ("*it* … *tired* … *animal*", lesson
# 03) a word has to look again, at words that have looked around already. So blocks are stacked:
# six in the paper, 12 in BERT's base model, 96 in GPT-3.
#
# ### By hand
#
# **The blocks share the architecture and not the weights.** Here are two ways to write three
# layers. Which one has three?
#
# ```
# layer = nn.Linear(2, 2);  layers = [layer] * 3
# layers = [nn.Linear(2, 2) for _ in range(3)]
# ```
#
# An `nn.Linear(2, 2)` has 2 · 2 + 2 = 6 parameters, so three have 18.

# %%
one = nn.Linear(2, 2)
for how, layers in (("[one] * 3", [one] * 3), ("three", [nn.Linear(2, 2) for _ in range(3)])):
    count = sum(parameter.numel() for parameter in nn.ModuleList(layers).parameters())
    print(f"{how:9s} has {count} parameters")

# %% [markdown]
# `[one] * 3` is a list with the **same** object three times. (An `nn.ModuleList` is a list whose
# modules are seen by `parameters()`, `to()` and `state_dict()`. A plain Python list isn't.)
#
# ### The rule
#
# Every layer works on the result of the one before, and **every layer gets the mask**. In pre-norm
# a last `norm` follows: the road itself was never normalised, and its numbers grow with every
# addition. In post-norm each layer ends with a norm already, so there is none.

# %% [markdown]
# ### Exercise 6: `Encoder`
#
# *Difficulty 2 of 5 · importance 5 of 5 · 15 minutes · 6 points*
#
# Sub-modules, by name: `layers`, an `nn.ModuleList` of `EncoderLayer`s, each made anew; and `norm`,
# a `LayerNorm` with the same eps, only with `norm_first=True`.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which of the eight arguments does a layer need, and which does the last norm need? What can `norm`
# be where there is none, so that `forward` can tell?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# x is (batch, length, d_model) in front of every layer and behind it. The mask is the same tensor
# for all of them.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth:  layers = ModuleList of num_layers new EncoderLayers, everything passed on
#            norm   = LayerNorm in pre-norm, otherwise None
# forward:   for each layer: x = layer of x and the mask
#            answer = norm of x, or x where there is no norm
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "Encoder-answer", "locked": false, "solution": true, "task": false}
class Encoder(nn.Module):
    """A stack of blocks. Sub-modules: layers, and with norm_first a last norm."""

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
            EncoderLayer(d_model, num_heads, d_ff, dropout, norm_first, activation, eps)
            for _ in range(num_layers)
        )
        self.norm = LayerNorm(d_model, eps) if norm_first else None
        ### END SOLUTION

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """x (batch, length, d_model), mask broadcasts to (batch, heads, length, length)
        -> the same shape as x.

        Rule: one layer after the other, each with the mask; with norm_first, norm at the end.
        """
        ### BEGIN SOLUTION
        for layer in self.layers:
            x = layer(x, mask)
        return x if self.norm is None else self.norm(x)
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "Encoder", "locked": true, "points": 6, "solution": false, "task": false}
check("Encoder")

# %% [markdown]
# <details><summary>If the check says that <b>all your layers are one and the same</b></summary>
#
# `[layer] * n` and `[layer for _ in range(n)]` repeat one object. Call `EncoderLayer(…)` inside the
# comprehension.
#
# </details>
#
# How much larger does each layer make the road? And what does the last norm do about it?

# %%
tall = Encoder(12, 32, 4, 64, dropout=0.0)
with torch.no_grad():
    road, sizes = torch.randn(4, 9, 32), []
    for layer in tall.layers:
        sizes.append(road.std().item())
        road = layer(road)
print("deviation in front of layers 1, 4, 8, 12:", *(f"{sizes[n]:.2f}" for n in (0, 3, 7, 11)))
print(f"behind the last layer {road.std():.2f}, behind the norm {tall.norm(road).std():.2f}")

# %% [markdown]
# **Break it.** Give the mask to the first layer only. It's a line that nobody misses in a review:
# `x = layer(x)`. How much do the words of a padded sentence change?

# %%
with torch.no_grad():
    words, mask = torch.randn(1, 6, 32), torch.tensor([[[[True] * 4 + [False] * 2]]])
    alone, masked = tall(words[:, :4]), tall(words, mask)[:, :4]
    road = tall.layers[0](words, mask)
    for layer in tall.layers[1:]:
        road = layer(road)
    dropped = tall.norm(road)[:, :4]
print(f"the mask in every layer: {(masked - alone).abs().max():.4f}")
print(f"in the first layer only: {(dropped - alone).abs().max():.1f}")

# %% [markdown]
# With one layer in the stack the two are the same. **Whoever tests a stack with one layer finds no
# dropped mask.**

# %% [markdown]
# ---
# ## 7 · A job: which kind of word is it?
#
# > We *park* the car. · The *park* is green.
#
# Is *park* a verb or a noun? The word alone doesn't tell; its neighbours do. Giving each word its
# part of speech is called **tagging**, and it is a job for an encoder: one vector in, one vector
# out, for every word, with both sides in view.
#
# The phrasebook knows the tag of each of its words:


# %%
def read(split):
    """(words in lower case, tags) of every sentence."""
    pairs = phrasebook.load_phrasebook(split)
    return [([w.lower() for w in phrasebook.tokenise(p.english)], p.tags) for p in pairs]


training, held_out = read("train"), read("test")
for words, tags in held_out[:2]:
    print(" ".join(f"{word}/{tag}" for word, tag in zip(words, tags, strict=True)))
print(len(phrasebook.TAGS), "tags:", *phrasebook.TAGS)

# %% [markdown]
# DET is *the* and *a*, ADP a preposition, AUX an auxiliary verb, PART *not* or the *to* of *to go*,
# PROPN a name. The names are those of the Universal Dependencies project.
#
# ### By hand: how good is no model at all?
#
# Give every word the tag that it had most often in training. That is a dictionary, and it is the
# bar that your encoder has to clear.

# %%
seen = defaultdict(Counter)
for words, tags in training:
    for word, tag in zip(words, tags, strict=True):
        seen[word][tag] += 1
two_tags = {word for word, tags in seen.items() if len(tags) > 1}
print(f"{len(seen):,} words, {len(two_tags)} of them with more than one tag")
for word in ("park", "water", "that", "clean"):
    print(f"  {word}: {dict(seen[word])}")


# %%
def score(guess):
    """Shares of held-out words with the right tag: of all, and of those with two tags.
    `guess(sentences)` gives the tags of each of many lists of words."""
    right = {False: [], True: []}
    for (words, tags), said in zip(held_out, guess([each[0] for each in held_out]), strict=True):
        for word, tag, mine in zip(words, tags, said, strict=True):
            right[word in two_tags].append(tag == mine)
    everything = right[False] + right[True]
    return sum(everything) / len(everything), sum(right[True]) / len(right[True])


def by_dictionary(sentences):
    return [[seen[word].most_common(1)[0][0] for word in words] for words in sentences]


bar = score(by_dictionary)
print("the dictionary: {:.1%} of all words, {:.1%} of those with two tags".format(*bar))

# %% [markdown]
# Over 95 %, without a single look at a neighbour! So 96 % would be no success. The words with more
# than one tag are few in the list, but frequent: nearly every fourth word of a text is one of them,
# and there the dictionary is wrong almost every fifth time. **Those words are the test.**

# %% [markdown]
# ### The rule
#
# What is fed to an encoder? Not words, and not numbers of words:
#
# 1. `token`, an `nn.Embedding`: a vector for each word, learned
# 2. times √d_model, as in the paper (section 3.4): a vector that starts with the deviation
#    1/√d_model then has the deviation 1, as large as the sinusoids
# 3. `positions`: the sinusoids are added, then dropout
# 4. `encoder`, with the padding's mask
# 5. `head`, an `nn.Linear`: a **logit** for each tag, at each word

# %% [markdown]
# ### Exercise 7: `Tagger`
#
# *Difficulty 3 of 5 · importance 4 of 5 · 20 minutes · 6 points*
#
# Sub-modules, by name: `token` (`nn.Embedding`), `positions` (`PositionalEncoding`), `encoder`
# (`Encoder`, with its defaults: pre-norm, ReLU), `head` (`nn.Linear`, with bias). The embeddings
# start normal: `nn.init.normal_(self.token.weight, std=…)` with the deviation 1/√d_model.
#
# ```
# PositionalEncoding(d_model, max_length, dropout)
# Encoder(num_layers, d_model, num_heads, d_ff, dropout)
# ```
#
# Return the logits as they are. The loss, `cross_entropy`, does the softmax itself.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# The five steps above: which of them need something from `__init__`? Which number, besides the four
# sub-modules, has to be kept for `forward`, so that the mask can be made?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# tokens (batch, length), embedded (batch, length, d_model), the same behind positions and encoder,
# logits (batch, length, num_tags). The mask is padding_mask of the tokens, (batch, 1, 1, length).
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth:  token, started normal with deviation 1/√d_model; positions; encoder; head; keep pad_id
# forward:   x      = embedded tokens times √d_model
#            x      = positions of x
#            x      = encoder of x, with the padding mask of the tokens
#            answer = head of x
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "Tagger-answer", "locked": false, "solution": true, "task": false}
class Tagger(nn.Module):
    """A tag for each word. Sub-modules: token, positions, encoder, head."""

    def __init__(
        self,
        vocab_size: int,
        num_tags: int,
        d_model: int,
        num_heads: int,
        num_layers: int,
        d_ff: int,
        max_length: int,
        dropout: float = 0.1,
        pad_id: int = 0,
    ) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.scale, self.pad_id = math.sqrt(d_model), pad_id
        self.token = nn.Embedding(vocab_size, d_model)
        nn.init.normal_(self.token.weight, std=1 / self.scale)
        self.positions = PositionalEncoding(d_model, max_length, dropout)
        self.encoder = Encoder(num_layers, d_model, num_heads, d_ff, dropout)
        self.head = nn.Linear(d_model, num_tags)
        ### END SOLUTION

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """tokens (batch, length) -> logits (batch, length, num_tags).

        Rule: embeddings times √d_model, positions, encoder with the padding mask, head.
        """
        ### BEGIN SOLUTION
        x = self.positions(self.token(tokens) * self.scale)
        return self.head(self.encoder(x, padding_mask(tokens, self.pad_id)))
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "Tagger", "locked": true, "points": 6, "solution": false, "task": false}
check("Tagger")

# %% [markdown]
# <details><summary>If the check says that <b>the real words' logits differ</b></summary>
#
# Somewhere padding is looked at. Is the mask made from `tokens` with `self.pad_id`, and is it the
# second argument of the encoder?
#
# </details>
#
# ### Train it
#
# Words become numbers: 0 is `<pad>`, 1 stands for words it doesn't know. In training, one word in
# twenty is replaced by 1 at random, so that it learns to guess from the neighbours. Sentences
# of about the same length come into one batch, which saves padding.

# %%
PAD, UNKNOWN, NO_TAG = 0, 1, -100  # -100: cross_entropy leaves it out
vocabulary = ["<pad>", "<unknown>", *sorted(seen)]
number_of = {word: number for number, word in enumerate(vocabulary)}
tag_number = {tag: number for number, tag in enumerate(phrasebook.TAGS)}


def pack(sentences):
    """(words, tags) of several sentences -> tokens and tag numbers, both (count, longest)."""
    size = len(sentences), max(len(words) for words, _ in sentences)
    tokens, wanted = torch.full(size, PAD), torch.full(size, NO_TAG)
    for row, (words, tags) in enumerate(sentences):
        numbers = [number_of.get(word, UNKNOWN) for word in words]
        tokens[row, : len(words)] = torch.tensor(numbers)
        wanted[row, : len(words)] = torch.tensor([tag_number[tag] for tag in tags])
    return tokens.to(device), wanted.to(device)


# %%
by_length = sorted(training, key=lambda sentence: len(sentence[0]))


def draw_batch(size):
    start = random.randrange(len(by_length) - size)
    tokens, wanted = pack(by_length[start : start + size])
    hidden = torch.rand(tokens.shape, device=device) < 0.05
    return tokens.masked_fill(hidden & (tokens != PAD), UNKNOWN), wanted


def loss_of(model, tokens, wanted):
    logits = model(tokens).flatten(0, 1)  # (batch · length, tags)
    return F.cross_entropy(logits, wanted.flatten(), ignore_index=NO_TAG)


# %%
def train(model, steps, size=128, rate=6e-3, every=25):
    """The share of right tags in each batch, the mean of every `every` steps."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    curve = []
    for _ in range(steps):
        tokens, wanted = draw_batch(size)
        logits = model(tokens)
        loss = F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), ignore_index=NO_TAG)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        plan.step()
        asked = wanted != NO_TAG
        curve.append((logits.argmax(-1) == wanted)[asked].float().mean().item())
    return [sum(curve[n : n + every]) / every for n in range(0, steps, every)]


# %% [markdown]
# Two layers, 64 features, four heads. No dropout: in 400 steps it meets each sentence once or twice,
# and there is nothing to learn by heart. The next cell takes 10 to 30 seconds.

# %% tags=["nbval-ignore-output"]
seed(5)
tagger = Tagger(len(vocabulary), len(phrasebook.TAGS), 64, 4, 2, 128, max_length=64, dropout=0.0)
curve = train(tagger.to(device), steps=400)
tagger.eval()
figures.learning_curves(
    {"your tagger, on its training batches": [curve]},
    every=25,
    title="Most words come in a hundred steps, the hard ones later",
    measure="share of right tags",
)


# %%
@torch.no_grad()
def tag_words(words):
    """For each word the tag, and how sure the tagger is of it."""
    tokens, _ = pack([(words, ["NOUN"] * len(words))])
    sure, best = tagger(tokens)[0].softmax(-1).max(-1)
    return [phrasebook.TAGS[number] for number in best.tolist()], sure.tolist()


@torch.no_grad()
def tag_many(sentences):
    """The tags of each of many lists of words, in large batches."""
    tagged = []
    for start in range(0, len(sentences), 200):
        some = sentences[start : start + 200]
        tokens, _ = pack([(words, ["NOUN"] * len(words)) for words in some])
        for words, best in zip(some, tagger(tokens).argmax(-1).tolist(), strict=True):
            tagged.append([phrasebook.TAGS[number] for number in best[: len(words)]])
    return tagged


# %% tags=["nbval-ignore-output"]
reached = score(tag_many)
for name, shares in (("the dictionary", bar), ("your tagger", reached)):
    print("{}: {:.2%} of all held-out words, {:.2%} of those with two tags".format(name, *shares))
print("99 % reached:", reached[0] >= 0.99)

# %% [markdown]
# Above 99 % of words in sentences that it never saw, and most of the words that the dictionary got
# wrong. (The curve above ends lower: in training one word in twenty was hidden, here none is.) Here
# are four words with more than one tag, a sentence for each of two tags. A dashed box is wrong; the
# bar shows how sure it is.

# %%
chosen = []
for word in ("light", "clean", "work", "that"):
    for tag in list(seen[word])[:2]:
        for words, tags in held_out:
            if len(words) < 12 and (word, tag) in zip(words, tags, strict=True):
                chosen.append((words, tags))
                break

# %% tags=["nbval-ignore-output"]
tagged = [figures.Tagged(words, *tag_words(words), tags) for words, tags in chosen]
figures.tagged_sentences(tagged, "The same word, another tag: the neighbours decide")

# %% [markdown]
# ### Where does it look?
#
# No layer returns its attention weights, and yet you can see them: a **forward hook** is a function
# that a module calls with its inputs and its output each time it has run. Lesson 03's matrices come
# out of a stack like this:


# %%
@torch.no_grad()
def reading_of(words):
    """What every head of the tagger looks at."""
    collected = []
    hooks = [
        layer.self_attention.register_forward_hook(lambda _, given, made: collected.append(made[1]))
        for layer in tagger.encoder.layers
    ]
    tag_words(words)
    for hook in hooks:
        hook.remove()
    return figures.Reading([weights[0] for weights in collected], words)


# %% tags=["nbval-ignore-output"]
parking = {
    "verb": reading_of("they park the car here .".split()),
    "noun": reading_of("they like the park here .".split()),
}
figures.word_in_every_head(parking, "park", title="Where “park” looks, as a verb and as a noun")

# %% [markdown]
# ### Padding, and a bag of words
#
# A tag must not depend on how long the other sentences of the batch are. And does the tagger use the
# order of the words, or would a bag of words do? First the padding:


# %% tags=["nbval-ignore-output"]
words = "they park the car here .".split()
with torch.no_grad():
    alone, _ = pack([(words, ["NOUN"] * 6)])
    padded = F.pad(alone, (0, 30), value=PAD)
    gap = (tagger(padded)[:, :6] - tagger(alone)).abs().max()
print(f"with 30 <pad> behind it, its logits change by up to {gap:.5f}")

# %% [markdown]
# Padding changes nothing beyond rounding. Now the order: the same words backwards, and shuffled.
# Make your guess for both.


# %%
def in_order(orders):
    """A guess for `score` that reads each sentence in another order. `orders(length)` gives it."""

    def guess(sentences):
        chosen = [orders(len(words)) for words in sentences]
        read = [[w[n] for n in order] for w, order in zip(sentences, chosen, strict=True)]
        pairs = zip(tag_many(read), chosen, strict=True)
        return [[tag for _, tag in sorted(zip(o, tags, strict=True))] for tags, o in pairs]

    return guess


# %% tags=["nbval-ignore-output"]
random.seed(5)
orders = {
    "backwards": lambda length: list(range(length))[::-1],
    "shuffled": lambda length: random.sample(range(length), length),
}
for name, order in orders.items():
    shares = score(in_order(order))
    print("{}: {:.1%} of all words, {:.1%} of those with two tags".format(name, *shares))

# %% [markdown]
# Surprised? In our run both had between 98 and 99 % right: far above the dictionary, and yet with
# about three or four times as many mistakes as in the right order. So most of what a tag needs is
# **which** words are around, and attention finds them wherever they stand. The order decides the
# last and hardest ones.
#
# Now type sentences of your own. Try a word that doesn't exist, as *wug*. Its bar is often short:
# the tagger guesses from the neighbours, not always well, and knows that it guesses.


# %%
def tag_text(text):
    words = [word.lower() for word in phrasebook.tokenise(text)][:64]
    return figures.Tagged(words, *tag_words(words)) if words else figures.Tagged([], [], [])


# %% tags=["nbval-ignore-output"]
figures.tagger_explorer(tag_text, "They park the car, and the wug is very large.")

# %% [markdown]
# **Break it.** Make it fail. It has only read short sentences of everyday life, all without
# mistakes. A headline, a verb that it knows only as a noun, three *that* in a row? 99 % on held-out
# sentences **of the same kind** says nothing about others.

# %% [markdown]
# ---
# ## 8 · How deep?
#
# The tagger has two layers. What if there were 32? Sections 1 and 3 promised that norms and
# residuals make depth possible. Measure it: what reaches the **first** layer, for stacks of 1 to 32
# layers, with and without each of them?
#
# `Ruled` is your block with another rule in the place of `residual`. Here are six:

# %%
RULES = {
    "pre-norm": lambda x, f, norm: x + f(norm(x)),
    "post-norm": lambda x, f, norm: norm(x + f(x)),
    "pre-norm, no residual": lambda x, f, norm: f(norm(x)),
    "post-norm, no residual": lambda x, f, norm: norm(f(x)),
    "residual alone": lambda x, f, norm: x + f(x),
    "neither": lambda x, f, norm: f(x),
}


class Ruled(EncoderLayer):
    def __init__(self, rule):
        super().__init__(d_model=32, num_heads=4, d_ff=64, dropout=0.0)
        self.rule = RULES[rule]

    def forward(self, x, mask=None):
        x = self.rule(x, lambda y: self.self_attention(y, y, y, mask)[0], self.norm1)
        return self.rule(x, self.feed_forward, self.norm2)


# %%
class Deep(nn.Module):
    """A stack of Ruled layers, in the place of an Encoder."""

    def __init__(self, rule, depth):
        super().__init__()
        self.layers = nn.ModuleList(Ruled(rule) for _ in range(depth))
        self.norm = LayerNorm(32) if rule.startswith("pre-norm") else nn.Identity()

    def forward(self, x, mask=None):
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x)


def deep_tagger(rule, depth, start=1):
    seed(start)
    model = Tagger(len(vocabulary), len(phrasebook.TAGS), 32, 4, 1, 64, 64, dropout=0.0)
    model.encoder = Deep(rule, depth)
    return model.to(device)


# %% [markdown]
# One batch, one loss, one backward pass, no training. The norm of the gradient of all weights of a
# layer says how strongly that layer is told to change. **Make your guess** for each of the six at
# 32 layers.

# %%
seed(5)
one_batch = draw_batch(16)


@cache
def gradient_norms(rule, depth):
    """The gradient's norm at each layer, the first one first: the mean of two starts."""
    runs = []
    for start in (1, 2):
        model = deep_tagger(rule, depth, start)
        loss_of(model, *one_batch).backward()
        layers = [[p.grad for p in layer.parameters()] for layer in model.encoder.layers]
        norms = [[g.norm() for g in grads if g is not None] for grads in layers]
        runs.append(torch.stack([torch.stack(each).norm() for each in norms]))
    return torch.stack(runs).mean(0).cpu()


# %% tags=["nbval-ignore-output"]
DEPTHS = (1, 2, 4, 8, 16, 32)
first = {rule: [gradient_norms(rule, depth)[0].item() for depth in DEPTHS] for rule in RULES}
panels = {
    "with norms": {rule: first[rule] for rule in list(RULES)[:4]},
    "without norms": {rule: first[rule] for rule in list(RULES)[4:]},
}
title = "Without norms, the first layer hears a scream or nothing"
figures.gradient_by_depth(DEPTHS, panels, title)

# %% [markdown]
# Start on the right, and mind the scale. With neither, the gradient **vanishes**: each layer shrinks
# it. With residuals alone it **explodes**: each layer adds to the road, so the next one gets larger
# numbers. On the left, at each depth all four stay within a factor of ten or so of each other,
# rarely of some tens. (Over all depths and several batches, we saw 0.02 to 3.) That is the work of
# the norms.
#
# So residuals hardly matter, as long as there are norms? Don't believe it yet. First look at every
# layer, and choose the depth:

# %% tags=["nbval-ignore-output"]
figures.gradient_layers_explorer(gradient_norms, list(RULES)[:4], (2, 4, 8, 16), 16)

# %% [markdown]
# A gradient's **size** says that a layer is told something. It doesn't say whether it is anything
# useful. Measure something else: how much alike are the words of a sentence when they come out?
# (The cosine between two words' vectors: 1 means that they point the same way.)


# %%
@torch.no_grad()
def likeness(rule, depth):
    """The mean cosine between the words of a sentence, behind the stack."""
    model, caught, values = deep_tagger(rule, depth), [], []
    model.encoder.register_forward_hook(lambda _, given, made: caught.append(made))
    model(one_batch[0])
    for vectors, tokens in zip(caught[0], one_batch[0], strict=True):
        unit = F.normalize(vectors[tokens != PAD], dim=-1)
        others = len(unit) * (len(unit) - 1)
        values.append((((unit @ unit.T).sum() - len(unit)) / others).item())
    return sum(values) / len(values)


# %% tags=["nbval-ignore-output"]
alike = {rule: [likeness(rule, depth) for depth in DEPTHS] for rule in list(RULES)[:4]}
figures.share_curves(
    DEPTHS,
    alike,
    "Without residuals, all words of a sentence become one and the same",
    "layers in the stack",
    measure="likeness of the words",
)

# %% [markdown]
# There it is. Attention averages. Averages of averages come closer and closer to each other, and
# without a road for what a word **was**, all words of a sentence become the same vector after a few
# layers (Dong, Cordonnier and Loukas, 2021). The gradient doesn't vanish, but it tells all words the
# same. With residuals it takes longer, longest in pre-norm.
#
# And does that decide what can be **learned**? Eight layers, a hundred steps each:

# %% tags=["nbval-ignore-output"]
learning = {}
for rule in ("pre-norm", "post-norm", "pre-norm, no residual"):
    model = deep_tagger(rule, 8)
    random.seed(1)
    learning[rule] = [train(model, steps=100, size=16, rate=3e-3, every=10)]
figures.learning_curves(
    learning,
    every=10,
    title="Eight layers, a hundred steps: what learns, and what doesn't",
    measure="share of right tags",
    legend="upper left",
)

# %% [markdown]
# *(Measured: your numbers may differ.)* Pre-norm learns at once. Without residuals it stays near
# what always answering NOUN would give, 16 %. And post-norm hardly gets further here, with as many
# steps at the same rate: look at its likeness at eight layers. It isn't hopeless. The paper trained
# it for much longer, with a **warm-up** of 4,000 steps in which the rate starts near 0 (lesson 09),
# and Xiong and others (2020) showed that pre-norm does without.
#
# Three things to keep. **Norms** keep the numbers, and with them the gradients, in range.
# **Residuals** keep the words apart. And a gradient's size alone is half of the truth.

# %% [markdown]
# ---
# ## 9 · In your own words
#
# Two to five sentences each. A person reads these.
#
# ### Question 1 (3 points)
#
# What is fed to a Transformer's encoder? Start with the sentence "the cat sleeps" in a batch with
# longer ones, and go up to what the first layer gets. Give the shapes.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-what-is-fed-to-the-encoder", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# The words become token ids, and the sentence is padded to the longest one of the batch: (batch,
# length). An embedding table gives each id a learned vector, which is multiplied by √d_model:
# (batch, length, d_model). Then the positional encodings of places 0, 1, 2 … are added, since
# attention doesn't know about order, and dropout follows. That sum is what the first layer gets,
# together with a padding mask (batch, 1, 1, length) that is False at the padding.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: token ids are turned into learned vectors by an embedding (scaling by √d_model is
#   welcome and not needed).
# - 1 point: positions are added (summed, not appended), because attention has no order.
# - 1 point: padding and its mask, and the right shapes: (batch, length) → (batch, length, d_model);
#   the mask (batch, 1, 1, length) or in words "one row of booleans a sentence".
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 2 (3 points)
#
# Your colleague comes from computer vision and replaces every layer norm of the tagger by batch
# norm. What does each of the two average over? Name two things that will go wrong with sentences,
# and say why.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-which-norm", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Batch norm takes one feature and averages over all words of all sentences in the batch; layer norm
# takes one word and averages over its features. With batch norm a word's vector depends on the
# other sentences of the batch, so the same sentence gets other tags in other company. The padding is
# averaged in, so the result also depends on how much of it there is. And at test time, with a single
# sentence, there is no batch to average over, so running averages of training have to be used, which
# differ from what the network was trained with.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: says what each averages over (feature over batch and places; features of one word).
# - 1 point each for two of: depends on the other sentences; padding counts; small batches or a
#   single sentence (or training and test differ, running averages); lengths vary, so the number of
#   averaged places does.
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 3 (3 points)
#
# "Without residuals, but with norms, the gradient at the first of 16 layers neither vanishes nor
# explodes. So residuals are superfluous." What is right about it, and what did section 8 measure that
# speaks against it? Explain the reason.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-large-gradient", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# It is right that the norms keep the gradient at the first layer in range, with residuals or without:
# it differs by a factor of some tens at most, not of millions. But the likeness of the words behind
# the stack goes to 1 without residuals: attention averages, and averages of averages are all the same,
# so behind a few layers the words of a sentence can't be told apart. Then no gradient, however large,
# says anything that is true of one word and not of the others, and the model without residuals didn't
# learn in 100 steps, while pre-norm did.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: right: the size of the gradient is kept by the norms (figure of the gradient).
# - 1 point: against it: a measurement is named (likeness goes to 1, or the share of right tags stays
#   low).
# - 1 point: the reason: attention averages, so the words become alike, and nothing carries what a
#   word was; the size of a gradient isn't its usefulness.
#
# === END MARK SCHEME ===

# %% [markdown]
# ---
# ## 10 · Spot the bug
#
# *Difficulty 3 of 5 · importance 4 of 5 · 10 minutes · no points*
#
# A layer norm as it stands in many repositories. It trains, and its test passes: 512 features,
# random numbers, a tolerance of 0.01. **It has two bugs.** Read it before you go on.


# %%
def buggy_norm(x, weight, bias, eps=1e-5):
    mean = x.mean(-1, keepdim=True)
    deviation = x.std(-1, keepdim=True)
    return weight * (x - mean) / (deviation + eps) + bias


# %% [markdown]
# `compare_norm` holds a version against PyTorch's: 512 features, then four, then 512 tiny ones.


# %%
def compare_norm(candidate):
    random_numbers = torch.Generator().manual_seed(7)
    for d, size in ((512, 1.0), (4, 1.0), (512, 0.001)):
        x = size * torch.randn(3, d, generator=random_numbers)
        found = candidate(x, torch.ones(d), torch.zeros(d))
        if found is None:
            print("returns nothing yet")
            return
        gap = (found - F.layer_norm(x, (d,))).abs().max().item()
        print(f"{d:3d} features of size {size:g}: differs by up to {gap:.4f}")


compare_norm(buggy_norm)

# %% [markdown]
# The first line is the test that passed. Each of the others shows more.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# By what does `std` divide? The second line shows it: with 4 features that matters.
#
# <details><summary><b>Hint 2: the other bug</b></summary>
#
# In the third line the variance is 0.000001, smaller than eps. Where does eps stand?
#
# </details></details>
#
# Write the mended version:


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "spot-the-bug", "locked": false, "solution": true, "task": false}
def mended_norm(x, weight, bias, eps=1e-5):
    """buggy_norm without its two bugs. x (..., d) -> the same shape."""
    ### BEGIN SOLUTION
    mean = x.mean(-1, keepdim=True)
    variance = x.var(-1, unbiased=False, keepdim=True)
    return weight * (x - mean) / torch.sqrt(variance + eps) + bias
    ### END SOLUTION


# %%
compare_norm(mended_norm)

# %% [markdown]
# Three times 0.0000? Then both are gone. **A test with one size and a wide tolerance sees neither
# of them.**

# %% [markdown]
# ---
# ## What you can say now
#
# - Layer norm: each word by its own mean and deviation, over its features; biased variance, eps
#   inside the root. It knows nothing of the batch.
# - A block is two residuals: attention talks between words, feed-forward thinks about each. Pre-norm
#   leaves the road free, post-norm puts a norm on it.
# - A stack shares the architecture and not the weights, gives the mask to every layer, and in
#   pre-norm ends in a norm.
# - Norms keep the gradients in range, residuals keep the words apart. Deep stacks need both.
# - A bar comes before a model: a dictionary tags over 95 % of the words. What counts is the rest.
#
# Here is the map again, with today's pieces filled in. The encoder is complete:

# %%
figures.transformer_map("05-encoder")

# %% [markdown]
# ## What to read next
#
# - Vaswani et al. (2017), [Attention Is All You Need](https://arxiv.org/abs/1706.03762), sections
#   3.1 and 3.3: the encoder, in one page.
# - Ba, Kiros and Hinton (2016), [Layer Normalization](https://arxiv.org/abs/1607.06450), and Ioffe
#   and Szegedy (2015), [Batch Normalization](https://arxiv.org/abs/1502.03167).
# - He et al. (2015), [Deep Residual Learning](https://arxiv.org/abs/1512.03385): the road.
# - Xiong et al. (2020), [On Layer Normalization in the Transformer
#   Architecture](https://arxiv.org/abs/2002.04745): pre-norm, post-norm and warm-up.
# - Dong, Cordonnier and Loukas (2021), [Attention is not all you
#   need](https://arxiv.org/abs/2103.03404): why the words become alike.

# %% [markdown]
# **Next, lesson 06:** the encoder reads. The right half of the map writes, one word at a time,
# looking at what the encoder has read.
