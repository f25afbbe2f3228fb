"""How far a student has come: which of the pieces that they can write are theirs."""

from dataclasses import dataclass

from workbook.home import lessons_folder
from workbook.setup.lessons import lesson_names
from workbook.syllabus import LESSONS, Lesson
from workbook.toolbox import passed


@dataclass(frozen=True)
class Progress:
    """The lessons that have been released, and the student's own pieces."""

    released: tuple[Lesson, ...]
    own: frozenset[str]

    @property
    def pieces(self) -> tuple[str, ...]:
        """What counts, in the syllabus' order: what the released lessons ask for, and what is the
        student's already. So whoever has done every lesson has all of them."""
        return tuple(
            piece
            for lesson in LESSONS
            for piece in lesson.pieces
            if lesson in self.released or piece in self.own
        )

    def __str__(self) -> str:
        return f"{len(self.own)} of {len(self.pieces)} pieces are yours"


def progress() -> Progress:
    """What `lessons/` and the toolbox hold now."""
    names = lesson_names(lessons_folder())
    return Progress(tuple(each for each in LESSONS if each.name in names), frozenset(passed()))
