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
# # Lesson 04 · Order is lost, put it back
#
# "The dog bit the man" is no news. "The man bit the dog" is. Attention, as you have built it,
# can't tell the two apart. Today you find out why, prove it, and give each word its place.
#
# | | |
# |---|---|
# | **You will build** | `sinusoidal_encoding`, `PositionalEncoding`, `shift_matrix`, `LearnedPositions`, `apply_rotary` |
# | **You need** | attention from lessons 02 and 03; sine and cosine of an angle |
# | **Your time** | 2½ to 3 hours, with a good place for a break after section 5 |
# | **Points** | 25 from the checks, 10 from three written questions |
# | **Running it all** | about a minute on a laptop without a GPU |

# %% tags=["setup"]
import math
import random
from itertools import chain

import torch
from torch import nn

from autograder import check
from workbook import figures
from workbook.corpus import phrasebook
from workbook.device import pick_device, seed
from workbook.toolbox import (
    MultiHeadAttention,
    SelfAttention,
    borrow,
    merge_heads,
    scaled_dot_product_attention,
    softmax,
    split_heads,
)

device = pick_device()
seed(4)
torch.set_printoptions(precision=2, sci_mode=False)
torch.set_num_threads(1)  # our tensors are small: one thread beats several that wait

# %%
figures.transformer_map("04-positional-encoding")

# %% [markdown]
# Today's box stands low on both sides, before anything else happens to a word: **Positional
# encoding**. It's small, and without it everything above it is blind to order.
#
# Attention comes from your toolbox. Where a piece of yours is missing, the course's is borrowed
# for you, and a badge says so.
#
# **When you're stuck**, open the hints one at a time. To read on first, add a cell with
# `sinusoidal_encoding = borrow("sinusoidal_encoding")`: the course's version, without the points.

# %% [markdown]
# ---
# ## 1 · A bag of words
#
# > The dog bit the man. · The man bit the dog.
#
# Five words, the same five. Your attention layer gets them as five rows, in order. So it must
# know who stands where. Does it?
#
# ### By hand
#
# *Bit* looks around: weights 0.5 on *dog*, 0.2 on *bit*, 0.3 on *man*. They come from the words'
# own queries and keys, so they are the same in any order. What does *bit* take home?
#
# | order | weighted sum | result |
# |---|---|---|
# | dog bit man | 0.5·(4, 0) + 0.2·(0, 5) + 0.3·(0, 10) | (2, 4) |
# | man bit dog | 0.3·(0, 10) + 0.2·(0, 5) + 0.5·(4, 0) | **(?, ?)** |

# %% [markdown]
# The same, of course: $a + b = b + a$. A weighted average is a **bag of words**. You can take
# each word out and see what it weighs, but not where it lay.
#
# Try it with your own layer from lesson 02. We give each word a random vector, once, and let the
# layer read both sentences.

# %%
words = "the dog bit the man".split()
order = [0, 4, 2, 3, 1]  # the man bit the dog
vector = {word: torch.randn(32) for word in words}
sentence = torch.stack([vector[word] for word in words])
layer = SelfAttention(d_model=32, d_k=16, d_v=16)
with torch.no_grad():
    outputs = layer(sentence[None])[0][0]
    reordered = layer(sentence[order][None])[0][0]

# %%
title = "The dog bit the man, the man bit the dog: every word keeps its vector"
figures.reordered_outputs(outputs, reordered, words, order, title)

# %% [markdown]
# The rows have moved, and not one number has changed. *Dog* bites or is bitten: the same vector.
# Even the two *the* can't be told from each other.
#
# ### The formula
#
# Reordering rows is a matrix too: $P$, with a single 1 in each row and column. Then $P^\top P = I$,
# because ordering back undoes it. Call the scores of $X$ (before scaling) $S$, and its weights $A$.
# Now put $PX$ into attention in place of $X$:
#
# $$(PXW_q)(PXW_k)^\top = P \, S \, P^\top \qquad \text{softmax}(PSP^\top) = P A P^\top$$
#
# $$P A P^\top \; (PXW_v) = P \; A \, X W_v$$
#
# Scores, weights and outputs are reordered along, and that is all. Softmax doesn't mind: it
# treats each row by itself, in any order. This is called **permutation equivariance**.

# %% [markdown]
# ### Proved by a test
#
# A formula is one thing, your code another. So here is a test: many sentences, many orders, and
# not a single exception allowed. Both of your layers have to pass, one head and several.


# %%
def blind_to_order(attend, d_model, trials=100):
    """In how many of the trials does attend(x[:, order]) equal attend(x)[:, order]?"""
    kept = 0
    for _ in range(trials):
        length = random.randint(2, 12)
        x, order = torch.randn(2, length, d_model), torch.randperm(length)
        with torch.no_grad():
            kept += torch.allclose(attend(x[:, order]), attend(x)[:, order], atol=1e-5)
    return kept


# %%
one_head = SelfAttention(d_model=16, d_k=8, d_v=8)
heads = MultiHeadAttention(d_model=16, num_heads=4).eval()
print("one head:  ", blind_to_order(lambda x: one_head(x)[0], 16), "of 100 blind")
print("four heads:", blind_to_order(lambda x: heads(x, x, x)[0], 16), "of 100 blind")

# %% [markdown]
# More heads don't help, and more layers wouldn't either: a chain of blind steps is blind.
#
# **Break it.** Give the layer a causal mask, so that each word sees itself and the words before
# it. Is it still blind? Guess, then run.


# %%
def causal_head(x):
    mask = torch.ones(x.size(1), x.size(1), dtype=torch.bool).tril()
    return one_head(x, mask.expand(len(x), -1, -1))[0]


print("with a causal mask:", blind_to_order(causal_head, 16), "of 100 blind")

# %% [markdown]
# (A few orders change nothing, so a few trials may still agree.) A causal mask **is** a piece of
# order: the first word sees one word, the second sees two. So decoders (lesson 06) aren't entirely
# blind. Encoders are.

# %% [markdown]
# ---
# ## 2 · First ideas
#
# Each word needs a mark that says where it stands. The mark is a vector, so that a network can
# use it. Which vector would **you** give to position 0, 1, 2, 3?

# %% [markdown]
# **Idea one: count.** Write the position into the vector: 0, 1, 2, … A feature of a word is about
# 1 in size, and word 50 gets a 50. It drowns everything else.
#
# **Idea two: count in shares**, from 0 for the first word to 1 for the last. Now nothing drowns.
# But the same share means different places: counting from 0, 0.25 is position 1 among 5 words and
# position 25 among 101.
#
# **Idea three: one-hot.** A feature for each position: `1000`, `0100`, `0010`, `0001`.

# %% [markdown]
# ### By hand
#
# How alike are two one-hot positions? Take dot products:
#
# | | `1000` | `0100` | `0010` | `0001` |
# |---|---|---|---|---|
# | position 0: `1000` | 1 | 0 | 0 | 0 |
# | position 1: `0100` | ? | ? | ? | ? |
#
# Position 0 is as far from its neighbour 1 as from the end of the sentence.

