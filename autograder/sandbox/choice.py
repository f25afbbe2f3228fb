"""Which protection a submission gets: bubblewrap's, or none where somebody asked for none."""

from dataclasses import dataclass

from autograder.sandbox import bubblewrap
from autograder.sandbox.bubblewrap import Wrapping
from autograder.sandbox.remedies import remedy

WANTED = ("auto", "bubblewrap", "none")


class NoSandbox(RuntimeError):
    """This machine gives no protection; the message says what to do about it."""


@dataclass(frozen=True)
class Sandbox:
    """A protection. `name` is what a receipt says: "bubblewrap 0.8.0", or "none"; `wrapping` is
    how bubblewrap is called, None without it."""

    name: str
    wrapping: Wrapping | None = None


def choose(wanted: str = "auto") -> Sandbox:
    """The protection that is wanted. Raises NoSandbox for "auto" and "bubblewrap" where bubblewrap
    doesn't work, ValueError for a word that is none of WANTED."""
    if wanted not in WANTED:
        raise ValueError(f"no sandbox is called {wanted!r}; there are {', '.join(WANTED)}")
    if wanted == "none":
        return Sandbox("none")
    wrapping, trouble = bubblewrap.find()
    if wrapping is None:
        raise NoSandbox(
            f"A submission can't be kept apart from your files here: {trouble}. "
            f'What to do: {remedy(trouble)} Or choose the sandbox "none" in so many words, for '
            "code that you trust with your files."
        )
    return Sandbox(f"bubblewrap {wrapping.version}", wrapping)
