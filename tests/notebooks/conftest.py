"""Every test here is about each lesson that has been written."""

import pytest

from autograder.lessons.release import written_lessons


def pytest_generate_tests(metafunc):
    if "lesson" in metafunc.fixturenames:
        lessons = written_lessons()
        assert lessons, "no lesson has a master: solutions/ is empty or in another place"
        metafunc.parametrize("lesson", [pytest.param(each, id=each.name) for each in lessons])
