"""Known causes of failure, told from what programs print."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbook.setup.failures import SHOWN_LINES, SHOWN_WIDTH, explain, explain_error, useful

NO_VERSION = "ERROR: No matching distribution found for torch==2.13.0"


@pytest.mark.parametrize(
    ("line", "problem", "remedy"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full", "TMPDIR"),
        ("[WinError 112] There is not enough space on the disk", "disk is full", "TMPDIR"),
        ("[Errno 122] Disk quota exceeded", "disk is full", "free some space"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] verify failed", "certificate", "global.cert"),
        ("[Errno -3] Temporary failure in name resolution", "network", "connect"),
        ("[Errno 11001] getaddrinfo failed", "network", "connect"),
        ("HTTPSConnectionPool: Read timed out.", "network", "connect"),
        ("ProxyError('Cannot connect to proxy.')", "network", "HTTPS_PROXY"),
        ("ConnectionResetError(104, 'Connection reset by peer')", "network", "connect"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "damaged", "cache purge"),
        ("HINT: This error might have occurred since this system does not have Windows Long Path "
         "support enabled.", "too long", "C:\\workbook"),
        ("Error: Refusing to create a venv in /a:b because it contains the PATH separator :.",
         "colon", "rename"),
        ("No module named 'ensurepip'", "can't make environments", "apt install python3-venv"),
        (NO_VERSION, "no build for this Python", "3.11, 3.12 or 3.13"),
        ("PermissionError: [Errno 13] Permission denied: 'jupyter.exe'", "written", "JupyterLab"),
        ("PermissionError: [WinError 5] Access is denied", "written", "JupyterLab"),
    ],
)  # fmt: skip
def test_a_known_cause_is_named_with_what_to_do(line, problem, remedy):
    failure = explain("installing", ["Collecting torch==2.13.0", line, ""])
    assert problem in failure.problem
    assert remedy in failure.remedy
    assert failure.offline == (problem == "network")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("[Errno -3] Temporary failure in name resolution", "network"),
        ("certificate verify failed: unable to get local issuer certificate", "certificate"),
        ("[Errno 28] No space left on device", "disk is full"),
    ],
)
def test_the_cause_wins_over_pips_conclusion_that_there_is_no_such_version(line, problem):
    assert problem in explain("installing", [line, NO_VERSION]).problem


def test_an_unknown_cause_shows_the_last_useful_lines():
    lines = [f"Requirement already satisfied: p{n}" for n in range(50)]
    failure = explain("installing the packages", ["it broke here", *lines, "", "[notice] new pip"])
    assert failure.problem == "installing the packages failed."
    assert failure.lines == ("it broke here",)


def test_only_the_last_lines_are_shown_and_none_is_endless():
    shown = useful([f"line {number} " + "word " * 1000 for number in range(50)])
    assert len(shown) == SHOWN_LINES
    assert shown[-1].startswith("line 49")
    assert all(len(line) <= SHOWN_WIDTH for line in shown)


def test_a_line_that_is_one_long_word_shows_how_it_begins():
    (shown,) = useful(["folder/" * 100])
    assert shown.startswith("folder/folder/folder/")
    assert shown.endswith("...")
    assert len(shown) == SHOWN_WIDTH


def test_an_operating_systems_refusal_is_explained_by_its_number():
    assert "disk is full" in explain_error("copying", OSError(28, "x")).problem
    assert "written" in explain_error("copying", PermissionError(13, "Permission denied")).problem


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.lists(st.text()))
def test_any_output_gets_a_problem_and_a_remedy(lines):
    failure = explain("a step", lines)
    assert failure.problem
    assert failure.remedy
