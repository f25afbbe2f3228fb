"""How fast sentences are written: `python -m tests.benchmarks.decoding`.

Models of the preset `small`'s size with random weights, sources and answers of 20, 40 and 80
tokens, none of which ends early. In one run and in turn: greedy search and a beam of 4, each with
the key–value cache, without it (lesson 09's own `greedy_decode` and `beam_search`, which read the
whole beginning again for every token), and as Hugging Face's `generate` does it on a MarianMT of
the same size. Printed: tokens of answers a second at the median round, and our ratio to either (the
median over rounds of the ratio within a round).
"""

import argparse
import statistics
import time
from functools import partial

import torch

from workbook.device import describe_device, pick_device
from workbook.pieces import Transformer, beam_search, greedy_decode
from workbook.translator.decoding import beam, greedy
from workbook.translator.presets import preset

NEVER = -1  # an end that no token is
BOS = 1
BEAM = 4


def ours(size, device):
    made = Transformer(
        size.vocab_size, size.vocab_size, size.d_model, size.num_heads, size.num_layers, size.d_ff,
        0.0, share_embeddings=True,
    )  # fmt: skip
    return made.to(device).eval()


def marian(size, device):
    from transformers import MarianConfig, MarianMTModel

    config = MarianConfig(
        vocab_size=size.vocab_size,
        d_model=size.d_model,
        encoder_layers=size.num_layers,
        decoder_layers=size.num_layers,
        encoder_attention_heads=size.num_heads,
        decoder_attention_heads=size.num_heads,
        encoder_ffn_dim=size.d_ff,
        decoder_ffn_dim=size.d_ff,
        max_position_embeddings=256,
        pad_token_id=0,
        bos_token_id=BOS,
        eos_token_id=None,
        decoder_start_token_id=BOS,
        forced_eos_token_id=None,
    )
    return MarianMTModel(config).to(device).eval()


def generated(model, source, length, beams):
    penalty = {"length_penalty": 0.6, "early_stopping": False} if beams > 1 else {}
    with torch.no_grad():
        out = model.generate(
            input_ids=source,
            attention_mask=torch.ones_like(source),
            max_new_tokens=length,
            min_new_tokens=length,
            num_beams=beams,
            do_sample=False,
            use_cache=True,
            **penalty,
        )
    assert out.size(1) == length + 1, out.shape
    return out


def ways(model, theirs, source, length, beams):
    asked = (model, source, length, BOS, NEVER)
    cached = partial(greedy, *asked) if beams == 1 else partial(beam, *asked, beams)
    naive = partial(greedy_decode, *asked) if beams == 1 else partial(beam_search, *asked, beams)
    return {
        "cache": cached,
        "no cache": naive,
        "Hugging Face": partial(generated, theirs, source, length, beams),
    }


def timed(write, device):
    start = time.perf_counter()
    write()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.decoding")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lengths", type=int, nargs="+", default=[20, 40, 80])
    parser.add_argument("--preset", default="small")
    arguments = parser.parse_args()
    device, size = pick_device(), preset(arguments.preset)
    torch.manual_seed(0)
    model, theirs = ours(size, device), marian(size, device)
    own, others = (sum(p.numel() for p in m.parameters()) for m in (model, theirs))
    print(
        f"{describe_device(device)}; preset {size.name}: ",
        end="",
    )
    print(f"{own:,} parameters, MarianMT {others:,}; {arguments.rounds} rounds")
    print(f"{'':<22}{'tokens a second':^36}{'cache is faster than':^26}")
    print(f"{'search batch length':<22}{'cache':>10}{'no cache':>12}{'Hugging Face':>14}", end="")
    print(f"{'no cache':>12}{'Hugging Face':>14}")
    for beams in (1, BEAM):
        for batch in (1, 32):
            for length in arguments.lengths:
                source = torch.randint(4, size.vocab_size, (batch, length), device=device)
                writing = ways(model, theirs, source, length, beams)
                taken = {name: [] for name in writing}
                for number in range(arguments.rounds + 1):
                    for name, write in writing.items():
                        seconds = timed(write, device)
                        if number:  # the first round warms up
                            taken[name].append(seconds)
                name = "greedy" if beams == 1 else f"beam {beams}"
                print(f"{name:<8}{batch:>5}{length:>7}  ", end="")
                for found, width in zip(taken.values(), (10, 12, 14), strict=True):
                    print(f"{batch * length / statistics.median(found):>{width},.0f}", end="")
                for other in ("no cache", "Hugging Face"):
                    pairs = zip(taken[other], taken["cache"], strict=True)
                    print(f"{statistics.median(a / b for a, b in pairs):>13.2f}×", end="")
                print(flush=True)


if __name__ == "__main__":
    main()
