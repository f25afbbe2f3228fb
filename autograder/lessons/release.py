"""From the master to what students get: solutions/NN-name.py → .ipynb, executed → lessons/.

The master is text, which people review. Everything else is built here, the same from the same
master: cell ids come from the nbgrader id or the position, metadata that varies from run to run is
left out, and a widget's output keeps its picture and not its live view.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat import NotebookNode

from autograder.lessons.cells import grade_id, is_setup
from autograder.lessons.leaks import leaks
from workbook.atomic import write_text
from workbook.home import lessons_folder, root, solutions_folder
from workbook.syllabus import LESSONS, Lesson

if TYPE_CHECKING:
    from traitlets.config import Config

CELL_SECONDS = 600


class ReleaseError(Exception):
    """The lesson can't be released; the message says why and what to mend."""


def written_lessons() -> list[Lesson]:
    """The lessons that have a master."""
    return [lesson for lesson in LESSONS if master_text(lesson).is_file()]


def master_text(lesson: Lesson) -> Path:
    """The source of truth, py:percent text."""
    return solutions_folder() / lesson.name / f"{lesson.name}.py"


def master_notebook(lesson: Lesson) -> Path:
    """The master as a notebook, executed."""
    return solutions_folder() / lesson.name / f"{lesson.name}.ipynb"


def released_path(lesson: Lesson) -> Path:
    """What students get."""
    return lessons_folder() / lesson.name / f"{lesson.name}.ipynb"


def read_notebook(path: Path) -> NotebookNode:
    """A notebook in today's format. Raises OSError, and ValueError for what is no notebook."""
    try:
        return nbformat.read(path, as_version=4)
    except OSError:
        raise
    except Exception as error:
        raise ValueError(
            f"{path} is not a notebook ({error}). Was it saved from JupyterLab as .ipynb?"
        ) from None


def released_notebook(lesson: Lesson) -> NotebookNode:
    """The released lesson. Raises FileNotFoundError where it hasn't been released."""
    return read_notebook(released_path(lesson))


def release(lesson: Lesson, execute: bool = True) -> Iterator[str]:
    """Build the executed master and the released lesson; yields a line about each step.

    Both files are written only when everything has succeeded. Without `execute` the stored outputs
    are kept, which is right as long as no code has changed. Raises ReleaseError.
    """
    master = from_text(lesson)
    if execute:
        run(master, lesson)
        yield "executed"
    else:
        keep_outputs(master, _executed(lesson))
    released = without_solutions(master, lesson)
    found = leaks(master, released)
    if found:
        raise ReleaseError(f"{lesson.name} would give something away:\n  " + "\n  ".join(found))
    yield "nothing leaks"
    write_notebook(master, master_notebook(lesson))
    write_notebook(released, released_path(lesson))
    yield f"{len(released.cells)} cells released"


def from_text(lesson: Lesson) -> NotebookNode:
    """The master as a notebook without outputs. Raises ReleaseError where there is no master."""
    import jupytext

    path = master_text(lesson)
    if not path.is_file():
        names = ", ".join(each.name for each in written_lessons()) or "none yet"
        raise ReleaseError(f"{lesson.name} has no master; those that have one: {names}")
    notebook = jupytext.read(path)
    seen: set[str] = set()
    for position, cell in enumerate(notebook.cells):
        cell["id"] = grade_id(cell) or f"cell-{position:03d}"
        cell.metadata.pop("lines_to_next_cell", None)  # jupytext's note to itself
        if cell["id"] in seen:
            raise ReleaseError(f"{path.name} has two cells with the nbgrader id {cell['id']!r}")
        seen.add(cell["id"])
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def run(notebook: NotebookNode, lesson: Lesson) -> None:
    """Execute in place, with an empty toolbox. Raises ReleaseError for an exception, for anything
    on stderr, and for a check that fails."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "WORKBOOK_TOOLBOX": str(Path(folder) / "toolbox"),
            "MPLCONFIGDIR": folder,
            "PYTHONHASHSEED": "0",
        }
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
            coalesce_streams=True,
            record_timing=False,
        )
        try:
            client.execute(env=environment)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise ReleaseError(f"{lesson.name} does not run:\n{error}") from None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            _tidy(cell, lesson)
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}


def keep_outputs(notebook: NotebookNode, executed: NotebookNode) -> None:
    """Take the stored outputs over. Raises ReleaseError where a code cell has changed since."""
    stored = {cell["id"]: cell for cell in executed.cells if cell.cell_type == "code"}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        old = stored.get(cell["id"])
        if old is None or old.source != cell.source:
            raise ReleaseError(
                f"the code cell {cell['id']} has changed since the notebook was executed; "
                "release without --keep-outputs"
            )
        cell.outputs, cell.execution_count = old.outputs, old.execution_count


def _executed(lesson: Lesson) -> NotebookNode:
    try:
        return read_notebook(master_notebook(lesson))
    except (OSError, ValueError) as error:
        raise ReleaseError(
            f"there are no outputs of {lesson.name} to keep ({error}); release without "
            "--keep-outputs"
        ) from None


def without_solutions(master: NotebookNode, lesson: Lesson) -> NotebookNode:
    """What students get, by nbgrader's own generate_assignment in a folder of its own."""
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    with tempfile.TemporaryDirectory() as folder:
        config = nbgrader_config()
        config.CourseDirectory.root = folder
        config.CourseDirectory.db_url = f"sqlite:///{folder}/gradebook.db"
        source = Path(folder) / config.CourseDirectory.source_directory / lesson.name
        source.mkdir(parents=True)
        nbformat.write(master, source / f"{lesson.name}.ipynb")
        api = NbGraderAPI(CourseDirectory(config=config), config=config)
        outcome = api.generate_assignment(lesson.name, force=True)
        if not outcome["success"]:
            raise ReleaseError(f"nbgrader can't release {lesson.name}:\n{outcome['log']}")
        made = Path(folder) / config.CourseDirectory.release_directory / lesson.name
        extra = [path.name for path in made.iterdir() if path.name != f"{lesson.name}.ipynb"]
        if extra:
            raise ReleaseError(f"{lesson.name} would be released with {', '.join(sorted(extra))}")
        released = nbformat.read(made / f"{lesson.name}.ipynb", as_version=4)
    for cell in released.cells:
        if cell.cell_type == "code" and not is_setup(cell):
            # "Run all" goes on behind a check that fails and a cell that needs a missing piece.
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "raises-exception"]
    released.metadata.pop("jupytext", None)
    return released


def nbgrader_config() -> "Config":
    """How nbgrader is configured on this course."""
    from traitlets.config import PyFileConfigLoader

    return PyFileConfigLoader("nbgrader_config.py", path=str(root())).load_config()


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook whole or not at all."""
    nbformat.validate(notebook)
    write_text(path, nbformat.writes(notebook) + "\n")


def _tidy(cell: NotebookNode, lesson: Lesson) -> None:
    """Keep of a cell's outputs what is the same everywhere. Raises ReleaseError for stderr."""
    from workbook.figures.picture import stored  # matplotlib, which grading can spare

    cell.metadata.pop("execution", None)
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stderr":
            raise ReleaseError(f"{lesson.name}, {cell['id']} writes to stderr:\n{output.text}")
    cell.outputs = [nbformat.from_dict(stored(output)) for output in cell.outputs]
