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
# # Lesson 09 · The pieces assemble
#
# Eight lessons, one piece after the other. Today they become one machine: English goes in at the
# left, Spanish comes out at the top. You build it, train it, let it write, and measure how good it is.
#
# | | |
# |---|---|
# | **You will build** | `Transformer`, `label_smoothing_loss`, `warmup_rate`, `train_step`, `greedy_decode`, `beam_search`, `decode_step`, `corpus_bleu` |
# | **You need** | the encoder of lesson 05, the decoder of lesson 06, the positions of lesson 04, lesson 08's cache (yours, or the course's) |
# | **Your time** | 4 hours; good places for a break are after sections 5 and 8 |
# | **Points** | 42 from the checks, 9 from three written questions |
# | **Running it all** | two to five minutes on a laptop without a GPU |

# %% tags=["setup"]
import math
import time
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from autograder import check
from workbook import figures
from workbook.corpus import phrasebook
from workbook.device import pick_device, seed

device = pick_device()
seed(9)
torch.set_printoptions(precision=3, sci_mode=False)
torch.set_num_threads(1)  # our tensors are small: one thread beats several that wait

# %% [markdown]
# The pieces of earlier lessons: yours where they have passed, otherwise the course's, with a badge.

# %% tags=["nbval-ignore-output"]
from workbook.toolbox import (
    Decoder,
    Encoder,
    KVCache,
    OutputHead,
    PositionalEncoding,
    cached_attention,
    causal_mask,
    clip_gradients_,
    padding_mask,
    residual,
)

# %%
figures.transformer_map("09-translator")

# %% [markdown]
# Lessons 02 to 08 made the boxes of the two towers. What is missing joins them: the embeddings at the
# two entrances, the memory that goes from the left tower to the right one, and the way out. That is
# today's first piece.
#
# Stuck? Open the hints one at a time. To read on first, add a cell with
# `from workbook.toolbox import borrow` and `Transformer = borrow("Transformer")`.
#
# ---
# ## 1 · Assemble
#
# > This cat is very large. → Este gato es muy grande.
#
# The encoder reads all of the English at once. The decoder reads the Spanish written so far and looks
# things up in what the encoder made of the English. **Who gets which tokens, and which mask?** Swap
# the two inputs, forget the causal mask, or forget the padding: each of these trains without an error.
#
# ### By hand: the scale of an embedding
#
# Take `d_model = 64`. An embedding starts with numbers of size 1/√64 = 1/8 = 0.125. The sinusoids of
# lesson 04 have numbers of size about 0.7. Add the two, and the word is a whisper in the noise of its
# position. So the paper multiplies embeddings by √64 = 8 first (section 3.4): 0.125 · 8 = 1.

# %%
d_model = 64
word = torch.randn(1000, d_model) / math.sqrt(d_model)
place = PositionalEncoding(d_model, dropout=0.0)(torch.zeros(1, 50, d_model))
size = {name: x.square().mean().sqrt() for name, x in (("word", word), ("place", place))}
print(f"embedding {size['word']:.3f}   position {size['place']:.3f}", end="   ")
print(f"scaled {8 * size['word']:.3f}")

# %% [markdown]
# Why not let the embeddings start at size 1? Because the **head** uses the same numbers. It compares
# the decoder's output with each word's embedding: logit = x · embedding. With 64 features of size 1 on
# both sides, logits would start at size √64 = 8, and the softmax would be sure of itself before it has
# learnt anything. With 1/8 they start at size 1.
#
# ### The rule, with shapes
#
# $B$ sentences, $S$ source tokens, $T$ target tokens:
#
# | step | shape |
# |---|---|
# | `memory_mask = padding_mask(source, pad_id)` | $(B, 1, 1, S)$ |
# | source embedding · √d_model, + positions | $(B, S, d_\text{model})$ |
# | `encoder(x, memory_mask)` → memory | $(B, S, d_\text{model})$ |
# | target embedding · √d_model, + positions | $(B, T, d_\text{model})$ |
# | `decoder(x, memory, causal mask, memory_mask)` | $(B, T, d_\text{model})$ |
# | `head` → logits | $(B, T, \text{target\_vocab})$ |
#
# `encode` does the first three lines, `decode` the last three: when it writes, a translator encodes
# once and decodes many times.

# %% [markdown]
# ### Exercise 1: `Transformer`
#
# *Difficulty 4 of 5 · importance 5 of 5 · 40 minutes · 10 points*
#
# Parameters, by name: `source_embedding` and `target_embedding` (`nn.Embedding`), `positions`
# (`PositionalEncoding`, for both sides), `encoder`, `decoder`, `head` (`OutputHead`).
#
# - Both embeddings start normal with standard deviation 1/√d_model.
# - The head is **tied**: `head.weight` is `target_embedding.weight`, one and the same parameter.
# - `share_embeddings=True`: one embedding for both sides; vocabularies of two sizes are a `ValueError`.
# - Keep `self.pad_id`. The decoder gets no padding mask of its own: padding comes after a sentence's
#   end, and under the causal mask no real word looks there.
# - Your pieces are called like this: `PositionalEncoding(d_model, max_length, dropout)`,
#   `Encoder(num_layers, d_model, num_heads, d_ff, dropout, norm_first, activation)`, `Decoder(…the
#   same)`, `OutputHead(d_model, target_vocab)`. `causal_mask(length)` is made on the CPU: move it to
#   the tokens' device.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# Follow the two arrows of the map: which tokens go into the left tower, which into the right one? Where
# may a word of each side look? Which mask says so?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# source (B, S) becomes (B, S, d_model), the memory has the same shape. target_in (B, T) becomes (B, T,
# d_model). Masks: (B, 1, 1, S) for everything that looks at the source, (1, 1, T, T) for the target.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# at birth:  refuse share_embeddings with two sizes
#            keep pad_id; make two embeddings (or one), start them at 1/√d_model
#            positions, encoder, decoder, head; then tie the head's weight
# encode:    mask = padding mask of the source
#            x    = positions(source embedding · √d_model)
#            answer = encoder of x with the mask, and the mask
# decode:    x    = positions(target embedding · √d_model)
#            answer = head of decoder(x, memory, causal mask, memory_mask)
# forward:   decode the target with what encode returned
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "Transformer-answer", "locked": false, "solution": true, "task": false}
class Transformer(nn.Module):
    """The whole of the paper's figure 1. Parts: source_embedding, target_embedding, positions,
    encoder, decoder, head."""

    def __init__(
        self,
        source_vocab: int,
        target_vocab: int,
        d_model: int,
        num_heads: int,
        num_layers: int,
        d_ff: int,
        dropout: float = 0.1,
        norm_first: bool = True,
        activation: str = "relu",
        share_embeddings: bool = False,
        pad_id: int = 0,
        max_length: int = 512,
    ) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        if share_embeddings and source_vocab != target_vocab:
            raise ValueError(f"one embedding can't have {source_vocab} and {target_vocab} rows")
        self.pad_id = pad_id
        self.scale = math.sqrt(d_model)
        self.source_embedding = nn.Embedding(source_vocab, d_model)
        self.target_embedding = (
            self.source_embedding if share_embeddings else nn.Embedding(target_vocab, d_model)
        )
        nn.init.normal_(self.source_embedding.weight, std=1 / self.scale)
        nn.init.normal_(self.target_embedding.weight, std=1 / self.scale)
        self.positions = PositionalEncoding(d_model, max_length, dropout)
        stack = (num_layers, d_model, num_heads, d_ff, dropout, norm_first, activation)
        self.encoder = Encoder(*stack)
        self.decoder = Decoder(*stack)
        self.head = OutputHead(d_model, target_vocab)
        self.head.weight = self.target_embedding.weight
        ### END SOLUTION

    def encode(self, source: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """source (B, S) -> memory (B, S, d_model), memory_mask (B, 1, 1, S), True at real tokens."""
        ### BEGIN SOLUTION
        memory_mask = padding_mask(source, self.pad_id)
        x = self.positions(self.source_embedding(source) * self.scale)
        return self.encoder(x, memory_mask), memory_mask
        ### END SOLUTION

    def decode(
        self, target_in: torch.Tensor, memory: torch.Tensor, memory_mask: torch.Tensor
    ) -> torch.Tensor:
        """target_in (B, T), what encode returned -> logits (B, T, target_vocab)."""
        ### BEGIN SOLUTION
        x = self.positions(self.target_embedding(target_in) * self.scale)
        self_mask = causal_mask(target_in.size(1)).to(x.device)
        return self.head(self.decoder(x, memory, self_mask, memory_mask))
        ### END SOLUTION

    def forward(self, source: torch.Tensor, target_in: torch.Tensor) -> torch.Tensor:
        """source (B, S), target_in (B, T) -> logits (B, T, target_vocab)."""
        ### BEGIN SOLUTION
        return self.decode(target_in, *self.encode(source))
        ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "Transformer", "locked": true, "points": 10, "solution": false, "task": false}
check("Transformer")

# %% [markdown]
# <details><summary>If the check says that a <b>parameter isn't asked for</b></summary>
#
# Two names for one weight are one parameter; two weights are two. Tie the head after both are made:
# `self.head.weight = self.target_embedding.weight`.
#
# </details>
#
# ### The same as PyTorch's
#
# PyTorch has `nn.Transformer`: the two towers, without embeddings, positions and head. Give it your
# weights. Does it say the same? (`torchs_twin` copies your stacks into PyTorch's.)

# %%
from workbook.translator.torch_twin import torchs_twin

toy = Transformer(30, 40, d_model=16, num_heads=2, num_layers=2, d_ff=32, dropout=0.0).eval()
source, target = torch.randint(1, 30, (3, 7)), torch.randint(1, 40, (3, 5))
with torch.no_grad():
    ours, theirs = toy(source, target), torchs_twin(toy, source, target)
print("largest difference under 0.00001:", bool((ours - theirs).abs().max() < 1e-5))

# %% [markdown]
# **Break it.** Swap the two inputs: Spanish into the encoder, English into the decoder. Is there an
# error?

# %%
same_size = Transformer(40, 40, d_model=16, num_heads=2, num_layers=2, d_ff=32).eval()
with torch.no_grad():
    print("right:  ", tuple(same_size(source, target).shape))
    print("swapped:", tuple(same_size(target, source).shape))

# %% [markdown]
# None. Only the shape tells, and only because the lengths differ. With one vocabulary and equal lengths
# the swap would train happily, to write English. A widely used tutorial has this bug.
#
# ---
# ## 2 · Not too sure of yourself
#
# The model's loss for a word is −log p of the right one. It is smallest for p = 1. So a model is paid
# for being **certain**, even where *grande* and *enorme* would both do. What if certainty cost
# something?
#
# ### By hand
#
# Four words. The right one is *gato*. Label smoothing with 0.1 takes 0.1 from it and gives every word,
# *gato* too, a share of 0.1 / 4 = 0.025. The wanted probabilities are 0.925, 0.025, 0.025, 0.025. The
# loss is −Σ q · log p:
#
# | the model says | plain: −log p(gato) | smoothed |
# |---|---|---|
# | 0.70, 0.10, 0.10, 0.10 | 0.357 | 0.925 · 0.357 + 3 · 0.025 · 2.303 = 0.503 |
# | 0.97, 0.01, 0.01, 0.01 | 0.030 | 0.925 · 0.030 + 3 · 0.025 · 4.605 = 0.374 |
# | 0.997, 0.001, 0.001, 0.001 | 0.003 | 0.925 · 0.003 + 3 · 0.025 · 6.908 = 0.521 |
#
# The plain loss falls and falls. The smoothed one turns round: the last model is too sure.

# %%
figures.smoothed_targets(["gato", "perro", "muy", "es"], target=0, smoothing=0.1)

# %% [markdown]
# ### The rule
#
# $$q_w = (1 - \varepsilon)\,[w = \text{right}] + \frac{\varepsilon}{V} \qquad
# \text{loss} = \text{mean over real tokens of } -\sum_w q_w \log p_w$$
#
# $V$ is the size of the vocabulary. Padding is no token: its positions are left out of the sum **and**
# out of the count. (Szegedy et al., 2016; the paper uses ε = 0.1.)

# %% [markdown]
# ### Exercise 2: `label_smoothing_loss`
#
# *Difficulty 2 of 5 · importance 4 of 5 · 10 minutes · 3 points*
#
# Logits come as (..., V): mostly (B, T, V), sometimes as one row of tokens, (T, V). A library call is
# the sensible answer here: `F.cross_entropy` has an argument for each of the two ideas. Writing it out
# is fine as well.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# `F.cross_entropy` wants one row of logits for each target. What do you have, and what does
# `flatten` make of it? Which of its arguments leaves positions out?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# logits (B, T, V) become (B·T, V), targets (B, T) become (B·T,): `flatten(0, -2)` joins whatever is in
# front of V. The result has no dimensions.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# flat logits  = all positions below each other
# flat targets = all targets in one row
# answer = cross-entropy of both, ignoring pad_id, with this label smoothing
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "label_smoothing_loss-answer", "locked": false, "solution": true, "task": false}
def label_smoothing_loss(
    logits: torch.Tensor, targets: torch.Tensor, pad_id: int, smoothing: float = 0.1
) -> torch.Tensor:
    """logits (..., V), targets (...) -> scalar, the mean over the targets that are not pad_id.

    Rule: cross-entropy with 1 - smoothing for the right token and smoothing / V for each of all V.
    """
    ### BEGIN SOLUTION
    return F.cross_entropy(
        logits.flatten(0, -2), targets.flatten(), ignore_index=pad_id, label_smoothing=smoothing
    )
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "label_smoothing_loss", "locked": true, "points": 3, "solution": false, "task": false}
check("label_smoothing_loss")

# %% [markdown]
# Your function on the table above:

# %%
for p in ([0.70, 0.10, 0.10, 0.10], [0.97, 0.01, 0.01, 0.01], [0.997, 0.001, 0.001, 0.001]):
    logits = torch.tensor([p]).log()
    plain, smooth = (label_smoothing_loss(logits, torch.tensor([0]), -1, e) for e in (0.0, 0.1))
    print(p, f"plain {plain:.3f}   smoothed {smooth:.3f}")

# %% [markdown]
# **Break it.** Count the padding. In a batch of one long and two short sentences, eight of eighteen
# places are padding, and a model that writes nothing else looks almost twice as good as it is:

# %%
targets = torch.tensor([[5, 6, 7, 8, 9, 2], [5, 2, 0, 0, 0, 0], [7, 2, 0, 0, 0, 0]])
lazy = torch.zeros(3, 6, 10)
lazy[..., 0] = 8.0  # always padding
print(f"padding left out {label_smoothing_loss(lazy, targets, 0, 0.0):.2f}", end="   ")
print(f"padding counted {label_smoothing_loss(lazy, targets, -1, 0.0):.2f}")

# %% [markdown]
# ---
# ## 3 · Begin slowly
#
# In the first steps every gradient is a guess: the weights are random, and Adam's averages are empty. A
# large step then can ruin what never recovers. The paper's answer: let the rate **grow** for a while,
# then shrink. How fast?
#
# ### By hand
#
# `d_model = 64`, a warm-up of 400 steps. The factor is 64^−0.5 = 1/8.
#
# | step | way up: step · 400^−1.5 = step / 8000 | way down: step^−0.5 | the smaller one / 8 |
# |---|---|---|---|
# | 1 | 0.000125 | 1 | 0.0000156 |
# | 400 | 0.05 | 0.05 | 0.00625 |
# | 1600 | 0.2 | 0.025 | 0.003125 |
#
# At step 400 both are equal: that is the peak. At four times the steps the rate is half of it.