# %%
one_hot = torch.eye(4)
print(one_hot @ one_hot.T)

# %% [markdown]
# One-hot positions are all different, and none is loud. Still, three things are wrong with them:
#
# 1. **They're as wide as the longest sentence.** 64 features hold 64 positions, and not one more.
# 2. **They know no neighbours.** 1 is no closer to 2 than to 60.
# 3. **Each position is learned alone.** What a network finds out about position 7 says nothing
#    about position 8. A position that never occurred in training is a stranger.
#
# **Break it.** Ask for position 5.

# %%
try:
    print(one_hot[5])
except IndexError as problem:
    print("IndexError:", problem)

# %% [markdown]
# So here is what to wish for: every position different, no number large, neighbours alike, the
# step "three words on" the same wherever you are, and no fixed end. Section 9 puts one-hot
# positions to the test, with all the others.

# %% [markdown]
# ---
# ## 3 · A clock with many hands
#
# How do you show thousands of different moments with a few small numbers that never grow? A clock
# does it. Its second hand is back after a minute, but then the minute hand has moved.
#
# Give each pair of features a hand. The tip of a hand of length 1, at an angle $\alpha$ from the
# top, stands at $(\sin\alpha, \cos\alpha)$: two features between −1 and 1.

# %%
title = "Like seconds, minutes and hours: each hand is ten times slower than the one before"
figures.clock_hands([0, 1, 2, 3, 10, 100], title)

# %% [markdown]
# Read a row: four hands, eight features, one position. The first hand tells neighbours apart. The
# last one tells the beginning of a chapter from its end.
#
# ### By hand
#
# Take $d_{model} = 4$: two hands. The first one turns by 1 radian a word, the second by 1/100.
#
# | position | $\sin(pos)$ | $\cos(pos)$ | $\sin(pos/100)$ | $\cos(pos/100)$ |
# |---|---|---|---|---|
# | 0 | 0 | 1 | 0 | 1 |
# | 1 | 0.84 | 0.54 | 0.01 | 1.00 |
# | 2 | 0.91 | −0.42 | 0.02 | 1.00 |
# | 3 | **?** | **?** | **?** | **?** |
#
# (Set your calculator to radians.)

# %%
print([round(number, 2) for number in (math.sin(3), math.cos(3), math.sin(0.03), math.cos(0.03))])

# %% [markdown]
# ### The formula
#
# $$PE(pos, 2i) = \sin\!\left(\frac{pos}{10000^{2i/d_{model}}}\right) \qquad PE(pos, 2i+1) = \cos\!\left(\frac{pos}{10000^{2i/d_{model}}}\right)$$
#
# $i$ counts the hands: 0, 1, 2, … The even column $2i$ and the odd column $2i + 1$ share one angle.
# For $d_{model} = 4$ the divisors are $10000^{0/4} = 1$ and $10000^{2/4} = 100$, as above.
# In a wide model the slowest hand needs nearly $2\pi \cdot 10000$ words for one turn; with our two
# hands, 628.
#
# The number 10000 is a choice, called the **base**. You'll turn that knob in section 5.

# %% [markdown]
# ### A trap far out
#
# float32, torch's usual type, has seven digits. Position 100,000 uses up six of them, so what is
# left for the angle? Here is one feature, worked out both ways:

# %%
divisor = 10000 ** (2 / 64)
in_float32 = torch.sin(torch.tensor(100_000.0) / torch.tensor(divisor))
in_float64 = torch.sin(torch.tensor(100_000.0, dtype=torch.float64) / divisor)
print(f"float32: {in_float32:.4f}\nfloat64: {in_float64:.4f}")

# %% [markdown]
# They differ by 0.006: of seven digits about two are left. The remedy costs nothing: work out the
# angles in float64, and turn the finished table into float32.

# %% [markdown]
# ### Exercise 1: `sinusoidal_encoding`
#
# *Difficulty 2 of 5 · importance 5 of 5 · 15 minutes · 6 points*
#
# A table comes out: one row a position, starting at 0, one column a feature. With an odd
# `d_model` the last column is a sine that has no cosine beside it.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# How many different angles are there in one row? Can you make a table with exactly these angles
# first, and only then take sines and cosines?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# positions (length, 1), divisors (1, ⌈d_model / 2⌉), so angles (length, ⌈d_model / 2⌉). Every
# other column of a table is `table[:, 0::2]` or `table[:, 1::2]`: for d_model 7 these are 4 and 3
# columns wide. Useful: `torch.arange(0, d_model, 2, dtype=torch.float64)`.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# positions = 0, 1, 2, … in float64, as a column
# evens     = 0, 2, 4, … below d_model, in float64
# angles    = positions / base to the power (evens / d_model)
# table     = empty, in float64
# its even columns = sines of the angles
# its odd columns  = cosines of as many angles as there are odd columns
# answer    = table in float32
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "sinusoidal_encoding-answer", "locked": false, "solution": true, "task": false}
def sinusoidal_encoding(length: int, d_model: int, base: float = 10000.0) -> torch.Tensor:
    """-> (length, d_model) float32, worked out in float64.

    Rule: sin(pos / base^(2i / d_model)) in column 2i, cos of the same angle in column 2i + 1.
    An odd d_model ends in a sine column.
    """
    ### BEGIN SOLUTION
    positions = torch.arange(length, dtype=torch.float64)[:, None]
    evens = torch.arange(0, d_model, 2, dtype=torch.float64)
    angles = positions / base ** (evens / d_model)  # (length, ⌈d_model / 2⌉)
    table = torch.empty(length, d_model, dtype=torch.float64)
    table[:, 0::2] = angles.sin()
    table[:, 1::2] = angles[:, : d_model // 2].cos()
    return table.float()
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "sinusoidal_encoding", "locked": true, "points": 6, "solution": false, "task": false}
check("sinusoidal_encoding")

# %% [markdown]
# <details><summary>If the check speaks of <b>far positions</b></summary>
#
# Look at every `torch.arange`. Whole numbers divided by a whole number give float32, whatever
# comes after. `dtype=torch.float64` belongs where the numbers are made.
#
# </details>
#
# <br>
#
# Does it know your table from above?

# %%
print(sinusoidal_encoding(4, 4))

# %% [markdown]
# The first ten positions in 64 dimensions. Follow one column down, on the left and on the right:

# %%
title = "Columns on the left change from word to word, columns on the right hardly at all"
figures.position_picture(sinusoidal_encoding(10, 64), title)

# %% [markdown]
# On the right, the even columns are stuck near 0 and the odd ones near 1: slow hands, hardly
# started. They wait for longer texts.
#
# **Break it.** With base 1 all hands turn equally fast, so there is only one hand. 44 radians are
# almost exactly 7 turns. What does that do to position 44?

