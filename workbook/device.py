"""The device and the seed: one call each at the top of a notebook.

MPS has no float64: a tensor in double precision has to stay on the CPU there. The checks run on
the CPU in float64 for that reason, and once in float32 on the device picked here.
"""

import random

import torch


def pick_device() -> torch.device:
    """CUDA where there is one, then Apple's MPS, then the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def describe_device(device: torch.device) -> str:
    """The device in words, with its memory or its threads: `CPU, 2 threads`."""
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name}, {properties.total_memory / 1024**3:.0f} GiB"
    if device.type == "mps":
        return "Apple GPU (MPS; no float64)"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}"


def seed(number: int) -> None:
    """Seed Python's, NumPy's and torch's generators, on every device.

    The same number gives the same numbers again on the same machine and versions. Raises
    ValueError outside 0 to 2**32 - 1, which is what NumPy takes.
    """
    if not 0 <= number < 2**32:
        raise ValueError(f"a seed is a whole number from 0 to {2**32 - 1}, and this is {number}")
    import numpy  # a notebook that never draws with it shouldn't wait for it at import

    random.seed(number)
    numpy.random.seed(number)
    torch.manual_seed(number)
    # Otherwise cuDNN times its algorithms and may take another one in the next run.
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def seed_torch(number: int) -> None:
    """Seed torch's generators alone, for whoever does so often: as `torch.manual_seed` does, but
    without the milliseconds, and the memory, that this one spends on noting the number down for
    every kind of accelerator that this machine hasn't."""
    if torch.accelerator.is_available():
        torch.manual_seed(number)
    else:
        torch.default_generator.manual_seed(number)
