"""One at a time, in whatever process the others are."""

import subprocess
import sys

import pytest

from workbook.one_at_a_time import one_at_a_time

HOLDING = """
import sys, time
from pathlib import Path
from workbook.one_at_a_time import one_at_a_time
with one_at_a_time(Path(sys.argv[1]), RuntimeError()):
    print("inside", flush=True)
    time.sleep(60)
"""


def test_another_process_is_refused_until_this_one_has_ended_however_it_did(tmp_path):
    lock = tmp_path / "lock"
    command = [sys.executable, "-c", HOLDING, str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout.readline().strip() == b"inside"
            with pytest.raises(ValueError, match="wait"), one_at_a_time(lock, ValueError("wait")):
                pytest.fail("two are inside")
        finally:
            other.kill()
    with one_at_a_time(lock, ValueError("wait"), patience=5):
        pass


def test_an_error_inside_lets_the_next_one_in(tmp_path):
    with pytest.raises(KeyError), one_at_a_time(tmp_path / "lock", ValueError()):
        raise KeyError
    with one_at_a_time(tmp_path / "lock", ValueError()):
        pass
