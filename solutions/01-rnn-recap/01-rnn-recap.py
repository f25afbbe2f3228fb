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
# # Lesson 01 · Why anyone wanted something else
#
# In 2016 the best translators read a sentence the way you read this line: one word after the
# other, with a memory in between. Today you build that memory, measure where it breaks, and write
# the first cure. The cure is called attention, and the rest of the course is about nothing else.
#
# | | |
# |---|---|
# | **You will build** | `rnn_step`, `RNN`, `BidirectionalRNN`, `gradient_reach`, `clip_gradients_`, `additive_attention`, `path_length` |
# | **You need** | Python, PyTorch as far as `x @ W` and `loss.backward()` |
# | **Your time** | 2½ to 3 hours, with a good place for a break after section 4 |
# | **Points** | 26 from the checks, 10 from three written questions |
# | **Running it all** | 2 to 4 minutes on a laptop without a GPU |

# %% tags=["setup"]
import math
import time
from collections import Counter
from itertools import pairwise

import torch
from torch import nn

from autograder import check
from workbook import figures
from workbook.corpus import phrasebook
from workbook.device import describe_device, pick_device, seed
from workbook.toolbox import borrow

device = pick_device()
seed(1)
torch.set_printoptions(precision=2, sci_mode=False)
torch.set_num_threads(1)  # our tensors are small: one thread beats several that wait

# %% [markdown]
# ### How this course works
#
# - **You write every piece of a Transformer yourself.** In an exercise you replace
#   `raise NotImplementedError` by your code and run the cell.
# - **`check("…")`** in the cell below it tries your piece on random inputs, in under a second. It
#   names the usual mistakes, shows where a number differs, or says that all is right. Run it as
#   often as you like.
# - **What passes goes into your toolbox**, a folder of small files. Later lessons import your
#   pieces from there. In lesson 09 they assemble into a translator.
# - **Three hints** unfold one by one. None of them is the solution.
# - **Stuck?** Add a cell with `RNN = borrow("RNN")`: it lends you the course's version, without
#   the points, and you can read on.

# %% [markdown]
# This is **the map**: the whole Transformer, with your place in it. Pieces you have passed are
# filled in. Today's seven aren't in it: the hatched frames mark where recurrent networks stood
# before.

# %%
figures.transformer_map("01-rnn-recap")

# %% [markdown]
# ---
# ## 1 · Sequences in, sequences out
#
# > this cat is very large → este gato es muy ____
#
# You can fill the blank, even with little Spanish. What did you have to know for it?
#
# Many tasks have this shape, a sequence in and a sequence out:
#
# | task | in | out |
# |---|---|---|
# | translation | English words | Spanish words |
# | spelling correction | letters: *recieve* | letters: *receive* |
# | part-of-speech tagging | words | a tag for each word |
# | speech recognition | slices of sound | letters |
#
# Lesson 10 does all four with one architecture. Today's example is translation.

# %% [markdown]
# ### One word at a time
#
# A translation is written from left to right. Each new word is chosen by looking at the source
# and **at what has been written so far**. A model that feeds on its own output is called
# **autoregressive**:
#
# $$p(y_1 \dots y_T \mid \text{source}) = \prod_{t=1}^{T} p(y_t \mid y_1 \dots y_{t-1}, \text{source})$$
#
# The smallest such model looks at one word back and at no source. It counts which word follows
# which. The course has its own corpus for that, the **phrasebook**: 32,000 pairs of sentences in
# English and Spanish.

# %%
pairs = phrasebook.load_phrasebook("train")


def words_of(sentence):
    """Lower case, without marks, as a list."""
    return phrasebook.normalise(sentence).split()


for pair in pairs[:3]:
    print(pair.english, "→", pair.spanish)

# %%
followers = {}
for pair in pairs:
    for word, following in pairwise(words_of(pair.spanish)):
        followers.setdefault(word, Counter())[following] += 1

for word in ("muy", "gato"):
    print(word, "→", followers[word].most_common(3))

# %% [markdown]
# After *muy* (very), *triste* (sad) is the most frequent word. So the model writes "este gato es
# muy triste". Fluent, but nobody asked whether the cat is sad: the source plays no part.
#
# **Break it.** Give it a house: "esta casa es muy …". What comes now? And after "estos gatos son
# muy …", several cats? Guess, then run.

# %%
for start in ("este gato es muy", "esta casa es muy", "estos gatos son muy"):
    last_word = start.split()[-1]
    print(start, followers[last_word].most_common(1)[0][0])

# %% [markdown]
# Three times the same word. A house doesn't get sad, and several cats are *tristes*. The model
# sees *muy* and nothing else. It needs a **memory** of what came before.

# %% [markdown]
# ---
# ## 2 · A memory that is rewritten at every word
#
# A sentence can have any length. A vector has a fixed size. How do you keep a sentence of any
# length in a vector of a fixed size?
#
# A **recurrent network** reads one word at a time and keeps a vector $h$, the **hidden state**.
# At every word it makes a new state from the word and the old state.
#
# ### By hand
#
# Take a state of one number. The word says 1 for "cat" and 0 for anything else. The new state is
# $\tanh(x + 0.5\,h)$, and tanh squeezes any number into −1 … 1.
#
# | word | $x$ | old $h$ | $x + 0.5\,h$ | new $h$ |
# |---|---|---|---|---|
# | cat | 1 | 0 | 1 | tanh(1) = **0.76** |
# | is | 0 | 0.76 | 0.38 | tanh(0.38) = **0.36** |
# | very | 0 | 0.36 | 0.18 | **?** |
# | large | 0 | ? | ? | **?** |

# %%
state = torch.tensor(0.0)
for word, x in (("cat", 1.0), ("is", 0.0), ("very", 0.0), ("large", 0.0)):
    state = torch.tanh(x + 0.5 * state)
    print(f"{word:6s} state {state:.2f}")

# %% [markdown]
# Three words later, 0.09 of the cat is left. Keep that number in mind: it is the whole problem of
# this lesson in four lines.
#
# ### The formula
#
# Words and states are vectors, so the two factors become matrices, and there is a bias:
#
# $$h_t = \tanh(x_t W_{xh} + h_{t-1} W_{hh} + b)$$
#
# The same three parameters serve every word. Here is the network, unrolled over a sentence:

# %%
figures.unrolled_network("this cat is very large".split())

# %% [markdown]
# ### Exercise 1: `rnn_step`
#
# *Difficulty 1 of 5 · importance 4 of 5 · 5 minutes · 2 points*
#
# One step, for a whole batch of sentences: each row of `x_t` is the current word of one sentence.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Two things meet inside the tanh, the word and the old state. What has to happen to each of them
# before they can be added to each other and to b?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# x_t (batch, input) times W_xh (input, hidden) is (batch, hidden). h (batch, hidden) times W_hh
# (hidden, hidden) is (batch, hidden) too. b (hidden,) is added to every row by itself.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# share of the word   = x_t times W_xh
# share of the memory = h times W_hh
# answer = tanh of (both shares and b, added up)
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "rnn_step-answer", "locked": false, "solution": true, "task": false}
def rnn_step(
    x_t: torch.Tensor,
    h: torch.Tensor,
    W_xh: torch.Tensor,
    W_hh: torch.Tensor,
    b: torch.Tensor,
) -> torch.Tensor:
    """x_t (batch, input), h (batch, hidden), W_xh (input, hidden), W_hh (hidden, hidden),
    b (hidden,) -> the new state (batch, hidden).

    Rule: tanh(x_t W_xh + h W_hh + b).
    """
    ### BEGIN SOLUTION
    return torch.tanh(x_t @ W_xh + h @ W_hh + b)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "rnn_step", "locked": true, "points": 2, "solution": false, "task": false}
check("rnn_step")

# %% [markdown]
# Does it know the example that you did by hand? A batch of one sentence, one feature, one hidden
# number:

# %%
one, half, none = torch.tensor([[1.0]]), torch.tensor([[0.5]]), torch.zeros(1)
h = torch.zeros(1, 1)
for x in (one, 0 * one, 0 * one, 0 * one):
    h = rnn_step(x, h, one, half, none)
    print(h)

# %% [markdown]
# **Break it.** What if the old state counts fully, with a factor of 1 instead of 0.5? And with 3?
# Guess what is left of the cat after 20 words.

# %%
for factor in (0.5, 1.0, 3.0):
    h = rnn_step(one, torch.zeros(1, 1), one, one * factor, none)
    for _ in range(20):
        h = rnn_step(0 * one, h, one, one * factor, none)
    print(f"factor {factor}: {h.item():.6f}")

