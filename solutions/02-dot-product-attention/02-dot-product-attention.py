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
# # Lesson 02 · Look things up by similarity
#
# Every word of a sentence asks a question. Every word answers, some loudly, some hardly at all.
# That is attention, the heart of the Transformer. Today you write all of it.
#
# | | |
# |---|---|
# | **You will build** | `softmax`, `attend`, `project_qkv`, `scaled_dot_product_attention`, `SelfAttention` |
# | **You need** | Python, PyTorch as far as `x @ W`; from lesson 01 its story, not its code |
# | **Your time** | 2 to 2½ hours, with a good place for a break after section 7 |
# | **Points** | 25 from the checks, 10 from three written questions |
# | **Running it all** | under 30 seconds on a laptop without a GPU |

# %% tags=["setup"]
import math

import torch
from torch import nn

from autograder import check
from workbook import figures
from workbook.device import pick_device, seed
from workbook.toolbox import borrow

device = pick_device()
seed(2)
torch.set_printoptions(precision=2, sci_mode=False)
torch.set_num_threads(1)  # our tensors are small: one thread beats several that wait

# %%
figures.transformer_map("02-dot-product-attention")

# %% [markdown]
# The hatched boxes are where today's pieces go. Attention sits in the Transformer three times. It
# is the same code each time, and the side panel shows it from close by. Come back to this panel
# at the end: you'll know every box in it.
#
# **How an exercise works.** You replace `raise NotImplementedError` by your code and run the
# cell. Then you run the `check(...)` cell below it. It names your mistake, or files your piece in
# your toolbox.
#
# **When you're stuck**, open the hints one at a time. If you want to read on first, add a cell
# with `softmax = borrow("softmax")`: it lends you the course's version, without the points.

# %% [markdown]
# ---
# ## 1 · A dictionary that answers "mostly"
#
# > The animal didn't cross the street because **it** was too tired.
#
# You know at once what *it* is. A network sees a row of vectors, one for each word. How could the
# vector of *it* find the vector of *animal*, when nobody says where to look?
#
# A Python dictionary can look things up. Each key has a value. Here the value says how much
# *(living thing, place)* there is in a word. Crossing happens at a place; being tired happens to
# a living thing:

# %%
memory = {"animal": (10, 0), "cross": (0, 10), "street": (0, 10), "tired": (10, 0)}
print("animal:", memory.get("animal", "nothing"))
print("it:    ", memory.get("it", "nothing"))

# %% [markdown]
# All or nothing. The key must match letter by letter, and *it* is no key. We want a dictionary
# that compares, and answers "mostly *animal*, a little *street*". So each word plays three roles:
#
# | role | what it says | in our sentence |
# |---|---|---|
# | **query** | "Do you have this information?" | *it*: I look for a noun, even more for something alive. |
# | **key** | "I have it – give me a large weight!" | *animal*: I am a noun, and I am alive. |
# | **value** | "Here it is." | *animal*: living thing 10, place 0. |
#
# Query meets key: that makes a **weight**. The weights then mix the values.

# %% [markdown]
# ### By hand
#
# Say the query of *it* has met the four keys, and the weights are 0.6, 0.1, 0.2, 0.1. What does
# *it* take home? Work it out on paper before you run the next cell.
#
# | word | weight | value | weight × value |
# |---|---|---|---|
# | animal | 0.6 | (10, 0) | (6, 0) |
# | cross | 0.1 | (0, 10) | (?, ?) |
# | street | 0.2 | (0, 10) | (?, ?) |
# | tired | 0.1 | (10, 0) | (?, ?) |
# | **sum** | 1.0 | | **(?, ?)** |

# %%
words = ["animal", "cross", "street", "tired"]
given_weights = torch.tensor([0.6, 0.1, 0.2, 0.1])
values = torch.tensor([[10.0, 0.0], [0.0, 10.0], [0.0, 10.0], [10.0, 0.0]])

context = torch.zeros(2)
for word, weight, value in zip(words, given_weights, values, strict=True):
    context += weight * value
    print(f"{word:7s} {weight:.1f} × {value.tolist()!s:12s} running sum {context.tolist()}")

# %% [markdown]
# *It* went in as a mystery and came out as 7 parts living thing, 3 parts place. That vector is
# called the **context**, and the figures call it the **output** of the look-up:
#
# $$\text{context} = \sum_i w_i \, v_i \qquad \text{with } w_i \ge 0 \text{ and } \sum_i w_i = 1$$
#
# Here is the whole look-up in one picture. You have worked out its right half. The left half,
# from the query to the weights, is what you write next. (A key lists *noun*, *alive*, *other
# word*. The 0.69 and the 1.1 in the query are chosen so that the weights come out round.)

# %%
query = torch.tensor([math.log(2), math.log(3), 0.0])
keys = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
figures.soft_lookup(query, keys, values, keys @ query, given_weights, context, words)

# %% [markdown]
# **Break it.** Make all four weights 0.25. What is the context now, and what does it still tell
# you about *it*? Guess, then run.

# %%
flat_weights = torch.full((4,), 0.25)
print("context:", (flat_weights @ values).tolist())

# %% [markdown]
# (5, 5): as much living thing as place. A plain average has no opinion. Attention is an average
# **with** an opinion, and the opinion is in the weights.

# %% [markdown]
# ---
# ## 2 · Softmax: from scores to weights
#
# The picture shows a score for each word: 1.79, 0, 0.69, 0. A score says how well a key fits. It
# can be negative, and it can be huge. Weights must be positive and add up to 1. How do you get
# from (1.79, 0, 0.69, 0) to (0.6, 0.1, 0.2, 0.1)?
#
# ### By hand
#
# | word | score $s$ | $e^s$ | divided by the sum |
# |---|---|---|---|
# | animal | 1.79 | 6 | 6 / 10 = **0.6** |
# | cross | 0 | 1 | 1 / 10 = **0.1** |
# | street | 0.69 | 2 | 2 / 10 = **0.2** |
# | tired | 0 | 1 | 1 / 10 = **0.1** |
# | sum | | 10 | 1.0 |
#
# The exponential makes every number positive. Dividing by the sum makes them add up to 1.

# %%
figures.softmax_steps(keys @ query, words)

# %% [markdown]
# ### The formula, and two traps
#
# $$\text{softmax}(s)_i = \frac{e^{s_i}}{\sum_j e^{s_j}} = \frac{e^{s_i - m}}{\sum_j e^{s_j - m}} \qquad m = \max_j s_j$$
#
# Subtracting the same number $m$ from every score changes nothing: $e^{-m}$ cancels. On paper the
# two forms are equal. In a computer they are not, and that is trap one. Look:

# %%
scores = torch.tensor([1000.0, 999.0])
print("e^1000          ", scores.exp())
print("the first form  ", scores.exp() / scores.exp().sum())