# %%
for base in (1.0, 10000.0):
    table = sinusoidal_encoding(45, 64, base)
    alike = torch.cosine_similarity(table[0], table[44], dim=0)
    print(f"base {base:7.0f}: position 44 is {alike:.2f} like position 0")

# %% [markdown]
# A clock with a second hand only: you know the second, and not the minute.

# %% [markdown]
# ---
# ## 4 · Into the word's vector
#
# A word has a vector, its position has one. The network takes one vector a word. Where does the
# position go?
#
# You could put it beside the word: then each layer gets wider. The Transformer **adds** it. Width
# stays, and each word arrives a little displaced, in a direction that says where it stands.
#
# ### By hand
#
# *Dog* is (0.5, −1.0, 0.3, 0.2). At position 1 it meets (0.84, 0.54, 0.01, 1.00):
#
# $$(0.5, -1.0, 0.3, 0.2) + (0.84, 0.54, 0.01, 1.00) = (1.34, -0.46, 0.31, 1.20)$$
#
# What is it at position 3, where the row is (0.14, −0.99, 0.03, 1.00)? Same word, another vector.

# %% [markdown]
# Isn't the word lost in the sum? In 4 dimensions, perhaps. Real models have hundreds, and word
# vectors are **learned** with the positions already in place: training moves the words to where
# the two don't get into each other's way.
#
# After adding comes **dropout**, on the sum. And the table? Nobody trains it, but it belongs to
# the module. torch knows three ways to keep a tensor:
#
# | | trained | saved, and moved to the GPU |
# |---|---|---|
# | `nn.Parameter(…)` | yes | yes |
# | `self.register_buffer("table", …)` | **no** | **yes** |
# | `self.table = …` | no | no |

