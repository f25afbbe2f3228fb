"""What attention costs and what it buys, beside a recurrent network: computed, not measured."""

from collections.abc import Sequence

from workbook.figures.paper import sheet
from workbook.figures.picture import Picture
from workbook.figures.style import PAGE_WIDTH, SERIES

BYTES = 4
"""Of one number in float32."""

_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B"))


def attention_cost(
    lengths: Sequence[int] = (64, 256, 1024, 4096, 16384), hidden_size: int = 512
) -> Picture:
    """Memory and path length against sentence length, for one attention head and for an RNN.

    Memory is that of the scores, N² numbers, beside that of a hidden state, `hidden_size` numbers;
    path length is the number of steps between the first word and the last. All in float32, one
    sentence, one head, one layer.

    Args:
        lengths: the numbers of words N.
        hidden_size: of the recurrent network.

    Raises:
        ValueError: fewer than two lengths, or a length or a size below 1.
    """
    lengths = sorted(lengths)
    if len(lengths) < 2 or lengths[0] < 1:
        raise ValueError(f"lengths should hold two or more numbers from 1 on, not {lengths}")
    if hidden_size < 1:
        raise ValueError(f"hidden_size should be 1 or more, not {hidden_size}")
    matrix = [BYTES * length**2 for length in lengths]
    state = [BYTES * hidden_size] * len(lengths)
    title = (
        f"Attention pays in memory, {_size(matrix[-1])} of scores for {lengths[-1]:,} words, "
        "and buys a path of one step"
    )
    note = (
        f"Computed: one sentence, one head, {BYTES} bytes a number; an RNN state of "
        f"{hidden_size} numbers."
    )
    attention, recurrent = SERIES[0], SERIES[1]
    with sheet(PAGE_WIDTH, 3.2, title, note) as page:
        memory = page.axes(0.85, 0.58, 3.55, 2.2)
        path = page.axes(5.35, 0.58, 3.55, 2.2)
        memory.plot(lengths, matrix, label=r"attention: $N \times N$ scores", **attention)
        memory.plot(lengths, state, label="RNN: one state", **recurrent)
        path.plot(lengths, [1] * len(lengths), label="attention: always 1", **attention)
        path.plot(lengths, [n - 1 for n in lengths], label=r"RNN: $N - 1$", **recurrent)
        powers = [2**p for p in range(10, 41, 5) if state[0] / 4 < 2**p <= matrix[-1] * 4]
        memory.set(yscale="log", title="memory", ylabel="memory (log scale)")
        memory.set_yticks(powers, [_size(power) for power in powers])
        path.set(yscale="log", title="steps from the first word to the last")
        tens = [10**p for p in range(8) if 10**p <= lengths[-1] * 2]
        path.set_ylabel("steps (log scale)")
        path.set_yticks(tens, [f"{ten:,}" for ten in tens])
        for axes in (memory, path):
            axes.set_xscale("log", base=2)
            axes.set_xticks(lengths, [f"{length:,}" for length in lengths])
            axes.set_xlabel("N, words in the sentence (log scale)")
            axes.minorticks_off()
            axes.grid()
            axes.legend(loc="upper left", handlelength=3.2)
        memory.set_ylim(top=matrix[-1] * 30)
        path.set_ylim(0.6, lengths[-1] * 12)
    rows = "; ".join(
        f"{n:,} words: {_size(m)} of scores, {n - 1:,} RNN steps"
        for n, m in zip(lengths, matrix, strict=True)
    )
    alt = (
        f"Two log-log panels against the number of words, computed. {rows}. The RNN's state stays "
        f"at {_size(state[0])}; attention's path is always one step."
    )
    return Picture(page.figure, alt)


def _size(count: float) -> str:
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count:.3g} B"