# %% [markdown]
# With 0.5 it is gone. With 1 it fades slowly, because tanh always takes a little. With 3 it is
# stuck at 0.995: any word above 0 would have left the same mark. None of them remembers well.
# Section 5 measures this for real networks.

# %% [markdown]
# ---
# ## 3 · A whole sentence, and its padding
#
# Two sentences of a batch have 5 and 2 words. A tensor is a rectangle. What does the network read
# after the second sentence has ended?
#
# Short sentences are filled up with **padding**. Numbers stand there too, and a careless network
# reads them. Its last state then belongs to a sentence that nobody wrote.

# %%
batch = ["this cat is very large".split(), "it sleeps".split(), "my cat is tired".split()]
figures.padded_batch(batch)

# %% [markdown]
# ### By hand
#
# Back to the state of one number, with the factor 0.5. The second sentence has length 2, and its
# padding happens to be zeros:
#
# | index | 0 | 1 | 2 | 3 | 4 |
# |---|---|---|---|---|---|
# | word | it | sleeps | `<pad>` | `<pad>` | `<pad>` |
# | $x$ | 1 | 1 | 0 | 0 | 0 |
# | state | 0.76 | **0.88** | 0.41 | 0.20 | 0.10 |
#
# The sentence's own last state is 0.88, at index length − 1. The state at the end of the
# rectangle is 0.10: three steps of reading nothing have worn it down. **Zeros don't protect a
# state; a step changes it whatever it reads.**

# %% [markdown]
# ### A network as a class
#
# A network in PyTorch is a class made from `nn.Module`. Its `__init__` begins with
# `super().__init__()` and keeps the weights: `self.W = nn.Parameter(torch.empty(2, 3))` makes a
# tensor that training may change. `torch.empty` holds whatever lay in memory, so fill it before
# use. `net(x)` calls its `forward(x)`.

# %% [markdown]
# ### Exercise 2: `RNN`
#
# *Difficulty 3 of 5 · importance 4 of 5 · 20 minutes · 5.5 points*
#
# - Parameters, by name: `W_xh` (input, hidden), `W_hh` (hidden, hidden), `b` (hidden,), each an
#   `nn.Parameter`. They start uniform between −1/√hidden and 1/√hidden:
#   `torch.empty(…).uniform_(-bound, bound)`.
# - `forward(x, lengths=None)` starts from a state of zeros and returns `(outputs, last)`.
# - With `lengths`, outputs past a sentence's end are **zero**, and `last` is each sentence's
#   **own** last real state. Lengths come in any order.
#
# Use your `rnn_step`. torch's own `nn.RNN` is the answer itself.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# Read on through the padding, for every sentence; that keeps the loop short. Which states of the
# rectangle must nobody see afterwards, and at which index does each sentence have its last one?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# x[:, t] is (batch, input), a state (batch, hidden). `x.new_zeros(batch, hidden)` makes zeros like
# x. `torch.stack(states, dim=1)` is (batch, length, hidden). A mask of the real steps is
# `torch.arange(length) < lengths[:, None]`, (batch, length); it needs one more axis to line up with
# the outputs. `outputs[torch.arange(batch), index]` picks one state a sentence.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth: keep three parameters, random and small
# forward:  state = zeros
#           for each index t: state = a step with the words at t; keep it
#           outputs = all states beside each other, along dimension 1
#           without lengths: answer outputs, state
#           last    = for each sentence, its output at length − 1
#           outputs = zero wherever t is not below the sentence's length
#           answer outputs, last
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "RNN-answer", "locked": false, "solution": true, "task": false}
class RNN(nn.Module):
    """A vanilla recurrent network, from left to right. Parameters: W_xh, W_hh, b."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        bound = 1 / math.sqrt(hidden_size)
        self.W_xh = nn.Parameter(torch.empty(input_size, hidden_size).uniform_(-bound, bound))
        self.W_hh = nn.Parameter(torch.empty(hidden_size, hidden_size).uniform_(-bound, bound))
        self.b = nn.Parameter(torch.empty(hidden_size).uniform_(-bound, bound))
        ### END SOLUTION

    def forward(
        self, x: torch.Tensor, lengths: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """x (batch, length, input), lengths (batch,) or None
        -> outputs (batch, length, hidden), last (batch, hidden).

        Rule: rnn_step at every index, from a state of zeros. Outputs past a sentence's end are
        zero; last is each sentence's own last real state.
        """
        ### BEGIN SOLUTION
        state = x.new_zeros(x.size(0), self.b.size(0))
        states = []
        for x_t in x.unbind(dim=1):
            state = rnn_step(x_t, state, self.W_xh, self.W_hh, self.b)
            states.append(state)
        outputs = torch.stack(states, dim=1)  # (B, T, hidden)
        if lengths is None:
            return outputs, state
        lengths = lengths.to(x.device)
        last = outputs[torch.arange(x.size(0), device=x.device), lengths - 1]
        real = torch.arange(x.size(1), device=x.device) < lengths.unsqueeze(1)  # (B, T)
        return outputs * real.unsqueeze(-1), last
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "RNN", "locked": true, "points": 5.5, "solution": false, "task": false}
check("RNN")

# %% [markdown]
# <details><summary>If the check speaks of <b>dtypes</b></summary>
#
# The check works in float64. `torch.zeros(…)` makes float32; `x.new_zeros(…)` makes what x is.
#
# </details>
#
# <br>
#
# PyTorch has this network too. With the same weights it should return the same. (It keeps its
# matrices turned round, hence `.T`, and two biases.)

# %%
rnn, torchs = RNN(3, 4), nn.RNN(3, 4, batch_first=True)
with torch.no_grad():
    torchs.weight_ih_l0.copy_(rnn.W_xh.T)
    torchs.weight_hh_l0.copy_(rnn.W_hh.T)
    torchs.bias_ih_l0.copy_(rnn.b)
    torchs.bias_hh_l0.zero_()
    x = torch.randn(2, 5, 3)
    print("same outputs as torch's:", torch.allclose(rnn(x)[0], torchs(x)[0], atol=1e-6))

# %% [markdown]
# ### On real sentences
#
# The batch from above, with random vectors for the words. *It sleeps* is read alone and in the
# batch, with its lengths and without. Which of the three states should agree?

# %%
vector = {word: torch.randn(8) for sentence in batch for word in sentence}
vector["<pad>"] = torch.randn(8)
filled = [sentence + ["<pad>"] * (5 - len(sentence)) for sentence in batch]
x = torch.stack([torch.stack([vector[word] for word in row]) for row in filled])
lengths = torch.tensor([len(sentence) for sentence in batch])

rnn = RNN(8, 3)
with torch.no_grad():
    print("alone:          ", rnn(x[1:2, :2])[1][0])
    print("with lengths:   ", rnn(x, lengths)[1][1])
    print("without lengths:", rnn(x)[1][1])

# %% [markdown]
# **Break it.** Without lengths the state has read `<pad>` three times. Put other numbers into the
# padding, and the "meaning" of *it sleeps* changes:

# %%
with torch.no_grad():
    for _ in range(3):
        x[1, 2:] = torch.randn(8)
        print("without lengths:", rnn(x)[1][1], " with:", rnn(x, lengths)[1][1])

# %% [markdown]
# This bug raises no error. It makes a model a little worse, differently in every batch. Padding
# comes back in every lesson of this course.

# %% [markdown]
# ---
# ## 4 · The bank
#
# > I arrived at the **bank** after crossing the … street? … river?
#
# Money or water? When you read *bank*, you can't know. You wait for the last word, then you go
# back in your mind and settle it. What does a network do that can't go back?
#
# Its state at *bank* was made from the first five words, and they are the same in both sentences.
# So that state is the same too. Whatever it says about *bank*, it is wrong once in two times.

# %% [markdown]
# ### The idea: a second reader, from the right
#
# Let another network read the sentence backwards. At *bank* it has already seen *river the
# crossing after*. Put the two states side by side, and every word knows both its past and its
# future: a **bidirectional** network.

# %% [markdown]
# ### By hand
#
# The backward reader needs the words in reverse, and each of its outputs must return to its own
# word. Without padding that is one `flip` before and one after. With padding, watch out:

# %%
figures.turned_round(["this cat sleeps".split(), "it sleeps".split()])

# %% [markdown]
# In the middle, the backward reader of the second sentence starts with padding. On the right, each
# sentence is turned round **within its own length**. If a sentence has $n$ words, position $t$
# takes the word at $n - 1 - t$:
#
# | $t$ | 0 | 1 | 2 |
# |---|---|---|---|
# | $n = 2$: takes | 1 | 0 | 2 (padding stays) |
# | $n = 3$: takes | 2 | 1 | 0 |
#
# Do it twice and everything is back in its place. So the same order turns the outputs back.

# %% [markdown]
# ### Exercise 3: `BidirectionalRNN`
#
# *Difficulty 4 of 5 · importance 3 of 5 · 20 minutes · 4 points*
#
# Two networks of your own, `forward_rnn` and `backward_rnn`. `forward(x, lengths=None)` returns the
# outputs alone: the forward state first, then the backward state, side by side.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# Your RNN already handles padding, as long as each sentence starts at index 0. How can you hand it
# sentences that run backwards and still start at index 0?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# An index `order` (batch, length) says which word each position takes: n − 1 − t where that is 0 or
# more, else t itself. `x[torch.arange(batch)[:, None], order]` is x in that order, (batch, length,
# input). A loop over the sentences with `row[:n].flip(0)` does it too. The two outputs, each
# (batch, length, hidden), join along the last dimension.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# ahead  = outputs of forward_rnn on x, with the lengths
# turned = x, each sentence turned round within its own length, padding left in place
# behind = outputs of backward_rnn on turned, with the lengths
# behind = turned round in the same way
# answer = ahead and behind, joined along the features
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "BidirectionalRNN-answer", "locked": false, "solution": true, "task": false}
class BidirectionalRNN(nn.Module):
    """Two readers of one sentence: forward_rnn from its start, backward_rnn from its end."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.forward_rnn = RNN(input_size, hidden_size)
        self.backward_rnn = RNN(input_size, hidden_size)
        ### END SOLUTION

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """x (batch, length, input), lengths (batch,) or None -> (batch, length, 2 · hidden).

        Rule: forward states and backward states side by side at every word. The backward
        network starts at each sentence's own last word; outputs past the end are zero.
        """
        ### BEGIN SOLUTION
        steps = torch.arange(x.size(1), device=x.device)
        ends = steps.new_full((x.size(0),), x.size(1)) if lengths is None else lengths.to(x.device)
        order = ends.unsqueeze(1) - 1 - steps  # (B, T)
        order = torch.where(order >= 0, order, steps)
        rows = torch.arange(x.size(0), device=x.device).unsqueeze(1)
        ahead, _ = self.forward_rnn(x, lengths)
        behind, _ = self.backward_rnn(x[rows, order], lengths)
        return torch.cat([ahead, behind[rows, order]], dim=-1)
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "BidirectionalRNN", "locked": true, "points": 4, "solution": false, "task": false}
check("BidirectionalRNN")

