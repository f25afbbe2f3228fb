"""course.py's commands, with the environment and the programs behind them replaced."""

import json
import sys
from types import SimpleNamespace

import pytest

from tests.setup.conftest import make_lesson
from workbook.setup import doors, install, server
from workbook.setup.failures import SetupFailure

FIRST, SECOND = "01-rnn-recap", "02-dot-product-attention"


@pytest.fixture
def course(root, monkeypatch):
    """A course that is set up; `prepared`, `ran` and `became` are what the doors asked for."""
    for name in (FIRST, SECOND):
        make_lesson(root / "lessons", name)
    (root / "tests").mkdir()
    record = SimpleNamespace(root=root, prepared=[], ran=[], became=[], statuses={})

    def prepare(environment, level, steps, fresh, adopt):
        record.prepared.append((level, fresh, adopt))

    def run(command, cwd, env):
        record.ran.append(list(command[1:]))
        record.environment = env
        status = [code for word, code in record.statuses.items() if word in command]
        return SimpleNamespace(returncode=status[0] if status else 0)

    monkeypatch.setattr(install, "prepare", prepare)
    monkeypatch.setattr(doors.Environment, "ready", lambda environment, level: True)
    monkeypatch.setattr(doors, "subprocess", SimpleNamespace(run=run))
    monkeypatch.setattr(server, "become", lambda *given: record.became.append(given) or 0)
    monkeypatch.setattr(server, "is_free", lambda port: True)
    return record


def call(course, *arguments: str) -> int:
    return doors.main(list(arguments), str(course.root))


def opened(course) -> str:
    command, folder, _ = course.became[0]
    assert folder == course.root  # nbgrader looks for its configuration there
    return next(part for part in command if "default_url" in part)


def test_lab_prepares_copies_reports_and_opens_the_first_lesson(course, capfd):
    assert call(course, "lab", "--no-browser") == 0
    assert course.prepared == [("lab", False, False)]
    assert ["-m", "workbook.doctor"] in course.ran
    assert (course.root / "work" / SECOND / f"{SECOND}.ipynb").is_file()
    assert opened(course).endswith(f"/lab/tree/work/{FIRST}/{FIRST}.ipynb")
    assert f"Copied into work/: {FIRST}, {SECOND}" in capfd.readouterr().out


def test_lab_comes_back_to_the_lesson_saved_last(course):
    call(course, "lab", "--setup-only")
    make_lesson(course.root / "work", SECOND, {"rnn_step": "return 1"})
    call(course, "lab")
    assert opened(course).endswith(f"{SECOND}.ipynb")


@pytest.mark.parametrize("asked", ["2", "02", SECOND])
def test_lab_opens_the_lesson_asked_for(course, asked):
    assert call(course, "lab", asked) == 0
    assert opened(course).endswith(f"{SECOND}.ipynb")


def test_a_lesson_that_is_not_there_is_named_with_those_that_are(course, capfd):
    assert call(course, "lab", "9") == 2
    told = capfd.readouterr().err
    assert "no lesson '9'" in told
    assert FIRST in told
    assert course.became == []


@pytest.mark.parametrize("door", [["lab"], ["submit", "--student", "ana"]])
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("10", f"work/ has no lesson '10'. There are: {FIRST}, {SECOND}."),
        ("11", f"'11' is no lesson of the course. There are: {FIRST}, {SECOND}."),
        ("scratch", "'scratch' is no lesson of the course. There are: "),
    ],
)
def test_a_notebook_of_ones_own_is_no_lesson(course, capfd, door, asked, told):
    make_lesson(course.root / "work", "scratch", {"rnn_step": "return 1"})
    call(course, "lab", "--setup-only")
    assert call(course, *door, asked) == 2
    assert told in capfd.readouterr().err
    assert course.became == []
    assert list(course.root.glob("*.zip")) == []


def test_a_notebook_of_ones_own_is_neither_opened_nor_handed_in_unasked(course, capfd):
    call(course, "lab", "--setup-only")
    make_lesson(course.root / "work", "00-scratch", {"rnn_step": "return 1"})
    assert call(course, "submit", "--student", "ana") == 2
    assert "no lesson in work/ has been worked on yet" in capfd.readouterr().err
    assert call(course, "lab") == 0
    assert opened(course).endswith(f"{FIRST}.ipynb")
    assert list(course.root.glob("*.zip")) == []


def test_setup_only_opens_nothing(course):
    assert call(course, "lab", "--setup-only") == 0
    assert course.became == []


