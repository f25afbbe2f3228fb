"""Pairs written on several cores: the same as on one, also where nothing else can be started."""

import itertools
import os
import signal
import subprocess
import sys
import time

import pytest

from workbook.corpus import drawing, phrasebook
from workbook.corpus.drawing import drawn_pairs


@pytest.fixture
def small_shares(monkeypatch):
    """Shares of thirty pairs."""
    monkeypatch.setattr(drawing, "_A_SHARE", 30)


def test_pairs_are_the_same_on_any_number_of_cores(small_shares):
    alone = list(drawn_pairs(100, seed=3, processes=1))
    assert len(alone) == 100
    assert list(drawn_pairs(100, seed=3, processes=2)) == alone


def test_shares_and_seeds_differ(small_shares):
    pairs = list(drawn_pairs(90, seed=3, processes=1))
    shares = [set(pairs[at : at + 30]) for at in range(0, 90, 30)]
    assert all(len(a & b) < 10 for a, b in itertools.combinations(shares, 2))
    other = set(drawn_pairs(90, seed=4, processes=1))
    assert len(other & set(pairs)) < 20


def test_nothing_that_is_held_out_is_drawn():
    held_out = {pair.english for pair in phrasebook.load_phrasebook("compositional")}
    assert held_out.isdisjoint(pair.english for pair in drawn_pairs(2_000, seed=1))


@pytest.mark.parametrize(
    "refusal",
    [PermissionError(1, "Operation not permitted"), subprocess.CalledProcessError(-9, "python")],
)
def test_where_no_other_python_writes_the_pairs_are_the_same(refusal, small_shares, monkeypatch):
    expected = list(drawn_pairs(100, seed=3, processes=1))
    first = drawing._SEEDS * 4

    begin = drawing._begun

    def only_once(count, seed):
        if seed != first:
            raise refusal
        return begin(count, seed)

    monkeypatch.setattr(drawing, "_begun", only_once)
    assert list(drawn_pairs(100, seed=3, processes=2)) == expected


def test_a_script_that_draws_at_its_top_is_run_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from workbook.corpus import drawing\n"
        "drawing._A_SHARE = 10\n"
        "print(len(list(drawing.drawn_pairs(30, 1, processes=2))))\n"
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("30\n", "")


@pytest.mark.parametrize(
    "python", ["", "/nowhere/python", "print('hello')", "import sys; sys.exit(0)"]
)
def test_a_python_that_writes_something_else_is_not_believed(
    python, small_shares, monkeypatch, tmp_path
):
    expected = list(drawn_pairs(100, seed=3, processes=1))
    if " " in python or "(" in python:  # what the other Python does before anything else
        (tmp_path / "sitecustomize.py").write_text(python)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    else:
        monkeypatch.setattr(sys, "executable", python)
    assert list(drawn_pairs(100, seed=3, processes=2)) == expected


def test_what_lies_in_the_current_folder_is_nothing_to_the_others(tmp_path, monkeypatch):
    (tmp_path / "random.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    assert len(drawing._taken(drawing._begun(3, 1), 3)) == 3


def test_whoever_takes_no_more_has_no_more_written(small_shares, monkeypatch):
    begun = []
    begin = drawing._begun

    def noted(count, seed):
        begun.append(begin(count, seed))
        return begun[-1]

    monkeypatch.setattr(drawing, "_begun", noted)
    pairs = drawn_pairs(3_000, seed=3, processes=2)
    for _ in range(40):
        next(pairs)
    assert len(begun) <= 4
    pairs.close()
    assert len(begun) <= 4
    assert all(other.returncode is not None for other in begun)


SLOW = """\
import os, pathlib, sys, time
if "workbook.corpus.drawing" in sys.orig_argv:
    pathlib.Path(__file__).with_name(f"{os.getpid()}.begun").touch()
    time.sleep(60)
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows interrupts all processes of a console")
def test_an_interrupt_ends_the_others_too(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(SLOW)
    script = tmp_path / "script.py"
    script.write_text(
        "from workbook.corpus import drawing\n"
        "drawing._A_SHARE = 10\n"
        "list(drawing.drawn_pairs(30, 1, processes=2))\n"
    )
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    variables = os.environ | {"PYTHONPATH": path}
    with subprocess.Popen(
        [sys.executable, script], env=variables, stderr=subprocess.DEVNULL
    ) as alone:
        while len(begun := [int(file.stem) for file in tmp_path.glob("*.begun")]) < 2:
            assert alone.poll() is None
            time.sleep(0.02)
        alone.send_signal(signal.SIGINT)
        alone.wait(timeout=20)
    for other in begun:
        with pytest.raises(ProcessLookupError):
            os.kill(other, 0)


def test_a_count_has_to_be_possible():
    assert list(drawn_pairs(0, seed=1)) == []
    with pytest.raises(ValueError, match="at least 0, got -1"):
        list(drawn_pairs(-1, seed=1))
