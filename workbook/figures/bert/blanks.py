"""What a model puts into a blank, and how sure it is."""

from collections.abc import Callable, Sequence

import ipywidgets

from workbook.figures.diagram import Place, block, label
from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import (
    INK,
    KEY,
    KEY_TINT,
    LINE,
    MUTED,
    PAGE_WIDTH,
    PAPER,
    QUERY,
    QUERY_TINT,
    SMALL_SIZE,
)
from workbook.figures.widget import Explorer

Guess = Callable[[list[str], int], Sequence[tuple[str, float]]]

_ROW = 0.3


def blank_explorer(guess: Guess, sentences: Sequence[str], place: int = 0) -> Explorer:
    """Choose a sentence and a word of it, which is hidden; bars show what is guessed.

    Args:
        guess: a sentence's words and the place of the hidden one → words and their probabilities,
            the likeliest first.
        sentences: words set apart by blanks.
        place: the word hidden at first.

    Raises:
        ValueError: no sentence, or the first has no such word.
    """
    if not sentences or not 0 <= place < len(sentences[0].split()):
        raise ValueError(f"word {place} should be hidden, and the sentences are {list(sentences)}")
    longest = max(len(sentence.split()) for sentence in sentences)

    def draw(sentence: str, word: int) -> Picture:
        words = sentence.split()
        hidden = min(word - 1, len(words) - 1)
        return filled_blank(words, hidden, guess(words, hidden))

    controls = {
        "sentence": ipywidgets.Dropdown(
            options=list(sentences),
            value=sentences[0],
            description="sentence",
            layout=ipywidgets.Layout(width="520px"),
        ),
        "word": ipywidgets.IntSlider(place + 1, 1, longest, description="hide word"),
    }
    return Explorer(draw, controls)


def filled_blank(
    words: Sequence[str], hidden: int, guesses: Sequence[tuple[str, float]]
) -> Picture:
    """A sentence with one word hidden, and bars for what a model would put there."""
    right = words[hidden]
    best, sure = guesses[0]
    verdict = "the word that stood there" if best == right else f"and it was “{right}”"
    title = f"The likeliest word is “{best}” ({sure:.0%}), {verdict}"
    tall = 0.75 + _ROW * len(guesses)
    each = min(1.0, (PAGE_WIDTH - 0.3) / len(words))
    with sheet(PAGE_WIDTH, tall, title, "Measured in this notebook.") as page:
        board = page.board()
        for place, word in enumerate(words):
            spot = Place(0.15 + each * place, tall - 0.45, each - 0.06, 0.34)
            blank = place == hidden
            block(
                board,
                spot,
                "?" if blank else word,
                fill=QUERY_TINT if blank else PAPER,
                edge=QUERY if blank else LINE,
                line=2.0 if blank else 1.0,
                size=SMALL_SIZE,
                weight="bold" if blank else "normal",
                rounding=0.04,
            )
        for number, (word, share) in enumerate(guesses):
            y = tall - 0.75 - _ROW * number
            mine = word == right
            name = f"{word} ✓" if mine else word
            label(
                board,
                1.45,
                y,
                name,
                ha="right",
                weight="bold" if mine else "normal",
                color=INK if mine else MUTED,
            )
            bar = Place(1.55, y - 0.09, max(5.5 * share, 0.02), 0.18)
            block(board, bar, fill=KEY if mine else KEY_TINT, edge=KEY, rounding=0.0)
            label(board, bar.right + 0.08, y, f"{share:.0%}", ha="left", size=SMALL_SIZE)
    told = ", ".join(f"“{word}” {share:.0%}" for word, share in guesses)
    sentence = " ".join("___" if place == hidden else word for place, word in enumerate(words))
    return Picture(page.figure, f"{title}. “{sentence}”: {told}.")
