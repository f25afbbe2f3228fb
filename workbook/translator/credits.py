"""Whose pieces a translator is made of: the student's own, and those that the course lent.

The one count of them: lesson 09's last cell and `workbook translate --mine` say the same.
"""

from dataclasses import dataclass

from workbook import toolbox
from workbook.syllabus import PIECES, lesson_of

# Every piece that works in a translator: in training, in writing, in scoring it.
AT_WORK = tuple(
    "clip_gradients_ softmax scaled_dot_product_attention split_heads merge_heads "
    "MultiHeadAttention sinusoidal_encoding PositionalEncoding LayerNorm FeedForward residual "
    "padding_mask EncoderLayer Encoder causal_mask DecoderLayer Decoder OutputHead KVCache "
    "cached_attention Transformer label_smoothing_loss warmup_rate train_step greedy_decode "
    "beam_search decode_step corpus_bleu".split()
)


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


def credits() -> Credits:
    """What the toolbox says of the pieces at work."""
    mine = toolbox.passed()
    return Credits(
        tuple(name for name in AT_WORK if name in mine),
        tuple(name for name in AT_WORK if name not in mine),
    )


def _by_lesson(names: tuple[str, ...]) -> str:
    """Names with the lesson that they belong to, once for each lesson."""
    lessons: dict[int, list[str]] = {}
    for name in names:
        lessons.setdefault(lesson_of(name).number, []).append(name)
    return "; ".join(f"lesson {n:02d} {', '.join(own)}" for n, own in sorted(lessons.items()))
