"""The command `workbook`: exit code 0 all right, 1 something is wrong, 2 bad usage or input."""

import argparse
import json
import sys
from collections.abc import Sequence

from workbook.syllabus import LESSONS, PIECES


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = _parser().parse_args(argv)
    return arguments.run(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="workbook", description="What a student has built so far, and what it can do."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    progress = commands.add_parser("progress", help="which pieces of the Transformer are yours")
    progress.add_argument("--json", action="store_true", help="print it as JSON")
    progress.set_defaults(run=_progress)
    return parser


def _progress(arguments: argparse.Namespace) -> int:
    from workbook.toolbox import passed

    own = passed()
    if arguments.json:
        print(json.dumps({piece: piece in own for piece in PIECES}, indent=2))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, title_justify="left")
    for heading in ("lesson", "yours", "still to write"):
        table.add_column(heading, overflow="fold")
    for lesson in LESSONS:
        done = [f"✓ {piece}" for piece in lesson.pieces if piece in own]
        open_ = [piece for piece in lesson.pieces if piece not in own]
        table.add_row(f"{lesson.number:02d} {lesson.title}", "\n".join(done), ", ".join(open_))
    console = Console()
    console.print(table)
    console.print(f"\n{len(own)} of {len(PIECES)} pieces are yours.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
