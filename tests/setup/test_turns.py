"""Two set-ups in one folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbook.setup.failures import SetupFailure
from workbook.setup.turns import turn

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pathlib import Path
from workbook.setup.turns import turn
with turn(Path(sys.argv[1]), print) as handed_on:
    {body}
"""
WAIT = "print('held', flush=True); sys.stdin.read()"
# A program of the set-up's own that outlives it: it ends when its standard input does.
PASS_ON = (
    "import subprocess; "
    "subprocess.Popen([sys.executable, '-c', 'import sys; print(1, flush=True); sys.stdin.read()'],"
    " pass_fds=handed_on); sys.stdin.read()"
)


def start(path: Path, body: str) -> subprocess.Popen:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(body=body), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    holder.stdout.readline()
    return holder


def end(holder: subprocess.Popen) -> None:
    holder.stdin.close()
    holder.stdout.read()  # until every program that has it open is gone
    holder.stdout.close()
    holder.wait(timeout=30)


def test_a_second_set_up_waits_and_names_the_process_it_waits_for(tmp_path):
    lock = tmp_path / "lock"
    holder = start(lock, WAIT)
    said, pauses = [], []

    def pause(seconds):
        pauses.append(seconds)
        end(holder)

    with turn(lock, said.append, pause=pause):
        pass
    assert len(pauses) == 1
    assert said == [f"Another set-up is running in this folder (process {holder.pid}); waiting."]


def test_patience_ends_with_a_sentence(tmp_path):
    lock = tmp_path / "lock"
    holder = start(lock, WAIT)
    try:
        with (
            pytest.raises(SetupFailure, match=f"process {holder.pid}") as caught,
            turn(lock, lambda line: None, patience=60, pause=lambda seconds: None),
        ):
            pass
        assert "let it end" in caught.value.remedy
    finally:
        end(holder)


def test_the_turn_of_a_killed_set_up_is_free(tmp_path):
    lock = tmp_path / "lock"
    holder = start(lock, WAIT)
    holder.kill()
    end(holder)
    said = []
    with turn(lock, said.append):
        pass
    assert said == []


@pytest.mark.skipif(os.name == "nt", reason="Windows hands no descriptors on")
def test_the_turn_of_a_killed_set_up_is_taken_while_its_pip_runs(tmp_path):
    lock = tmp_path / "lock"
    holder = start(lock, PASS_ON)
    holder.kill()
    holder.wait(timeout=30)
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        end(holder)

    with turn(lock, lambda line: None, pause=pause):
        pass
    assert len(pauses) == 1


def test_turns_can_be_taken_one_after_another(tmp_path):
    for _ in range(3):
        with turn(tmp_path / "lock", lambda line: pytest.fail(line)):
            pass
    assert (tmp_path / "lock").read_bytes().strip() == str(os.getpid()).encode()
