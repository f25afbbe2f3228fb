"""The public CI and its script: what they run, and that a failure stays one."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
BASH = shutil.which("bash")

posix = pytest.mark.skipif(os.name == "nt" or BASH is None, reason="a script for Debian")


def program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!{BASH}\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path):
    """A folder with the script, and a PATH that holds only what the tests put there."""
    course = tmp_path / "my course"
    (course / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", course / ".ci" / "run")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "dirname").symlink_to(shutil.which("dirname"))
    for name in ("chromium", "bwrap"):
        program(programs, name, "exit 0")
    return course


def python(machine: Path, status: int = 0, name: str = "python3", supported: bool = True) -> None:
    """A Python that notes what it is asked for in calls.txt, and ends course.py with `status`."""
    body = f"""
case "$1" in
    -c) case "$2" in *version_info*) exit {0 if supported else 1};; *) exit 0;; esac;;
    --version) echo Python 3.11.7;;
    *) echo "{name} $* data=${{WORKBOOK_DATA-none}}" >> calls.txt; exit {status};;
esac"""
    program(machine.parent / "programs", name, body)


def run(machine: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [BASH, str(machine / ".ci" / "run")],
        env={"PATH": str(machine.parent / "programs")},
        cwd=machine.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@posix
def test_it_runs_the_readmes_test_command(machine):
    python(machine)
    done = run(machine)
    assert done.returncode == 0, done.stderr
    assert (machine / "calls.txt").read_text() == "python3 course.py test data=none\n"
    assert "ended with status 0" in done.stdout


@posix
@pytest.mark.parametrize("status", [1, 2, 130])
def test_it_fails_when_a_test_fails(machine, status):
    python(machine, status)
    assert run(machine).returncode == status


@posix
def test_it_gives_the_tests_the_sentences_beside_the_repository(machine):
    python(machine)
    data = machine.parent / "shared" / "data" / "tatoeba-en-es"
    data.mkdir(parents=True)
    run(machine)
    assert f"data={data}" in (machine / "calls.txt").read_text()


@posix
def test_it_takes_a_python_that_is_new_enough(machine):
    python(machine, supported=False)
    python(machine, name="python3.12")
    run(machine)
    assert (machine / "calls.txt").read_text().startswith("python3.12 course.py test")


@posix
def test_it_installs_what_is_missing_and_nothing_else(machine):
    programs = machine.parent / "programs"
    (programs / "bwrap").unlink()
    program(programs, "apt-get", 'echo "apt-get $*" >> calls.txt')
    program(programs, "sudo", '"$@"')
    program(programs, "id", "echo 1000")
    python(machine)
    assert run(machine).returncode == 0
    calls = (machine / "calls.txt").read_text().splitlines()
    assert calls[0] == "apt-get update -q"
    assert calls[1] == "apt-get install -q -y --no-install-recommends bubblewrap"
    assert calls[2].startswith("python3 course.py test")


@posix
def test_a_machine_without_apt_is_told_what_to_install(machine):
    (machine.parent / "programs" / "chromium").unlink()
    python(machine)
    done = run(machine)
    assert done.returncode == 2
    assert "Missing here: chromium" in done.stderr


def steps(job: str) -> list[dict]:
    return WORKFLOW["jobs"][job]["steps"]


def test_the_quick_tests_run_on_every_system_and_python():
    matrix = WORKFLOW["jobs"]["check"]["strategy"]["matrix"]
    assert matrix["os"] == ["ubuntu-latest"]
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    systems = {one["os"] for one in matrix["include"]}
    assert systems == {"macos-latest", "windows-latest"}
    assert "python course.py check" in [step.get("run") for step in steps("check")]


def test_every_test_runs_through_the_script():
    assert "bash .ci/run" in [step.get("run") for step in steps("test")]


def test_conda_solves_the_environment_file():
    (solve,) = [step for step in steps("conda") if "micromamba" in step.get("uses", "")]
    assert solve["with"]["environment-file"] == "environment.yml"


def test_actions_are_pinned_to_a_major_version():
    used = [step["uses"] for job in WORKFLOW["jobs"] for step in steps(job) if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", one) for one in used)


def test_every_job_ends_by_itself():
    assert all("timeout-minutes" in job for job in WORKFLOW["jobs"].values())