# %% [markdown]
# <details><summary>If the check speaks of <b>x.flip(1)</b></summary>
#
# `x.flip(1)` turns round the whole row, padding included. It is right for the longest sentence of
# the batch only. Turn round `x[row, :n]` for each row, or use an index.
#
# </details>
#
# <br>
#
# ### On real sentences
#
# The phrasebook has over 2,500 training sentences with a *bank* in them, and knows for each which
# one is meant. Train two readers to say, from *bank* on, at every word: is it the river's? One
# reads from left to right, one in both directions.

# %%
with_bank = [pair for pair in pairs if pair.sense and "bank" in words_of(pair.english)]
index = {"<pad>": 0}
for pair in with_bank:
    for word in words_of(pair.english):
        index.setdefault(word, len(index))


def bank_batch(some):
    """Word numbers (batch, length), lengths, where bank stands, and 1.0 for the river's."""
    rows = [[index[word] for word in words_of(pair.english)] for pair in some]
    lengths = torch.tensor([len(row) for row in rows])
    x = torch.tensor([row + [0] * (int(lengths.max()) - len(row)) for row in rows])
    river = torch.tensor([float(pair.sense == "river") for pair in some])
    where = (x == index["bank"]).int().argmax(1)
    return [tensor.to(device) for tensor in (x, lengths, where, river)]


# %%
class BankReader(nn.Module):
    def __init__(self, both_ways, d=32, hidden=48):
        super().__init__()
        self.embedding = nn.Embedding(len(index), d)
        self.rnn = BidirectionalRNN(d, hidden) if both_ways else RNN(d, hidden)
        self.answer = nn.Linear(2 * hidden if both_ways else hidden, 1)

    def forward(self, x, lengths):
        outputs = self.rnn(self.embedding(x), lengths)
        outputs = outputs if isinstance(outputs, torch.Tensor) else outputs[0]
        return self.answer(outputs).squeeze(-1)  # (B, T), above 0 for the river


