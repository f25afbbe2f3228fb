"""`python -m workbook.corpus.phrasebook [FOLDER]`: write the shipped files anew."""

import argparse
from pathlib import Path

from workbook.corpus.phrasebook.shipping import folder, write_phrasebook


def main(arguments: list[str] | None = None) -> int:
    """Write the files and name them; exit code 0."""
    parser = argparse.ArgumentParser(
        prog="python -m workbook.corpus.phrasebook",
        description="Write the phrasebook's files: splits, probes and the course's own sentences.",
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=folder(), help="default: %(default)s"
    )
    for path in write_phrasebook(parser.parse_args(arguments).folder):
        print(f"{path}  {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