def test_a_taken_port_is_told_and_the_next_one_used(course, monkeypatch, capfd):
    monkeypatch.setattr(server, "is_free", lambda port: port == 8895)
    assert call(course, "lab", "--port", "8893") == 0
    assert "Port 8893 is taken by another program; using 8895." in capfd.readouterr().out
    assert "--ServerApp.port=8895" in course.became[0][0]


@pytest.mark.parametrize("port", ["x", "0", "70000"])
def test_a_port_that_is_none_is_refused(course, port):
    with pytest.raises(SystemExit) as caught:
        call(course, "lab", "--port", port)
    assert caught.value.code == 2


def test_a_newer_release_is_told_beside_the_answers(course, capfd):
    call(course, "lab", "--setup-only")
    make_lesson(course.root / "work", FIRST, {"rnn_step": "return 1"})
    make_lesson(course.root / "lessons", FIRST, {"rnn_step": "newer"})
    capfd.readouterr()
    call(course, "lab", "--setup-only")
    assert f"{FIRST} was released anew; your copy stays as it is." in capfd.readouterr().out


def test_a_failed_set_up_is_two_sentences_and_no_traceback(course, monkeypatch, capfd):
    def fail(*given):
        raise SetupFailure("the disk is full.", "free some space.", ["[Errno 28]"])

    monkeypatch.setattr(install, "prepare", fail)
    assert call(course, "lab") == 1
    out, told = capfd.readouterr()
    assert "This stopped: the disk is full.\nWhat to do: free some space.\n" in told
    assert "    [Errno 28]" in told
    assert "Traceback" not in out + told
    assert course.became == []


