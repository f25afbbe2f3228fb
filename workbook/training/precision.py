"""Whether arithmetic in bfloat16 pays on this machine: asked of the machine, by trying.

Processors with bfloat16 instructions (avx512_bf16, AMX, most GPUs) train 1.5 to 2 times faster with
it; the others train slower. No list of names tells which is which, a second of work does.
"""

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

FLOAT32, BFLOAT16 = "float32", "bfloat16"
PRECISIONS = (FLOAT32, BFLOAT16)
_ROUNDS = 4  # of one step in each precision, in turn; the fastest of each is compared
_WORTH = 1.1  # a gain of less could be chance


@contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """Inside, matrix products are done in this precision; weights stay float32.

    precision: `"float32"` or `"bfloat16"`; raises ValueError for any other.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision is one of {', '.join(PRECISIONS)}; got {precision!r}")
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == BFLOAT16):
        yield


def faster_precision(
    model: nn.Module, one_step: Callable[[nn.Module], Any], device: torch.device
) -> str:
    """`"bfloat16"` where a training step gains at least 10 % by it, else `"float32"`.

    one_step: trains a model for one step. It is called with copies; the model itself, its gradients
    and the random numbers that follow stay as they are. On Apple's GPUs always float32.
    """
    if device.type not in ("cpu", "cuda"):
        return FLOAT32
    fastest = dict.fromkeys(PRECISIONS, float("inf"))
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        trial = copy.deepcopy(model)
        for module in trial.modules():
            if isinstance(module, nn.RNNBase):  # cuDNN wants its weights packed; a copy's aren't
                module.flatten_parameters()
        for attempt in range(_ROUNDS + 1):
            for precision in PRECISIONS:
                start = time.perf_counter()
                with arithmetic(precision, device):
                    one_step(trial)
                if device.type == "cuda":
                    torch.cuda.synchronize(device)
                taken = time.perf_counter() - start
                if attempt:  # the first one of each is for warming up
                    fastest[precision] = min(fastest[precision], taken)
    return BFLOAT16 if fastest[FLOAT32] > _WORTH * fastest[BFLOAT16] else FLOAT32