# %% [markdown]
# ### Exercise 2: `PositionalEncoding`
#
# *Difficulty 2 of 5 · importance 5 of 5 · 10 minutes · 5.5 points*
#
# Buffer, by name: `table`, of shape (max_length, d_model). A sentence may be shorter than the
# table. If it's longer, raise a `ValueError` whose sentence names both lengths.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which axis of x counts the words? (Careful: many examples on the web have it first. Here the
# batch is first.) And how many rows of the table does a sentence of 5 words need?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# x (batch, length, d_model) plus rows (length, d_model): broadcasting lines up the last axes, so
# every sentence gets the same rows. `x.size(1)` is the length.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth: register the sinusoids of max_length positions as the buffer "table"
#           keep an nn.Dropout with the given rate
# forward:  if x has more words than the table has rows: raise ValueError
#           add the first rows of the table to x
#           send the sum through dropout
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "PositionalEncoding-answer", "locked": false, "solution": true, "task": false}
class PositionalEncoding(nn.Module):
    """Adds the sinusoids, then drops out. Buffer: table (max_length, d_model). No parameters."""

    def __init__(self, d_model: int, max_length: int = 5000, dropout: float = 0.1) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.register_buffer("table", sinusoidal_encoding(max_length, d_model))
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (batch, length, d_model) -> the same shape.

        Rule: word plus the row of its position, then dropout. ValueError past max_length.
        """
        ### BEGIN SOLUTION
        length, room = x.size(1), self.table.size(0)
        if length > room:
            raise ValueError(f"the sentence has {length} words, but there are {room} positions")
        return self.dropout(x + self.table[:length])
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "PositionalEncoding", "locked": true, "points": 5.5, "solution": false, "task": false}
check("PositionalEncoding")

# %% [markdown]
# Back to the dog and the man: the same vectors, the same layer, with positions added. Solid arrow:
# same vector. Dashed: changed. Which stay solid?

# %%
positions = PositionalEncoding(d_model=32, max_length=10).eval()
with torch.no_grad():
    outputs = layer(positions(sentence[None]))[0][0]
    reordered = layer(positions(sentence[order][None]))[0][0]
title = "With positions, the dog that bites is another dog than the one that is bitten"
figures.reordered_outputs(outputs, reordered, words, order, title)

# %% [markdown]
# None. Even *bit*, which hasn't moved, has changed, though too little for the colours to show: what
# it looks at stands elsewhere. And the two *the* have vectors of their own at last.
#
# **Break it.** Multiply instead of adding. What becomes of the first word, whose row is
# 0, 1, 0, 1?

# %%
dog = torch.tensor([0.5, -1.0, 0.3, 0.2])
print("added:     ", dog + sinusoidal_encoding(1, 4)[0])
print("multiplied:", dog * sinusoidal_encoding(1, 4)[0])

# %% [markdown]
# Half of the word is wiped out, and no later layer can bring it back. A sum can be taken apart
# again. A product with 0 can't.

# %% [markdown]
# ---
# ## 5 · Near and far
#
# One-hot positions knew no neighbours. Do the sinusoids?
#
# ### By hand
#
# Take a single hand. Position $a$ is $(\sin a, \cos a)$, position $b$ is $(\sin b, \cos b)$. Their
# dot product is
#
# $$\sin a \sin b + \cos a \cos b = \cos(a - b)$$
#
# For positions 3 and 4 that is $\cos(1) = 0.54$. For 50 and 51? The same $\cos(1)$: only the
# **distance** is left.

# %% [markdown]
# ### The formula
#
# With all hands, the cosines add up:
#
# $$PE(pos) \cdot PE(pos + k) = \sum_i \cos\!\left(\frac{k}{10000^{2i/d_{model}}}\right)$$
#
# No $pos$ on the right. At $k = 0$ every cosine is 1, and nothing can be more alike. For $k = 1$
# only the fast hands disagree, for $k = 100$ many do.

# %%
table = sinusoidal_encoding(100, 64)
for first, second in ((3, 8), (50, 55), (90, 95)):
    print(f"positions {first:2d} and {second:2d}: {table[first] @ table[second]:.4f}")

# %%
title = "Sinusoids know near from far, one-hot positions don't"
figures.similarity_by_distance({"sinusoidal": table, "one-hot": torch.eye(100)}, 50, title)

# %% [markdown]
# A hill: the nearest words are the most alike. (The picture shows the cosine: the dot product
# divided by 32, which is a row's product with itself, so that the top is 1.) It has small waves on
# its sides, from the hands that have been once around. It's symmetric: the dot product can't tell
# three words back from three words on. (The network can: its $W_q$ and $W_k$ stand in between, see
# section 6.)
#
# **Break it yourself.** Turn the knob. What happens to the hill with base 2, and what with a
# million?

# %%
figures.base_explorer(sinusoidal_encoding)

# %% [markdown]
# Base 2: all hands are fast. After two words hardly any likeness is left. At position 4 most hands
# point the other way, −0.82, and around position 8, when most have been once around, some of the
# likeness comes back. A million: more hands stand still, and position 99 is still 0.61 like
# position 0, where 10,000 gives 0.49. Models for long texts raise the base: Llama 3 has 500,000.

# %% [markdown]
# ---
# ## 6 · Three words on is always the same turn
#
# "The word before me." "Three words on." A network says such things with a matrix: its $W_q$ and
# $W_k$. Can **one** matrix lead from every position to the one three words on, without knowing
# where it is?
#
# ### By hand
#
# Think of a clock. Whatever the time, a quarter of an hour later the big hand has turned by 90°.
# From the top, (0, 1), to the right, (1, 0):
#
# $$\begin{pmatrix} 0 & 1 \\ -1 & 0 \end{pmatrix} \begin{pmatrix} 0 \\ 1 \end{pmatrix} = \begin{pmatrix} 1 \\ 0 \end{pmatrix}$$
#
# Apply the same matrix to the result (1, 0). Where does the hand point now? It should be down.

# %%
quarter = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
hand = torch.tensor([0.0, 1.0])
for minutes in (15, 30, 45, 60):
    hand = quarter @ hand
    print(f"after {minutes} minutes: {(hand + 0.0).tolist()}")

# %% [markdown]
# ### The formula
#
# A hand at the angle $a$ is turned by $b$. School had two formulas for that:
#
# $$\sin(a + b) = \cos b \, \sin a + \sin b \, \cos a \qquad \cos(a + b) = -\sin b \, \sin a + \cos b \, \cos a$$
#
# Read off the four factors. They don't contain $a$, the place where you are:
#
# $$\begin{pmatrix} \sin(a+b) \\ \cos(a+b) \end{pmatrix} = \begin{pmatrix} \cos b & \sin b \\ -\sin b & \cos b \end{pmatrix} \begin{pmatrix} \sin a \\ \cos a \end{pmatrix}$$
#
# Hand $i$ turns by $b_i = \text{offset} / base^{2i/d_{model}}$. So the matrix for all hands has these
# 2 × 2 blocks along its diagonal, and zeros elsewhere.

# %% [markdown]
# ### Exercise 3: `shift_matrix`
#
# *Difficulty 3 of 5 · importance 3 of 5 · 15 minutes · 4.5 points*
#
# Return $M$ with `sinusoidal_encoding(…)[pos + offset] = M @ sinusoidal_encoding(…)[pos]` for
# every `pos`. The offset may be 0 or negative. For an odd `d_model` raise a `ValueError`: the last
# sine has no cosine to turn with.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# What must the matrix be for the offset 0? Which of sine and cosine has to stand on the diagonal,
# then?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# There are d_model / 2 angles, one for each pair of columns, and the matrix is (d_model, d_model).
# Block i covers the rows and columns 2i and 2i + 1. A loop is fine: it is built once.
# `torch.block_diag(*blocks)` is fine too.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# if d_model is odd: raise ValueError
# matrix = zeros (d_model, d_model)
# for each even column e:
#     b = offset / base to the power (e / d_model)      (a Python float is float64 already)
#     block of rows and columns e, e + 1:    cos b   sin b
#                                           −sin b   cos b
# answer = matrix, in float32
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "shift_matrix-answer", "locked": false, "solution": true, "task": false}
def shift_matrix(offset: int, d_model: int, base: float = 10000.0) -> torch.Tensor:
    """-> M (d_model, d_model) float32 with PE(pos + offset) = M @ PE(pos) for every pos.

    Rule: the block [[cos b, sin b], [-sin b, cos b]] for each pair of columns, with
    b = offset / base^(2i / d_model). ValueError for an odd d_model.
    """
    ### BEGIN SOLUTION
    if d_model % 2:
        raise ValueError(f"every sine needs its cosine, but d_model is {d_model}")
    matrix = torch.zeros(d_model, d_model)
    for even in range(0, d_model, 2):
        turn = offset / base ** (even / d_model)
        sin, cos = math.sin(turn), math.cos(turn)
        matrix[even : even + 2, even : even + 2] = torch.tensor([[cos, sin], [-sin, cos]])
    return matrix
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "shift_matrix", "locked": true, "points": 4.5, "solution": false, "task": false}
check("shift_matrix")

# %% [markdown]
# <details><summary>If the check says that your matrix is <b>transposed</b></summary>
#
# Try a quarter turn: `shift_matrix(math.pi / 2, 2) @ torch.tensor([0.0, 1.0])` has to be (1, 0), not
# (−1, 0).
#
# </details>
#
# <br>
#
# One matrix, a thousand positions:

# %%
table, three_on = sinusoidal_encoding(1000, 64), shift_matrix(3, 64)
gap = (table[:-3] @ three_on.T - table[3:]).abs().max()
print("right for all 997 positions:", bool(gap < 1e-5))
twice = shift_matrix(1, 64) @ shift_matrix(2, 64)
print("one on, two more is three on:", torch.allclose(twice, three_on, atol=1e-6))
print("back is the transpose:      ", torch.allclose(shift_matrix(-3, 64), three_on.T))

# %% [markdown]
# Move the start: the hands turn, the angle of each stays. Move the offset: the angles change, and
# the ring, your matrix, follows.

# %%
figures.shift_explorer(sinusoidal_encoding, shift_matrix)

# %% [markdown]
# ### On a real sentence
#
# So a head can learn "look at the word before me" as **one** matrix, good for every place. Here
# it is, set by hand: keys are the positions, queries are the positions turned back by one. (The 10
# makes the picture clear.)

# %%
walk = "I arrived at the bank after crossing the river".split()
places = sinusoidal_encoding(len(walk), 64)
queries = places @ shift_matrix(-1, 64).T
weights = softmax(10 * queries @ places.T / math.sqrt(64), dim=-1)
figures.attention_matrix(weights, walk, walk, "Turned back by one: each word looks to its left")

# %% [markdown]
# Every word looks to its left, and the first, which has nobody there, at itself. One matrix did it
# for all nine.
#
# **Break it.** Is that special to sinusoids? Take random vectors as positions, and the best matrix
# that exists (by least squares) to lead three words on:

# %%
noise = torch.randn(1000, 64)
best = torch.linalg.lstsq(noise[:-3], noise[3:]).solution
for name, rows, matrix in (("sinusoids", table, three_on.T), ("random", noise, best)):
    missed = (rows[:-3] @ matrix - rows[3:]).norm() / rows[3:].norm()
    print(f"{name:10s} {missed:4.0%} missed")

# %% [markdown]
# For random positions hardly anything can be done. No rule leads from one to the next, so each
# has to be learned by heart.

# %% [markdown]
# ---
# ## 7 · Learned positions
#
# You chose sines and cosines. Nobody chooses word vectors by hand, so why positions?
#
# Let gradient descent find them: a parameter with one row a position, added like the sinusoids.
# BERT does it (lesson 07), GPT-2 does it (lesson 08).
#
# ### By hand
#
# BERT has 512 positions of 768 features. How many parameters are that? And which row does it use
# for word 513?
#
# <details><summary><b>The answer</b></summary>
#
# 512 · 768 = 393,216. And there is no row 513: BERT reads 512 tokens and not one more.
#
# </details>

# %% [markdown]
# ### The rule
#
# $$x_{pos} \leftarrow x_{pos} + p_{pos} \qquad p \text{ is learned, } p_{pos} \sim \mathcal{N}(0,\; 0.02^2) \text{ at the start}$$
#
# It starts small and random, as in GPT-2: a whisper beside the words, until training finds
# something worth saying.
#
# ### Exercise 4: `LearnedPositions`
#
# *Difficulty 1 of 5 · importance 4 of 5 · 5 minutes · 3.5 points*
#
# Parameter, by name: `position`, of shape (max_length, d_model). Everything else is as in
# `PositionalEncoding`: add, then dropout, `ValueError` past the end. Mind the order of the
# arguments: `max_length` comes first here.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which line of your `PositionalEncoding` has to change, so that an optimizer sees the table?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# position is (max_length, d_model): `nn.Parameter` around a tensor of that shape.
# `nn.init.normal_(tensor, std=0.02)` fills one in place.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth: keep a parameter "position", random with standard deviation 0.02, and an nn.Dropout
# forward:  if x has more words than position has rows: raise ValueError
#           add the first rows of position to x
#           send the sum through dropout
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "LearnedPositions-answer", "locked": false, "solution": true, "task": false}
class LearnedPositions(nn.Module):
    """Adds a learned vector for each position, then drops out.

    Parameter: position (max_length, d_model).
    """

    def __init__(self, max_length: int, d_model: int, dropout: float = 0.1) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.position = nn.Parameter(torch.empty(max_length, d_model))
        nn.init.normal_(self.position, std=0.02)
        self.dropout = nn.Dropout(dropout)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (batch, length, d_model) -> the same shape.

        Rule: word plus the row of its position, then dropout. ValueError past max_length.
        """
        ### BEGIN SOLUTION
        length, room = x.size(1), self.position.size(0)
        if length > room:
            raise ValueError(f"the sentence has {length} words, but there are {room} positions")
        return self.dropout(x + self.position[:length])
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "LearnedPositions", "locked": true, "points": 3.5, "solution": false, "task": false}
check("LearnedPositions")

