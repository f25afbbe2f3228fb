"""Own and borrowed pieces, in every mixture, make a translator that trains, writes and counts."""

import inspect
import random
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from workbook import pieces, toolbox
from workbook.corpus.mixture import Corpus
from workbook.corpus.pairs import SentencePair
from workbook.syllabus import PIECES
from workbook.training import Budget, loop
from workbook.translator.assembly import take
from workbook.translator.credits import AT_WORK, Credits, credits, in_a_terminal
from workbook.translator.making import train_translator
from workbook.translator.presets import PRESETS
from workbook.translator.translation import Translator

MIXTURES = [
    pytest.param(frozenset(AT_WORK), id="all"),
    pytest.param(frozenset(), id="none"),
    *(pytest.param(frozenset([name]), id=f"only {name}") for name in AT_WORK),
    *(
        pytest.param(frozenset(random.Random(seed).sample(AT_WORK, 3 + seed)), id=f"seed {seed}")
        for seed in range(20)
    ),
]
BATCH = SimpleNamespace(
    source=torch.tensor([[5, 6, 2], [7, 2, 0]]),
    target_in=torch.tensor([[1, 5, 6], [1, 7, 0]]),
    target_out=torch.tensor([[5, 6, 2], [7, 2, 0]]),
)


def a_students(name):
    """A piece as a file of the toolbox: it does what the course's does, and is another one."""
    if inspect.isclass(getattr(pieces, name)):
        return (
            f"from workbook.pieces import {name} as Theirs\n\n\n"
            f"class {name}(Theirs):\n    '''Mine.'''\n"
        )
    return (
        f"from workbook.pieces import {name} as theirs\n\n\n"
        f"def {name}(*args, **kwargs):\n    return theirs(*args, **kwargs)\n"
    )


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Puts these pieces into a toolbox of its own."""
    monkeypatch.setenv("WORKBOOK_TOOLBOX", str(tmp_path / "toolbox"))

    def put(names):
        for name in names:
            toolbox.save(name, a_students(name))

    return put


def test_the_pieces_at_work_are_pieces_in_order():
    assert list(AT_WORK) == [name for name in PIECES if name in AT_WORK]
    assert len(AT_WORK) == 28


@pytest.mark.parametrize("mine", MIXTURES)
def test_every_mixture_translates_and_is_counted(mine, own, capsys):
    own(mine)
    taken = {name: getattr(toolbox, name) for name in AT_WORK}
    theirs = {name for name, piece in taken.items() if piece.__module__.startswith("toolbox.")}
    assert theirs == mine

    torch.manual_seed(0)
    model = taken["Transformer"](9, 9, 8, 2, 1, 7, dropout=0.0, share_embeddings=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=taken["warmup_rate"](1, 8, 4))
    loss, count = taken["train_step"](model, BATCH, optimizer)
    assert (loss > 0, count) == (True, 5)
    model.eval()
    greedy = taken["greedy_decode"](model, BATCH.source, 4, 1, 2)
    found, _ = taken["beam_search"](model, BATCH.source, 4, 1, 2, 1)
    assert torch.equal(greedy, found)
    with torch.no_grad():
        memory, mask = model.encode(BATCH.source)
        step = taken["decode_step"](model, BATCH.target_in[:, 0], memory, mask, taken["KVCache"](1))
        torch.testing.assert_close(step, model.decode(BATCH.target_in, memory, mask)[:, 0])
    assert taken["corpus_bleu"](["a b c d"], ["a b c d"]) == pytest.approx(100)

    counted = credits()
    assert set(counted.own) == mine
    assert set(counted.own) | set(counted.borrowed) == set(AT_WORK)
    assert len(counted.own) + len(counted.borrowed) == 28
    said = str(counted)
    if len(mine) == 28:
        assert said == "All 28 pieces at work in this translator are yours."
    elif not mine:
        assert "All 28 pieces" in said
        assert "borrowed" in said
    else:
        assert f"{len(mine)} of the 28 pieces" in said
        assert f"{28 - len(mine)} borrowed" in said
        yours, borrowed, *note = said.splitlines()[1:]
        assert all(name in yours for name in mine)
        assert all(name in borrowed for name in set(AT_WORK) - mine)
        assert bool(note) == ("Transformer" not in mine)


def test_by_name_tells_each_piece_in_the_syllabus_order(own):
    own(["Transformer", "softmax"])
    told = credits().by_name()
    assert tuple(told) == AT_WORK
    assert [name for name, mine in told.items() if mine] == ["softmax", "Transformer"]


def test_layers_that_wait_for_a_transformer_are_told_of():
    waiting = str(Credits(("Encoder",), ("Transformer", "Decoder")))
    assert "goes to work when your own Transformer has passed" in waiting
    assert "goes to work" not in str(Credits(("Encoder", "Transformer"), ("Decoder",)))


def test_one_is_told_as_one():
    assert "1 of the 2 pieces at work in this translator is yours, 1" in str(
        Credits(("softmax",), ("Encoder",))
    )


SENTENCES = [SentencePair(f"A {a} {b}.", f"Un {b} {a}.") for a in "cdefg" for b in "hijkl"]
TOLD = {"Transformer", "train_step", "greedy_decode", "beam_search"}


def telling(name):
    """A student's piece that notes each call. What it calls itself are the course's."""
    return (
        f"from workbook import pieces\n\n\ndef {name}(*args, **kwargs):\n"
        f"    pieces.CALLED.add({name!r})\n    return pieces.{name}(*args, **kwargs)\n"
    )


def test_of_what_is_not_counted_in_a_terminal_nothing_runs_there(own, tmp_path, monkeypatch):
    called = set()
    monkeypatch.setattr(pieces, "CALLED", called, raising=False)
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    monkeypatch.setattr(loop, "faster_precision", lambda *given: "float32")
    for name in AT_WORK:
        toolbox.save(name, telling(name))
    corpus = Corpus("phrasebook", SENTENCES, SENTENCES[:2], SENTENCES[:2], "few", "Little.", 0.0)
    size = replace(PRESETS["tiny"], vocab_size=60, d_model=8, num_heads=2, d_ff=8, batch_tokens=64)
    device = torch.device("cpu")
    made, _ = train_translator(size, corpus, take(mine=True), device, Budget(steps=2))
    for beam_size in (1, 4):
        made.translate("A c h.", beam_size)
    assert called == TOLD  # and each of them calls the others it needs
    assert set(in_a_terminal(trained=True)) >= TOLD

    called.clear()
    path = tmp_path / "saved.safetensors"
    made.save(path)
    lent = Translator.load(path, take(mine=True))
    for beam_size in (1, 2):
        lent.translate("A c h.", beam_size)
    assert called == TOLD - {"train_step"}
    assert set(in_a_terminal(trained=False)) >= called
    assert set(in_a_terminal(trained=True)) - set(in_a_terminal(trained=False)) == {
        "clip_gradients_", "label_smoothing_loss", "train_step",
    }  # fmt: skip


def test_a_terminal_counts_no_cache_no_schedule_and_no_score_of_ones_own():
    left_out = set(AT_WORK) - set(in_a_terminal(trained=True))
    assert left_out == {
        "KVCache", "cached_attention", "decode_step", "warmup_rate", "corpus_bleu",
    }  # fmt: skip
    assert in_a_terminal(True) == tuple(n for n in PIECES if n in set(AT_WORK) - left_out)