# %% [markdown]
# ### Exercise 3: `warmup_rate`
#
# *Difficulty 1 of 5 · importance 3 of 5 · 5 minutes · 2 points*
#
# The paper's equation 3: $\text{rate} = d_\text{model}^{-0.5} \cdot \min(\text{step}^{-0.5},\; \text{step} \cdot \text{warmup}^{-1.5})$.
# A scheduler asks for step 0 first, and 0^−0.5 is infinite: step 0 counts as 1.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# What happens to each of the two terms when the step is small? And when it is large? Which one should
# win?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# Three numbers in, one number out. No tensor is needed: `**` takes negative exponents.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# step   = at least 1
# up     = step · warmup to the −1.5
# down   = step to the −0.5
# answer = d_model to the −0.5, times the smaller of up and down
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "warmup_rate-answer", "locked": false, "solution": true, "task": false}
def warmup_rate(step: int, d_model: int, warmup: int) -> float:
    """The learning rate at a step: linearly up for `warmup` steps, then down with the root."""
    ### BEGIN SOLUTION
    step = max(step, 1)
    return d_model**-0.5 * min(step**-0.5, step * warmup**-1.5)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "warmup_rate", "locked": true, "points": 2, "solution": false, "task": false}
check("warmup_rate")

# %%
steps = range(1, 1001)
settings = {f"warm-up of {w} steps": w for w in (100, 400)}
figures.warmup_rates(
    {name: [warmup_rate(step, 64, w) for step in steps] for name, w in settings.items()}, settings
)

# %% [markdown]
# **Break it.** Take `max` in place of `min`. What is the rate of step 1? (It begins at its largest.)

# %%
print(f"min: {warmup_rate(1, 64, 400):.7f}   max: {64**-0.5 * max(1.0, 400**-1.5):.7f}")

# %% [markdown]
# ---
# ## 4 · One step
#
# Six things happen in a training step. Each has its place, and three of the wrong orders raise no
# error:
#
# 1. Clear the old gradients. (`backward` **adds** to what is there.)
# 2. Forward: logits for every target position at once, thanks to teacher forcing (lesson 06).
# 3. The loss, and `backward`.
# 4. Clip all gradients together to a norm of at most `max_norm`: lesson 01's
#    `clip_gradients_(model.parameters(), max_norm)`.
# 5. The optimizer's step.
# 6. The scheduler's step, where there is one. It sets the rate of the **next** step.
#
# ### By hand
#
# One weight, w = 1, rate 0.1. First batch: gradient 2, so w becomes 1 − 0.2 = 0.8. Second batch:
# gradient 3, so w becomes 0.8 − 0.3 = 0.5. Forget line 1, and the second step uses 2 + 3 = 5: w = 0.3.
#
# A batch has three tensors. For *este gato* with bos = 1, eos = 2, este = 5, gato = 6:
#
# | | |
# |---|---|
# | `batch.source` | the English, ending in eos |
# | `batch.target_in` | 1 5 6 |
# | `batch.target_out` | 5 6 2 |

# %% [markdown]
# ### Exercise 4: `train_step`
#
# *Difficulty 3 of 5 · importance 5 of 5 · 15 minutes · 6 points*
#
# Return the loss as a plain float and the number of real tokens in `target_out`. Padding is
# `model.pad_id`. Leave the model in the mode it is in.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# Read the list above again. What has to be there before you can clip? What has to be there before
# the optimizer can step? Why does the loss leave as a float?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# logits (B, T, V), target_out (B, T). The number of real tokens is a sum over a comparison, as an int.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# clear the gradients
# logits = model of source and target_in
# loss   = label_smoothing_loss of logits and target_out
# backward from the loss
# clip all gradients to max_norm
# optimizer steps
# scheduler steps, if there is one
# answer = loss as a float, number of tokens of target_out that aren't padding
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "train_step-answer", "locked": false, "solution": true, "task": false}
def train_step(
    model: nn.Module,
    batch,
    optimizer,
    scheduler=None,
    smoothing: float = 0.1,
    max_norm: float = 1.0,
) -> tuple[float, int]:
    """One step of training on a batch -> (loss as a float, number of real target tokens)."""
    ### BEGIN SOLUTION
    optimizer.zero_grad()
    logits = model(batch.source, batch.target_in)
    loss = label_smoothing_loss(logits, batch.target_out, model.pad_id, smoothing)
    loss.backward()
    clip_gradients_(model.parameters(), max_norm)
    optimizer.step()
    if scheduler is not None:
        scheduler.step()
    return loss.item(), int((batch.target_out != model.pad_id).sum())
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "train_step", "locked": true, "points": 6, "solution": false, "task": false}
check("train_step")

# %% [markdown]
# The oldest test of a training loop: can it learn **one** batch by heart? Two sentences, sixty steps, with
# your rate:

# %%
from workbook.translator.text import make_batch

tiny = make_batch([([7, 8, 9], [11, 12, 13, 14]), ([9, 8], [14, 13])])
seed(9)
model = Transformer(16, 16, d_model=32, num_heads=2, num_layers=1, d_ff=64, dropout=0.0)
optimizer = torch.optim.Adam(model.parameters(), lr=1.0)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warmup_rate(step, 32, 50) / 3)
losses = [train_step(model, tiny, optimizer, schedule, smoothing=0.0)[0] for _ in range(60)]
print("it went down to less than a tenth:", losses[-1] < losses[0] / 10)

# %% [markdown]
# **Break it.** Leave out `zero_grad` and look at the size of the gradient after two equal batches: it
# doubles.


# %%
def gradient_size(clear):
    fresh = nn.Linear(4, 1)
    for _ in range(2):
        if clear:
            fresh.zero_grad()
        fresh(torch.ones(1, 4)).sum().backward()
    return fresh.weight.grad.norm().item()


print(f"cleared {gradient_size(True):.1f}   not cleared {gradient_size(False):.1f}")

# %% [markdown]
# ---
# ## 5 · Train it
#
# Now for real. `phrasebook` ships 32,000 English–Spanish pairs that the course's own grammar wrote, with
# nearly 3,000 English words. In a few minutes no model learns so many: most of them would come by too
# seldom. So yours learns from the pairs whose English needs only the 1,000 most frequent words, and
# those of two tests that come in section 11.
#
# Words are cut into **sub-words**: frequent words stay whole, others become a stem and an ending (*camin*,
# *ábamos*), each of which comes far more often than the word, and what is left is spelt, so no word is
# unknown. One vocabulary serves both languages.

# %%
from workbook.corpus import mixture
from workbook.training import Budget, WarmupAndDecay, muon, train
from workbook.training.live_progress import live
from workbook.translator.making import encoded_pairs, learn_words
from workbook.translator.text import Batches

probes = {name: phrasebook.load_probes(name) for name in ("bank", "it")}
of_probes = [each.pair.english for some in probes.values() for each in some]
corpus = mixture.gather("phrasebook").of_frequent_words(1_000, besides=of_probes)
case, tokenizer = learn_words(corpus.training, 4_000)
print(f"{len(corpus.training):,} pairs, {len(tokenizer):,} sub-words")
print(tokenizer.subwords("this cat is extraordinarily large"))

# %% [markdown]
# `case` takes off the capital that only says where a sentence begins: *The* and *the* are one word.
# Batches hold sentences of about equal length, so that little of them is padding.

# %%
encoded = encoded_pairs(case, tokenizer, corpus.training)
batches = Batches(encoded, tokens=2_048)
batch = batches(0)[0]
print("source", tuple(batch.source.shape), "target_in", tuple(batch.target_in.shape))
print(tokenizer.decode(batch.target_out[0].tolist()))

# %%
shape = {
    "source_vocab": len(tokenizer),
    "target_vocab": len(tokenizer),
    "d_model": 64,
    "num_heads": 4,
    "num_layers": 2,
    "d_ff": 256,
    "dropout": 0.0,
    "share_embeddings": True,
    "pad_id": tokenizer.pad_id,
    "max_length": 128,
}
seed(9)
model = Transformer(**shape).to(device)
print(f"{sum(p.numel() for p in model.parameters()):,} parameters")

# %% [markdown]
# One loop around **your** `train_step`. The budget is in tokens, so that a slow machine gets the same
# model as a fast one. Three things differ from the paper, because the run is so short: no dropout, the
# rate goes down to zero within the budget, and the matrices are trained by Muon, which learns more from
# each token than Adam. (`real_positions_only` spares your step the logits of padding: same loss, less
# work.)