# %% [markdown]
# $e^{1000}$ is too large for a float, so it becomes infinity, and infinity over infinity is
# `nan`: not a number. One `nan` spreads through a whole network. With $m = 1000$ subtracted, the
# scores are 0 and −1, and nothing overflows.
#
# **Trap two: nothing to choose from.** Later you'll forbid some words by giving them the score
# $-\infty$. Their weight is $e^{-\infty} = 0$. Good. But what if *every* word is forbidden? Then
# $m = -\infty$, and $-\infty - (-\infty)$ is `nan` again. In this course such a row gives
# **zeros**: nobody is attended to.

# %% [markdown]
# ### Exercise 1: `softmax`
#
# *Difficulty 2 of 5 · importance 5 of 5 · 10 minutes · 5 points*
#
# Scores go in, of any shape. Weights of the same shape come out, and they add up to 1 along
# `dim`. `torch.softmax` and its relatives would be the answer itself, so leave them aside here.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which number do you have to subtract from each row so that its largest score becomes 0? And what
# should that number be when the largest score is −∞?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# For scores (3, 5) and `dim=1` you need one maximum and one sum for each of the 3 rows. Shape
# (3, 1) lines up with (3, 5); shape (3,) doesn't. `keepdim=True` keeps the 1. Useful here:
# `scores.amax(dim, keepdim=True)`, and `torch.where` or `masked_fill` to change only some elements.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# peak   = largest score along dim, kept as a dimension
# peak   = 0 wherever peak is −∞
# powers = e to the (scores − peak)
# total  = sum of powers along dim, kept as a dimension
# total  = 1 wherever total is 0
# answer = powers / total
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "softmax-answer", "locked": false, "solution": true, "task": false}
def softmax(scores: torch.Tensor, dim: int) -> torch.Tensor:
    """Scores of any shape -> weights of the same shape that add up to 1 along `dim`.

    Rule: exp(scores - largest score) divided by its sum, both along `dim`.
    A row that is -inf throughout gives zeros.
    """
    ### BEGIN SOLUTION
    peak = scores.amax(dim, keepdim=True)
    peak = peak.masked_fill(peak == -math.inf, 0.0)
    powers = (scores - peak).exp()
    total = powers.sum(dim, keepdim=True)
    return powers / total.masked_fill(total == 0.0, 1.0)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "softmax", "locked": true, "points": 5, "solution": false, "task": false}
check("softmax")

# %% [markdown]
# <details><summary>If the check speaks of <b>shapes</b> or of rows that don't add up</summary>
#
# Make a tensor `t = torch.randn(3, 5)` and print `t.amax(1).shape` and
# `t.amax(1, keepdim=True).shape`. Only one of them can be subtracted from each row.
#
# </details>
#
# <br>
#
# ### On a real sentence
#
# A language model reads "I arrived at the bank after crossing the …" and gives each possible next
# word a score. Your softmax turns the scores into probabilities. (The scores are ours, for the
# example.)

# %%
next_words = ["street", "river", "road", "banana"]
next_scores = torch.tensor([2.0, 1.6, 1.1, -3.0])
for word, weight in zip(next_words, softmax(next_scores, dim=-1).tolist(), strict=True):
    print(f"{word:7s} {weight:6.1%}  {'█' * round(40 * weight)}")

# %% [markdown]
# A score of −3 is no disaster: *banana* keeps its 0.3 %. In the map at the top, the box
# **Softmax** near the end of the decoder does this very thing. It's yours now.
#
# **Break it.** Multiply all scores by 0, by 1, and by 10. Which one makes the choice fully
# undecided, and which one makes it brutal?

# %%
for factor in (0, 1, 10):
    print(f"scores × {factor:2d}:", softmax(factor * next_scores, dim=-1))

# %% [markdown]
# Softmax cares about **differences** between scores, and large differences leave no second place.
# Remember the last line. It comes back in section 6 and spoils a training run in section 10.

# %% [markdown]
# ---
# ## 3 · The dot product: how well does a key fit?
#
# Where did the score 1.79 come from? Both query and key are lists of numbers, one for each
# feature. You need one number that is large when they ask for and offer the same things.
#
# ### By hand
#
# Multiply feature by feature, then add. The query of *it* is (0.69, 1.10, 0):
#
# | word | key: noun, alive, other | query · key | score |
# |---|---|---|---|
# | animal | (1, 1, 0) | 0.69·1 + 1.10·1 + 0·0 | **1.79** |
# | cross | (0, 0, 1) | 0.69·0 + 1.10·0 + 0·1 | **0** |
# | street | (1, 0, 0) | 0.69·1 + 1.10·0 + 0·0 | **?** |
# | tired | (0, 0, 1) | 0.69·0 + 1.10·0 + 0·1 | **?** |
#
# *Animal* has both features that *it* asks for. *Street* has one of them.

# %% [markdown]
# ### The formula
#
# $$\text{score}_i = q \cdot k_i = \sum_j q_j \, k_{ij} \qquad w = \text{softmax}(\text{score}) \qquad \text{context} = \sum_i w_i \, v_i$$
#
# The picture of section 1 now holds no secret: key against query, softmax, weighted sum, from
# left to right.

# %% [markdown]
# ### As arrows
#
# Two arrows in the same direction have a large dot product. At a right angle it is 0. In opposite
# directions it is negative. That is all that "similarity" means in this lesson.
#
# Take a word that needs help: *bank*. Give each word two features, *water* and *town*. *Bank* is
# (1, 1): it could be either. Its neighbours are *river*, (3, 0), and two words that say little.
# (We made these vectors up. Lesson 07 learns such vectors.) Now *bank* asks, with its own vector
# as the query:

# %%
near_river = ["arrived", "bank", "crossing", "river"]
bank = torch.tensor([1.0, 1.0])
by_river = torch.tensor([[0.2, 0.6], [1.0, 1.0], [0.7, 0.1], [3.0, 0.0]])
figures.similarity_plane(
    bank, by_river, softmax(by_river @ bank, dim=-1), near_river, "bank", ("water", "town")
)

# %% [markdown]
# ### Exercise 2: `attend`
#
# *Difficulty 1 of 5 · importance 5 of 5 · 5 minutes · 3.5 points*
#
# One query looks things up in a memory of `n` key–value pairs. Use your own `softmax`.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# `keys` holds one key in each row. Which product of a matrix and a vector takes the dot product
# of every row with the query at once?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# keys (n, d_k) and query (d_k,) make scores (n,). Weights have the same shape. Weights (n,) and
# values (n, d_v) make the context (d_v,).
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# scores  = every key · query
# weights = softmax of the scores
# context = sum over i of weight i × value i      (a product of weights and values does it)
# answer  = context first, then weights
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "attend-answer", "locked": false, "solution": true, "task": false}
def attend(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """query (d_k,), keys (n, d_k), values (n, d_v) -> context (d_v,), weights (n,).

    Rule: the weights are the softmax of the plain dot products, not scaled.
    The context is the sum of the values, each times its weight.
    """
    ### BEGIN SOLUTION
    weights = softmax(keys @ query, dim=-1)  # (n,)
    return weights @ values, weights
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "attend", "locked": true, "points": 3.5, "solution": false, "task": false}
check("attend")

