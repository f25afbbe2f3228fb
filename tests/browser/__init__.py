"""The student's way through a lesson, in a real browser on a real JupyterLab."""