# %% [markdown]
# At the start, learned positions know as little about near and far as one-hot ones. They have to
# find that out from examples:

# %%
fresh = LearnedPositions(max_length=100, d_model=64)
title = "Before training, learned positions know no neighbours either"
curves = {"sinusoidal": sinusoidal_encoding(100, 64), "learned, at the start": fresh.position}
figures.similarity_by_distance(curves, 50, title)

# %% [markdown]
# **Break it.** Train on sentences of 6 words at most. Which rows have ever been told anything?

# %%
fresh(torch.randn(4, 6, 64)).square().sum().backward()
told = fresh.position.grad.abs().sum(1) > 0
print("rows that got a gradient:", told.nonzero().flatten().tolist(), "of", len(told))
try:
    fresh(torch.randn(1, 101, 64))
except ValueError as problem:
    print("ValueError:", problem)

# %% [markdown]
# Rows 6 to 99 keep their random start, however long you train. And row 100 doesn't exist. Longer
# texts than in training: that will be the second half of the test in section 9.

# %% [markdown]
# ---
# ## 8 · Rotary positions
#
# Position matters in one place only: when a query meets a key. And what matters there is how far
# apart they are. So why carry it in the word's vector, through values and all? And once added, it
# mixes: a score is then (word + place) times (word + place), four products in one number.
#
# Could a **score** know the distance, and nothing else?

# %% [markdown]
# ### By hand
#
# Query and key both point to the right: (1, 0). Turn each by 30° for each position, anticlockwise:
# no clock this time, but angles as at school, from the right.
# Query at position 3: 90°, so (0, 1). Key at position 1: 30°, so (0.87, 0.5).
#
# Score: 0·0.87 + 1·0.5 = **0.5**, which is $\cos 60°$, and 60° is twice 30°.
#
# Now move both on by one: query at 120°, (−0.5, 0.87), key at 60°, (0.5, 0.87). What's the score?

# %% [markdown]
# −0.25 + 0.75 = 0.5 again. Both turned by the same angle more, so the angle **between** them
# stayed. That's the whole idea of *rotary position embedding* (RoPE).
#
# ### The formula
#
# Each pair of neighbouring features $(x_{2i}, x_{2i+1})$ is turned by $\alpha = pos / base^{2i/d}$,
# with $d$ the width of a head. The turns of all pairs at position $m$ are the matrix $R_m$:
#
# $$\begin{pmatrix} x'_{2i} \\ x'_{2i+1} \end{pmatrix} = \begin{pmatrix} \cos\alpha & -\sin\alpha \\ \sin\alpha & \cos\alpha \end{pmatrix} \begin{pmatrix} x_{2i} \\ x_{2i+1} \end{pmatrix} \qquad (R_m q) \cdot (R_n k) = q \cdot (R_{n-m} \, k)$$
#
# Queries and keys are rotated, in every layer and head. Values aren't. Nothing is added, nothing
# is learned, and there's no table that could end. Llama, Mistral, Qwen and most of today's
# language models do it this way.

# %% [markdown]
# ### Exercise 5: `apply_rotary`
#
# *Difficulty 3 of 5 · importance 4 of 5 · 15 minutes · 5.5 points*
#
# `x` is a query or a key, with any leading dimensions: a batch, heads. `positions` says where each
# word stands: any whole numbers, not always 0, 1, 2, … An odd `d_head` is a `ValueError`. Give the
# result the dtype of `x`, and work out the angles in it too: this runs in every layer, at every
# step, and not every GPU knows float64.
#
# (Some libraries pair feature $i$ with $i + d/2$ instead. Weights trained with one don't fit the
# other. Here, as in the paper, neighbours are pairs.)

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which two features of x does the result 2i need? Can you get all even features at once, and all
# odd ones, whatever comes before the last axis?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# `positions.unsqueeze(-1)` is (length, 1); times speeds (d_head / 2,) it makes angles (length,
# d_head / 2). `x[..., 0::2]` and `x[..., 1::2]` are (…, length, d_head / 2): they line up. And
# `torch.stack([a, b], dim=-1).flatten(-2)` makes a0 b0 a1 b1 … out of a0 a1 … and b0 b1 …
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# if d_head is odd: raise ValueError
# speeds = 1 / base to the power (0, 2, 4, … / d_head)     (in x's dtype, on x's device)
# angles = each position times each speed
# even, odd = the even and the odd features of x
# new even = even · cos − odd · sin
# new odd  = even · sin + odd · cos                         (of the old even)
# answer   = new even and new odd, taking turns again
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "apply_rotary-answer", "locked": false, "solution": true, "task": false}
def apply_rotary(x: torch.Tensor, positions: torch.Tensor, base: float = 10000.0) -> torch.Tensor:
    """x (..., length, d_head), positions (length,) or what broadcasts to (..., length)
    -> the same shape as x.

    Rule: turn each pair (2i, 2i + 1) by the angle position / base^(2i / d_head), so that
    (1, 0) becomes (cos, sin). ValueError for an odd d_head.
    """
    ### BEGIN SOLUTION
    d_head = x.size(-1)
    if d_head % 2:
        raise ValueError(f"features are turned in pairs, but d_head is {d_head}")
    evens = torch.arange(0, d_head, 2, dtype=x.dtype, device=x.device)
    angles = positions.unsqueeze(-1) / base ** (evens / d_head)  # (..., length, d_head / 2)
    even, odd, cos, sin = x[..., 0::2], x[..., 1::2], angles.cos(), angles.sin()
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "apply_rotary", "locked": true, "points": 5.5, "solution": false, "task": false}
check("apply_rotary")