# %% [markdown]
# Your function should find the numbers that you worked out by hand: weights 0.6, 0.1, 0.2, 0.1
# and the context (7, 3).

# %%
context, weights = attend(query, keys, values)
print("weights", weights)
print("context", context)

# %% [markdown]
# ### On a real sentence
#
# > I arrived at the **bank** after crossing the **river**.
# >
# > I arrived at the **bank** after crossing the **street**.
#
# Lesson 01 left us with this: a left-to-right reader meets *bank* too early to know which one it
# is. Attention looks at the whole sentence. Keys and values are both the words' own vectors, and
# *street* is (0, 3).

# %%
by_street = by_river.clone()
by_street[3] = torch.tensor([0.0, 3.0])
print("bank, before:          ", bank)
print("bank, with the river:  ", attend(bank, by_river, by_river)[0])
print("bank, with the street: ", attend(bank, by_street, by_street)[0])

# %% [markdown]
# One word, two meanings: after one look around, *bank* has become mostly water or mostly town.
# The same code did both.
#
# Now let every word of the first sentence ask in turn. That makes a **matrix**, the way you'll
# see attention from now on. A row is a word that asks, a column is a word that is looked at, and
# each row adds up to 1.

# %%
everyone = torch.stack([attend(word, by_river, by_river)[1] for word in by_river])
figures.attention_matrix(
    everyone, near_river, near_river, "“bank” looks at the word that tells its meaning"
)

# %% [markdown]
# **Break it.** Make the key of *arrived* ten times as long, and leave its direction as it is. It
# says nothing new, it only shouts. Whom does *bank* look at now?

# %%
shouting = by_river.clone()
shouting[0] *= 10
_, weights = attend(bank, shouting, by_river)
for word, weight in zip(near_river, weights.tolist(), strict=True):
    print(f"{word:9s} {weight:.2f}")

# %% [markdown]
# A dot product rewards direction **and** length. A long key wins against a fitting one. So the
# size of queries and keys matters, and section 6 keeps it in check.

# %% [markdown]
# ---
# ## 4 · One word, three roles
#
# So far you were handed queries, keys and values. A sentence comes with one vector for each word.
# Where do the three come from?
#
# First idea: use the word's vector $x$ for all three, as we did for *bank*. Try it on three words
# of four features each:

# %%
x = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 2.0, 0.0, 2.0], [1.0, 1.0, 1.0, 1.0]])
print(x @ x.T)

# %% [markdown]
# Read it row by row: word 2 scores itself with 8. Then compare row 1, column 3 with row 3,
# column 1. They are equal, and so is every such pair. With $x$ in all roles, **whoever I score
# high scores me just as high**. And no word here fits another better than it fits itself.
#
# Language isn't like that. *Tired* has to find the noun it describes. *Animal* has no need to
# find an adjective. What a word **looks for** is not what it **offers**.

# %% [markdown]
# ### By hand
#
# So each role gets a matrix of its own, and $x$ passes through it. Word 1 is (1, 0, 1, 0).
# Multiplied with $W_q$ it takes row 1 and row 3 of the matrix, once each, and adds them:
#
# $$(1, 0, 1, 0) \; W_q = (1, 0, 0, 0) + (0, 1, 0, 0) = (1, 1, 0, 0)$$
#
# Word 2 is (0, 2, 0, 2): two times row 2 plus two times row 4. Find its query in $W_q$ below
# before you go on.

# %%
W_q = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]])
W_k = torch.tensor([[0.0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]])
W_v = torch.tensor([[1.0, 0], [0, 1], [2, 0], [0, 1]])
print(W_q)
print("query of word 1:", x[0] @ W_q)

# %% [markdown]
# ### The formula
#
# $$Q = X W_q \qquad K = X W_k \qquad V = X W_v$$
#
# $X$ has one word in each row. $W_q$ and $W_k$ have $d_k$ columns, because a query is compared
# with a key feature by feature. $W_v$ has $d_v$ columns, and $d_v$ may be another number.
#
# Here we picked the three matrices by hand. In a network they are **parameters**: training finds
# out what is worth asking, offering and handing over.

# %% [markdown]
# ### Exercise 3: `project_qkv`
#
# *Difficulty 1 of 5 · importance 4 of 5 · 5 minutes · 2 points*
#
# The same words, three times. It must work for one sentence `(length, d_in)`, for a batch
# `(batch, length, d_in)`, and for more dimensions.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Each word is a <i>row</i> of x. On which side of x does the matrix have to stand?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# (…, length, d_in) times (d_in, d_k) is (…, length, d_k). `@` multiplies the last two dimensions
# and carries all others along.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# query = x times W_q
# key   = x times W_k
# value = x times W_v
# answer = the three, in this order
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "project_qkv-answer", "locked": false, "solution": true, "task": false}
def project_qkv(
    x: torch.Tensor, W_q: torch.Tensor, W_k: torch.Tensor, W_v: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """x (..., length, d_in), W_q and W_k (d_in, d_k), W_v (d_in, d_v)
    -> query (..., length, d_k), key (..., length, d_k), value (..., length, d_v).

    Rule: each role is x times its own matrix, and nothing else.
    """
    ### BEGIN SOLUTION
    return x @ W_q, x @ W_k, x @ W_v
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "project_qkv", "locked": true, "points": 2, "solution": false, "task": false}
check("project_qkv")

# %%
query, key, value = project_qkv(x, W_q, W_k, W_v)
print("query", query.tolist())
print("key  ", key.tolist())
print("value", value.tolist())

# %% [markdown]
# The query of word 2 is (0, 0, 2, 2). Was that yours?
#
# **Break it.** Give query and key the same matrix, and look at the scores. What is wrong with
# them again?

# %%
same, _, _ = project_qkv(x, W_q, W_q, W_v)
print(same @ same.T)

# %% [markdown]
# Symmetric again: row 1, column 3 equals row 3, column 1. Two **different** matrices are what
# allows *tired* to look at *animal* without *animal* looking back.

# %% [markdown]
# ---
# ## 5 · Self-attention by hand, in four steps
#
# All words ask at the same time, and all of them answer. A sentence that looks at itself:
# **self-attention**. Word 1 will end up as a mixture of all three words. Which one will it take
# most from?

# %% [markdown]
# ### By hand, for word 1
#
# 1. **Make q, k, v.** Done: its query is (1, 1, 0, 0).
# 2. **Score.** Its dot products with the three keys (0, 0, 1, 1), (2, 2, 0, 0), (1, 1, 1, 1) are
#    **0, 4, 2**.
# 3. **Divide by $\sqrt{d_k}$, then softmax.** A key has $d_k = 4$ features, and $\sqrt{4} = 2$.
#    So the scores become 0, 2, 1, and the weights **0.09, 0.67, 0.24**. (Why divide? Section 6.)
# 4. **Weighted sum** of the values (3, 0), (0, 4), (3, 2): **(1.00, 3.15)**. (With the weights as
#    rounded here you get 0.01 more or less. The code doesn't round.)