# %% tags=["nbval-ignore-output"]
from workbook.translator.real_positions import real_positions_only

run = train(
    model,
    batches,
    Budget(tokens=4_000_000 if device.type == "cuda" else 1_200_000),
    step=real_positions_only(train_step),
    rate=WarmupAndDecay(peak=1e-2),
    optimizer=muon,
    watchers=[live("your translator")],
    seed=9,
)

# %% [markdown]
# (That was measured on our machine when we wrote the lesson. Yours may be faster or slower. Loss in a
# new run may differ a little.)
#
# ---
# ## 6 · Let it write
#
# Training showed the model every right word. Now there are none. It has to write the first word, read
# it, write the second, and so on until it writes *eos*. The simplest way is **greedy**: always the
# likeliest word.
#
# ### By hand
#
# Two sentences in one batch, bos = 1, eos = 2, pad = 0:
#
# | step | row 1 has | likeliest | row 2 has | likeliest |
# |---|---|---|---|---|
# | 1 | 1 | 5 | 1 | 7 |
# | 2 | 1 5 | 6 | 1 7 | **2** |
# | 3 | 1 5 6 | **2** | 1 7 2 | whatever: it has ended, so 0 |
#
# Returned, without bos: `5 6 2` and `7 2 0`. **Each row stops on its own**, and the batch goes on until
# all have.

# %% [markdown]
# ### Exercise 5: `greedy_decode`
#
# *Difficulty 3 of 5 · importance 5 of 5 · 20 minutes · 4 points*
#
# Encode once. Then, at most `max_length` times: decode everything written so far, take the last
# position's likeliest token, append it. After a row's `eos_id` (which it keeps) comes `model.pad_id`.
# No gradient is needed: `torch.no_grad()`.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# What does the model need to see at step 3, besides the memory? How do you remember that a row has
# ended, while the others go on?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# tokens begin as (batch, 1), all bos, and grow by one column a step. decode gives (batch, length, V); the
# last position is [:, -1]. `running` (batch,) says which rows still write.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# memory, mask = encode the source
# tokens  = one column of bos
# running = True for every row
# repeat max_length times:
#     best    = likeliest token at the last position of decode(tokens, memory, mask)
#     best    = pad_id where a row isn't running any more
#     tokens  = tokens with best as a new column
#     running = still running, and best isn't eos
#     stop when nobody is running
# answer = tokens without the first column
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "greedy_decode-answer", "locked": false, "solution": true, "task": false}
@torch.no_grad()
def greedy_decode(
    model: nn.Module, source: torch.Tensor, max_length: int, bos_id: int, eos_id: int
) -> torch.Tensor:
    """source (batch, S) -> tokens (batch, at most max_length), without bos, padded after eos.

    model: has encode, decode and pad_id, as Transformer has them; in eval mode.
    """
    ### BEGIN SOLUTION
    memory, memory_mask = model.encode(source)
    tokens = source.new_full((source.size(0), 1), bos_id)
    running = torch.ones(source.size(0), dtype=torch.bool, device=source.device)
    for _ in range(max_length):
        best = model.decode(tokens, memory, memory_mask)[:, -1].argmax(-1)
        best = torch.where(running, best, model.pad_id)
        tokens = torch.cat([tokens, best.unsqueeze(1)], dim=1)
        running = running & (best != eos_id)
        if not running.any():
            break
    return tokens[:, 1:]
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "greedy_decode", "locked": true, "points": 4, "solution": false, "task": false}
check("greedy_decode")

# %% [markdown]
# ### Your translator's first sentences
#
# They were kept out of training. `translate` cuts a sentence into sub-words, calls your function, and
# joins the sub-words again.

# %%
from workbook.translator.text import as_source, padded

ends = (tokenizer.bos_id, tokenizer.eos_id)


def as_batch(sentences):
    ids = [as_source(tokenizer.encode(case.lowered(sentence))) for sentence in sentences]
    return padded(ids).to(device)


def translate(sentences, decode=greedy_decode):
    found = decode(model, as_batch(sentences), 40, *ends)
    rows = found[0] if isinstance(found, tuple) else found
    answers = [tokenizer.decode(row) for row in rows.tolist()]
    return [
        case.raised(a) if s[0].isupper() else a for a, s in zip(answers, sentences, strict=True)
    ]


# %% tags=["nbval-ignore-output"]
for english in phrasebook.FAMOUS:
    print(english, "→", translate([english])[0])

# %% [markdown]
# **Break it.** Take the English away: encode *this cat is very large*, and hide all of it from the
# cross-attention. What does a Spanish model write that sees no English?


# %% tags=["nbval-ignore-output"]
class Blind:
    """Your model, with the source hidden from cross-attention."""

    pad_id = model.pad_id

    def encode(self, source):
        memory, mask = model.encode(source)
        return memory, torch.zeros_like(mask)

    def decode(self, *given):
        return model.decode(*given)


written = greedy_decode(Blind(), as_batch(["this cat is very large"]), 20, *ends)
print(tokenizer.decode(written[0].tolist()))

# %% [markdown]
# Spanish words, or what looks like some, and nothing that you asked for. The decoder is a language
# model; the memory is what makes it a translator.
#
# ---
# ## 7 · More than one beginning
#
# Greedy never looks back. If the likeliest first word leads nowhere good, it is too late.

# %%
figures.sentence_paths(
    [
        ([("el", 0.6), ("gato", 0.3), ("grande", 0.5)], "greedy's sentence"),
        ([("este", 0.4), ("gato", 0.9), ("grande", 0.8)], "what a beam of 2 finds"),
    ],
    "Greedy takes the likeliest first word, and ends in the poorer sentence",
)

# %% [markdown]
# 0.6 · 0.3 · 0.5 = 0.090, and 0.4 · 0.9 · 0.8 = 0.288. A **beam** of 2 keeps the two best beginnings at
# every step, so the second one survives its weaker first word.
#
# Products of many probabilities get tiny, so we add logarithms. And there is a trap: every further word
# makes a sentence less likely, so short sentences win. Hence the **length penalty** (Wu et al., 2016):
#
# $$\text{score} = \frac{\log p(\text{sentence})}{\left(\frac{5 + \text{len}}{6}\right)^{\alpha}}$$
#
# ### By hand
#
# A sentence of 2 tokens has log p = −1.2, one of 5 tokens −1.4. (len counts eos.) With α = 0.6 the
# penalties are (7/6)^0.6 = 1.097 and (10/6)^0.6 = 1.359. Scores: −1.094 and **−1.030**. The longer one
# wins, though it is less likely.

# %%
for length, log_p in ((2, -1.2), (5, -1.4)):
    penalty = ((5 + length) / 6) ** 0.6
    print(f"{length} tokens: {log_p} / {penalty:.3f} = {log_p / penalty:.3f}")

# %% [markdown]
# ### The rules
#
# At each step, all continuations of all live beginnings are ranked by their sum of log-probabilities.
#
# 1. Among the first `beam_size` of them, those that end in eos are **sentences**: set aside with their
#    score. At `max_length`, all of these first ones are sentences.
# 2. The first `beam_size` that don't end **live on**. (A sentence that ended doesn't take up a place.)
# 3. A row is done when it has `beam_size` sentences. Its best score wins.
#
# At the start there is one beginning, bos, not `beam_size` equal ones. Otherwise the beam would follow
# the same sentence `beam_size` times. A beam of 1 is greedy decoding.

