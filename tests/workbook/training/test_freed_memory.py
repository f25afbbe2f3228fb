"""Memory that a step frees stays for the next one."""

import platform
import subprocess
import sys

import pytest

STEPS = """
import resource, torch
from workbook.training.freed_memory import keep_freed_memory
kept = {keep} and keep_freed_memory()
def step():
    return torch.zeros(12_000_000).add(1).sum()  # 48 MB, twice
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep):
    command = [sys.executable, "-c", STEPS.format(keep=keep)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    kept, count = done.stdout.split()
    return kept == "True", int(count)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_pages_are_not_fetched_anew_at_every_step():
    told, few = faults(keep=True)
    _, many = faults(keep=False)
    assert told
    assert few < many / 4


def test_elsewhere_nothing_is_changed(monkeypatch):
    from workbook.training.freed_memory import keep_freed_memory

    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory.__wrapped__() is False