# %% [markdown]
# Now you, on paper: word 2 has the query (0, 0, 2, 2). What are its three scores, and which word
# does it look at least?
#
# <details><summary><b>The answer</b></summary>
#
# Scores 4, 0, 4. Divided by 2: 2, 0, 2. Weights 0.47, 0.06, 0.47, so it looks at itself least.
# Output: 0.47·(3, 0) + 0.06·(0, 4) + 0.47·(3, 2), which is (2.81, 1.19) before rounding.
#
# </details>
#
# First as a **loop**, one query after the other. Your `attend` doesn't divide by 2, so we halve
# the query: that halves its scores.

# %%
root = math.sqrt(key.size(-1))
rows = []
for word in range(3):
    output_row, weights_row = attend(query[word] / root, key, value)
    rows.append(output_row)
    print(f"word {word + 1}: weights {weights_row}, output {output_row}")
by_loop = torch.stack(rows)

# %% [markdown]
# The same calculation, all numbers at once. Follow the outlined row from left to right: it is
# word 1, and these are your four steps.

# %%
scores = query @ key.T
weights = softmax(scores / root, dim=-1)
output = weights @ value
figures.self_attention_by_hand(x, query, key, value, scores, weights, output)

# %% [markdown]
# ### No loop
#
# Did you see it? The last cell has no `for`. `query @ key.T` takes the dot product of **every**
# query with **every** key, and `weights @ value` mixes for every word. Two matrix products
# replace the loop:
#
# $$\text{Attention}(Q, K, V) = \text{softmax}\!\left(\frac{Q K^\top}{\sqrt{d_k}}\right) V$$
#
# This is equation 1 of "Attention Is All You Need". A recurrent network must finish word 1 before
# it starts word 2. Here no word waits for another, and a GPU can do all of them together.

# %%
figures.all_words_at_once()

# %%
print("loop and matrix product agree:", torch.allclose(by_loop, output))

# %% [markdown]
# **Break it.** Take the softmax along the wrong axis, `dim=0`. Each column adds up to 1 instead
# of each row. Read the rows: how much attention does each word have to spend?

# %%
wrong_axis = softmax(scores / root, dim=0)
for word, row in enumerate(wrong_axis, start=1):
    print(f"word {word} spends {row.sum():.2f}")

# %% [markdown]
# Every word should spend exactly 1. This bug raises no error and has all the right shapes. You
# have to know what a row means.

# %% [markdown]
# ---
# ## 6 · Why divide by $\sqrt{d_k}$?
#
# In a real Transformer a key has 64 features, not 4. How large is the dot product of two random
# vectors with 64 features each: about 1, about 8, or about 64? Make your guess.
#
# ### By hand
#
# Take features that are +1 or −1, by the toss of a coin. Each product $q_j k_j$ is +1 or −1 too.
# A dot product over $d_k$ features is a walk of $d_k$ random steps, forwards or backwards. After
# 4 steps you are typically about 2 away from the start. After 64 steps, about 8: the steps cancel
# each other, but not completely.

# %% [markdown]
# ### The formula
#
# Let features be independent, with mean 0 and variance 1. Each product $q_j k_j$ then has
# variance 1, and variances of independent numbers add up:
#
# $$\text{Var}(q \cdot k) = \sum_{j=1}^{d_k} \text{Var}(q_j k_j) = d_k \qquad \text{so its standard deviation is } \sqrt{d_k}$$
#
# For 64 features it is $\sqrt{64} = 8$. Divide by 8 and it is 1 again, whatever the size of the
# model. Don't believe it, measure it:

# %%
products = {}
for size in (1, 4, 16, 64, 256):
    q, k = torch.randn(20_000, size), torch.randn(20_000, size)
    products[size] = (q * k).sum(-1)
    print(f"d_k {size:3d}: standard deviation {products[size].std():4.0f}, √d_k = {size**0.5:.0f}")

# %%
figures.dot_product_spread(products)

# %% [markdown]
# ### So what? Softmax saturates
#
# Take three keys whose scores are one standard deviation apart, at $d_k = 64$:
#
# | | scores | weights |
# |---|---|---|
# | not scaled | 8, 0, −8 | 0.9997, 0.0003, 0.0000 |
# | divided by 8 | 1, 0, −1 | 0.67, 0.24, 0.09 |
#
# Without scaling, one key takes everything before the network has learned anything. Worse: a
# weight $w$ changes with its score at the rate $w(1 - w)$. For $w=0.67$ that is 0.22. For
# $w=0.9997$ it is 0.0003. **Hardly any slope, hardly any gradient, slow learning.**
#
# That is one extreme example. The next figure takes the mean over 200 rows of random scores; its
# right panel sums up all the slopes of a row in one number (the norm of the Jacobian, the table
# of every weight's slope by every score).

# %%
random_scores = {
    size: torch.randn(200, size) @ torch.randn(size, 8) for size in (1, 4, 16, 64, 256)
}
figures.softmax_saturation(random_scores, softmax)

# %% [markdown]
# **Break it yourself.** Below, your `softmax` shares out one query's attention among 8 keys. Move
# $d_k$ from 1 to 512 without the division. Watch three things: the largest weight goes to 1, the
# entropy (how undecided the row is, in bits) to 0, the gradient to 0. Then tick the box.

# %%
figures.scaling_explorer(softmax)

# %% [markdown]
# Entropy of 3 bits means "8 keys, all equal". Entropy 0 means "one key, no doubt". A network
# should **learn** to be that sure. It shouldn't start that way. In section 10 you'll train a
# model with and without the division.

# %% [markdown]
# ---
# ## 7 · Masks: who may look at whom
#
# Sentences have different lengths, and tensors are rectangles. So short sentences are filled up
# with `<pad>`. But `<pad>` has a key like any other token. How do you keep the words from looking
# at it?
#
# A **mask** says so, with one boolean for each query and key:
#
# > **True means "may attend".** False means "doesn't exist for you".
#
# ### By hand
#
# One query, three keys, the last one is padding:
#
# | | this | cat | `<pad>` |
# |---|---|---|---|
# | score | 1 | 1 | 5 |
# | mask | True | True | False |
# | score after the mask | 1 | 1 | −∞ |
# | weight | 0.5 | 0.5 | **0** |

# %% [markdown]
# ### The rule
#
# $$s_{ij} \leftarrow -\infty \quad \text{where the mask is False, then softmax}$$
#
# The order matters. Fill **before** the softmax, and what is left shares out the full 1. What if
# you set weights to zero **after** it? Then the padding has already taken its share, and the row
# adds up to less:

# %%
scores = torch.tensor([1.0, 1.0, 5.0])
mask = torch.tensor([True, True, False])
before = softmax(scores.masked_fill(~mask, -math.inf), dim=-1)
after = softmax(scores, dim=-1) * mask
print(f"filled before: {before}, sum {before.sum():.2f}")
print(f"zeroed after:  {after}, sum {after.sum():.2f}")

