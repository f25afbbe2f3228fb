import subprocess
import sys
from pathlib import Path

import pytest

from workbook import figures

SCRIPT = """
import sys
import workbook.figures
heavy = {"matplotlib", "ipywidgets", "torch"} & set(sys.modules)
assert not heavy, heavy
workbook.figures.attention_matrix([[1.0]], ["a"], ["a"], "one word").png
assert "matplotlib.figure" in sys.modules
assert "matplotlib.pyplot" not in sys.modules, "pyplot keeps figures alive and shows them twice"
assert "torch" not in sys.modules
"""


def test_importing_the_package_loads_nothing_heavy_and_drawing_never_loads_pyplot():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted(figures._HOME_OF))
def test_every_listed_name_can_be_loaded_again_and_again(name):
    first = getattr(figures, name)
    assert callable(first)
    assert getattr(figures, name) is first
    assert name in dir(figures)


def test_an_unknown_name_is_answered_with_the_names_there_are():
    with pytest.raises(
        AttributeError, match=r"no figure called 'atention_matrix'.*attention_matrix"
    ):
        figures.atention_matrix  # noqa: B018


def test_no_module_hides_the_figure_of_the_same_name():
    folder = Path(figures.__file__).parent
    assert not {path.stem for path in folder.iterdir()} & set(figures._HOME_OF)
