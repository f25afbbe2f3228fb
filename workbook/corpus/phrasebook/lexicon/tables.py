"""Tables as text: one row a line, cells between bars.

A line that starts with blanks continues the row above it.
"""

import re


def rows(table: str) -> list[list[str]]:
    """A table's rows as lists of stripped cells.

    >>> rows("dog | el perro\\ncat |\\n    el gato")
    [['dog', 'el perro'], ['cat', 'el gato']]
    """
    whole = re.sub(r"\n[ \t]+", " ", table.strip())
    return [[cell.strip() for cell in row.split("|")] for row in whole.splitlines()]


def pairs(table: str) -> list[tuple[str, str]]:
    """A table of two columns as pairs."""
    return [(first, second) for first, second in rows(table)]
