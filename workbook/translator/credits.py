"""Whose pieces a translator is made of: the student's own, and those that the course lent.

Lesson 09 counts every piece that its notebook has put to work. A translator in the terminal is
trained on another schedule, scored by sacreBLEU and, with the student's pieces, writes without a
cache: it counts fewer.
"""

from collections.abc import Collection
from dataclasses import dataclass

from workbook import toolbox
from workbook.syllabus import PIECES, lesson_of

_BUILT = (
    "softmax scaled_dot_product_attention split_heads merge_heads MultiHeadAttention "
    "sinusoidal_encoding PositionalEncoding LayerNorm FeedForward residual padding_mask "
    "EncoderLayer Encoder causal_mask DecoderLayer Decoder OutputHead Transformer"
).split()
_TRAINED = "clip_gradients_ label_smoothing_loss train_step".split()
_WRITES = "greedy_decode beam_search".split()
_IN_THE_LESSON = "KVCache cached_attention decode_step warmup_rate corpus_bleu".split()


def _in_order(names: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in PIECES if name in names)


# Every piece that works in lesson 09's translator: in training, in writing, in scoring it.
AT_WORK = _in_order([*_BUILT, *_TRAINED, *_WRITES, *_IN_THE_LESSON])


def in_a_terminal(trained: bool) -> tuple[str, ...]:
    """The pieces that work in a translator of `workbook translate --mine`. trained: its weights
    come of the student's training, and aren't the course's."""
    return _in_order([*_BUILT, *_WRITES, *(_TRAINED if trained else ())])


@dataclass(frozen=True)
class Credits:
    """The pieces at work, in the syllabus' order: `own`, written by the student, and `borrowed`."""

    own: tuple[str, ...]
    borrowed: tuple[str, ...]

    def __str__(self) -> str:
        whole = len(self.own) + len(self.borrowed)
        if not self.borrowed:
            return f"All {whole} pieces at work in this translator are yours."
        if not self.own:
            return f"All {whole} pieces at work in this translator are borrowed from the course."
        are = "is" if len(self.own) == 1 else "are"
        lines = [
            f"{len(self.own)} of the {whole} pieces at work in this translator {are} yours, "
            f"{len(self.borrowed)} borrowed.",
            f"Yours: {_by_lesson(self.own)}.",
            f"Borrowed: {_by_lesson(self.borrowed)}.",
        ]
        if "Transformer" in self.borrowed:
            lines.append(
                "The course's Transformer is built of the course's layers: what you wrote of them "
                "goes to work when your own Transformer has passed its check."
            )
        return "\n".join(lines)

    def by_name(self) -> dict[str, bool]:
        """Every piece at work, in the syllabus' order; True where it is the student's own."""
        return {name: name in self.own for name in PIECES if name in self.own + self.borrowed}


def credits(at_work: Collection[str] = AT_WORK) -> Credits:
    """What the toolbox says of the pieces at work."""
    mine = toolbox.passed()
    return Credits(
        tuple(name for name in at_work if name in mine),
        tuple(name for name in at_work if name not in mine),
    )


def _by_lesson(names: tuple[str, ...]) -> str:
    """Names with the lesson that they belong to, once for each lesson."""
    lessons: dict[int, list[str]] = {}
    for name in names:
        lessons.setdefault(lesson_of(name).number, []).append(name)
    return "; ".join(f"lesson {n:02d} {', '.join(own)}" for n, own in sorted(lessons.items()))
