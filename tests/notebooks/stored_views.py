"""A plugin for nbval: outputs are compared in the views that are stored.

A picture is stored as its image and its words; the HTML around the image, which JupyterLab shows,
repeats both and is left out (`workbook.figures.picture.stored`). nbval would call it unexpected.
"""

from nbval.plugin import IPyNbFile


def pytest_collectstart(collector):
    if isinstance(collector, IPyNbFile):
        collector.skip_compare = (*collector.skip_compare, "text/html")