# %%
def train_bank_reader(both_ways, epochs=6):
    model = BankReader(both_ways).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        for some in torch.randperm(len(with_bank)).split(64):
            x, lengths, where, river = bank_batch([with_bank[i] for i in some.tolist()])
            steps = torch.arange(x.size(1), device=device)
            asked = (steps >= where[:, None]) & (steps < lengths[:, None])
            wanted = river[:, None].expand(x.shape)
            loss = nn.functional.binary_cross_entropy_with_logits(
                model(x, lengths)[asked], wanted[asked]
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


# %% tags=["nbval-ignore-output"]
one_way, two_ways = train_bank_reader(both_ways=False), train_bank_reader(both_ways=True)
probes = [probe.pair for probe in phrasebook.load_probes("bank")]
x, lengths, where, river = bank_batch(probes)
for name, model in (("left to right", one_way), ("both directions", two_ways)):
    with torch.no_grad():
        says_river = model(x, lengths) > 0
    for place, at in (("at “bank”", where), ("at the last word", lengths - 1)):
        right = (says_river.gather(1, at[:, None])[:, 0] == (river > 0)).float().mean()
        print(f"{name:16s} {place:17s} {right:.0%} right")

# %% [markdown]
# The 336 test sentences come in pairs that differ in the last word, as in the example, and none of
# them was in training. Left to right, *bank* is a coin toss: **exactly** 50 %, because both
# sentences of a pair get the same answer. At the last word the same network is right.
#
# Look at it word by word:

# %% tags=["nbval-ignore-output"]
sentences = [words_of(pair.english) for pair in probes[:2]]
x, lengths, _, _ = bank_batch(probes[:2])
with torch.no_grad():
    beliefs = {
        name: torch.sigmoid(model(x, lengths))
        for name, model in (("left to right", one_way), ("both directions", two_ways))
    }
figures.belief_by_word(
    sentences,
    beliefs,
    "A left-to-right reader has to wait for the last word; a reader in both directions doesn't",
    "probability of\nthe river's bank",
    "bank",
)

# %% [markdown]
# Only the part from *bank* on was trained. On the left the two lines are one line until the last
# word. On the right they are apart at *bank* already, and even before it: the reader from the right
# comes from the last word.
#
# So is a bidirectional network the end of the story? For **reading**, it helps a lot. But it can't
# **write**: a writer doesn't know its own future. And each of its two readers still has the
# memory of section 2, the one that kept 0.09 of a cat.

# %% [markdown]
# *A good place for a break.*
#
# ---
# ## 5 · How far back does learning reach?
#
# A network learns by asking, for each weight and each word: "if this had been a little different,
# how would the result have changed?" The answer is a gradient. How much of it arrives at a word 60
# steps back?
#
# ### By hand
#
# The state of one number again: $h_t = \tanh(x_t + w\,h_{t-1})$. Near 0, tanh has the slope 1. So a
# change of $h_{t-1}$ by a little changes $h_t$ by $w$ times that. After 10 steps:
#
# | $w$ | $w^{10}$ | after 60 steps |
# |---|---|---|
# | 0.5 | 0.001 | 0.000 000 000 000 000 001 |
# | 1 | 1 | 1 |
# | 2 | 1,024 | 1,152,921,504,606,846,976 |
#
# One factor, many times over: it **vanishes** or it **explodes**. There is hardly anything in
# between.

# %% [markdown]
# ### The formula
#
# With vectors, each step contributes a matrix instead of a factor. Where tanh gives
# the result $h$, its slope is $1 - h^2$, never above 1:
#
# $$\frac{\partial h_T}{\partial h_t} = \prod_{s=t+1}^{T} W_{hh} \, \text{diag}(1 - h_s^2)$$
#
# (Multiply from left to right, with $s$ rising. In the Jacobian below rows and columns change
# places, which leaves the norm as it is.)
#
# What does a matrix do when it is applied again and again? That depends on its **spectral
# radius** $\rho$, the size of its largest eigenvalue: in the long run each step multiplies by about
# $\rho$. It plays the part of $w$ in the table.

# %% [markdown]
# ### What we measure
#
# `last` has several numbers, and so has each word. Every number of `last` has a slope with respect
# to every number of word $t$: a table of slopes, the **Jacobian** $\partial\,\text{last} / \partial x_t$. To get
# one number for each word, take its **Frobenius norm**: square all entries, add them up, take the
# root.
#
# Say `last` has 2 numbers and a word has 3:
#
# | | word's 1st | 2nd | 3rd |
# |---|---|---|---|
# | **last's 1st** | 0.3 | 0 | 0.4 |
# | **last's 2nd** | 0 | −1.2 | 0 |
#
# Norm: $\sqrt{0.09 + 0.16 + 1.44} = \sqrt{1.69} = 1.3$. If you added up the rows first, 0.3 and
# −0.3 would cancel. Slopes of opposite sign are still slopes.

# %% [markdown]
# ### Exercise 4: `gradient_reach`
#
# *Difficulty 3 of 5 · importance 4 of 5 · 15 minutes · 3.5 points*
#
# `rnn(x)` returns `(outputs, last)` with last (1, hidden), as your `RNN` does. It may be any
# network. The sentence is alone in its batch.
#
# One thing to know: `torch.autograd.grad(number, x, retain_graph=True)` returns a tuple with the
# gradient of one number with respect to x. Unlike `.backward()` it leaves no `.grad` behind in the
# network's weights, and a measurement should leave nothing behind. `retain_graph=True` keeps the
# record of the computation for the next number.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# `autograd.grad` takes one number at a time and gives one row of the table, for all words at once.
# How many numbers does last have? And what must x be told so that torch keeps its slopes?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# `x.detach().clone().requires_grad_()` is a copy of x whose slopes are kept. last is (1, hidden),
# so `last[0, i]` is one number. The gradient of one number is (1, length, input). All of them,
# stacked: (hidden, length, input) once the batch axis is gone. The result is (length,), so two of
# these axes are summed over.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# words = a copy of x that asks for gradients
# last  = what the network returns second, for these words
# total = 0
# for each number of last:
#     slopes = gradient of that number by words, graph kept
#     total  = total + the squares of slopes, added up over the features
# answer = root of total, without the batch axis
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "gradient_reach-answer", "locked": false, "solution": true, "task": false}
def gradient_reach(rnn: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """x (1, length, input) -> (length,): how strongly each word still moves the last state.

    Rule: for every t, the Frobenius norm of the Jacobian of last with respect to x[0, t], where
    outputs, last = rnn(x). No .grad of the network is touched.
    """
    ### BEGIN SOLUTION
    words = x.detach().clone().requires_grad_()
    _, last = rnn(words)
    rows = [torch.autograd.grad(each, words, retain_graph=True)[0][0] for each in last.flatten()]
    return torch.stack(rows).square().sum(dim=(0, 2)).sqrt()  # (hidden, T, input) -> (T,)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "gradient_reach", "locked": true, "points": 3.5, "solution": false, "task": false}
check("gradient_reach")

# %% [markdown]
# ### Measured: three radii
#
# A network with 32 hidden numbers whose $W_{hh}$ is random and then scaled to the radius that we
# want, and a "sentence" of 60 random words:


# %%
def network_of_radius(radius, size=32):
    random = torch.Generator().manual_seed(0)
    rnn = RNN(size, size)
    W = torch.randn(size, size, generator=random)
    with torch.no_grad():
        rnn.W_hh.copy_(W * radius / torch.linalg.eigvals(W).abs().max())
        rnn.W_xh.copy_(torch.randn(size, size, generator=random) / size**0.5)
        rnn.b.zero_()
    return rnn


words60 = 0.1 * torch.randn(1, 60, 32, generator=torch.Generator().manual_seed(5))
vanilla = {
    f"radius {radius}": gradient_reach(network_of_radius(radius), words60)
    for radius in (0.5, 1.0, 2.0)
}

# %% [markdown]
# And a **GRU**, the recurrent network that people really used. It has gates: at each step a gate
# $z$ decides, number by number, how much of the old state is **kept as it is**:
#
# $$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot \text{candidate}_t$$
#
# What is kept isn't multiplied by $W_{hh}$ and not squashed. A new GRU has gates around 0.5. We
# also make one whose gates start near 0.98, by a bias of 4: sigmoid(4) = 0.98.


# %%
class GRU(nn.GRU):
    """torch's GRU that returns (outputs, last) as your RNN does."""

    def forward(self, x):
        outputs, last = super().forward(x)
        return outputs, last[0]


def gru_with_gates(bias, inputs=32, hidden=32):
    gru = GRU(inputs, hidden, batch_first=True)
    with torch.no_grad():
        gru.bias_hh_l0[hidden : 2 * hidden] += bias  # the update gate's share of the biases
    return gru


gated = {
    "new": gradient_reach(gru_with_gates(0.0), words60),
    "gates near 0.98": gradient_reach(gru_with_gates(4.0), words60),
}

# %% tags=["nbval-ignore-output"]
figures.gradient_reach_curves(
    {"vanilla RNN": vanilla, "GRU": gated},
    "The reach of a vanilla RNN vanishes or explodes; a GRU that keeps its memory stays level",
    "How strongly a word moves the last state, by how far back it is. Measured in this notebook.",
)

# %% [markdown]
# Read the blue line on the left. A word 30 steps back moves the last state some billion times less
# than the last word does. Nothing can be learned from it: beside the other words it drowns in
# rounding.
#
# With radius 1 the gradient fades (tanh takes its share). With radius 2 it grows several hundred
# times over 60 words. By hand, $w = 2$ gave $10^{18}$: tanh holds most of it back, not all.
#
# On the right, note that a **new** GRU vanishes as well. Its gates keep about half at each step,
# and the candidate hands on a little more: together between 0.6 and 0.7 a step. After 30 steps
# about a millionth is left. Gates help **if** they are open. Training can open them, and a bias can
# give it a good start.

# %% [markdown]
# **Break it yourself.** Move the slider. Is there a radius at which the curve stays level over all
# 60 words? How wide is the range around it?

# %% tags=["nbval-ignore-output"]
figures.gradient_reach_explorer(lambda radius: gradient_reach(network_of_radius(radius), words60))

# %% [markdown]
# It's a narrow ridge, a little above 1 here, and training moves the weights off it with every
# step. That is why a vanilla RNN learns so slowly: early words have next to no say in what it
# learns.

# %% [markdown]
# ---
# ## 6 · When gradients explode: clip them
#
# One batch in a hundred gives a gradient 50 times as long as usual. What does a single step with
# it do to your weights?
#
# It throws them far away from everything learned so far. The cure is blunt: if a gradient is too
# long, **shorten it and keep its direction**.
#
# ### By hand
#
# Two parameters, with the gradients $(3, 0)$ and $(0, 4)$. All gradients together are one long
# vector $(3, 0, 0, 4)$ with the norm $\sqrt{9 + 16} = 5$. Let `max_norm` be 1:
#
# | | factor | first | second | joint norm |
# |---|---|---|---|---|
# | before | | (3, 0) | (0, 4) | 5 |
# | one factor for all | 1/5 | (0.6, 0) | (0, 0.8) | **1** |
# | each by its own norm | 1/3, 1/4 | (1, 0) | (0, 1) | 1.41 |
#
# The last line bends the direction: first and second were 3 : 4 and are now 1 : 1. Use one factor.

# %% [markdown]
# ### The rule
#
# $$\text{norm} = \sqrt{\textstyle\sum_{\text{all numbers}} g^2} \qquad g \leftarrow g \cdot \min\!\left(1, \frac{\text{max\_norm}}{\text{norm}}\right)$$
#
# ### Exercise 5: `clip_gradients_`
#
# *Difficulty 2 of 5 · importance 4 of 5 · 10 minutes · 3.5 points*
#
# - It works **in place**, on each parameter's `.grad`. Hence the `_` at the end of its name.
# - It returns the norm from **before** clipping: that's how you notice an explosion.
# - `parameters` may be a generator, as `model.parameters()` is: it can be walked through once.
# - A parameter that took no part in the loss has `.grad` None: skip it. All gradients may be zero.
#
# torch's `clip_grad_norm_` is the answer itself.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# You need all gradients twice: once for the norm, once for the scaling. What do you have to make of
# a generator first?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# Each gradient has its parameter's shape. `g.square().sum()` is one number. The norm is one number
# for all parameters together. `g.mul_(factor)` scales a gradient in place; `g = g * factor` makes a
# new tensor and leaves the old one alone.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# gradients = a list of every .grad that is not None
# norm      = root of the sum of all squares, over all of them
# if norm is larger than max_norm:
#     scale every gradient in place by max_norm / norm
# answer = norm
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "clip_gradients_-answer", "locked": false, "solution": true, "task": false}
def clip_gradients_(parameters, max_norm: float) -> torch.Tensor:
    """parameters: any iterable of parameters -> the joint norm of their gradients before clipping.

    Rule: scale all gradients in place by one factor, so that their joint norm is at most
    max_norm. Shorter gradients stay as they are; a .grad of None is skipped.
    """
    ### BEGIN SOLUTION
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = sum(gradient.square().sum() for gradient in gradients).sqrt()
    if norm > max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / norm)
    return norm
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "clip_gradients_", "locked": true, "points": 3.5, "solution": false, "task": false}
check("clip_gradients_")

