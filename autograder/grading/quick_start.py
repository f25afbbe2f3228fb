"""A second less at the start of every process that grades.

`nbformat` imports `jsonschema`, and that, where it is installed, `rfc3987_syntax`: it compiles 38
grammars of internet addresses, which takes longer than importing torch, for a check of formats that
no notebook's schema asks for.
"""

import sys


def leave_out_address_grammars() -> None:
    """Let `jsonschema`, when it is imported after this, do without them. Only for a process that is
    ours alone."""
    if "jsonschema" not in sys.modules:
        sys.modules.setdefault("rfc3987_syntax", None)