def test_a_refusal_of_the_operating_system_is_no_traceback(course, monkeypatch, capfd):
    def fail(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(doors, "copy_lessons", fail)
    assert call(course, "lab") == 1
    told = capfd.readouterr().err
    assert "the disk is full" in told
    assert "Traceback" not in told


def test_an_interruption_is_no_traceback(course, monkeypatch, capfd):
    def interrupt(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(install, "prepare", interrupt)
    assert call(course, "lab") == 130
    assert "Traceback" not in capfd.readouterr().err


def test_without_a_network_the_earlier_packages_open_the_lab_but_not_the_tests(
    course, monkeypatch, capfd
):
    def fail(*given):
        failure = SetupFailure("no network.", "connect.", offline=True)
        failure.usable = True
        raise failure

    monkeypatch.setattr(install, "prepare", fail)
    assert call(course, "lab") == 0
    assert course.became
    assert "going on with the ones of your last set-up" in capfd.readouterr().out
    assert call(course, "check") == 1


def test_here_uses_the_python_that_runs_and_sets_nothing_up(course):
    assert call(course, "lab", "--here") == 0
    assert course.prepared == []
    assert course.became[0][0][0] == sys.executable


@pytest.mark.parametrize(
    ("option", "expected"), [("--fresh", ("lab", True, False)), ("--adopt", ("lab", False, True))]
)
def test_fresh_and_adopt_reach_the_set_up(course, option, expected):
    call(course, "lab", "--setup-only", option)
    assert course.prepared == [expected]


def test_test_runs_the_linter_and_every_test_and_hands_arguments_to_pytest(course):
    assert call(course, "test", "tests/setup", "-k", "bundle") == 0
    assert course.prepared == [("test", False, False)]
    linter, tests = course.ran
    assert linter == ["-m", "ruff", "check", "."]
    assert tests[:2] == ["-m", "pytest"]
    assert tests[tests.index("-n") : tests.index("-n") + 4] == ["-n", "2", "--dist", "loadscope"]
    assert tests[-3:] == ["tests/setup", "-k", "bundle"]
    assert doors.QUICK not in tests


def test_check_leaves_out_what_is_slow(course):
    assert call(course, "check") == 0
    tests = course.ran[-1]
    assert tests[-2:] == ["-m", "not slow and not browser and not notebook"]


@pytest.mark.parametrize("failing", ["ruff", "pytest"])
@pytest.mark.parametrize("door", ["test", "check"])
def test_a_failure_of_either_is_a_failure_and_both_are_run(course, capfd, door, failing):
    course.statuses[failing] = 1
    assert call(course, door) == 1
    assert len(course.ran) == 2
    assert "failed" in capfd.readouterr().out


def test_two_test_processes_share_the_cores(course, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(doors.os, "cpu_count", lambda: 8)
    call(course, "check")
    assert course.environment["OMP_NUM_THREADS"] == "4"


def test_a_students_bundle_says_that_it_has_no_tests(course, capfd):
    (course.root / "tests").rmdir()
    assert call(course, "test") == 2
    assert "no tests" in capfd.readouterr().err
    assert course.prepared == []


@pytest.mark.parametrize("found", [True, False])
def test_programs_that_the_tests_would_use_are_named_when_missing(
    course, monkeypatch, capfd, found
):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(doors.shutil, "which", lambda name: name if found else None)
    call(course, "test")
    told = "sudo apt install chromium bubblewrap" in capfd.readouterr().out
    assert told == (not found)


@pytest.mark.parametrize(
    ("door", "package", "before"),
    [
        ("release", "autograder", ["release"]),
        ("grade", "autograder", ["grade"]),
        ("translator", "workbook", ["translator"]),
    ],
)
def test_a_thin_door_passes_everything_on(course, door, package, before):
    course.statuses["-c"] = 7
    assert call(course, door, "02", "--jobs", "2", "--json", "--help") == 7
    command = course.ran[0]
    assert f"from {package}.cli import main" in command[1]
    assert command[2:] == [*before, "02", "--jobs", "2", "--json", "--help"]


def test_asking_a_thin_door_for_help_sets_nothing_up(course, monkeypatch, capfd):
    monkeypatch.setattr(doors.Environment, "ready", lambda environment, level: False)
    assert call(course, "release", "--help") == 0
    assert course.prepared == []
    assert "lab --setup-only" in capfd.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["frob"], ["lab", "1", "2"], ["submit", "--frob"]])
def test_a_wrong_use_ends_with_2(course, arguments):
    with pytest.raises(SystemExit) as caught:
        call(course, *arguments)
    assert caught.value.code == 2


def test_submit_writes_the_file_and_names_what_is_unanswered(course, capfd):
    call(course, "lab", "--setup-only")
    capfd.readouterr()
    assert call(course, "submit", "1", "--student", "ana") == 0
    told = capfd.readouterr().out
    assert (course.root / f"ana-{FIRST}.zip").is_file()
    assert str(course.root / f"ana-{FIRST}.zip") in told
    assert "Not answered yet: rnn_step." in told


def test_submit_takes_the_lesson_saved_last_and_says_which(course, capfd, tmp_path):
    call(course, "lab", "--setup-only")
    make_lesson(course.root / "work", SECOND, {"rnn_step": "return 1"})
    capfd.readouterr()
    assert call(course, "submit", "--student", "ana", "--to", str(tmp_path / "out")) == 0
    assert (tmp_path / "out" / f"ana-{SECOND}.zip").is_file()
    told = capfd.readouterr().out
    assert SECOND in told
    assert "Not answered" not in told


def test_submit_before_any_work_is_a_sentence(course, capfd):
    assert call(course, "submit", "--student", "ana") == 2
    assert "no lesson in work/ has been worked on yet" in capfd.readouterr().err
    assert call(course, "submit", "1", "--student", "ana") == 2
    assert "none yet" in capfd.readouterr().err


def test_submit_and_bundle_need_no_packages(course, capfd):
    call(course, "lab", "--setup-only")
    course.prepared.clear()
    call(course, "submit", "1", "--student", "ana")
    call(course, "bundle")
    assert course.prepared == []
    assert (course.root / "transformer-workbook.zip").is_file()
    assert "no solutions" in capfd.readouterr().out


def test_bundle_says_what_it_left_out(course, capfd):
    (course.root / "roster.csv").touch()
    (course.root / "my slides").mkdir()
    assert call(course, "bundle") == 0
    assert "no part of the course: my slides, roster.csv, tests" in capfd.readouterr().out


def test_a_bundle_without_lessons_is_a_sentence(course, capfd):
    for name in (FIRST, SECOND):
        (course.root / "lessons" / name / f"{name}.ipynb").unlink()
    assert call(course, "bundle") == 2
    assert "course.py release" in capfd.readouterr().err


def test_an_edited_copy_is_never_touched_by_any_door(course):
    call(course, "lab", "--setup-only")
    answers = make_lesson(course.root / "work", FIRST, {"rnn_step": "return 1"})
    before = json.loads(answers.read_text())
    for arguments in (["lab"], ["submit", "1", "--student", "ana"], ["bundle"], ["check"]):
        call(course, *arguments)
    assert json.loads(answers.read_text()) == before


def test_a_real_program_runs_in_the_courses_folder(root, monkeypatch, capfd):
    monkeypatch.setattr(doors.Environment, "ready", lambda environment, level: True)
    options = SimpleNamespace(here=True, fresh=False, adopt=False)
    course = doors.Course(root, options, [])
    assert course.run("-c", "import os, sys; print(os.getcwd()); sys.exit(4)") == 4
    assert capfd.readouterr().out.strip() == str(root)