# %% [markdown]
# ### Does it help? A memory task
#
# The network sees one of 8 signs, then a row of random other signs. At the end it should name the
# first. Nothing but memory is asked for, and the distance is ours to choose.

# %%
SIGNS = 8


def draw_rows(count, distance):
    """One-hot rows (count, distance + 1, 16), and the sign that came first (count,)."""
    signs = torch.randint(SIGNS, (count, distance + 1))
    signs[:, 1:] += SIGNS  # the noise uses other signs
    return nn.functional.one_hot(signs, 2 * SIGNS).float().to(device), signs[:, 0].to(device)


# %%
def train_memory(rnn, hidden, distance, steps, optimizer_of, max_norm):
    """Train a network to name the first sign; its accuracy at every tenth step."""
    answer = nn.Linear(hidden, SIGNS).to(device)
    parameters = [*rnn.to(device).parameters(), *answer.parameters()]
    optimizer, curve = optimizer_of(parameters), []
    for step in range(steps + 1):
        x, first = draw_rows(64, distance)
        logits = answer(rnn(x)[1])
        if step % 10 == 0:
            curve.append((logits.argmax(-1) == first).float().mean().item())
        optimizer.zero_grad()
        nn.functional.cross_entropy(logits, first).backward()
        clip_gradients_(parameters, max_norm)
        optimizer.step()
    return curve


# %% [markdown]
# Radius 2, plain gradient descent, distance 10, three starts each. `max_norm=1` clips;
# `max_norm=1e9` never does.


# %%
def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.3)


curves = {"clipped": [], "not clipped": []}
for start in (1, 2, 3):
    for name, max_norm in (("clipped", 1.0), ("not clipped", 1e9)):
        seed(start)
        rnn = RNN(2 * SIGNS, 32)
        with torch.no_grad():
            W = torch.randn(32, 32)
            rnn.W_hh.copy_(2.0 * W / torch.linalg.eigvals(W).abs().max())
        curves[name].append(train_memory(rnn, 32, 10, 200, sgd, max_norm))

# %% tags=["nbval-ignore-output"]
figures.learning_curves(
    curves,
    every=10,
    title="Clipped, every run learns; not clipped, a run may be thrown back",
    legend=(0.66, 0.66),
)

# %% [markdown]
# Clipped, all three runs are at 100 % after 30 to 60 steps. Not clipped, one of three got there at
# step 40 and stayed; the other two rise and are thrown back. (Measured, so yours may differ.)
#
# Clipping cures explosion. It can't cure vanishing: nothing times anything is nothing. How far can
# each network remember, if it is trained well (Adam, clipped)? The next cell trains twelve networks
# and takes about a minute.


# %% tags=["nbval-ignore-output"]
def adam(parameters):
    return torch.optim.Adam(parameters, lr=3e-3)


distances = (5, 10, 20, 40)
remembered = {"vanilla RNN": [], "GRU": [], "GRU, gates open at the start": []}
for distance in distances:
    for name in remembered:
        seed(1)
        vanilla_one = RNN(2 * SIGNS, 48)
        bias = 0.0 if name == "GRU" else 2.0  # a bias of 2: gates near 0.88
        gru = gru_with_gates(bias, 2 * SIGNS, 48)
        rnn = vanilla_one if name == "vanilla RNN" else gru
        curve = train_memory(rnn, 48, distance, 300, adam, 1.0)
        remembered[name].append(sum(curve[-3:]) / 3)

# %% tags=["nbval-ignore-output"]
figures.share_curves(
    distances,
    remembered,
    "Over 40 words, only the network whose gates were opened beforehand remembers",
    "words between the sign and the question",
    chance=1 / SIGNS,
)

# %% [markdown]
# All three learn distance 10 in 300 steps. At 20 it depends on luck (another seed, another
# picture), at 40 on the gates. So a GRU isn't blind to the past. But what it keeps must pass through
# **every** step in between, and the gate must have stayed open at each of them.

# %% [markdown]
# ---
# ## 7 · One vector for a whole sentence, and the way out
#
# A translator with recurrent networks has two parts. The **encoder** reads the English sentence;
# its last state is handed to the **decoder**, which writes Spanish from it. How many words fit into
# one vector of 192 numbers? (192 is the size in the model below: 96 from each direction. The
# picture shows the reader from the left only.) Does a sentence of 12 words fit as well as one
# of 4?
#
# ### The first cure
#
# The encoder makes a state at **every** word. Why throw all but the last away? Keep them. Let the
# decoder, before each word it writes, look over all of them and take what it needs: a weighted sum,
# with weights that fit the moment. This is **attention**, in 2014 an addition to a recurrent
# network.

# %%
figures.two_translators(
    "this cat is very large".split(),
    "este gato es muy grande".split(),
    writing=4,
    weights=[0.02, 0.08, 0.05, 0.1, 0.75],
)

# %% [markdown]
# ### By hand
#
# The decoder is about to write the word for *large*. Its state is the **query**; the encoder's
# states are the **keys**, what is compared, and the **values**, what is taken home. Say three keys
# got the scores 0, 0 and 2. Softmax turns scores into weights (lesson 02 takes it apart):
# $e^0, e^0, e^2$ are 1, 1, 7.39, divided by their sum 9.39 (rounded; together they are 1):
#
# | word | score | weight | value | weight × value |
# |---|---|---|---|---|
# | cat | 0 | 0.11 | (1, 0) | (0.11, 0) |
# | very | 0 | 0.11 | (0, 0) | (0, 0) |
# | large | 2 | 0.79 | (0, 1) | (0, 0.79) |
# | **context** | | | | **(0.11, 0.79)** |

# %% [markdown]
# ### The score
#
# How well does a key fit a query? Bahdanau, Cho and Bengio ask a tiny network. Query and key each
# pass through a matrix; they are **added**, squashed, and weighed by a vector $v$:
#
# $$\text{score}_i = v \cdot \tanh(q\,W_q + k_i\,W_k) \qquad w = \text{softmax}(\text{score}) \qquad \text{context} = \sum_i w_i\,v_i$$
#
# ($v$ without an index is the vector of the score, $v_i$ is the value of word $i$. One letter,
# two meanings.)

# %% [markdown]
# **Padding** must get nothing. So there is a mask: **True means "may attend"**. Where it is False,
# the score becomes a hugely negative number *before* the softmax, and its weight is $e^{-\text{huge}} = 0$.
# If a row may attend to nothing at all, all its weights should be 0, and so should its context.

# %% [markdown]
# ### Exercise 6: `additive_attention`
#
# *Difficulty 4 of 5 · importance 5 of 5 · 20 minutes · 5 points*
#
# One query for each sentence of the batch, over that sentence's `n` words. `torch.softmax` is fine
# to use. With −∞ as the score it gives NaN for a row that is masked throughout. So fill with
# `torch.finfo(scores.dtype).min`, the lowest finite number, and set the masked weights to 0
# afterwards.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# There is one query but n keys in each sentence. How does the query's projection line up with
# those of all n keys, so that it can be added to each?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# query @ W_q is (batch, d_a); keys @ W_k is (batch, n, d_a). `.unsqueeze(1)` makes the first (batch,
# 1, d_a), and then they add up. Times v (d_a,) with @ gives scores (batch, n). Softmax runs along
# n. Weights as (batch, 1, n) times values (batch, n, d_v) is (batch, 1, d_v).
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# hidden  = tanh of (query times W_q, lined up with the words, plus keys times W_k)
# scores  = hidden times v
# if there is a mask: the lowest finite number wherever it is False
# weights = softmax of the scores along the words
# if there is a mask: 0 wherever it is False
# context = sum over the words of weight times value
# answer  = context first, then weights
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "additive_attention-answer", "locked": false, "solution": true, "task": false}
def additive_attention(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    W_q: torch.Tensor,
    W_k: torch.Tensor,
    v: torch.Tensor,
    mask: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """query (batch, d_q), keys (batch, n, d_k), values (batch, n, d_v), W_q (d_q, d_a),
    W_k (d_k, d_a), v (d_a,), mask (batch, n) -> context (batch, d_v), weights (batch, n).

    Rule: score v · tanh(query W_q + key W_k), softmax along the words, weighted sum of the
    values. True in the mask means "may attend"; a row of False gives zeros.
    """
    ### BEGIN SOLUTION
    hidden = torch.tanh((query @ W_q).unsqueeze(1) + keys @ W_k)  # (B, n, d_a)
    scores = hidden @ v  # (B, n)
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = torch.softmax(scores, dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)
    return (weights.unsqueeze(1) @ values).squeeze(1), weights
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "additive_attention", "locked": true, "points": 5, "solution": false, "task": false}
check("additive_attention")

