"""Training, watched: a bar in a terminal, a bar and the loss curve in a notebook, lines in a log.

train(model, batches, budget, watchers=[live("the translator")])
"""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from workbook.training.loop import Moment

if TYPE_CHECKING:
    from workbook.figures import Picture

_DRAWING_SHARE = 0.03  # of the time may go into drawing; training is what the user waits for
_NEWS = (1.0, 10.0)  # seconds between two drawings, at least and at most


def live(title: str = "training") -> Callable[[Moment], None]:
    """The watcher that suits the place: notebook, terminal, or anything that only takes lines."""
    if _in_notebook():
        return NotebookView(title)
    return TerminalBar(title) if sys.stderr.isatty() else LogLines(title)


class TerminalBar:
    """One line that fills up: share, loss, speed and the time that is left. By tqdm."""

    def __init__(self, title: str, file: TextIO | None = None) -> None:
        self.title = title
        self.file = file
        self._bar: Any = None

    def __call__(self, moment: Moment) -> None:
        from tqdm import tqdm

        if self._bar is None:
            layout = "{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
            self._bar = tqdm(
                total=1.0,
                desc=self.title,
                initial=moment.share,
                bar_format=layout,
                file=self.file,
                dynamic_ncols=True,
            )
        speed = f"{moment.tokens_per_second:,.0f} tokens/s"
        self._bar.set_postfix_str(f"loss {moment.loss:.3f}, {speed}", refresh=False)
        self._bar.update(moment.share - self._bar.n)
        if moment.stopped:
            self._bar.refresh()
            self._bar.close()


class LogLines:
    """A line for every tenth of the way, for logs and pipes."""

    def __init__(self, title: str, say: Callable[[str], None] = print) -> None:
        self.title = title
        self.say = say
        self._told = 0

    def __call__(self, moment: Moment) -> None:
        tenth = int(10 * moment.share + 1e-9)
        if tenth > self._told and not moment.stopped:
            self._told = tenth
            self.say(f"{self.title}: {moment}")
        elif moment.stopped and (moment.stopped != "finished" or not self._told):
            self.say(f"{self.title} {moment.stopped}: {moment}")


class NotebookView:
    """One output that is drawn anew: a bar above the loss so far. Its last state stays in the
    notebook as a picture with a text, without a widget."""

    def __init__(self, title: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.title = title
        self._clock = clock
        self._handle: Any = None
        self._next = 0.0

    def __call__(self, moment: Moment) -> None:
        start = self._clock()
        if start < self._next and not moment.stopped:
            return
        from IPython.display import display

        picture = progress_picture(self.title, moment)
        if self._handle is None:
            self._handle = display(picture, display_id=True)
        else:
            self._handle.update(picture)
        end = self._clock()
        soonest, latest = _NEWS
        self._next = end + min(latest, max(soonest, (end - start) / _DRAWING_SHARE))


def progress_picture(title: str, moment: Moment) -> "Picture":
    """The state of a run: how much of its budget is spent, and the loss so far."""
    from workbook.figures.paper import sheet
    from workbook.figures.picture import Picture
    from workbook.figures.style import KEY, KEY_TINT

    state = f" ({moment.stopped})" if moment.stopped else ""
    with sheet(6.4, 2.5, f"{title}: {moment.share:.0%}{state}", str(moment)) as page:
        bar = page.axes(0.7, 2.25, 5.5, 0.14)
        bar.barh([0], [1], color=KEY_TINT)
        bar.barh([0], [moment.share], color=KEY)
        bar.set(xlim=(0, 1))
        bar.axis("off")
        axes = page.axes(0.7, 0.5, 5.5, 1.6)
        tokens = [spent for spent, _ in moment.history]
        axes.plot(tokens, [loss for _, loss in moment.history], color=KEY)
        axes.set(xlabel="target tokens seen", ylabel="loss of a token")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.grid(axis="y")
    first = f" from {moment.history[0][1]:.2f}" if moment.history else ""
    return Picture(
        page.figure,
        f"{title}: {moment}{state}. The loss, measured in this run, went{first} to "
        f"{moment.loss:.2f}.",
    )


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and getattr(shell, "kernel", None) is not None