# %% [markdown]
# Two masks carry the whole course. The **padding mask** hides the fill (lesson 05). The **causal
# mask** hides the future from a model that writes one word at a time (lesson 06). Below, all
# scores are equal, so each row shares out its 1 evenly among the words that it may look at.
# Hatched means forbidden.

# %%
tokens = ["the", "animal", "was", "tired", "<pad>", "<pad>"]
padding = torch.tensor([True, True, True, True, False, False]).expand(6, 6)
causal = torch.ones(6, 6).tril().bool()
equal_scores = torch.zeros(6, 6)
figures.attention_matrices(
    [softmax(equal_scores.masked_fill(~m, -math.inf), dim=-1) for m in (padding, causal)],
    tokens,
    tokens,
    ["padding mask", "causal mask"],
    "What may not be looked at gets no weight, and each row still adds up to 1",
    masks=[padding, causal],
)

# %% [markdown]
# A row can be **False everywhere**, a query with nobody to look at. Trap two of section 2 is
# waiting there. Your `softmax` gives zeros, so the output is zero too, and so are its gradients.

# %% [markdown]
# ### One more: dropout
#
# While training, a weight is sometimes thrown away on purpose, so that no word relies on one
# other word alone. By hand, with probability 0.5, say the coin drops *cross* and *tired*:
#
# (0.6, 0.1, 0.2, 0.1) → (0.6, **0**, 0.2, **0**) → divided by 1 − 0.5 → (1.2, 0, 0.4, 0)
#
# The survivors grow, so that on average nothing changes. Dropout acts on the weights that mix the
# values. The weights you **return** are the ones before it: they are for looking at.

# %% [markdown]
# ---
# ## 8 · You write it: scaled dot-product attention
#
# All of it is on the table now: score, scale, mask, softmax, dropout, mix. In the map's side
# panel, read the boxes from bottom to top: here they are.

# %% [markdown]
# ### Exercise 4: `scaled_dot_product_attention`
#
# *Difficulty 3 of 5 · importance 5 of 5 · 15 minutes · 9 points*
#
# The core of every Transformer, in six lines or so. Three things to know:
#
# - Queries may come from another sentence than keys and values: `T` queries, `S` keys. They need
#   not be equal.
# - There may be leading dimensions: a batch, heads. `.T` turns round the wrong axes then.
# - `nn.functional.dropout(weights, dropout_p)` is fine to use. torch's own attention is the
#   answer itself.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# You have written nearly all of it in section 5, for one sentence without a mask. Which of its
# lines break when x gets a batch dimension? And which of your functions already knows what to do
# with a row of −∞?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# query (…, T, d_k) times key turned round (…, d_k, S) is scores (…, T, S). The softmax runs along
# S, the last one. Weights (…, T, S) times value (…, S, d_v) is output (…, T, d_v).
# `key.transpose(-2, -1)` swaps the last two dimensions and no others.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# scores  = query · key turned round, divided by the root of d_k    (d_k: the size of one query)
# if there is a mask: put −∞ wherever it is False                   (masked_fill makes a new tensor)
# weights = softmax along the keys
# used    = weights after dropout, under a name of their own
# answer  = used times value, and weights
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "scaled_dot_product_attention-answer", "locked": false, "solution": true, "task": false}
def scaled_dot_product_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """query (..., T, d_k), key (..., S, d_k), value (..., S, d_v), mask broadcasts to (..., T, S)
    -> output (..., T, d_v), weights (..., T, S).

    Rule: softmax(query keyᵀ / √d_k) value; True in the mask means "may attend".
    Dropout acts on the weights used; the weights returned are those before it.
    """
    ### BEGIN SOLUTION
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))  # (..., T, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = softmax(scores, dim=-1)  # (..., T, S)
    used = nn.functional.dropout(weights, dropout_p)
    return used @ value, weights  # (..., T, d_v), (..., T, S)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "scaled_dot_product_attention", "locked": true, "points": 9, "solution": false, "task": false}
check("scaled_dot_product_attention")

# %% [markdown]
# <details><summary>If the check says <b>your mask works the other way round</b></summary>
#
# `masked_fill(where, number)` writes where `where` is True. Our mask is True where a word **may**
# look. `~mask` turns it round.
#
# </details>
#
# <details><summary>If you see <b>NaN</b></summary>
#
# You probably called `torch.softmax`. It gives NaN for a row of −∞. Your own gives zeros.
#
# </details>
#
# PyTorch has this function too, written by its engineers for speed. Compare, with sizes that
# differ on every axis:

# %%
q, k, v = torch.randn(2, 3, 5, 8), torch.randn(2, 3, 7, 8), torch.randn(2, 3, 7, 6)
allowed = torch.rand(2, 1, 5, 7) < 0.7
allowed[..., 0] = True
mine, _ = scaled_dot_product_attention(q, k, v, allowed)
theirs = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
print("output", tuple(mine.shape), "same as torch's:", torch.allclose(mine, theirs, atol=1e-5))

# %% [markdown]
# ### On a real sentence
#
# Four features this time: *is alive*, *is a place*, *looks for something alive*, *looks for a
# place*. Nouns offer, the verb and the adjective look. $W_q$ takes what a word looks for, $W_k$
# what it is.
#
# We chose these vectors by hand, to see the mechanism with bare eyes. Nothing here is learned. The
# 6 and the 10 below only make the scores large enough for a clear picture.
# Before you run: where will *tired* look, and where will *the* look, which asks for nothing?

# %%
sentence = "the animal didn't cross the street because it was too tired".split()
features = {
    "animal": [1.0, 0, 0, 0],
    "street": [0, 1.0, 0, 0],
    "cross": [0, 0, 1.0, 1.0],
    "it": [0, 0, 0.5, 0.5],
    "tired": [0, 0, 1.0, 0],
    "wide": [0, 0, 0, 1.0],
}
asks = torch.tensor([[0.0, 0], [0, 0], [6, 0], [0, 6]])
offers = torch.tensor([[1.0, 0], [0, 1], [0, 0], [0, 0]])


# %%
def read(words):
    x = torch.tensor([features.get(word, [0.0] * 4) for word in words])
    return scaled_dot_product_attention(*project_qkv(x, asks, offers, 10 * offers))


output, weights = read(sentence)
title = "“tired” finds its noun, “cross” finds two, “the” asks for nothing"
figures.attention_matrix(weights, sentence, sentence, title)

# %% [markdown]
# Read three rows. *Tired* puts 0.87 on *animal*. *Cross* shares between who crosses and what is
# crossed. *The* asks for nothing, so all its scores are 0, and it gets the plain average. And
# *animal* doesn't look back at *tired*: that's what the second matrix was for.
#
# *It* is torn, 0.32 and 0.32. (In section 1 we gave it a query that asked for something alive. Here
# it has to ask for itself.) Its features can't tell it what was tired. It takes a second look,
# at words that have already looked around. Hence layers (lesson 05), and several looks at once
# (lesson 03).
#
# Change one word, *tired* into *wide*:

# %%
wide_sentence = [*sentence[:-1], "wide"]
for words in (sentence, wide_sentence):
    last_row = read(words)[1][-1]
    print(f"{words[-1]:5s} looks at animal {last_row[1]:.2f}, at street {last_row[5]:.2f}")