# %% [markdown]
# ### Exercise 6: `beam_search`
#
# *Difficulty 5 of 5 · importance 4 of 5 · 50 minutes · 7 points*
#
# Sentence by sentence is fine, with the beginnings of one sentence as a small batch. (All at once is
# faster and harder.) Return tokens as `greedy_decode` does, and the scores `(batch,)`.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# For one sentence: what do you have to remember of each beginning, to be able to continue it and to
# rank it? When a beginning ends, where does it go?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# k beginnings of length t are a batch (k, 1 + t) with bos. Repeat the sentence's memory k times:
# memory[row].expand(k, …). The last position's log_softmax is (k, V); add each beginning's sum, (k, 1).
# The best of all k · V: flatten, topk(2 · beam_size), or all where there are fewer; index // V is the
# beginning, index % V the token. (At most beam_size of them end, so 2 · beam_size are enough.)
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# for each sentence:
#     live = one beginning: no words, sum 0        sentences = none yet
#     for length from 1 to max_length:
#         logs   = log_softmax of the last position, for all live beginnings
#         ranked = (words + token, sum + log) of all continuations, best first (2 · beam_size of them)
#         for the first beam_size of ranked:
#             if it ends in eos, or length is max_length:
#                 keep it with its score = sum / ((5 + length) / 6)^length_penalty
#         live = the first beam_size of ranked that don't end in eos
#         stop when there are beam_size sentences
#     answer for this sentence: the one with the best score
# pad all answers with pad_id to one length
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "beam_search-answer", "locked": false, "solution": true, "task": false}
@torch.no_grad()
def beam_search(
    model: nn.Module,
    source: torch.Tensor,
    max_length: int,
    bos_id: int,
    eos_id: int,
    beam_size: int = 4,
    length_penalty: float = 0.6,
) -> tuple[torch.Tensor, torch.Tensor]:
    """source (batch, S) -> tokens (batch, at most max_length), padded after eos, scores (batch,).

    A score is a sentence's log-probability over ((5 + len) / 6)^length_penalty, eos counted.
    """
    ### BEGIN SOLUTION
    memory, memory_mask = model.encode(source)
    rows, scores = [], []
    for row in range(source.size(0)):
        live, sentences = [([], 0.0)], []
        for length in range(1, max_length + 1):
            k = len(live)
            tokens = torch.tensor([[bos_id, *words] for words, _ in live], device=source.device)
            shared = memory[row].expand(k, *memory.shape[1:])
            mask = memory_mask[row].expand(k, *memory_mask.shape[1:])
            logs = model.decode(tokens, shared, mask)[:, -1].log_softmax(-1)  # (k, V)
            sums = logs + logs.new_tensor([[total] for _, total in live])
            best, where = sums.flatten().topk(min(2 * beam_size, sums.numel()))
            ranked = [
                ([*live[index // logs.size(1)][0], index % logs.size(1)], total)
                for index, total in zip(where.tolist(), best.tolist(), strict=True)
            ]
            for words, total in ranked[:beam_size]:
                if words[-1] == eos_id or length == max_length:
                    sentences.append((total / ((5 + length) / 6) ** length_penalty, words))
            live = [each for each in ranked if each[0][-1] != eos_id][:beam_size]
            if len(sentences) >= beam_size:
                break
        score, words = max(sentences)
        rows.append(torch.tensor(words, device=source.device))
        scores.append(score)
    tokens = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=model.pad_id)
    return tokens, torch.tensor(scores, device=source.device)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "beam_search", "locked": true, "points": 7, "solution": false, "task": false}
check("beam_search")

# %% [markdown]
# ### Does it pay?
#
# Sixty sentences of the test, which the model has never seen, greedily and with a beam of 4. Count the
# sentences that come out word for word as the reference.

# %% tags=["nbval-ignore-output"]
some = corpus.test[:60]
english, spanish = [pair.english for pair in some], [pair.spanish for pair in some]
greedy, beam = translate(english), translate(english, beam_search)
for name, answers in (("greedy", greedy), ("beam of 4", beam)):
    right = sum(a == s for a, s in zip(answers, spanish, strict=True))
    print(f"{name}: {right} of {len(some)} word for word")
different = [(g, b) for g, b in zip(greedy, beam, strict=True) if g != b]
print(f"{len(different)} sentences differ", *different[:2], sep="\n")

# %% [markdown]
# On short sentences with one good translation, a beam leaves most sentences as they are, and the
# others don't always get better: the likeliest sentence needn't be the right one. It pays more
# where many translations compete: the course's README has numbers for real sentences.
#
# **Break it.** Take the length penalty away from a model that is not sure of itself. A sentence that
# ends at once is the likeliest of all when every further word costs: `length_penalty=0` favours short
# ones. (In some runs all three agree. Then no shorter sentence comes near, and only the score changes.)

# %% tags=["nbval-ignore-output"]
long_one = [max(english, key=len)]
for alpha in (0.0, 0.6, 2.0):
    tokens, score = beam_search(model, as_batch(long_one), 40, *ends, length_penalty=alpha)
    print(f"α = {alpha}: {int((tokens != 0).sum())} tokens, score {score.item():.2f}")

# %% [markdown]
# ---
# ## 8 · Don't read it all again
#
# To write word 20, greedy decoding reads words 1 to 19 again, through all layers. It did so for word 19
# already. Lesson 08's cache keeps the keys and values of what has been read. What changes, now that there
# is a second tower?
#
# ### By hand
#
# The decoder has read three tokens (the first one was bos), and the fourth comes. What does each part
# of it need?
#
# | part | of the new word | of the words before | of the source |
# |---|---|---|---|
# | position | its number: 3 (we count from 0), `cache.length` | | |
# | self-attention | its query, key, value | keys and values, **from the cache** | |
# | cross-attention | its query | nothing! | keys and values of the memory |
# | feed-forward, norms, head | its own vector | nothing | |
#
# So only one line of the layer changes: `self_attention` becomes `cached_attention`.
#
# And the position: `positions` counts from 0. To get position 3 for a single vector, put three zero
# vectors in front of it and keep the last: `positions(F.pad(x, (0, 0, cache.length, 0)))[:, -1:]`.

# %% [markdown]
# ### Exercise 7: `decode_step`
#
# *Difficulty 4 of 5 · importance 3 of 5 · 25 minutes · 5 points*
#
# The layers are lesson 06's: residuals around `self_attention` (with `norm1`), `cross_attention`
# (`norm2`) and `feed_forward` (`norm3`). A decoder is pre-norm exactly when it ends in a `norm`:
# `last = getattr(model.decoder, "norm", None)`, then `norm_first = last is not None`.
#
# As a reminder: `cached_attention(attention, x, cache, layer)` returns `(output, weights)`, layers counted
# from 0. `residual(x, sublayer, norm, dropout, norm_first)`; here nothing is dropped, so
# `dropout = nn.Identity()`.

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# Which lines of your `Transformer.decode` can stay as they are, with a sentence of length 1? Which one
# can't, because it needs the words before?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# token (B,) becomes (B, 1) and then (B, 1, d_model), and stays so through all layers. The head gives (B, 1,
# V); the answer is (B, V).
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# x = target embedding of token as a sentence of length 1, times √d_model
# x = x with the vector of position cache.length
# for number, layer of the decoder's layers:
#     x = residual around cached self-attention, norm1
#     x = residual around cross-attention to the memory, with its mask, norm2
#     x = residual around feed-forward, norm3
# x = last norm of x, where there is one
# answer = head of x, without the axis of length 1
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "decode_step-answer", "locked": false, "solution": true, "task": false}
@torch.no_grad()
def decode_step(
    model: nn.Module,
    token: torch.Tensor,
    memory: torch.Tensor,
    memory_mask: torch.Tensor,
    cache,
) -> torch.Tensor:
    """token (B,), the newest one; memory and mask from encode; cache: a KVCache of the positions
    before -> logits (B, target_vocab), as decode gives them for the newest position."""
    ### BEGIN SOLUTION
    x = model.target_embedding(token.unsqueeze(1))  # (B, 1, d_model)
    x = x * math.sqrt(x.size(-1))
    x = model.positions(F.pad(x, (0, 0, cache.length, 0)))[:, -1:]
    last = getattr(model.decoder, "norm", None)
    keep, norm_first = nn.Identity(), last is not None
    for number, layer in enumerate(model.decoder.layers):

        def look_back(y, layer=layer, number=number):
            return cached_attention(layer.self_attention, y, cache, number)[0]

        def look_up(y, layer=layer):
            return layer.cross_attention(y, memory, memory, memory_mask)[0]

        x = residual(x, look_back, layer.norm1, keep, norm_first)
        x = residual(x, look_up, layer.norm2, keep, norm_first)
        x = residual(x, layer.feed_forward, layer.norm3, keep, norm_first)
    x = x if last is None else last(x)
    return model.head(x).squeeze(1)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "decode_step", "locked": true, "points": 5, "solution": false, "task": false}
