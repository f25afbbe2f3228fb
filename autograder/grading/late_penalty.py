"""What a late submission loses, as nbgrader asks for it."""

from nbgrader.plugins import BasePlugin

from autograder.grading.settings import settings


class LatePenalty(BasePlugin):
    """The penalty that `[late]` in grading.toml says; without it, none."""

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """The points that a submission loses, of its score; None for none."""
        share = settings().late.share(total_seconds_late)
        return share * score if share else None
