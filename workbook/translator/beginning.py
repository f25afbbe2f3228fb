"""Where a translator's training begins: sub-words that translate one another begin alike.

Which sub-word stands for which can be counted in the sentence pairs before anything is trained. So
the table of vectors begins with every sub-word moved towards its translations, and the decoder's
cross-attention begins by passing on what it reads: whatever it looks at, it says the vector of, and
the head, whose weight is the same table, finds the translation next to it. Training is left to
learn where to look, and which of a word's forms to say.

Sources: Brown et al., "The mathematics of statistical machine translation" (1993), for model 1 and
its estimation; Trockman and Kolter, "Mimetic initialization of self-attention layers" (2023), for
beginning with a value and an output projection whose product is near the identity.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from workbook.translator.text import SPECIAL

_ROUNDS = 5  # of estimation; later ones change little
_MOST = 50_000  # pairs that are counted in; more of them take longer and tell little more
_PASSED_ON = 0.8  # of what cross-attention reads, by each of its two projections

Pairs = Sequence[tuple[Sequence[int], Sequence[int]]]


def begin_aligned(model: nn.Module, pairs: Pairs) -> None:
    """Set a new model's vectors and cross-attention to where its training should begin, in place.

    model: a `Transformer` whose two embeddings are one table. pairs: ids of both sides, without
    special tokens, as `encoded_pairs` gives them. The same pairs and the same model give the same
    beginning. Special tokens keep their vectors; all others get the table's average length.

    Raises ValueError where the two languages have a table each.
    """
    if model.source_embedding.weight is not model.target_embedding.weight:
        raise ValueError(
            "words of two languages begin alike in one table; make the Transformer with "
            "share_embeddings=True"
        )
    table = model.source_embedding.weight
    with torch.no_grad():
        begun = table.detach().cpu()
        moved = begun + translations(pairs, table.size(0)) @ begun
        length = begun.norm(dim=1).mean()
        moved *= length / moved.norm(dim=1, keepdim=True).clamp(min=1e-9)
        moved[: len(SPECIAL)] = begun[: len(SPECIAL)]
        table.copy_(moved)
        for layer in model.decoder.layers:
            attention = layer.cross_attention
            for projection in (attention.v_proj, attention.out_proj):
                nn.init.eye_(projection.weight).mul_(_PASSED_ON)


def translations(pairs: Pairs, vocab_size: int) -> Tensor:
    """How far one id says in its language what another says in the other: (vocab_size, vocab_size),
    sparse. A row's chances, of an id as a source and of the same id as a target, sum to one each.

    IBM's model 1: every id of a target was brought by one id of its source or by none, and where a
    pair leaves open by which, the other pairs decide.
    """
    step = max(1.0, len(pairs) / _MOST)
    counted = [pairs[int(i * step)] for i in range(int(len(pairs) / step))]
    none = vocab_size  # an id that stands in every source: what brings a target's id unasked
    source, target, place = _meetings(counted, none)
    size = vocab_size + 1
    links, link = torch.unique(source * size + target, return_inverse=True)
    source, target = links // size, links % size
    chance = torch.ones(len(links))
    for _ in range(_ROUNDS):
        share = chance[link]
        share = share / torch.bincount(place, share)[place]
        counts = torch.bincount(link, share)
        chance = counts / torch.bincount(source, counts)[source]
    real = source != none
    source, target, counts = source[real], target[real], counts[real]
    forth = counts / torch.bincount(source, counts)[source]
    back = counts / torch.bincount(target, counts)[target]
    both = torch.stack([torch.cat([source, target]), torch.cat([target, source])])
    chances = torch.cat([forth, back])
    shape = (vocab_size, vocab_size)
    return torch.sparse_coo_tensor(both, chances, shape, check_invariants=True).coalesce()


def _meetings(pairs: Pairs, none: int) -> tuple[Tensor, Tensor, Tensor]:
    """Every id of a source with every id of its target: both, and which place in all targets the
    latter has. `none` is in every source."""
    sources = torch.tensor([each for source, _ in pairs for each in (none, *source)])
    targets = torch.tensor([each for _, target in pairs for each in target])
    lengths = torch.tensor([1 + len(source) for source, _ in pairs])
    pair = torch.repeat_interleave(torch.tensor([len(target) for _, target in pairs]))
    choices = lengths[pair]
    place = torch.repeat_interleave(choices)
    begins = (lengths.cumsum(0) - lengths)[pair] - (choices.cumsum(0) - choices)
    return sources[begins[place] + torch.arange(len(place))], targets[place], place
