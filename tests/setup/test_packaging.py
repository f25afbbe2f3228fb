"""What pyproject.toml, the lock files and environment.yml say about each other."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

import workbook

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
# conda-forge's names for what PyPI calls otherwise, and what conda needs to install the course.
CONDA_NAMES = {"torch": "pytorch", "matplotlib": "matplotlib-base", "tzdata": "python-tzdata"}
CONDA_TOOLS = {"python", "pip", "setuptools"}
SYSTEMS = (("linux", "Linux", "posix"), ("darwin", "Darwin", "posix"), ("win32", "Windows", "nt"))
PYTHONS = ("3.11", "3.12", "3.13")


def requirements(*groups: str) -> dict[str, Requirement]:
    """What the project asks for, with the extras named, by canonical name."""
    lines = list(PROJECT["dependencies"])
    for group in groups:
        lines += PROJECT["optional-dependencies"][group]
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def locked(name: str) -> list[Requirement]:
    """The lines of a lock file, without their comments."""
    text = (ROOT / name).read_text(encoding="utf-8")
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines()]
    return [Requirement(line) for line in lines if line]


def installed(name: str, system: tuple[str, str, str], python: str) -> dict[str, Version]:
    """What a lock file installs on one system and Python."""
    platform, platform_system, os_name = system
    environment = default_environment() | {
        "sys_platform": platform,
        "platform_system": platform_system,
        "os_name": os_name,
        "python_version": python,
        "python_full_version": f"{python}.7",
        "platform_machine": "x86_64",
    }
    chosen: dict[str, Version] = {}
    for one in locked(name):
        if one.marker is None or one.marker.evaluate(environment):
            key = canonicalize_name(one.name)
            assert key not in chosen, f"{name} gives {key} two versions on {platform}, {python}"
            (pin,) = one.specifier
            assert pin.operator == "=="
            chosen[key] = Version(pin.version)
    return chosen


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system", SYSTEMS, ids=[one[0] for one in SYSTEMS])
@pytest.mark.parametrize(
    ("lock", "groups"),
    [("requirements.lock", ()), ("requirements-test.lock", ("test", "cluster"))],
)
def test_a_lock_has_every_dependency_in_a_version_that_is_allowed(lock, groups, system, python):
    versions = installed(lock, system, python)
    for name, requirement in requirements(*groups).items():
        assert name in versions, f"{lock} lacks {name}"
        assert requirement.specifier.contains(versions[name]), f"{name} {versions[name]}"


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system", SYSTEMS, ids=[one[0] for one in SYSTEMS])
def test_the_tests_lock_is_the_students_and_more(system, python):
    student = installed("requirements.lock", system, python)
    assert student.items() < installed("requirements-test.lock", system, python).items()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-test.lock"])
def test_a_lock_names_no_address_no_path_and_no_cuda(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links|^-e |\s@\s|^\s*[./]", text, re.M)
    assert not [
        one.name for one in locked(name) if re.match(r"(nvidia|cuda|triton|rocm)\b", one.name)
    ]
    torch = next(one for one in locked(name) if one.name == "torch")
    assert str(torch.specifier) == "==2.13.0"


def test_a_student_installs_none_of_the_tests_heavy_packages():
    names = {one.name for one in locked("requirements.lock")}
    assert not names & {"transformers", "playwright", "hypothesis", "distributed", "ruff"}


def test_the_course_can_be_installed_without_a_server():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    for line in build["requires"]:
        needed = Requirement(line)
        for system in SYSTEMS:
            version = installed("requirements.lock", system, "3.11")[needed.name]
            assert needed.specifier.contains(version)


def conda_specs() -> dict[str, SpecifierSet]:
    lines = [one for one in CONDA["dependencies"] if isinstance(one, str)]
    split = [re.match(r"([A-Za-z0-9_.-]+)\s*(.*)", line) for line in lines]
    return {match[1]: SpecifierSet(match[2]) for match in split}


def test_conda_takes_everything_from_conda_forge_and_only_the_course_from_here():
    assert CONDA["channels"] == ["conda-forge", "nodefaults"]
    (pip,) = [one for one in CONDA["dependencies"] if isinstance(one, dict)]
    assert pip == {"pip": ["-e ."]}


def test_conda_has_the_same_dependencies():
    named = {CONDA_NAMES.get(name, name) for name in requirements()}
    assert set(conda_specs()) == named | CONDA_TOOLS


def test_conda_allows_the_locked_versions_and_nothing_below_the_projects_bound():
    specs, versions = conda_specs(), installed("requirements.lock", SYSTEMS[0], "3.11")
    for name, requirement in requirements().items():
        spec = specs[CONDA_NAMES.get(name, name)]
        assert spec.contains(versions[name]), f"environment.yml refuses {name} {versions[name]}"
        lowest = [one.version for one in requirement.specifier if one.operator == ">="]
        assert [one.version for one in spec if one.operator == ">="] == lowest, name


def test_conda_ends_every_dependency_at_the_locked_minor_version():
    specs, versions = conda_specs(), installed("requirements.lock", SYSTEMS[0], "3.11")
    for name in requirements():
        (end,) = [one.version for one in specs[CONDA_NAMES.get(name, name)] if one.operator == "<"]
        version = versions[name]
        assert Version(end) == Version(f"{version.major}.{version.minor + 1}"), name


def test_every_dependency_says_who_needs_it():
    for file, entry in (
        ("environment.yml", r"  - \w.*[<>\d]"),
        ("pyproject.toml", r'    "[a-z].*[<>]'),
    ):
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        entries = [line for line in lines if re.match(entry, line)]
        assert len(entries) >= len(requirements())
        assert [line for line in entries if "# " not in line] == []


def test_the_supported_pythons_agree_everywhere():
    bounds = SpecifierSet(PROJECT["requires-python"])
    assert conda_specs()["python"] == bounds
    assert all(bounds.contains(f"{python}.0") for python in PYTHONS)
    assert not bounds.contains("3.10.9")
    assert not bounds.contains("3.14.0")
    listed = [
        line.split(" :: ")[-1] for line in PROJECT["classifiers"] if ":: Python :: 3." in line
    ]
    assert tuple(listed) == PYTHONS
    script = (ROOT / "course.py").read_text(encoding="utf-8")
    assert "OLDEST = (3, 11)" in script
    assert "NEWEST = (3, 13)" in script
    assert bounds.contains(".".join(map(str, sys.version_info[:3])))


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == workbook.__version__
    assert PROJECT["dynamic"] == ["version"]


def test_the_authors_and_the_licences_are_the_same_everywhere():
    name = "The Transformer workbook authors"
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert PROJECT["authors"] == citation["authors"] == [{"name": name}]
    assert PROJECT["license"] == " AND ".join(citation["license"])
    for file in PROJECT["license-files"]:
        assert name in (ROOT / file).read_text(encoding="utf-8")
    content = (ROOT / "LICENSE-content").read_text(encoding="utf-8")
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in content
    assert "CC-BY-4.0" in content


def test_the_commands_are_the_two_of_the_course():
    assert PROJECT["scripts"] == {
        "workbook": "workbook.cli:main",
        "autograder": "autograder.cli:main",
    }


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_contributing_says_how_a_lock_was_made(lock):
    made_by = (ROOT / lock).read_text(encoding="utf-8").splitlines()[1].removeprefix("#").strip()
    assert made_by in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