check("decode_step")

# %% [markdown]
# ### How much faster?
#
# Write 8, 16, 32 and 64 tokens with and without the cache (no sentence is that long; the clock doesn't
# mind).


# %% tags=["nbval-ignore-output"]
@torch.no_grad()
def milliseconds(length, cached):
    memory, mask = model.encode(as_batch(english[:8]))
    tokens = memory.new_full((8, length), 5, dtype=torch.long)
    start = time.perf_counter()
    cache = KVCache(shape["num_layers"])
    for position in range(length):
        if cached:
            decode_step(model, tokens[:, position], memory, mask, cache)
        else:
            model.decode(tokens[:, : position + 1], memory, mask)
    return 1000 * (time.perf_counter() - start)


lengths = (8, 16, 32, 64)
times = {
    name: [min(milliseconds(n, cached) for _ in range(2)) for n in lengths]
    for name, cached in (("all of it again", False), ("with the cache", True))
}
figures.time_curves(
    lengths, times, "The longer the sentence, the more the cache saves", "tokens written"
)

# %% [markdown]
# Without the cache, step t costs t positions: 1 + 2 + … + n, which grows with n². With it, each step costs
# one. At short lengths the difference is small: Python and small tensors take most of the time.
#
# **Break it.** What if the position were always 0? (Give the first token's place to every token.)


# %%
@torch.no_grad()
def largest_gap(start):
    memory, mask = model.encode(as_batch(english[:2]))
    tokens = torch.randint(5, 99, (2, 6), device=device)
    cache, gaps = KVCache(shape["num_layers"]), []
    expected = model.decode(tokens, memory, mask)
    for position in range(6):
        shown = start(cache)
        logits = decode_step(model, tokens[:, position], memory, mask, shown)
        gaps.append((logits - expected[:, position]).abs().max().item())
    return max(gaps)


class AtZero(KVCache):
    """A cache that always says that nothing has been read."""

    length = 0


forgetful = AtZero(shape["num_layers"])
print("right, under 0.001:", largest_gap(lambda cache: cache) < 1e-3)
print("position always 0, above 0.1:", largest_gap(lambda cache: forgetful) > 0.1)

# %% [markdown]
# ---
# ## 9 · How good is it?
#
# "Word for word" is harsh: *esta gato es muy grande* has one word wrong and counts as nothing. Papineni
# et al. (2002) compare **n-grams**, runs of n words, and call it BLEU. It is what papers report.
#
# ### By hand
#
# Reference: *este gato es muy grande* (5 words). Yours: *este gato es muy muy grande* (6 words).
#
# | n | your n-grams | right ones | precision |
# |---|---|---|---|
# | 1 | 6 | este, gato, es, muy, grande; the second *muy* is one too many | 5/6 |
# | 2 | 5 | este gato, gato es, es muy, muy grande | 4/5 |
# | 3 | 4 | este gato es, gato es muy | 2/4 |
# | 4 | 3 | este gato es muy | 1/3 |
#
# **Clipping**: a word counts as often as the reference has it, so the second *muy* is wrong. The geometric
# mean: (5/6 · 4/5 · 2/4 · 1/3)^(1/4) = 0.1111^(1/4) = 0.577. Yours isn't shorter than the reference, so
# there is no brevity penalty: **57.7**.
#
# ### The rule
#
# $$\text{BLEU} = 100 \cdot \text{BP} \cdot \Big(\prod_{n=1}^{4} p_n\Big)^{1/4} \qquad
# \text{BP} = \begin{cases} 1 & c \ge r \\ e^{1 - r/c} & c < r \end{cases}$$
#
# $p_n$ = right n-grams of **all** sentences / your n-grams of all sentences. $c$ and $r$ are the words of all
# your translations and of all references. Counts are added up over the corpus first, then divided once.

# %% [markdown]
# ### Exercise 8: `corpus_bleu`
#
# *Difficulty 3 of 5 · importance 4 of 5 · 25 minutes · 5 points*
#
# Tokens are what blanks separate: `sentence.split()`. Without any right n-gram of some length, the score
# is 0.0. `collections.Counter` counts, and `a & b` of two counters takes the smaller count of each: that is
# clipping. (Import it in the same cell.)

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# What do you have to add up over all sentences before you may divide? How many numbers is that?
#
# <details><summary><b>Hint 2: the shapes</b></summary>
#
# Four sums of right n-grams, four of your n-grams, and the two lengths c and r. A sentence of m words has
# m − n + 1 n-grams, or none.
#
# <details><summary><b>Hint 3: the pseudocode</b></summary>
#
# ```
# right, all = four zeros each        c = r = 0
# for each pair of sentences:
#     add their lengths to c and r
#     for n from 1 to 4:
#         mine, theirs = counts of the n-grams
#         right[n] += size of (mine & theirs)        all[n] += size of mine
# if some right[n] is 0: answer 0.0
# mean   = average of log(right[n] / all[n])
# answer = 100 · exp(mean) · (1 if c ≥ r, otherwise exp(1 − r/c))
# ```
#
# </details></details></details>


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "corpus_bleu-answer", "locked": false, "solution": true, "task": false}
from collections import Counter


def corpus_bleu(hypotheses: list[str], references: list[str]) -> float:
    """Translations and their references, one each -> BLEU, 0 to 100, without smoothing."""
    ### BEGIN SOLUTION
    right, total, c, r = [0] * 5, [0] * 5, 0, 0
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        ours, theirs = hypothesis.split(), reference.split()
        c, r = c + len(ours), r + len(theirs)
        for n in range(1, 5):
            mine, wanted = (
                Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
                for words in (ours, theirs)
            )
            right[n] += (mine & wanted).total()
            total[n] += mine.total()
    if not all(right[1:]):
        return 0.0
    mean = sum(math.log(right[n] / total[n]) for n in range(1, 5)) / 4
    return 100 * math.exp(mean + min(0.0, 1 - r / c))
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "grade_id": "corpus_bleu", "locked": true, "points": 5, "solution": false, "task": false}
check("corpus_bleu")

# %%
print(f"{corpus_bleu(['este gato es muy muy grande'], ['este gato es muy grande']):.1f}")

# %% [markdown]
# ### Measured on sentences it has never seen
#
# Two hundred test sentences. In papers, BLEU comes from **sacreBLEU**, which separates marks from words
# before it counts, so that everybody's numbers can be compared; and with an interval: draw the 200
# sentences again and again with replacement, and see how far the score moves. chrF does the same with
# letters. A **copy of the source** is the score of doing nothing.

# %% tags=["nbval-ignore-output"]
from workbook.translator.scoring import scores

held_out = corpus.test[:200]
english, spanish = [p.english for p in held_out], [p.spanish for p in held_out]
written = [a for start in range(0, 200, 50) for a in translate(english[start : start + 50])]
print(f"word for word: {sum(a == s for a, s in zip(written, spanish, strict=True)) / 200:.0%}")
print(f"your corpus_bleu, plain words: {corpus_bleu(written, spanish):.1f}")
print("sacreBLEU:", *scores(written, spanish), sep="  ")
print("a copy of the source:", *scores(english, spanish), sep="  ")

# %% [markdown]
# Two numbers for one model: your function splits at blanks, sacreBLEU also splits off the marks. So
# *grande.* and *grande!* share nothing for you and a word for it. **Never compare BLEU scores that were
# counted by different rules** (Post, 2018).
#
# **Break it.** Write only what is certain. One sure word per sentence has a perfect precision of single
# words; what does BLEU say?

