"""What the reader of a terminal, a log and a notebook sees of a training."""

import io
import sys
from types import SimpleNamespace

import pytest

from workbook.training import Moment, Progress, live_progress
from workbook.training.live_progress import (
    LogLines,
    NotebookView,
    TerminalBar,
    live,
    progress_picture,
)


def moment(share, stopped=""):
    steps = round(100 * share)
    progress = Progress(steps, 10 * steps, seconds=share)
    history = tuple((10 * n, 4.0 - n / 50) for n in range(1, steps + 1))
    return Moment(progress, share, 4.0 - share, 0.001, history, stopped)


def test_a_terminal_gets_a_bar_with_loss_and_speed():
    file = io.StringIO()
    bar = TerminalBar("the translator", file)
    for share in (0.2, 0.5, 1.0):
        bar(moment(share))
    bar(moment(1.0, "finished"))
    last = file.getvalue().rstrip().rpartition("\r")[2]
    assert "the translator 100%" in last
    assert "loss 3.000, 1,000 tokens/s" in last


def test_a_resumed_run_does_not_start_at_nothing():
    file = io.StringIO()
    TerminalBar("t", file)(moment(0.6))
    assert " 60%" in file.getvalue()
    assert " 0%" not in file.getvalue()


def test_a_log_gets_a_line_every_tenth():
    said = []
    log = LogLines("training", said.append)
    for hundredth in range(1, 101):
        log(moment(hundredth / 100))
    log(moment(1.0, "finished"))
    assert len(said) == 10
    assert said[0] == "training: 10% done, 10 steps, loss 3.900, 1,000 tokens/s"


def test_a_log_says_that_it_was_interrupted():
    said = []
    log = LogLines("training", said.append)
    log(moment(0.05, "interrupted"))
    assert said == ["training interrupted: 5% done, 5 steps, loss 3.950, 1,000 tokens/s"]


@pytest.fixture
def shown(monkeypatch):
    """What `IPython.display` was asked to show; its handle's updates too."""
    import IPython.display

    found = []
    handle = SimpleNamespace(update=found.append)
    monkeypatch.setattr(
        IPython.display, "display", lambda picture, display_id: found.append(picture) or handle
    )
    return found


def test_a_notebook_gets_one_picture_that_is_drawn_anew_but_not_all_the_time(shown):
    now = [0.0]
    view = NotebookView("training", clock=lambda: now[0])
    for hundredth in range(1, 101):
        now[0] += 0.1
        view(moment(hundredth / 100))
    assert 5 <= len(shown) <= 11
    view(moment(1.0, "finished"))
    assert "100% done" in shown[-1].alt


def test_slow_drawing_is_done_rarely_but_done(shown):
    now = [0.0]

    def clock():
        now[0] += 0.5  # each look at the clock takes half a second: drawing is slow here
        return now[0]

    view = NotebookView("training", clock)
    view(moment(0.1))
    drawn = now[0]
    while len(shown) == 1:
        view(moment(0.2))
    assert 10 <= now[0] - drawn <= 12


def test_the_picture_shows_share_and_loss_and_says_them():
    picture = progress_picture("training", moment(0.4, "interrupted"))
    bar, curve = picture.figure.axes
    assert bar.patches[1].get_width() == pytest.approx(0.4)
    assert curve.lines[0].get_ydata()[-1] == pytest.approx(4.0 - 40 / 50)
    assert curve.get_xlabel() == "target tokens seen"
    assert "40% done" in picture.alt
    assert "interrupted" in picture.alt
    assert "from 3.98 to 3.60" in picture.alt
    assert picture.png.startswith(b"\x89PNG")


def test_the_picture_can_be_drawn_before_there_is_a_curve():
    assert "0% done" in progress_picture("t", moment(0.0)).alt


@pytest.mark.parametrize(
    ("kernel", "terminal", "expected"),
    [(True, False, NotebookView), (False, True, TerminalBar), (False, False, LogLines)],
)
def test_the_place_decides(monkeypatch, kernel, terminal, expected):
    monkeypatch.setattr(live_progress, "_in_notebook", lambda: kernel)
    monkeypatch.setattr(live_progress.sys, "stderr", SimpleNamespace(isatty=lambda: terminal))
    assert isinstance(live("t"), expected)


@pytest.mark.parametrize(
    ("shell", "expected"),
    [(None, False), (SimpleNamespace(kernel=None), False), (SimpleNamespace(kernel=1), True)],
)
def test_a_notebook_is_a_shell_with_a_kernel(monkeypatch, shell, expected):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert live_progress._in_notebook() is expected