# %% [markdown]
# <details><summary>If the check speaks of <b>positions of each sentence</b> or of shapes</summary>
#
# positions may be (length,) or (batch, 1, length). `positions.unsqueeze(-1)` adds an axis at the
# end of either. `positions[:, None]` only fits the first.
#
# </details>
#
# <br>
#
# Move both sliders on by one: the arrows turn, the score stays. Move only one of them, and it
# changes.

# %%
figures.rotary_explorer(apply_rotary)

# %% [markdown]
# Does it hold for your code, with 64 features and a thousand words further on? (Angles in float32
# lose digits out there, so the comparison allows 0.01.)

# %%
query, key = torch.randn(5, 64), torch.randn(7, 64)
here = apply_rotary(query, torch.arange(5)) @ apply_rotary(key, torch.arange(7)).T
there = (
    apply_rotary(query, torch.arange(1000, 1005)) @ apply_rotary(key, torch.arange(1000, 1007)).T
)
print("same scores a thousand words on:", torch.allclose(here, there, atol=1e-2))

# %% [markdown]
# ### On a real sentence
#
# Or rather on a reply: "no no no no no no". Six times the same word, so the same query and the
# same key. Left without positions, right with rotary ones. Before you run: what will the right
# picture look like along its diagonals?

# %%
reply = ["no"] * 6
q = k = torch.ones(6, 32)
turned = apply_rotary(q, torch.arange(6))
pictures = [softmax(a @ b.T / math.sqrt(32), dim=-1) for a, b in ((q, k), (turned, turned))]
title = "Six times the same word: with rotary positions, near ones weigh more"
figures.attention_matrices(pictures, reply, reply, ["no positions", "rotary"], title)

# %% [markdown]
# Before the softmax, each diagonal holds one and the same score. (The softmax then shares out
# each row by itself, so that rows near an end, which have fewer neighbours, differ a little.)
#
# Near ones weigh more here because query and key are equal, and even so only on the whole: further
# out the scores fall in waves. With other queries and keys, $W_q$ and $W_k$ can make a head prefer
# another distance.
#
# **Break it.** Rotate the queries and forget the keys. Look at two scores with distance 1:

# %%
forgotten = turned @ k.T / math.sqrt(32)
both = turned @ turned.T / math.sqrt(32)
print(f"both rotated:  {both[2, 1]:.2f} and {both[5, 4]:.2f}")
print(f"queries only:  {forgotten[2, 1]:.2f} and {forgotten[5, 4]:.2f}")

# %% [markdown]
# Now the score depends on where the query stands, and not on how far it is from the key. No error
# is raised, and the shapes are right.

# %% [markdown]
# ---
# ## 9 · Five kinds of positions, one task
#
# Which kind is best? That takes a task which **order decides**. Not every famous one does:

# %%
for probe in phrasebook.load_probes("bank")[:2]:
    print(f"{probe.answer:7s}", probe.pair.english)

# %% [markdown]
# One word differs, *street* or *river*, and it gives the answer away. A bag of words solves that.
# So does it solve *it … too tired / too wide*: those are tests of context, not of order.
#
# **Who did what to whom?** is another matter:
#
# > the kind nurse called the judge . yesterday the baker met the tall waiter .
#
# For each person: do they **do** something, or is it **done to** them? Exchange *nurse* and
# *judge*: the same bag of words, the opposite answers. Without order, there's only a coin to toss.

# %%
PEOPLE = (
    "teacher doctor nurse singer judge baker driver waiter farmer lawyer painter dentist".split()
)
VERBS = "called followed greeted saw met".split()
TRAITS = "young tall kind famous strong brave polite honest".split()
VOCABULARY = ["<pad>", ".", "the", "yesterday", *PEOPLE, *VERBS, *TRAITS]
NUMBER = {word: number for number, word in enumerate(VOCABULARY)}
DOER, DONE_TO, NOBODY = 0, 1, -100  # -100: cross_entropy leaves it out


# %%
def person(name, rng):
    return ["the", *([rng.choice(TRAITS)] if rng.random() < 0.4 else []), name]


def draw_sentence(rng):
    """One sentence, and for each of its words: doer, done to, or nobody."""
    doer, other = rng.sample(PEOPLE, 2)
    when = ["yesterday"] if rng.random() < 0.3 else []
    text = [*when, *person(doer, rng), rng.choice(VERBS), *person(other, rng)]
    roles = {doer: DOER, other: DONE_TO}
    return [*text, "."], [*(roles.get(word, NOBODY) for word in text), NOBODY]


# %% [markdown]
# The adjectives and *yesterday* come and go, so no fixed place belongs to the doer: counting
# words isn't enough, you have to look for the verb. Are these sentences of the course's
# phrasebook? Its grammar can tell:

# %%
rng = random.Random(4)
drawn = [" ".join(draw_sentence(rng)[0][:-1]) for _ in range(50)]
print(drawn[0], "·", drawn[1])
print("sentences of the phrasebook:", sum(map(phrasebook.parses, drawn)), "of 50")


# %%
def draw_texts(count, sentences, rng):
    """Texts of so many sentences -> tokens and roles, both (count, longest)."""
    texts = []
    for _ in range(count):
        parts = [draw_sentence(rng) for _ in range(sentences)]
        texts.append([list(chain(*part)) for part in zip(*parts, strict=True)])
    longest = max(len(words) for words, _ in texts)
    tokens = torch.zeros(count, longest, dtype=torch.long)
    roles = torch.full((count, longest), NOBODY)
    for row, (words, theirs) in enumerate(texts):
        tokens[row, : len(words)] = torch.tensor([NUMBER[word] for word in words])
        roles[row, : len(words)] = torch.tensor(theirs)
    return tokens.to(device), roles.to(device)


# %% [markdown]
# The reader is a tiny encoder: embeddings, one round of attention, a small network for each word,
# and the answer. (Lesson 05 builds a proper one, and explains `LayerNorm`.) It is made of your own
# pieces, and the **same** for all five kinds. Three of them add something to the embeddings, rotary
# turns queries and keys, and *none* does neither.