# %%
print("one word each:", corpus_bleu([s.split()[0] for s in spanish], spanish))
short = [" ".join(s.split()[: 2 * len(s.split()) // 3]) for s in spanish]
print(f"two thirds of each: {corpus_bleu(short, spanish):.1f}")

# %% [markdown]
# ---
# ## 10 · Against what came before
#
# Lesson 01's networks, with and without attention, against your architecture: the same sentences,
# sub-words, batches and number of parameters. That takes longer than a lesson, so the curves are
# **recorded** by a command that anyone can repeat; what is printed says by which one, when and on
# what. First the phrasebook, on sentences in which two words meet that never met in training:

# %% tags=["nbval-ignore-output"]
from workbook.translator.comparison import about_the_record, recorded


def recorded_curves(corpus):
    """What each kind of network reached, at the same places of its training."""
    record = recorded(corpus)
    print(about_the_record(record))
    for name, kind in record["kinds"].items():
        print(f"{name}: {kind['parameters']:,} parameters")
    curves = {name: kind["curve"] for name, kind in record["kinds"].items()}
    places = [f"{point['tokens'] / 1e6:.1f} M" for point in curves["transformer"]]
    return record, curves, places


_, curves, places = recorded_curves("phrasebook")
figures.share_curves(
    places,
    {name: [point["new meetings"] for point in curve] for name, curve in curves.items()},
    "Two words meet for the first time: which kind translates the sentence word for word?",
    "target tokens of training",
    note="Recorded, not measured here: the lines above say how.",
)

# %% [markdown]
# Then real sentences: Tatoeba, with some of the phrasebook mixed in, on 2,000 English sentences that
# none of the three has seen. The bands are 95 % intervals.

# %% tags=["nbval-ignore-output"]
record, curves, places = recorded_curves("tatoeba")
figures.bleu_curves(
    places,
    {name: [point["BLEU"] for point in curve] for name, curve in curves.items()},
    "Real sentences, as people write them",
    "target tokens of training",
    copied=record["copy of the source"]["BLEU"][0],
    note="Recorded, not measured here: the lines above say how.",
)

# %% [markdown]
# Three things to look for. Without attention, everything about the source has to fit through one
# vector: how far below the others does that network stay? With attention over its source, a
# recurrent network learns these short sentences nearly as well as yours: **a Transformer doesn't have
# to win by far, nor on every corpus, nor from the first minute.** (The last place of each curve is
# also where the learning rate has come down to zero. That helps every kind, and not all alike.) What
# the Transformer wins is sure: training in parallel, and paths of length one.
#
# `python3 course.py translator` trains the same class on real sentences, for twenty minutes or so.

# %% tags=["nbval-ignore-output"]
from workbook.corpus import tatoeba

try:
    real = tatoeba.load_split().test[::500][:4]
except tatoeba.NoTatoeba:
    real = ()
    print("Tatoeba isn't here. To fetch it (2.8 MB, once): workbook fetch tatoeba")
for pair in real:
    print(f"{pair.english} → {translate([pair.english])[0]}   (a person: {pair.spanish})")

# %% [markdown]
# If Tatoeba's sentences are here, look at the translations. Your translator has only ever seen the
# phrasebook, and real people say other things. It answers all the same, and it never says "I don't
# know". **A model is as good as its data.**
#
# ---
# ## 11 · Did it understand?
#
# Two probes, each in **minimal pairs**: two sentences that differ in one late word, and another word of
# the Spanish depends on it.
#
# - *I arrived at the bank after crossing the street / river*: *banco* or *orilla*?
# - *The animal didn't cross the street because it was too tired / wide*: *cansado* (the animal) or *ancha*
#   (the street)?
#
# None of them was in training. Guessing gets half of the sentences right, and always guessing the same
# gets **no pair** right.


# %% tags=["nbval-ignore-output"]
def probe(name, most=120):
    some = probes[name][:most]
    answers = translate([each.pair.english for each in some])
    good = {}
    for each, answer in zip(some, answers, strict=True):
        words = phrasebook.normalise(answer).split()
        right = each.answer in words and each.rival not in words
        good.setdefault(each.minimal_pair, []).append(right)
    single = sum(map(sum, good.values())) / len(some)
    return single, sum(map(all, good.values())) / len(good)


for name in ("bank", "it"):
    single, pairs = probe(name)
    print(f"{name}: {single:.0%} of the sentences, {pairs:.0%} of the pairs")

# %% [markdown]
# To write *banco* or *orilla*, the decoder needs a word that stands four places after *bank*. A
# network that reads from left to right and translates at once can't have it. Yours reads everything first.
# (Don't say it "understands" rivers: it has learnt which words go together.)
#
# ---
# ## 12 · Where does it look?
#
# Which English words does each Spanish word look at? The weights of the **cross-attention** say so: they
# leave the stack by a hook, as in lesson 05. One row a Spanish sub-word, just before it is written; one
# column an English one.


# %%
@torch.no_grad()
def looks(sentence, layer=-1):
    """The translation, the sub-words of both sides, and the last layer's weights, heads averaged."""
    source = as_batch([sentence])
    written = greedy_decode(model, source, 40, *ends)
    target_in = F.pad(written[:, :-1], (1, 0), value=tokenizer.bos_id)
    seen = []
    attention = model.decoder.layers[layer].cross_attention
    hook = attention.register_forward_hook(lambda module, given, found: seen.append(found[1]))
    model.decode(target_in, *model.encode(source))
    hook.remove()
    english = [*tokenizer.subwords(case.lowered(sentence)), "[EOS]"]
    spanish = tokenizer.subwords(tokenizer.decode(written[0].tolist()))
    weights = seen[0][0].mean(0)[: len(spanish), : len(english)].cpu()
    return translate([sentence])[0], (spanish, english, weights)


# %% tags=["nbval-ignore-output"]
text, (spanish_words, english_words, weights) = looks("this cat is very large")
figures.attention_matrix(
    weights, spanish_words, english_words, f"Where each word of “{text}” looked"
)

# %% [markdown]
# Spanish puts many adjectives behind the noun. Take a sentence where the order turns round, and look for
# the place where the bright cells leave the diagonal:

# %% tags=["nbval-ignore-output"]
text, (spanish_words, english_words, weights) = looks("The black car is in the big city.")
figures.attention_matrix(weights, spanish_words, english_words, f"“{text}”: where the order turns")

# %% [markdown]
# And now **you** type. Your model knows the thousand most frequent words of the phrasebook: family,
# food, weather, places, time, work. Some sentences come out right, some with a wrong word or a
# wrong ending, and a word it has hardly met becomes another one without a warning. Try *the
# children are playing in the park*, *my sister is reading a book* and *we eat bread and cheese*.
# (Outside of a live notebook you see the first sentence's picture.)

# %% tags=["nbval-ignore-output"]
figures.translation_box(looks, "my tall brother has a black dog")

# %% [markdown]
# ---
# ## 13 · A production translator in your class
#
# OPUS-MT's English→Spanish model is used every day. Its architecture is *MarianMT*: your Transformer with
# post-norm layers, SiLU in place of ReLU, and a table of positions that puts all sines in front and all
# cosines behind. Where Hugging Face's `transformers` is installed, the next cell makes a small random
# MarianMT there, copies its weights into **your** class, and compares.

# %% tags=["nbval-ignore-output"]
from workbook.weights import marian

try:
    from transformers import MarianConfig, MarianMTModel
except ImportError:
    print("transformers isn't installed here; everything else works without it")
else:
    seed(9)
    theirs = MarianMTModel(
        MarianConfig(
            vocab_size=50,
            d_model=32,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=48,
            decoder_ffn_dim=48,
            pad_token_id=49,
            eos_token_id=0,
            decoder_start_token_id=49,
            scale_embedding=True,
            activation_function="swish",
            max_position_embeddings=32,
        )
    ).eval()
    form = marian.Shape.of(theirs.config.to_dict())
    yours = marian.assemble(Transformer, form)
    marian.copy_weights(yours, theirs.state_dict(), form.num_layers)
    source, target = torch.randint(1, 49, (2, 6)), torch.randint(1, 49, (2, 4))
    with torch.no_grad():
        gap = (
            yours.eval()(source, target) - theirs(input_ids=source, decoder_input_ids=target).logits
        )
    print("largest difference under 0.00001:", bool(gap.abs().max() < 1e-5))

# %% [markdown]
# With the published files in a folder (about 300 MB: `config.json`, `pytorch_model.bin`, `source.spm`,
# `target.spm`, `vocab.json` of *Helsinki-NLP/opus-mt-en-es*), your own code translates anything:
#
# ```
# from workbook.translator.assembly import take
# from workbook.weights import marian
# marian.load("opus-mt-en-es", take(mine=True)).translate(["Good morning!"])
# ```
#
# Nothing in your class changes for that. Six layers, 512 features, 65,001 sub-words: only the numbers
# differ.
#
# ---
# ## 14 · In your own words
#
# Two to five sentences each. A person reads these.

# %% [markdown]
# ### Question 1 (3 points)
#
# In training, the model predicts all words of a sentence in one pass. When it writes, it needs a pass for
# each word. Why can't it write in one pass? And why is the pass in training honest, though the right words
# are all there?

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-teacher-forcing-and-writing", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# When it writes, each word is an input for the next: word 3 can't be predicted before word 2 has been
# chosen. In training the right words are known, so all inputs are there at once, shifted by one (teacher
# forcing). It is honest because of the causal mask: a position attends only to itself and earlier ones, so
# it can't see the word that it should predict.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: writing: each word chosen is part of the input for the next, so the passes have an order.
# - 1 point: training: the right previous words are known (teacher forcing), so all positions go at once.
# - 1 point: the causal mask keeps each position from seeing its own answer and later words.
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 2 (3 points)
#
# A friend's translator has BLEU 41.2, yours 40.8, on the same 200 sentences. He says his is better. Name two
# things you would ask for before you believe it, and say for each what answer would change your mind.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-one-number", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# First, how each BLEU was counted: the same tokens and the same references, for example both by sacreBLEU with
# the same signature; if his tokens are split otherwise, the numbers can't be compared. Second, the interval:
# on 200 sentences the bootstrap interval is several points wide, so 0.4 is nothing; with thousands of
# sentences and intervals (or a paired test) that don't overlap I would believe it. Also whether his training
# data contain the test sentences.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: the same way of counting (tokens, references, sacreBLEU's signature).
# - 1 point: the uncertainty (interval, paired bootstrap, more sentences), with the remark that 0.4 is small.
# - 1 point: for one of them, a result that would change one's mind; or another sound check (test sentences in
#   the training data, looking at translations, another kind of text).
#
# === END MARK SCHEME ===

# %% [markdown]
# ### Question 3 (3 points)
#
# Three attentions, two masks. Say for each of the three which mask it gets and what would go wrong without
# it.

# %% [markdown] nbgrader={"schema_version": 3, "grade": true, "grade_id": "question-which-mask-where", "locked": false, "points": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# The encoder's self-attention gets the padding mask of the source; without it, words mix in the padding, and a
# sentence's memory depends on how long the others in its batch are. The decoder's self-attention gets the
# causal mask; without it, each position sees the word it should predict, the training loss is wonderful and
# the model can't write. The cross-attention gets the source's padding mask again; without it, the decoder looks
# things up in padding.
# ### END SOLUTION
#
# === BEGIN MARK SCHEME ===
# - 1 point: encoder self-attention: source padding; without it, results depend on the padding (the batch).
# - 1 point: decoder self-attention: causal; without it, it sees the answer and learns to copy.
# - 1 point: cross-attention: source padding (not causal); without it, it looks at padding.
#
# === END MARK SCHEME ===

# %% [markdown]
# ---
# ## 15 · Spot the bug
#
# *Difficulty 3 of 5 · importance 4 of 5 · 10 minutes · no points*
#
# Somebody's training loop. It runs, and the loss falls faster than yours. **It has three bugs.** Read it
# before you go on.


# %%
def buggy_step(model, batch, optimizer):
    optimizer.zero_grad()
    logits = model(batch.source, batch.target_out)
    loss = F.cross_entropy(logits.flatten(0, 1), batch.target_out.flatten())
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    loss.backward()
    optimizer.step()
    return loss.item()


# %% [markdown]
# `compare_step` puts a step beside yours: the loss of one batch, and how far the weights move.


# %%
def compare_step(candidate):
    results = []
    for step in (lambda m, b, o: train_step(m, b, o, smoothing=0.0)[0], candidate):
        seed(4)
        small = Transformer(16, 16, d_model=16, num_heads=2, num_layers=1, d_ff=16, dropout=0.0)
        before = small.target_embedding.weight.detach().clone()
        try:
            loss = step(small, tiny, torch.optim.SGD(small.parameters(), lr=1.0))
        except Exception as problem:
            return print(f"doesn't work yet ({type(problem).__name__}: {problem})")
        if loss is None:
            return print("returns nothing yet")
        results.append((loss, (small.target_embedding.weight - before).norm().item()))
    (loss, moved), (its_loss, its_moved) = results
    print("the loss agrees:", abs(loss - its_loss) < 1e-5)
    print("the weights move as far:", abs(moved - its_moved) < 1e-4)


compare_step(buggy_step)

# %% [markdown]
# <details><summary><b>Hint 1: a question</b></summary>
#
# What does the model see, and what should it predict? Is there a difference?
#
# <details><summary><b>Hint 2: the other two</b></summary>
#
# One is in the order of the lines. The other is in what counts.
#
# </details></details>
#
# Write the mended version.


# %% nbgrader={"schema_version": 3, "grade": false, "grade_id": "spot-the-bug", "locked": false, "solution": true, "task": false}
def mended_step(model, batch, optimizer):
    """buggy_step without its three bugs -> the loss as a float."""
    ### BEGIN SOLUTION
    optimizer.zero_grad()
    logits = model(batch.source, batch.target_in)
    loss = F.cross_entropy(
        logits.flatten(0, 1), batch.target_out.flatten(), ignore_index=model.pad_id
    )
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()
    ### END SOLUTION


# %%
compare_step(mended_step)

# %% [markdown]
# Twice "True"? It read the answers, it learnt the padding, and it clipped gradients that weren't there yet.
# The first two make a loss look **better** than it is. The third shows when a large gradient comes.
#
# ---
# ## 16 · Whose translator is it?
#
# You wrote pieces in nine lessons. These are at work in the translator you have trained:

# %% tags=["nbval-ignore-output"]
from workbook.translator.assembly import take
from workbook.translator.credits import credits
from workbook.translator.saved import saved_at
from workbook.translator.translation import Card, Translator, words_of

card = Card(
    preset="tiny",
    corpus="phrasebook",
    about=corpus.about,
    expect=corpus.expect,
    shape=shape,
    words=words_of(pair.english for pair in corpus.training),
    longest=20,
    share=run.last.share,
    mine=True,
)
translator = Translator(model, tokenizer, case, card, replace(take(), mine=True))
translator.save(saved_at("tiny", "phrasebook", mine=True))
print(credits())

# %%
figures.transformer_map("09-translator")

# %% [markdown]
# It is saved, and it works outside of this notebook. In a terminal of JupyterLab, or in another one in
# the course's folder with `.venv/bin/` before `workbook`:
#
# ```
# workbook translate --mine "this cat is very large"
# python3 course.py translator --mine --preset small      # your pieces, trained for twenty minutes
# ```
#
# ---
# ## What you can say now
#
# - Encoder and decoder meet in the memory. Two masks, three attentions: padding, causal, padding.
# - A step is: clear, forward, loss, backward, clip, step, schedule. Wrong orders raise no error.
# - Greedy looks one word ahead, a beam at several beginnings; scores need a length penalty.
# - With a cache, a new word costs one position. Only self-attention needs the words before.
# - BLEU adds up clipped n-grams over a corpus; a score without its rules and its interval says little.
#
# ## What to read next
#
# - Vaswani et al. (2017), [Attention Is All You Need](https://arxiv.org/abs/1706.03762): you can now read
#   every line of it.
# - Wu et al. (2016), [Google's Neural Machine Translation System](https://arxiv.org/abs/1609.08144),
#   section 7, on beams and length.
# - Post (2018), [A Call for Clarity in Reporting BLEU Scores](https://arxiv.org/abs/1804.08771).
# - Press and Wolf (2017), [Using the Output Embedding to Improve Language
#   Models](https://arxiv.org/abs/1608.05859): why the head is tied.
#
# **Next, lesson 10:** the same class, four other tasks, and a look inside.