# %% [markdown]
# ### Paint a mask
#
# Six tokens, your function, and a button for each look. The sentence is "the animal was tired",
# with two tokens of padding. Start from *causal*, then forbid whatever you like. Watch the rows:
# what is taken away is shared out among the rest. Empty a row completely, and it shows zeros, not
# NaN.

# %%
short = torch.tensor([features.get(token, [0.0] * 4) for token in tokens])
figures.mask_painter(
    tokens, *project_qkv(short, asks, offers, 10 * offers), scaled_dot_product_attention
)

# %% [markdown]
# **Break it.** Some libraries use the opposite convention: in `nn.MultiheadAttention`, True means
# "hidden". So what happens when you pass the padding mask the wrong way round?

# %%
q, k, v = project_qkv(short, asks, offers, 10 * offers)
figures.attention_matrices(
    [scaled_dot_product_attention(q, k, v, m)[1] for m in (padding, ~padding)],
    tokens,
    tokens,
    ["mask", "the mask, inverted"],
    "Inverted, every word stares at the padding, and nothing raises an error",
    masks=[padding, ~padding],
)

# %% [markdown]
# ---
# ## 9 · A layer that can learn: `SelfAttention`
#
# One thing is missing. You and I chose $W_q$, $W_k$ and $W_v$. A network should find them. So
# they go into a module, as parameters. What is the least that such a module has to hold?
#
# Three linear layers, and a call to your function. **No bias**: a projection is $x W$ and nothing
# else.
#
# ### Exercise 5: `SelfAttention`
#
# *Difficulty 2 of 5 · importance 5 of 5 · 10 minutes · 5.5 points*
#
# Parameters, by name: `q_proj`, `k_proj`, `v_proj`, each an `nn.Linear` without bias. The names
# count: later lessons load weights by name. You call a layer like a function, `self.q_proj(x)`, and
# it multiplies by its own matrix; `project_qkv` isn't needed here.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# What has to be made once, when the layer is born, and what happens anew for each sentence? The
# first goes into `__init__`, the second into `forward`.
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# q_proj and k_proj lead from d_model to d_k, v_proj from d_model to d_v. x is (batch, length,
# d_model), the mask (batch, length, length), the output (batch, length, d_v), the weights (batch,
# length, length).
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth:   keep three linear layers, each without bias, under the three names
# forward:    send x through each of the three
#             hand the results and the mask to your scaled_dot_product_attention
#             return what it returns
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "SelfAttention-answer", "locked": false, "solution": true, "task": false}
class SelfAttention(nn.Module):
    """One head of self-attention. Parameters: q_proj, k_proj, v_proj, all without bias."""

    def __init__(self, d_model: int, d_k: int, d_v: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.q_proj = nn.Linear(d_model, d_k, bias=False)
        self.k_proj = nn.Linear(d_model, d_k, bias=False)
        self.v_proj = nn.Linear(d_model, d_v, bias=False)
        ### END SOLUTION

    def forward(
        self, x: torch.Tensor, mask: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """x (batch, length, d_model), mask (batch, length, length), True means "may attend"
        -> output (batch, length, d_v), weights (batch, length, length).

        Rule: project x three times, then scaled dot-product attention.
        """
        ### BEGIN SOLUTION
        query, key, value = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        return scaled_dot_product_attention(query, key, value, mask)
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "SelfAttention", "locked": true, "points": 5.5, "solution": false, "task": false}
check("SelfAttention")

# %% [markdown]
# Does it know the example that you did by hand? Put our three matrices into the layer.
# `nn.Linear` stores its weight as (out, in), so each goes in turned round, with `.T`.

# %%
by_hand = SelfAttention(d_model=4, d_k=4, d_v=2)
with torch.no_grad():
    by_hand.q_proj.weight.copy_(W_q.T)
    by_hand.k_proj.weight.copy_(W_k.T)
    by_hand.v_proj.weight.copy_(W_v.T)
    print(by_hand(x[None])[0])

# %% [markdown]
# (1.00, 3.15), (2.81, 1.19), (1.73, 2.53): your numbers from section 5. `x[None]` made a batch of
# one sentence.
#
# ### On real sentences
#
# Two sentences of different lengths, in one batch, with random vectors for the words. The shorter
# one is padded. With the mask, the padding must change **nothing**: alone or in the batch, the
# short sentence gets the same output.

# %%
long = "the animal was too tired".split()
brief = "it was tired".split()
vector = {word: torch.randn(4) for word in [*long, *brief, "<pad>"]}
padded = brief + ["<pad>"] * 2
batch = torch.stack([torch.stack([vector[word] for word in words]) for words in (long, padded)])
real = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
mask = real[:, None, :].expand(2, 5, 5)

# %%
with torch.no_grad():
    alone, _ = by_hand(batch[1:, :3])
    masked, _ = by_hand(batch, mask)
    unmasked, _ = by_hand(batch)
print("with the mask, as if alone:   ", torch.allclose(masked[1, :3], alone[0], atol=1e-5))
print("without the mask, as if alone:", torch.allclose(unmasked[1, :3], alone[0], atol=1e-5))

# %% [markdown]
# **Break it.** Set the query projection to zero: nobody asks for anything. Which matrix do you
# expect?

# %%
silent = SelfAttention(d_model=4, d_k=4, d_v=2)
with torch.no_grad():
    silent.q_proj.weight.zero_()
    silent_weights = silent(batch[:1])[1][0]
figures.attention_matrix(
    silent_weights, long, long, "Without a question, attention is a plain average"
)

# %% [markdown]
# Keep this picture in mind. A plain average is the opponent in the next section.

# %% [markdown]
# ---
# ## 10 · Does it learn?
#
# A task that needs a look-up, as a sentence of six facts and a question:
#
# > The cat is red, the dog is blue, the duck is green, … What colour is the duck?
#
# Each fact is one vector: an embedding of the animal plus an embedding of the colour. The
# question is the animal plus a special colour "?". Every sentence deals animals and colours anew,
# so nothing can be learned by heart. The only way is to **find the right fact**.
#
# What would a plain average of the facts score? It still knows which six colours occurred.

# %%
ANIMALS = (
    "cat dog duck horse sheep goat mouse tiger zebra camel otter panda "
    "bear crab deer fish frog hare lion mole owl seal wasp wolf"
).split()
COLOURS = "red blue green black white brown grey pink gold silver orange purple".split()
FACTS, UNKNOWN = 6, len(COLOURS)


def draw_sentences(count):
    """Animals and colours (count, 7), the last one the question; the answers (count,)."""
    animals = torch.rand(count, len(ANIMALS)).argsort(1)[:, :FACTS]
    colours = torch.rand(count, len(COLOURS)).argsort(1)[:, :FACTS]
    asked = torch.randint(FACTS, (count, 1))
    answers = colours.gather(1, asked)[:, 0]
    animals = torch.cat([animals, animals.gather(1, asked)], dim=1)
    colours = torch.cat([colours, torch.full((count, 1), UNKNOWN)], dim=1)
    return animals.to(device), colours.to(device), answers.to(device)


# %% [markdown]
# The model: embeddings, one layer that mixes words, and a linear layer that names the colour. The
# mixing layer is either your `SelfAttention` or the plain average.


# %%
class Recall(nn.Module):
    def __init__(self, mixer, d_model=64):
        super().__init__()
        self.animal = nn.Embedding(len(ANIMALS), d_model)
        self.colour = nn.Embedding(len(COLOURS) + 1, d_model)
        self.mixer = mixer
        self.answer = nn.Linear(d_model, len(COLOURS))

    def forward(self, animals, colours):
        x = self.animal(animals) + self.colour(colours)  # (B, 7, d_model)
        mixed, weights = self.mixer(x)
        return self.answer(mixed[:, -1]), weights


class PlainAverage(nn.Module):
    def forward(self, x):
        return x.mean(1, keepdim=True).expand_as(x), None


# %%
@torch.no_grad()
def accuracy(model, count):
    """The share of right answers on `count` new sentences."""
    animals, colours, answers = draw_sentences(count)
    return (model(animals, colours)[0].argmax(-1) == answers).float().mean().item()


def train(mixer, steps=200):
    """A Recall model trained around `mixer`, and its accuracy at every tenth step."""
    model = Recall(mixer).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    curve = []
    for step in range(steps + 1):
        if step % 10 == 0:
            curve.append(accuracy(model, 1000))
        animals, colours, answers = draw_sentences(128)
        loss = nn.functional.cross_entropy(model(animals, colours)[0], answers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, curve


# %%
attention_model, _ = train(SelfAttention(d_model=64, d_k=64, d_v=64))
average_model, _ = train(PlainAverage())
print(f"your SelfAttention: {accuracy(attention_model, 20_000):.0%} right")
print(f"plain average:      1 in {1 / accuracy(average_model, 20_000):.0f} right")

# %% [markdown]
# The average can't do better than guess among the six colours it has seen: 1 in 6. It's not a
# matter of training. "Cat red, dog blue" and "cat blue, dog red" have the **same** average, so
# who has which colour is gone.
#
# Your layer finds the fact. Nobody told it that a question should look at the fact with its own
# animal. Gradient descent shaped $W_q$ and $W_k$ until it did. See where the question looks, in a
# sentence it has never met:

# %% tags=["nbval-ignore-output"]
animals, colours, _ = draw_sentences(1)
with torch.no_grad():
    learned = attention_model(animals, colours)[1][0]
labels = [
    f"{ANIMALS[animal]} {[*COLOURS, '?'][colour]}"
    for animal, colour in zip(animals[0].tolist(), colours[0].tolist(), strict=True)
]
title = "The last row asks, and looks at the fact with its own animal (trained here)"
figures.attention_matrix(learned, labels, labels, title)

# %% [markdown]
# Read the **last row**: the answer is made from it. The other rows follow the same learned rule,
# "find your own animal", and find themselves, or the question where it is about the same animal.
#
# ### Break it: train without $\sqrt{d_k}$
#
# Section 6 claimed that unscaled scores spoil learning. Put it to the test, with the same model,
# the same task, three different starts each, and large keys: $d_k = 256$, so $\sqrt{d_k} = 16$.
# One layer multiplies its queries by 16 beforehand, which undoes the division. What do you
# expect: no learning at all, slower learning, or no difference?


# %%
class UnscaledSelfAttention(SelfAttention):
    def forward(self, x, mask=None):
        query = self.q_proj(x) * math.sqrt(self.q_proj.out_features)
        return scaled_dot_product_attention(query, self.k_proj(x), self.v_proj(x), mask)


curves = {"scaled": [], "not scaled": []}
for start in (1, 2, 3):
    for name, layer in (("scaled", SelfAttention), ("not scaled", UnscaledSelfAttention)):
        seed(start)
        curves[name].append(train(layer(64, 256, 64), steps=150)[1])

# %% tags=["nbval-ignore-output"]
figures.learning_curves(
    curves, every=10, title="Divided by √256 = 16, the model learns in a fraction of the steps"
)

# %% [markdown]
# The scaled runs are there after 30 or 40 steps. The others need several times as many. They
# started with saturated rows: the question stared at one arbitrary fact, mostly the wrong one,
# and hardly any gradient told it so.
#
# To be fair: the unscaled runs arrive as well, in the end. $\sqrt{d_k}$ doesn't make learning
# possible. It makes it fast and dependable, for one division.

# %% [markdown]
# ---
# ## 11 · What it costs
#
# Every word looks at every word. How many weights is that for a sentence of 10 words? For a book
# of 100,000?
#
# $N$ words make $N \times N$ weights: 100 for the sentence, 10,000,000,000 for the book. At 4
# bytes each, the book takes 40 GB for **one** attention matrix. Make them, and see how memory
# grows when the length doubles:

# %%
for length in (256, 512, 1024, 2048):
    x = torch.randn(1, length, 8)
    _, weights = scaled_dot_product_attention(x, x, x)
    size = weights.nelement() * weights.element_size() / 2**20
    print(f"{length:5d} words: {size:5.2f} MiB of weights")

# %% [markdown]
# Twice the words, four times the memory: **O(N²)**. So is the number of multiplications.
#
# And what does it buy? In a recurrent network the first word reaches the last after $N - 1$
# steps, and is a little blurred by each of them (lesson 01). In attention any two words are
# **one** step apart: **O(1)**.

# %%
figures.attention_cost()

# %% [markdown]
# Today's GPU code never stores the whole matrix (it works block by block), so its memory grows
# with N alone. The multiplications are still N². Long texts are still expensive.

# %% [markdown]
# ---
# ## 12 · What got lost: order
#
# > The dog bites the man. · The man bites the dog.
#
# Same five words, another story. Does your layer notice? Compare what it says about *dog* in
# both:

# %%
vector = {word: torch.randn(32) for word in ("the", "dog", "bites", "man")}
layer = SelfAttention(d_model=32, d_k=16, d_v=16)
dog_of = {}
for text in ("the dog bites the man", "the man bites the dog"):
    story = text.split()
    with torch.no_grad():
        output, _ = layer(torch.stack([vector[word] for word in story])[None])
    dog_of[text] = output[0, story.index("dog")]
same = torch.allclose(*dog_of.values(), atol=1e-5)
print("“dog” gets the same vector in both sentences:", same)

# %% [markdown]
# The dog that bites and the dog that is bitten are one and the same to it. A weighted sum doesn't
# care about the order of its terms: permute the words, and the outputs are permuted with them.
#
# That's a high price for a language. Lesson 04 pays it back, by putting each word's position into
# its vector.

# %% [markdown]
# ---
# ## 13 · In your own words
#
# Two to five sentences each. A person reads these.
#
# ### Question 1 (4 points)
#
# What are q, k and v in a self-attention layer? Say where each of them comes from, what it is
# for, and what happens between them.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-what-are-q-k-v", "locked": false, "points": 4, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Query, key and value are three vectors made from the same word by three learned matrices: q = x
# W_q, k = x W_k, v = x W_v. The query says what a word looks for, the key what a word offers to
# those who look, and the value is what it hands over. Each query is compared with every key by a
# dot product. Divided by √d_k and passed through softmax, these scores are weights that add up to
# 1, and the word's output is the sum of all values with these weights.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: all three come from the same words, each by a learned matrix (projection) of its own.
# - 1 point: the query is what a word looks for, the key what it offers or is found by.
# - 1 point: the value is the content that is passed on; it takes no part in the comparison.
# - 1 point: query · key makes scores, softmax makes weights, and the output is the weighted sum
#   of the values.
#
# Examples in place of definitions earn the points too. No point is lost for leaving out √d_k.
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 2 (3 points)
#
# A friend leaves out the division by $\sqrt{d_k}$ in a model with $d_k = 64$. The code runs, the
# shapes are right, and training is far slower than theirs used to be. Explain to them what happens
# inside, with a number or two.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-why-scale", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# A dot product over 64 features with variance 1 has the variance 64, so scores are typically 8
# away from 0. Softmax turns such differences into weights of nearly 1 and nearly 0: it saturates,
# and each word looks at one arbitrary word from the start. There its slope w(1 − w) is nearly 0,
# for example 0.0003, so hardly any gradient reaches W_q and W_k. Dividing by √64 = 8 brings the
# spread back to 1.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: the spread of a dot product grows with d_k (variance d_k, standard deviation √d_k,
#   here 8).
# - 1 point: large score differences saturate the softmax: one weight near 1, the others near 0.
# - 1 point: a saturated softmax passes hardly any gradient, so queries and keys hardly learn.
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 3 (3 points)
#
# Why is a mask applied to the scores, before the softmax, and not to the weights after it? Say
# what would be wrong with a masked row, and what should happen to a row in which everything is
# masked.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-mask-before-softmax", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# With −∞ as its score, a forbidden word gets the weight 0, and the softmax shares the full 1
# among the others. If the weights are zeroed afterwards, the forbidden word has already taken
# part in the sum: the rest adds up to less than 1, and how much less depends on what should have
# been invisible. A row in which everything is masked should give zero weights and a zero output.
# Written carelessly it gives NaN, because −∞ − (−∞), or 0/0, isn't a number.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: a score of −∞ gives the weight 0, and the remaining weights add up to 1.
# - 1 point: zeroed after the softmax, the row adds up to less than 1 (or: the hidden word still
#   influences the others).
# - 1 point: a fully masked row gives zeros, not NaN (and not equal shares).
#
# === END MARK SCHEME ===

# %% [markdown]
# ---
# ## 14 · Spot the bug
#
# *Difficulty 3 of 5 · importance 4 of 5 · 10 minutes · no points*
#
# This function was in use for weeks. It runs, its shapes are right, and its first test passed.
# **It has two bugs.** Read it before you go on. Can you see them?


# %%
def buggy_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(key.size(-2))
    weights = softmax(scores, dim=-1)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


# %% [markdown]
# Reading is one way, measuring is another. `compare` holds a function against yours: with 16 keys
# and with 5, with and without a mask. In the mask, one query may look at nothing. A key has 16
# features every time.


# %%
def compare(candidate):
    random = torch.Generator().manual_seed(7)
    for count, masked in ((16, False), (5, False), (16, True), (5, True)):
        q, k, v = (torch.randn(2, n, 16, generator=random) for n in (4, count, count))
        mask = torch.rand(2, 4, count, generator=random) < 0.6 if masked else None
        if masked:
            mask[0, 0] = False
        wanted, _ = scaled_dot_product_attention(q, k, v, mask)
        try:
            gap = (candidate(q, k, v, mask)[0] - wanted).abs().max().item()
            verdict = "agrees" if gap < 1e-5 else f"largest difference {gap:.1f}, still a bug"
        except Exception as problem:
            verdict = f"doesn't work yet ({type(problem).__name__}: {problem})"
        print(f"{count:2d} keys, {'masked:  ' if masked else 'no mask: '}{verdict}")


compare(buggy_attention)

# %% [markdown]
# One line agrees. What is special about it? That was the "first test".
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# 16 keys with 16 features: two sizes that happen to be equal. Which line of the code mixes them
# up?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# key is (2, count, 16). `key.size(-2)` is count, `key.size(-1)` is 16. Which of them is d_k?
#
# <details><summary><b>Hint 3: the other bug</b></summary>
#
# It shows up with a mask only. Add up one of the masked rows of the weights, and go back to *The
# rule* in section 7.
#
# </details></details></details>
#
# Write the mended version.


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "spot-the-bug", "locked": false, "solution": true, "task": false}
def mended_attention(query, key, value, mask=None):
    """buggy_attention without its two bugs.

    query (..., T, d_k), key (..., S, d_k), value (..., S, d_v), mask (..., T, S)
    -> output (..., T, d_v), weights (..., T, S).
    """
    ### BEGIN SOLUTION
    scores = query @ key.transpose(-2, -1) / math.sqrt(key.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = softmax(scores, dim=-1)
    return weights @ value, weights
    ### END SOLUTION


# %%
compare(mended_attention)

# %% [markdown]
# Four times "agrees"? Then both are gone. Take one thing with you: **test with sizes that all
# differ.** A square matrix hides a swapped axis.

# %% [markdown]
# ---
# ## What you can say now
#
# - Attention is a soft look-up: a query meets all keys, and the weights that come out mix the
#   values.
# - Query, key and value are made from the same words by three learned matrices, so looking isn't
#   symmetric.
# - Two matrix products do it for all words at once: softmax(QKᵀ / √d_k) V. √d_k keeps the softmax
#   out of saturation.
# - A mask puts −∞ before the softmax. True means "may attend", and an empty row gives zeros.
# - It costs N² weights, any two words are one step apart, and it is blind to order.
#
# Here is the map again, with today's pieces filled in. Each of the three attention boxes is
# partly yours:

# %%
figures.transformer_map("02-dot-product-attention")

# %% [markdown]
# ## What to read next
#
# - Bahdanau, Cho and Bengio (2015), [Neural Machine Translation by Jointly Learning to Align and
#   Translate](https://arxiv.org/abs/1409.0473), section 3.1: attention on top of a recurrent
#   network, where it began.
# - Luong, Pham and Manning (2015), [Effective Approaches to Attention-based Neural Machine
#   Translation](https://arxiv.org/abs/1508.04025), section 3.1: the dot product as a score.
# - Vaswani et al. (2017), [Attention Is All You Need](https://arxiv.org/abs/1706.03762), section
#   3.2.1 with footnote 4: your exercise 4, and why √d_k. Section 4: cost and path length.
# - Dao et al. (2022), [FlashAttention](https://arxiv.org/abs/2205.14135): the same result without
#   storing N × N.

# %% [markdown]
# **Next, lesson 03:** one attention gives one average. *It* needed several looks at once, and
# that is what heads are for.
