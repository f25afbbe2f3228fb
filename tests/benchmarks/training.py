"""How fast the loop trains beside `torch.nn.Transformer`: `python -m tests.benchmarks.training`.

The preset `small` in every way at once, on the same batches of made-up sentences as long as
everyday ones: one step of each way, in turn, so that whatever else the machine does slows all of
them. One way has batches of its own: an ordinary loop, whose batches hold as many real tokens but
take the sentences as they come. Printed: real target tokens a second at the median step, the ratio
to `nn.Transformer` in float32 (the median over rounds of the ratio within a round, with its
quartiles), the share of padding, and the process's peak memory.
"""

import argparse
import statistics
import sys
import time

import torch
from torch import nn

from tests.workbook.translator.padding import padding_share
from workbook.device import describe_device, pick_device
from workbook.pieces import Transformer, sinusoidal_encoding, train_step
from workbook.training import adam, muon
from workbook.training.precision import BFLOAT16, FLOAT32, arithmetic, faster_precision
from workbook.translator import vocabulary_loss
from workbook.translator.presets import preset
from workbook.translator.real_positions import real_positions_only
from workbook.translator.text import Batches, make_batch

SMALL = preset("small")


class TorchTransformer(nn.Module):
    """`nn.Transformer` between the embeddings, positions and tied head of the course's."""

    pad_id = 0

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        size = SMALL.d_model
        self.scale = size**0.5
        self.embedding = nn.Embedding(vocab_size, size)
        self.register_buffer("positions", sinusoidal_encoding(256, size))
        layer = {"batch_first": True, "norm_first": True, "dropout": SMALL.dropout}
        encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(size, SMALL.num_heads, SMALL.d_ff, **layer),
            SMALL.num_layers,
            nn.LayerNorm(size),
            enable_nested_tensor=False,
        )
        self.body = nn.Transformer(
            size,
            SMALL.num_heads,
            SMALL.num_layers,
            SMALL.num_layers,
            SMALL.d_ff,
            custom_encoder=encoder,
            **layer,
        )
        self.head = nn.Linear(size, vocab_size, bias=False)
        self.head.weight = self.embedding.weight
        nn.init.normal_(self.embedding.weight, std=1 / self.scale)

    def _embed(self, tokens):
        return self.embedding(tokens) * self.scale + self.positions[: tokens.size(1)]

    def forward(self, source, target_in):
        padding = source == self.pad_id
        hidden = self.body(
            self._embed(source),
            self._embed(target_in),
            tgt_mask=nn.Transformer.generate_square_subsequent_mask(
                target_in.size(1), device=source.device, dtype=torch.bool
            ),
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
            tgt_is_causal=True,
        )
        return self.head(hidden)


def sentences(count, vocab_size):
    """Pairs of random ids; lengths as everyday sentences have them, 3 to 30 sub-words."""
    draw = torch.Generator().manual_seed(7)
    lengths = (torch.randn(count, generator=draw) * 3 + 8).round().clamp(3, 30).int().tolist()
    more = torch.randint(-1, 4, (count,), generator=draw).tolist()

    def ids(length):
        return torch.randint(4, vocab_size, (length,), generator=draw).tolist()

    return [(ids(n), ids(max(2, n + m))) for n, m in zip(lengths, more, strict=True)]


def as_they_come(pairs, like):
    """Batches of the pairs in their own order, each with about as many real target tokens as those
    of `like`, padded to its longest sentence."""
    each = round(len(pairs) / len(like))
    return [make_batch(pairs[at : at + each]) for at in range(0, len(pairs), each)]


def ours():
    return Transformer(
        SMALL.vocab_size, SMALL.vocab_size, SMALL.d_model, SMALL.num_heads, SMALL.num_layers,
        SMALL.d_ff, SMALL.dropout, share_embeddings=True,
    )  # fmt: skip


def torchs():
    return TorchTransformer(SMALL.vocab_size)


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.training")
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    device = pick_device()
    torch.manual_seed(0)
    pairs = sentences(30_000, SMALL.vocab_size)
    batches = Batches(pairs, SMALL.batch_tokens)(0)
    unsorted = as_they_come(pairs, batches)

    def trial(model):
        vocabulary_loss.train_step(model, batches[0].to(device), muon(model))

    chosen = faster_precision(ours().to(device), trial, device)
    ordinary, default = "nn.Transformer, ordinary loop", f"as we train ({chosen})"
    ways = {
        ordinary: (torchs(), train_step, FLOAT32, adam),
        "nn.Transformer, float32": (torchs(), train_step, FLOAT32, adam),
        "the pieces, float32": (ours(), train_step, FLOAT32, adam),
        "nn.Transformer, bfloat16": (torchs(), train_step, BFLOAT16, adam),
        "the pieces, bfloat16": (ours(), train_step, BFLOAT16, adam),
        "a student's, as we train": (ours(), real_positions_only(train_step), chosen, muon),
        default: (ours(), vocabulary_loss.train_step, chosen, muon),
    }
    ready = {}
    for name, (model, step, precision, optimizer) in ways.items():
        model = model.to(device).train()
        ready[name] = (model, step, precision, optimizer(model))
    speeds = {name: [] for name in ways}
    for number in range(rounds + 2):
        for name, (model, step, precision, optimizer) in ready.items():
            taken = unsorted if name == ordinary else batches
            batch = taken[number % len(taken)].to(device)
            start = time.perf_counter()
            with arithmetic(precision, device):
                _, tokens = step(model, batch, optimizer)
            if device.type == "cuda":
                torch.cuda.synchronize()
            if number >= 2:  # the first ones warm up
                speeds[name].append(tokens / (time.perf_counter() - start))
    print(f"{describe_device(device)}; preset small, {rounds} rounds")
    print(f"{'':<30}{'tokens/s':>10}{'ratio':>8}   (quartiles)")
    base = speeds["nn.Transformer, float32"]
    for name, found in speeds.items():
        ratios = [mine / theirs for mine, theirs in zip(found, base, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(
            f"{name:<30}{statistics.median(found):>10,.0f}{middle:>8.2f}   ({low:.2f}–{high:.2f})"
        )
    for one, other in (("the pieces, bfloat16", "nn.Transformer, bfloat16"), (default, ordinary)):
        ratios = [a / b for a, b in zip(speeds[one], speeds[other], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f"{one} to {other}: {middle:.2f} ({low:.2f}–{high:.2f})")
    print(
        f"padding: {padding_share(batches):.1%} of the positions, "
        f"{padding_share(unsorted):.1%} where sentences are taken as they come"
    )
    if sys.platform != "win32":
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        unit = 1024**2 if sys.platform == "darwin" else 1024
        print(f"peak memory of this process: {peak / unit:,.0f} MiB (six models at once)")


if __name__ == "__main__":
    main()
