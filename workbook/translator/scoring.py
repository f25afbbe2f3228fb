"""BLEU and chrF as everybody reports them: by sacreBLEU, with its signature and an interval.

Sources: Papineni et al., "BLEU" (2002); Popović, "chrF" (2015); Post, "A call for clarity in
reporting BLEU scores" (2018); Koehn, "Statistical significance tests for machine translation
evaluation" (2004), for the bootstrap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

DRAWS = 1_000


@dataclass(frozen=True)
class Score:
    """A figure of a whole test set, 0 to 100, with what is needed to compare it with others.

    low, high: the 95 % interval of the bootstrap over sentences. signature: sacreBLEU's, which says
    how it was computed.
    """

    name: str
    value: float
    low: float
    high: float
    signature: str

    def __str__(self) -> str:
        return f"{self.name} {self.value:.1f} ({self.low:.1f} to {self.high:.1f})"


def scores(
    hypotheses: Sequence[str], references: Sequence[str], draws: int = DRAWS
) -> tuple[Score, Score]:
    """BLEU and chrF of translations with one reference each.

    draws: of the bootstrap, whose seed is sacreBLEU's own, so that the same sentences give the same
    interval. Raises ValueError for lists of two lengths, and for empty ones.
    """
    from sacrebleu.metrics import BLEU, CHRF

    if len(hypotheses) != len(references) or not hypotheses:
        raise ValueError(
            "every translation takes one reference, and there is at least one; got "
            f"{len(hypotheses)} translations and {len(references)} references"
        )
    return tuple(_score(metric, hypotheses, references, draws) for metric in (BLEU(), CHRF()))


def _score(metric, hypotheses: Sequence[str], references: Sequence[str], draws: int) -> Score:
    result = metric.corpus_score(list(hypotheses), [list(references)], n_bootstrap=draws)
    # sacreBLEU shows them in its own table only; chrF's are NumPy's, which JSON doesn't take.
    middle, half = float(result._mean), float(result._ci)
    name = {"BLEU": "BLEU", "chrF2": "chrF"}[result.name]
    signature = metric.get_signature().format()
    return Score(name, result.score, middle - half, middle + half, signature)