# %%
class Reader(nn.Module):
    def __init__(self, positions, rotary=False, d_model=64):
        super().__init__()
        self.word = nn.Embedding(len(VOCABULARY), d_model)
        self.positions, self.rotary = positions, rotary
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.qkv, self.out = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)
        self.think = nn.Sequential(
            nn.Linear(d_model, 4 * d_model), nn.ReLU(), nn.Linear(4 * d_model, d_model)
        )
        self.role = nn.Linear(d_model, 2)

    def look(self, x, mask):
        q, k, v = (split_heads(part, 4) for part in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        if self.rotary:
            place = torch.arange(x.size(1), device=x.device)
            q, k = apply_rotary(q, place), apply_rotary(k, place)
        return self.out(merge_heads(scaled_dot_product_attention(q, k, v, mask)[0]))

    def forward(self, tokens):
        x = self.positions(self.word(tokens))  # (batch, length, d_model)
        x = x + self.look(x, (tokens != 0)[:, None, None, :])
        return self.role(x + self.think(self.norm2(x)))


# %%
class OneHotPositions(nn.Module):
    def __init__(self, max_length, d_model):
        super().__init__()
        self.register_buffer("table", torch.eye(max_length, d_model))

    def forward(self, x):
        return x + self.table[: x.size(1)]


LONGEST = 64  # one-hot positions can't have more than d_model
KINDS = {
    "none": lambda: Reader(nn.Identity()),
    "one-hot": lambda: Reader(OneHotPositions(LONGEST, 64)),
    "sinusoidal": lambda: Reader(PositionalEncoding(64, LONGEST, dropout=0.0)),
    "learned": lambda: Reader(LearnedPositions(LONGEST, 64, dropout=0.0)),
    "rotary": lambda: Reader(nn.Identity(), rotary=True),
}

# %% [markdown]
# All of them train on the same texts of 1 to 3 sentences, from two different starts. Then they
# read texts of 1 to 6 sentences, none of which they have seen. **Write down your guess**: who
# learns it, who learns it fastest, and who can read texts twice as long as any in training?
# (Training is spread over three cells, of some ten seconds each.)

# %%
batches = [draw_texts(64, 1 + step % 3, rng) for step in range(300)]
watched = draw_texts(200, 3, rng)
unseen = [draw_texts(400, sentences, rng) for sentences in range(1, 7)]


@torch.no_grad()
def right_answers(reader, tokens, roles):
    asked = roles != NOBODY
    return (reader(tokens).argmax(-1)[asked] == roles[asked]).float().mean().item()


# %%
def train(reader, every=25):
    """The share of right answers, before the first step and every `every` steps."""
    optimizer = torch.optim.Adam(reader.parameters(), lr=3e-3)
    curve = [right_answers(reader, *watched)]
    for step, (tokens, roles) in enumerate(batches, start=1):
        logits = reader(tokens).flatten(0, 1)
        loss = nn.functional.cross_entropy(logits, roles.flatten(), ignore_index=NOBODY)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % every == 0:
            curve.append(right_answers(reader, *watched))
    return curve


# %%
readers, learning, by_length = {}, {}, {}


def put_to_the_test(kind):
    learning[kind], by_length[kind] = [], []
    for start in (1, 2):
        seed(start)
        reader = readers[kind] = KINDS[kind]().to(device)
        learning[kind].append(train(reader))
        by_length[kind].append([right_answers(reader, *texts) for texts in unseen])
    print(f"{kind:11s}", *(f"{learned[-1]:4.0%} right" for learned in learning[kind]))


# %% tags=["nbval-ignore-output"]
put_to_the_test("none")
put_to_the_test("one-hot")

# %% tags=["nbval-ignore-output"]
put_to_the_test("sinusoidal")
put_to_the_test("learned")

# %% tags=["nbval-ignore-output"]
put_to_the_test("rotary")

# %% tags=["nbval-ignore-output"]
title = "Without positions: a coin. With them it is learned; only rotary reads on past its training"
figures.positions_compared(learning, 25, by_length, 3, title)

# %% tags=["nbval-ignore-output"]
print("sentences  ", *(f"{count:6d}" for count in range(1, 7)))
for kind, runs in by_length.items():
    means = torch.tensor(runs).mean(0).tolist()
    print(f"{kind:11s}", *(f"{mean:6.0%}" for mean in means))

# %% [markdown]
# *(Measured, so your last digits may differ.)* Read the left panel first.
#
# - **None** tosses a coin, from the first step to the last, give or take a few percent of luck. No
#   amount of training helps: that's your proof of section 1, at work.
# - **Rotary** is there at the first measurement, or nearly. "The verb right after me" is a
#   distance, and a distance is what it sees.
# - **Sinusoidal** comes next: neighbours look alike from the start, and a shift is one matrix.
# - **Learned** and **one-hot** follow, more slowly: each position is learned by itself.

# %% [markdown]
# Now the right panel, past the grey. Three kinds fall to about two right answers in three, on
# texts twice as long as in training. Learned rows out there, and the weights that would read
# one-hot ones, have never been trained, so no wonder. But the **sinusoids** fall as far as they do.
#
# That is worth knowing: the paper chose them hoping that they'd "allow the model to extrapolate
# to sequence lengths longer than the ones encountered during training". Their formula has no end.
# The layers behind it have never seen those rows, and don't know what to do with them.

# %% [markdown]
# **Rotary** holds, at about 95 % or better: the distances are the ones it has trained with. This
# task is local, though. On much longer texts rotary models stumble too, unless they're trained
# for it.

# %% [markdown]
# **Break it.** Exchange two people and ask two of the trained readers. What must the one without
# positions say?


# %%
@torch.no_grad()
def who(reader, text):
    tokens = torch.tensor([[NUMBER[word] for word in text.split()]], device=device)
    roles = reader(tokens)[0].argmax(-1).tolist()
    names = ("does it", "is done to")
    return {w: names[role] for w, role in zip(text.split(), roles, strict=True) if w in PEOPLE}


# %% tags=["nbval-ignore-output"]
for kind in ("none", "rotary"):
    for text in ("the nurse called the judge .", "the judge called the nurse ."):
        print(f"{kind:7s}", text, who(readers[kind], text))

# %% [markdown]
# Without positions, *nurse* gets the same answer in both: it is the same vector in both. To it,
# nobody ever bit anybody.

# %% [markdown]
# ---
# ## 10 · In your own words
#
# Two to five sentences each. A person reads these.
#
# ### Question 1 (4 points)
#
# A friend says: "My attention layer gets the words as rows 0, 1, 2, … of a matrix, so of course
# it knows their order." What is wrong with that? Say what happens to scores, weights and outputs
# when two rows are exchanged, and what follows for "the dog bit the man".

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-bag-of-words", "locked": false, "points": 4, "solution": true, "task": false}
# ### BEGIN SOLUTION
# No step of attention uses the number of a row. A score is the dot product of the query and the
# key of two words, wherever they stand, and softmax and weighted sum don't mind in which order
# their terms come. So if two rows are exchanged, the scores and weights have the same rows and
# columns exchanged, and the outputs the same rows: every word keeps its vector. Dog and man
# therefore have the same outputs in "the dog bit the man" and "the man bit the dog", and no layer
# behind can tell who bites.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: attention never uses the row number (scores come from the words' own vectors alone).
# - 1 point: scores and weights are permuted along (rows and columns), nothing else changes.
# - 1 point: the weighted sum is the same in any order, so outputs are permuted in the same way
#   (permutation equivariance, "bag of words").
# - 1 point: each word has the same vector in both sentences, so who bites whom can't be told.
#
# A formula with a permutation matrix, or a worked example, earns the points too.
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 2 (3 points)
#
# Why sinusoids and not one-hot positions? Name three advantages, and for one of them say where
# you have seen it in this lesson.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-why-sinusoids", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# One-hot positions are as wide as the longest sentence, while the sinusoids have a row for every
# position at any width. One-hot positions are all equally different, while the likeness of two
# sinusoids falls with their distance (the hill of section 5). And an offset is one and the same
# rotation for every position, so "three words on" can be learned once for all places; in section
# 9 the sinusoids learned the task in fewer steps.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# One point each for up to three of these, the third only if at least one is tied to something in
# the lesson (a figure, a check, a number):
#
# - width doesn't grow with the length; there is a row for every position.
# - near positions are alike, far ones less (the dot product depends on the distance).
# - a shift by k is one fixed matrix (rotation) for all positions.
# - what is learned at one position carries over to others; faster learning in section 9.
# - values stay between −1 and 1 at any position.
#
# No point for "reads longer texts than in training": the experiment didn't show it.
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 3 (3 points)
#
# Sinusoidal positions are added, rotary ones rotate. Where in the model does each of them come
# in, what does a score then depend on, and what becomes of the values?

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-added-or-rotated", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Sinusoids are added once, to the word vectors before the first layer, and travel from there into
# queries, keys and values. A score then mixes both words and both absolute positions. Rotary
# positions act in every attention layer, on queries and keys only. Both are turned by an angle
# that grows with their position, so the score depends on the two words and on their distance
# alone. The values are not rotated and carry no position.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: added once to the embeddings, against rotated in each layer, queries and keys.
# - 1 point: with rotary positions the score depends on the relative position (distance) only;
#   with added ones on the absolute positions too.
# - 1 point: values contain the added positions, and stay free of rotary ones.
#
# === END MARK SCHEME ===

# %% [markdown]
# ---
# ## 11 · Spot the bug
#
# *Difficulty 3 of 5 · importance 4 of 5 · 10 minutes · no points*
#
# This module comes from a project whose batches are (length, batch, d_model), with the words
# first. There it did its work. Somebody copied it into a model like ours, batch first. It runs.
# The shapes are right. **It has two bugs.** Can you see them?


# %%
class BuggyPositions(nn.Module):
    def __init__(self, d_model, max_length=5000):
        super().__init__()
        self.table = sinusoidal_encoding(max_length, d_model).unsqueeze(1)

    def forward(self, x):
        return x + self.table[: x.size(0)]


# %% [markdown]
# `inspect_positions` asks four questions: is it right for a single word, is it right for three
# sentences of five words, does attention behind it see the order, and is the table saved with the
# model?


# %%
def inspect_positions(make):
    module, right = make(16), PositionalEncoding(16, dropout=0.0)
    for what, x in (("one word", torch.randn(1, 1, 16)), ("3 × 5 words", torch.randn(3, 5, 16))):
        try:
            gap = (module(x) - right(x)).abs().max().item()
            print(f"{what:12s}", "right" if gap < 1e-5 else f"wrong by up to {gap:.1f}")
        except Exception as problem:
            print(f"{what:12s} doesn't work yet ({type(problem).__name__}: {problem})")
    try:
        blind = blind_to_order(lambda x: one_head(module(x))[0], 16)
        print(
            "order        ", "seen" if blind < 50 else f"not seen in {blind} of 100 trials", sep=""
        )
    except Exception as problem:
        print(f"order        can't be asked yet ({type(problem).__name__})")
    print("table       ", "saved" if "table" in module.state_dict() else "not saved")


inspect_positions(BuggyPositions)

# %% [markdown]
# One line is fine, the single word. Nobody had tested more than that. What is special about it?
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# What does axis 0 of x count here, and what did it count in the other project? Which vector do
# all words of one sentence get?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# The table is (max_length, 1, d_model). Its first 3 rows, (3, 1, d_model), line up with (3, 5,
# d_model) without complaint: one row for each <i>sentence</i>.
#
# <details><summary><b>Hint 3: the other bug</b></summary>
#
# Go back to the small table in section 4. Which of the three lines is this?
#
# </details></details></details>
#
# Write the mended version.


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "spot-the-bug", "locked": false, "solution": true, "task": false}
class MendedPositions(nn.Module):
    """BuggyPositions without its two bugs: x (batch, length, d_model) -> the same shape."""

    def __init__(self, d_model, max_length=5000):
        super().__init__()
        ### BEGIN SOLUTION
        self.register_buffer("table", sinusoidal_encoding(max_length, d_model))
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return x + self.table[: x.size(1)]
        ### END SOLUTION


