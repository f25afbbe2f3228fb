"""How much of a translator's batches is padding, for the test of batches and for a benchmark."""

from collections.abc import Iterable

from workbook.translator.text import PAD_ID, Batch


def padding_share(batches: Iterable[Batch]) -> float:
    """The share of positions, source and target, that are padding: 0 to 1."""
    padding = positions = 0
    for batch in batches:
        for side in (batch.source, batch.target_out):
            padding += int((side == PAD_ID).sum())
            positions += side.numel()
    return padding / positions