# %% [markdown]
# <details><summary>If the check speaks of a <b>row with nothing to attend to</b></summary>
#
# Fill with a finite number and softmax shares the 1 out evenly; then the weights must be set to 0
# afterwards. Fill with −∞ and softmax computes 0/0.
#
# </details>
#
# <br>
#
# ### A translator, with your attention and without
#
# Time to see what it is worth. We take the phrasebook's sentences that use its 800 most frequent
# English and 1,600 most frequent Spanish words, up to 14 words long. Sentences for the test were
# never in training.
#
# You needn't read the next four code cells closely: most of it is plumbing. Your own functions are
# in `write` and `train_translator`.


# %%
def vocabulary(sentences, size, extra):
    counts = Counter(word for sentence in sentences for word in sentence)
    return {word: n for n, word in enumerate([*extra, *[w for w, _ in counts.most_common(size)]])}


PAD, BOS, EOS = 0, 1, 2
train_words = [(words_of(pair.english), words_of(pair.spanish)) for pair in pairs]
english = vocabulary([e for e, _ in train_words], 800, ["<pad>"])
spanish = vocabulary([s for _, s in train_words], 1600, ["<pad>", "<bos>", "<eos>"])


def known(pair):
    return (
        len(pair[0]) <= 14
        and all(w in english for w in pair[0])
        and all(w in spanish for w in pair[1])
    )


training = [pair for pair in train_words if known(pair)]
held_out = [*phrasebook.load_phrasebook("valid"), *phrasebook.load_phrasebook("test")]
testing = [(words_of(p.english), words_of(p.spanish)) for p in held_out]
testing = [pair for pair in testing if known(pair)]
print(f"{len(training):,} pairs to train on, {len(testing)} to test on")

# %% [markdown]
# The model: a bidirectional GRU reads, a GRU writes. **With** attention, each of the writer's
# states asks your `additive_attention`. **Without**, it gets the reader's two last states instead,
# at every word. Everything else is equal.


