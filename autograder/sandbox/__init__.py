"""Where a submission's code runs: apart from the judge, out of reach of everything that isn't its
own.

`choose("auto")` is the protection of this machine, or NoSandbox with the remedy.
"""

from autograder.sandbox.choice import WANTED, NoSandbox, Sandbox, choose

__all__ = ["WANTED", "NoSandbox", "Sandbox", "choose"]
