"""The published GPT-2, put into a `GPT` of the course or of a student.

    files = fetch()                                      # 550 MB, once
    model = GPT(50257, 768, 12, 12, 1024, dropout=0.0).eval()
    load(model, files / "model.safetensors")
    words = tokenizer(files)

Names and shapes are those of `gpt2` as Hugging Face publishes it (Radford et al., 2019): linear
layers as (in, out), query, key and value in one, names with or without `transformer.` before them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from tokenizers import ByteLevelBPETokenizer
from torch import Tensor, nn

from workbook.weights import fetching
from workbook.weights.published import Taken, fill, for_each_layer, read_published

NAME = "gpt2"

# The causal mask and the number it was filled with: constants that some editions store.
UNUSED = (r"h\.\d+\.attn\.(masked_)?bias", r"lm_head\.weight")

_PREFIX = "transformer."
_LINEAR = {
    "self_attention.out_proj": "attn.c_proj",
    "feed_forward.linear1": "mlp.c_fc",
    "feed_forward.linear2": "mlp.c_proj",
}
_NORMS = {"norm1": "ln_1", "norm2": "ln_2"}


def mapping(num_layers: int) -> dict[str, str | Taken]:
    """For every parameter of a `GPT`, where it comes from."""
    layer: dict[str, str | Taken] = {}
    for number, part in enumerate(("q_proj", "k_proj", "v_proj")):
        for kind in ("weight", "bias"):
            layer[f"layers.{{}}.self_attention.{part}.{kind}"] = Taken(
                f"h.{{}}.attn.c_attn.{kind}", transposed=kind == "weight", part=number, parts=3
            )
    for ours, theirs in _LINEAR.items():
        layer[f"layers.{{}}.{ours}.weight"] = Taken(f"h.{{}}.{theirs}.weight", transposed=True)
        layer[f"layers.{{}}.{ours}.bias"] = f"h.{{}}.{theirs}.bias"
    for ours, theirs in _NORMS.items():
        for kind in ("weight", "bias"):
            layer[f"layers.{{}}.{ours}.{kind}"] = f"h.{{}}.{theirs}.{kind}"
    whole = {"token.weight": "wte.weight", "position.weight": "wpe.weight"}
    last = {f"norm.{kind}": f"ln_f.{kind}" for kind in ("weight", "bias")}
    return whole | for_each_layer(layer, num_layers) | last


def load(model: nn.Module, source: Path | Mapping[str, Tensor]) -> None:
    """Copy published weights into a model whose parameters have the names of the course's `GPT`.

    source: a file (safetensors or a PyTorch state dict), or its tensors by name. Raises
    `published.OtherWeights`, with a list of what is missing, left over or of another shape, where
    they don't fit, and leaves the model as it was; `published.NotWeights` for another file;
    ValueError for a head that isn't tied.
    """
    tensors = source if isinstance(source, Mapping) else read_published(source)
    bare = {name.removeprefix(_PREFIX): tensor for name, tensor in tensors.items()}
    head, table = bare.get("lm_head.weight"), bare.get("wte.weight")
    if head is not None and table is not None and not torch.equal(head, table):
        raise ValueError(
            "these weights have a head of their own (lm_head.weight differs from wte.weight), and "
            "a GPT reads its logits with the token table; nothing was loaded"
        )
    fill(model, bare, mapping(len(model.layers)), UNUSED)


def tokenizer(folder: Path) -> ByteLevelBPETokenizer:
    """GPT-2's byte-level BPE of the `vocab.json` and `merges.txt` in a folder: `.encode(text).ids`
    and `.decode(ids)`. Raises FileNotFoundError where they aren't."""
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    for path in (vocabulary, merges):
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is not there; workbook.weights.gpt2.fetch() brings it, with internet"
            )
    return ByteLevelBPETokenizer.from_file(str(vocabulary), str(merges))


def fetch(say: Callable[[str], None] = print, progress: bool | None = None) -> Path:
    """Bring the published files (550 MB), unless they are here; their folder. Raises
    `CannotFetch` with what to do instead."""
    return fetching.fetch_weights(fetching.model(NAME), say, progress)