# %%
class Translator(nn.Module):
    def __init__(self, attention, d=96):
        super().__init__()
        self.attention = attention
        self.source, self.target = nn.Embedding(len(english), d), nn.Embedding(len(spanish), d)
        self.reader = nn.GRU(d, d, batch_first=True, bidirectional=True)
        self.first_state = nn.Linear(2 * d, d)
        self.writer = nn.GRU(d, d, batch_first=True)
        self.W_q = nn.Parameter(torch.randn(d, d // 2) / d**0.5)
        self.W_k = nn.Parameter(torch.randn(2 * d, d // 2) / (2 * d) ** 0.5)
        self.v = nn.Parameter(torch.randn(d // 2) / d**0.5)
        self.mix, self.head = nn.Linear(3 * d, d), nn.Linear(d, len(spanish))

    def read(self, source):
        """source (batch, n) -> states (batch, n, 2d), the last ones (batch, 2d), mask (batch, n)."""
        real = source != PAD
        packed = nn.utils.rnn.pack_padded_sequence(
            self.source(source), real.sum(1).cpu(), batch_first=True, enforce_sorted=False
        )
        states, last = self.reader(packed)
        states, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True)
        return states, torch.cat([last[0], last[1]], dim=-1), real

    def write(self, words, memory, state=None):
        """words (batch, T) -> logits (batch, T, Spanish words), next state, weights or None."""
        states, last, real = memory
        if state is None:
            state = torch.tanh(self.first_state(last))[None]
        written, state = self.writer(self.target(words), state)
        weights, context = None, last[:, None].expand(-1, words.size(1), -1)
        if self.attention:
            looks = [
                additive_attention(query, states, states, self.W_q, self.W_k, self.v, real)
                for query in written.unbind(1)
            ]
            context, weights = (torch.stack(parts, 1) for parts in zip(*looks, strict=True))
        mixed = torch.tanh(self.mix(torch.cat([written, context], dim=-1)))
        return self.head(mixed), state, weights


# %% [markdown]
# torch's `pack_padded_sequence` does for its GRU what you did for yours in section 4: the backward
# reader starts at each sentence's own end.
#
# Training: 64 sentences of similar length at a time. The writer is given the right words so far and
# should name the next one. (Lesson 06 says why that is honest.)


# %%
def filled_up(rows):
    longest = max(map(len, rows))
    return torch.tensor([row + [PAD] * (longest - len(row)) for row in rows]).to(device)


def as_tensors(some):
    source = filled_up([[english[word] for word in e] for e, _ in some])
    target = filled_up([[BOS, *[spanish[word] for word in s], EOS] for _, s in some])
    return source, target


def batches(size=64):
    """For ever: batches of sentences of similar length, in a random order."""
    while True:
        mixed = [training[i] for i in torch.randperm(len(training)).tolist()]
        mixed.sort(key=lambda pair: len(pair[0]))
        for start in torch.randperm(len(mixed) // size).tolist():
            yield mixed[start * size : (start + 1) * size]


# %%
def train_translator(attention, steps=1000, peak=4e-3):
    seed(1)
    model = Translator(attention).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=peak)
    for step, some in zip(range(steps), batches(), strict=False):
        optimizer.param_groups[0]["lr"] = peak * min((step + 1) / 50, 1 - step / steps)
        source, target = as_tensors(some)
        logits, _, _ = model.write(target[:, :-1], model.read(source))
        loss = nn.functional.cross_entropy(
            logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD
        )
        optimizer.zero_grad()
        loss.backward()
        clip_gradients_(model.parameters(), 1.0)
        optimizer.step()
    return model


# %% [markdown]
# Both see the same 1,000 batches in the same order. (Without attention, `W_q`, `W_k` and `v` take no
# part in the loss. Their `.grad` is None, and your `clip_gradients_` skips them.)
#
# Each of the next two cells takes about a minute.

# %% tags=["nbval-ignore-output"]
start = time.perf_counter()
with_attention = train_translator(attention=True)
print(f"with attention:    {time.perf_counter() - start:.0f} s")

# %% tags=["nbval-ignore-output"]
start = time.perf_counter()
without_attention = train_translator(attention=False)
print(f"without attention: {time.perf_counter() - start:.0f} s")

# %% [markdown]
# Now they write by themselves: each takes its own most probable word, feeds it back in, and goes on
# until it writes `<eos>`. A translation counts if **every word** is right. That is strict: one wrong
# ending, and it counts for nothing.


# %%
@torch.no_grad()
def translate(model, sentences, longest=18):
    """Lists of English words -> lists of Spanish words, and the attention weights if any."""
    memory = model.read(filled_up([[english[word] for word in s] for s in sentences]))
    word, state, rows, looks = torch.full((len(sentences), 1), BOS).to(device), None, [], []
    for _ in range(longest):
        logits, state, weights = model.write(word, memory, state)
        word = logits.argmax(-1)
        rows.append(word[:, 0])
        looks.append(weights)
    name = {number: word for word, number in spanish.items()}
    numbers = torch.stack(rows, dim=1).tolist()
    ends = [row.index(EOS) if EOS in row else longest for row in numbers]
    written = [[name[n] for n in row[:end]] for row, end in zip(numbers, ends, strict=True)]
    return written, None if looks[0] is None else torch.cat(looks, dim=1)


# %%
RANGES = ((1, 4), (5, 6), (7, 8), (9, 10), (11, 14))


def exact_match(model):
    """The share of test sentences translated without a fault, for each range of lengths."""
    shares = []
    for low, high in RANGES:
        some = [pair for pair in testing if low <= len(pair[0]) <= high]
        written, _ = translate(model, [e for e, _ in some])
        right = [mine == theirs for mine, (_, theirs) in zip(written, some, strict=True)]
        shares.append(sum(right) / len(right))
    return shares


# %% tags=["nbval-ignore-output"]
matches = {
    "with attention": exact_match(with_attention),
    "without attention": exact_match(without_attention),
}
figures.share_curves(
    [f"{low}–{high}" for low, high in RANGES],
    matches,
    "Without attention, long sentences suffer most",
    "words in the English sentence",
    measure="translated without a fault",
)

# %% [markdown]
# Up to 4 words the gap is smallest, one sentence in four or five. From 5 words on, the network without
# attention gets about half as many right, or fewer, and least on the longest. With attention the
# length matters far less. Same data, same number of steps, practically the same number of
# parameters. The difference is what may be looked at.
#
# To be fair: a step with attention takes longer, as the seconds above say. We tried what happens
# when the other gets the same time instead of the same steps. It gains some points, and most of
# the gap stays: by then it knows most of its training sentences by heart, and fewer than half of
# the new ones come out right.

# %% tags=["nbval-ignore-output"]
tests = ["this cat is very large", "i arrived at the bank after crossing the river"]
for name, model in (("with", with_attention), ("without", without_attention)):
    for written in translate(model, [text.split() for text in tests])[0]:
        print(f"{name:8s}", " ".join(written))

# %% [markdown]
# ### Look inside
#
# Attention can be looked at. Each row is a Spanish word being written, each column an English word
# that it may look at:

# %% tags=["nbval-ignore-output"]
source_words = tests[1].split()
(written,), looks = translate(with_attention, [source_words])
figures.attention_matrix(
    looks[0, : len(written)],
    written,
    source_words,
    "Each Spanish word looks at the English word it comes from, or right beside it (learned here)",
)

# %% [markdown]
# Nobody told it which word belongs to which. It found out, because looking there made the loss
# smaller. Where it looks beside the word, remember that the reader is bidirectional: each state has
# also read the words on both sides of it. The state at *bank* has already read *river*, and so has
# the one at the *the* in front of it. A word such as *de*, which belongs to no single English word,
# may spread its look.
#
# **Break it.** Turn the attention off in the network that was trained with it: give every real word
# the same weight. (The score's vector `v` becomes zero, so all scores are equal.)

# %% tags=["nbval-ignore-output"]
learned_v = with_attention.v.detach().clone()
with torch.no_grad():
    with_attention.v.zero_()
print("with attention:", " ".join(written))
print("evenly spread: ", " ".join(translate(with_attention, [source_words])[0][0]))
with torch.no_grad():
    with_attention.v.copy_(learned_v)

# %% [markdown]
# So the knowledge isn't in the states alone. It's in being able to choose among them.

# %% [markdown]
# ---
# ## 8 · What attention over an RNN doesn't cure
#
# Your translator works. Why did anybody want to get rid of the recurrent network in it?
#
# Be exact about this: the GRU **with** attention isn't weak. On a corpus like ours it translates as
# well as a small Transformer does. Two things are left, and both are about the *reading*, where
# there is no attention yet:
#
# 1. **Path length.** Two English words still meet only through every step between them.
# 2. **Waiting.** State 60 needs state 59, which needs state 58. No GPU in the world can compute
#    them at the same time.
#
# ### By hand
#
# How many steps or layers until a word has met another one 8 words away?
#
# | model | how | path |
# |---|---|---|
# | recurrent | one word a step | 8 |
# | convolution, kernel of 3 words | looks to the left: each layer reaches 2 words further | 8 / 2 = 4 |
# | dilated convolution | layers reach 2, then 4, then 8: together 2, 6, 14 | 3 |
# | attention | looks directly | 1 |

# %% [markdown]
# ### The rules
#
# **Convolutions** were the models in between: each layer looks at $k$ neighbours, all positions at
# the same time, and layers are stacked until two words meet. A kernel of $k$ words reaches $k - 1$
# further.
#
# | model | path length for distance $d$ |
# |---|---|
# | `"rnn"` | $d$ |
# | `"conv"` | $\lceil d / (k-1) \rceil$ |
# | `"dilated conv"` | the least $L$ with $(k-1)(2^L - 1) \ge d$ |
# | `"attention"` | 1 |
#
# In a dilated convolution, layer 1 looks at neighbours, layer 2 at every second word, layer 3 at
# every fourth. The reaches add up: $1 + 2 + 4 + \dots + 2^{L-1} = 2^L - 1$, times $k - 1$.

# %% [markdown]
# ### Exercise 7: `path_length`
#
# *Difficulty 2 of 5 · importance 3 of 5 · 10 minutes · 2.5 points*
#
# Whole numbers in, whole numbers out. Any other name of a model is answered with a `ValueError`.
#
# <details><summary><b>Hint 1: a question</b></summary>
#
# With a kernel of 3 and a distance of 3, is one layer enough? And is there such a thing as half a
# layer?
#
# <details><summary><b>Hint 2: the numbers</b></summary>
#
# Kernel 3, dilated: one layer reaches 2 words, two layers 6, three layers 14. So distance 6 takes
# 2 layers and distance 7 takes 3. `math.ceil` rounds up. A loop that adds layers until they reach
# far enough needs no logarithm.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# rnn:          the distance
# conv:         distance divided by (kernel_size − 1), rounded up
# dilated conv: start with 0 layers; while (kernel_size − 1) × (2 to the layers − 1) is below the
#               distance, add a layer
# attention:    1
# otherwise:    raise ValueError, saying which models there are
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "path_length-answer", "locked": false, "solution": true, "task": false}
def path_length(distance: int, model: str, kernel_size: int = 3) -> int:
    """Steps or layers that connect two words `distance` apart (1 or more).

    Rule: see the table above. Any other model raises ValueError.
    """
    ### BEGIN SOLUTION
    if model == "rnn":
        return distance
    if model == "conv":
        return math.ceil(distance / (kernel_size - 1))
    if model == "dilated conv":
        layers = 0
        while (kernel_size - 1) * (2**layers - 1) < distance:
            layers += 1
        return layers
    if model == "attention":
        return 1
    raise ValueError(f'model is "rnn", "conv", "dilated conv" or "attention", not {model!r}')
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "path_length", "locked": true, "points": 2.5, "solution": false, "task": false}
check("path_length")

# %% [markdown]
# All four in one picture, with your numbers:

# %%
figures.path_lengths(path_length)

# %% [markdown]
# A real sentence: in "The animal didn't cross the street because it was too tired", *animal* and
# *tired* are 9 words apart. And in a page of 400 words, first to last?

# %%
sentence = "the animal didn't cross the street because it was too tired".split()
apart = sentence.index("tired") - sentence.index("animal")
for model in ("rnn", "conv", "dilated conv", "attention"):
    print(f"{model:13s} {path_length(apart, model):3d}   {path_length(399, model):3d}")

# %% [markdown]
# Convolutions with dilation come close: 8 layers for a page. Attention needs one, at any distance.
# But a short path isn't free. Attention compares every word with every word, $N^2$ pairs. Which
# brings us to the clock.
#
# ### Measured: the clock
#
# Your `RNN`, torch's own (the same, in C++), and one layer of attention in which every word looks
# at every word (torch's; you write it in lesson 02). One sentence, 256 features:


# %%
class Attention(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.projections = nn.Linear(d, 3 * d)

    def forward(self, x):
        return nn.functional.scaled_dot_product_attention(*self.projections(x).chunk(3, dim=-1))


@torch.no_grad()
def milliseconds(layer, x, repeats=4):
    """The fastest of some forward passes; reading one number waits for the device to finish."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        result = layer(x)
        (result if isinstance(result, torch.Tensor) else result[0]).sum().item()
        times.append(1000 * (time.perf_counter() - begin))
    return min(times)


# %% tags=["nbval-ignore-output"]
layers = {
    "your RNN": RNN(256, 256),
    "torch's RNN": nn.RNN(256, 256, batch_first=True),
    "attention": Attention(256),
}
lengths_tried = (32, 128, 512, 2048)
clock = {
    name: [
        milliseconds(layer.to(device), torch.randn(1, n, 256, device=device)) for n in lengths_tried
    ]
    for name, layer in layers.items()
}
print(describe_device(device))
figures.time_curves(
    lengths_tried,
    clock,
    "An RNN's time grows with every word; attention leads on short sentences, and N² catches up",
    "words in the sentence",
)

# %% [markdown]
# What to look for depends on your device:
#
# - **On a CPU core**, little can be done at once. Attention leads while sentences are short. Its
#   $N^2$ catches up, often at several hundred words or about a thousand; you see where the lines
#   meet.
# - **On a GPU**, thousands of cores wait for work. Expect attention's line to stay low and nearly
#   flat over a wide range: all words are computed together. The recurrent lines can't gain: each
#   step is tiny and waits for the one before. GPUs love large parallel blocks.
#
# In **training** it's the same, and training is where the days go.

# %% [markdown]
# **Count it.** For $N$ words and $d$ features, compare the multiplications, and how many rounds
# must follow each other:

# %%
d = 256
print("words   multiplications: RNN, attention   rounds in a row: RNN, attention")
for n in (32, 512, 2048):
    recurrent = n * 2 * d * d
    attention = n * 3 * d * d + 2 * n * n * d
    print(f"{n:5d}   {recurrent:14,} {attention:14,}   {n:14,} {3:10d}")

# %% [markdown]
# Attention does **more** work, in **fewer** rounds: project, score, mix. The whole bet of the
# Transformer is that hardware keeps getting better at much work at once. That bet was won.

# %% [markdown]
# ---
# ## 9 · In your own words
#
# Two to five sentences each. A person reads these.
#
# ### Question 1 (4 points)
#
# Why can a recurrent network not be trained in parallel over time, and an attention layer can?

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-why-not-parallel", "locked": false, "points": 4, "solution": true, "task": false}
# ### BEGIN SOLUTION
# In a recurrent network the state at word t is computed from the state at word t − 1, so the steps
# have to follow each other: with N words there are N rounds, forwards and again backwards for the
# gradients, however many processors there are. In an attention layer the output at a word depends
# on the inputs of the layer only, not on the layer's outputs at other words. All of them can be
# computed at the same time, as one matrix product. It does more multiplications in total, about N²,
# but the number of rounds doesn't grow with N.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: state t needs state t − 1.
# - 1 point: so N steps one after the other, whatever the hardware (forward or backward).
# - 1 point: in attention every output depends on the inputs alone, not on other outputs.
# - 1 point: so all are computed together, as a matrix product (or: a constant number of rounds).
#
# Parallel over the sentences of a batch is possible for both; saying so costs nothing.
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 2 (3 points)
#
# A friend's vanilla RNN ($W_{hh}$ with a spectral radius of 0.8) answers questions about short texts
# well, and ignores what was said 50 words earlier. "It needs more training," they say. What do you
# tell them? Give a number, and something that would help.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-vanishing", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# The gradient of the last state with respect to a word 50 steps back has been multiplied by W_hh
# and by the slope of tanh (at most 1) 50 times. With a radius of 0.8 that is about 0.8 to the power
# of 50, or 0.00001, at most: hardly anything about that word reaches the loss, so more training
# doesn't teach the network to use it. Gates that keep the state (GRU, LSTM, opened by a bias) help,
# or attention, which makes the path one step long. Clipping doesn't: it only shortens.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: the gradient is a product over all steps and shrinks with distance (it vanishes).
# - 1 point: a number: 0.8 to the power of 50 is about 1e-5 (any right estimate, tanh or not).
# - 1 point: a remedy that works: gates, attention, a radius near 1 or orthogonal start, shorter
#   paths. Clipping earns no point.
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 3 (3 points)
#
# The encoder of a translator may read in both directions, the decoder may not. Why? And what does
# attention give the decoder that even a bidirectional encoder's last states don't?

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-reader-and-writer", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# The source sentence is complete before anything is written, so the encoder may start from its end
# too. The decoder writes one word after the other: the words to the right don't exist yet. The last
# states are one vector of fixed size for the whole sentence, however long it is. With attention the
# decoder looks at the state of every source word, and chooses anew for each word it writes.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: the source is known as a whole; the decoder's future has not been written yet
#   (autoregressive).
# - 1 point: the last states are a bottleneck, one vector of fixed size for any length.
# - 1 point: attention gives access to the states of all source words, chosen anew at each step.
#
# === END MARK SCHEME ===

# %% [markdown]
# ---
# ## 10 · Spot the bug
#
# *Difficulty 3 of 5 · importance 4 of 5 · 10 minutes · no points*
#
# This function makes one vector for each sentence: the **mean of its real states**. It sorts the
# batch by length first, as many old programs do for speed. It runs, the shapes are right, its first
# test passed. **It has two bugs.** Can you see them?


# %%
def buggy_sentence_vectors(rnn, x, lengths):
    order = lengths.argsort(descending=True)
    outputs, _ = rnn(x[order], lengths[order])  # zeros past each sentence's end
    return outputs.sum(dim=1) / x.size(1)


# %% [markdown]
# `compare` holds a function against the plain way, sentence by sentence and without any padding, on
# three batches.


# %%
@torch.no_grad()
def compare(candidate):
    random = torch.Generator().manual_seed(3)
    rnn = RNN(4, 5)
    for name, lengths in (
        ("all equally long", [6, 6, 6]),
        ("longest first", [6, 4, 1]),
        ("in any order", [2, 6, 4]),
    ):
        x = torch.randn(3, 6, 4, generator=random)
        wanted = torch.stack([rnn(x[i : i + 1, :n])[0][0].mean(0) for i, n in enumerate(lengths)])
        try:
            gap = (candidate(rnn, x, torch.tensor(lengths)) - wanted).abs().max().item()
            verdict = "agrees" if gap < 1e-5 else f"largest difference {gap:.1f}, still a bug"
        except Exception as problem:
            verdict = f"doesn't work yet ({type(problem).__name__}: {problem})"
        print(f"{name:17s} {verdict}")


compare(buggy_sentence_vectors)

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# One batch agrees. What do its lengths have in common with the width of the rectangle?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# outputs.sum(dim=1) is (batch, hidden). By which number must each row be divided? Of which shape
# must those numbers be, so that they line up with (batch, hidden)?
#
# <details><summary><b>Hint 3: the other bug</b></summary>
#
# Row 0 of the result belongs to the longest sentence. Does row 0 of x? `order.argsort()` is the
# order that undoes `order`. Or do you need to sort at all?
#
# </details></details></details>
#
# Write the mended version.


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "spot-the-bug", "locked": false, "solution": true, "task": false}
def mended_sentence_vectors(rnn, x, lengths):
    """buggy_sentence_vectors without its two bugs.

    x (batch, length, input), lengths (batch,) -> (batch, hidden), the mean of each sentence's
    real states, in the order of x.
    """
    ### BEGIN SOLUTION
    outputs, _ = rnn(x, lengths)
    return outputs.sum(dim=1) / lengths.unsqueeze(1)
    ### END SOLUTION


# %%
compare(mended_sentence_vectors)

# %% [markdown]
# Three times "agrees"? Take two things with you: **divide by what is real**, not by what is there.
# And choose what you test with: a batch of equal lengths shows neither bug, and a sorted one hides
# the second.

# %% [markdown]
# ---
# ## What you can say now
#
# - A recurrent network keeps a sentence in a state of fixed size, rewritten at every word; padding
#   must never be read.
# - A left-to-right reader knows the past only. A bidirectional one reads, but can't write.
# - Gradients through time are products. They vanish or explode with distance; gates help against
#   the one, clipping against the other.
# - Attention opens the bottleneck: every written word looks at every word that was read. You can
#   watch it.
# - What recurrence can't shake off: N steps between two words, and N steps of waiting. Attention
#   alone needs one.

# %%
figures.transformer_map("01-rnn-recap")

# %% [markdown]
# ## What to read next
#
# - Elman (1990), [Finding Structure in Time](https://doi.org/10.1207/s15516709cog1402_1): the
#   network of section 2.
# - Pascanu, Mikolov and Bengio (2013), [On the difficulty of training recurrent neural
#   networks](https://arxiv.org/abs/1211.5063): vanishing, exploding, and clipping.
# - Sutskever, Vinyals and Le (2014), [Sequence to Sequence Learning with Neural
#   Networks](https://arxiv.org/abs/1409.3215): a sentence in one vector.
# - Bahdanau, Cho and Bengio (2015), [Neural Machine Translation by Jointly Learning to Align and
#   Translate](https://arxiv.org/abs/1409.0473): your exercise 6; their figure 2 is your curve of
#   section 7.
# - Vaswani et al. (2017), [Attention Is All You Need](https://arxiv.org/abs/1706.03762), table 1:
#   path lengths and rounds, as in section 8.

# %% [markdown]
# **Next, lesson 02:** if attention is what made the difference, what is left when the recurrent
# network goes and attention stays? You'll write it from its smallest parts.
