"""A plugin for nbval: outputs are compared in the views that are stored, and none is missing.

A picture is stored as its image and its words; the HTML around the image, which JupyterLab shows,
repeats both and is left out (`workbook.figures.picture.stored`). nbval would call it unexpected.
"""

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile


def pytest_collectstart(collector):
    if isinstance(collector, IPyNbFile):
        collector.skip_compare = (*collector.skip_compare, "text/html")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Where outputs vary and nbval compares none, a cell still shows something or nothing as its
    stored twin does."""
    result = yield
    if isinstance(item, IPyNbCell) and bool(item.test_outputs) != bool(item.cell.outputs):
        stored, given = len(item.cell.outputs), len(item.test_outputs)
        item.raise_cell_error(f"{stored} outputs are stored, and running gave {given}")
    return result
