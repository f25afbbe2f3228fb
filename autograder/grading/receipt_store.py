"""Receipts on disk, one file each: `grading/receipts/LESSON/KEY.json`.

A receipt is there whole or not at all, so a run that was killed goes on from those that are there.
"""

import json
from pathlib import Path

from autograder.grading.receipt import BadReceipt, Receipt, from_json
from workbook.atomic import write_text
from workbook.home import grading_folder


def folder() -> Path:
    """Where receipts are kept."""
    return grading_folder() / "receipts"


def keep(receipt: Receipt) -> None:
    """Put a receipt on disk."""
    text = json.dumps(receipt.as_json(), ensure_ascii=True, indent=1) + "\n"
    write_text(_path(receipt.lesson, receipt.key), text)


def find(lesson: str, key: str) -> Receipt | None:
    """The receipt with this key; None where there is none, or none that can be trusted."""
    try:
        return from_json(json.loads(_path(lesson, key).read_text(encoding="utf-8")), key)
    except (OSError, ValueError, BadReceipt):
        return None


def _path(lesson: str, key: str) -> Path:
    return folder() / lesson / f"{key}.json"