# %%
inspect_positions(MendedPositions)

# %% [markdown]
# Right, right, seen, saved? Then both are gone. Broadcasting is obliging: it lines up whatever
# can be lined up. **Ask what each axis counts**, and test with sizes that all differ.

# %% [markdown]
# ---
# ## What you can say now
#
# - Attention without positions is a bag of words: reorder the input, and the output is reordered
#   along. You have the proof and the test.
# - Sinusoids are clock hands, one pair of columns each. Their likeness falls with the distance, on
#   the whole, and a shift turns each hand by a fixed angle.
# - Sinusoidal and learned positions are added to the words; rotary ones turn queries and keys, so
#   that scores know the distance alone.
# - In our test all four beat a coin at lengths seen in training. Past them only rotary held.
#
# Here is the map again, with today's pieces filled in:

# %%
figures.transformer_map("04-positional-encoding")

# %% [markdown]
# ## What to read next
#
# - Vaswani et al. (2017), [Attention Is All You Need](https://arxiv.org/abs/1706.03762), section
#   3.5: the sinusoids, and why they hoped for longer sentences.
# - Gehring et al. (2017), [Convolutional Sequence to Sequence
#   Learning](https://arxiv.org/abs/1705.03122), section 3.1: learned positions.
# - Shaw, Uszkoreit and Vaswani (2018), [Self-Attention with Relative Position
#   Representations](https://arxiv.org/abs/1803.02155): distances instead of places.
# - Su et al. (2021), [RoFormer](https://arxiv.org/abs/2104.09864): your exercise 5.
# - Press, Smith and Lewis (2022), [Train Short, Test Long](https://arxiv.org/abs/2108.12409):
#   sinusoids measured past their training, and another remedy.

# %% [markdown]
# **Next, lesson 05:** words with places, heads that look around. Stack them, and you have an
# encoder.
