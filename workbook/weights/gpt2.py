"""The published GPT-2, put into a `GPT` of the course or of a student.

    files = fetch()                                      # 550 MB, once
    model = GPT(50257, 768, 12, 12, 1024, dropout=0.0).eval()
    load(model, files / "model.safetensors")
    words = tokenizer(files)

Names and shapes are those of `gpt2` as Hugging Face publishes it (Radford et al., 2019): linear
layers as (in, out), query, key and value in one, names with or without `transformer.` before them.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pooch
import requests
import torch
from tokenizers import ByteLevelBPETokenizer
from torch import Tensor, nn

from workbook.home import root
from workbook.weights.published import Taken, fill, for_each_layer, read_published

SMALL = {
    "vocab_size": 50257,
    "d_model": 768,
    "num_heads": 12,
    "num_layers": 12,
    "context_length": 1024,
}
"""What `GPT` is built with to take the published weights."""

ADDRESSES = (
    "https://huggingface.co/openai-community/gpt2/resolve/main/",
    "https://hf-mirror.com/openai-community/gpt2/resolve/main/",
)
FILES = {
    "vocab.json": "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
    "merges.txt": "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
    "model.safetensors": "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707",
}
"""Each file and its sha256."""

# The causal mask and the number it was filled with: constants that some editions store.
UNUSED = (r"h\.\d+\.attn\.(masked_)?bias", r"lm_head\.weight")

_PREFIX = "transformer."
_LINEAR = {
    "self_attention.out_proj": "attn.c_proj",
    "feed_forward.linear1": "mlp.c_fc",
    "feed_forward.linear2": "mlp.c_proj",
}
_NORMS = {"norm1": "ln_1", "norm2": "ln_2"}


class CannotFetch(Exception):
    """No address gave a file; the message says why not, and what to do instead."""


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


def folder() -> Path:
    """Where the files are kept: `$WORKBOOK_WEIGHTS/gpt2`, else `datasets/fetched/gpt2`."""
    chosen = os.environ.get("WORKBOOK_WEIGHTS")
    return (Path(chosen).expanduser() if chosen else root() / "datasets" / "fetched") / "gpt2"


def fetch(say: Callable[[str], None] = print) -> Path:
    """Bring GPT-2's files to `folder()`, each checked by its sha256, unless they are there; the
    folder. Raises CannotFetch where no address gives one, offline for instance."""
    home = folder()
    wanted = {name: sha for name, sha in FILES.items() if not _is(home / name, sha)}
    if not wanted:
        say(f"GPT-2 is here already: {home}")
        return home
    say("GPT-2 small by OpenAI, 550 MB. Licence: MIT (modified), github.com/openai/gpt-2.")
    home.mkdir(parents=True, exist_ok=True)
    pooch.get_logger().setLevel("ERROR")
    for name, sha in wanted.items():
        _bring(name, sha, home)
        say(f"Saved as {home / name}")
    return home


def _bring(name: str, sha: str, home: Path) -> None:
    failures = []
    for address in ADDRESSES:
        try:
            pooch.retrieve(
                address + name,
                known_hash=f"sha256:{sha}",
                fname=name,
                path=home,
                downloader=pooch.HTTPDownloader(progressbar=True, timeout=(10, 60)),
            )
            return
        except (requests.RequestException, ValueError) as error:
            failures.append(f"  {address}{name}: {type(error).__name__}")
    raise CannotFetch(
        f"{name} of GPT-2 could not be fetched:\n" + "\n".join(failures) + "\nThe lesson needs it "
        f"for its last experiment only. With internet, try again; or put the file into {home} by "
        "hand, from any machine."
    )


def _is(path: Path, sha: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha
