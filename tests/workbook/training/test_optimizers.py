"""AdamW and Muon, against torch's own."""

import copy

import pytest
import torch
from torch import nn

from workbook.pieces import Transformer
from workbook.training.optimizers import Muon, adam, muon, orthogonalised


def model():
    torch.manual_seed(2)
    return Transformer(11, 11, 8, 2, 2, 12, share_embeddings=True)


def with_gradients(made, seed=0):
    draw = torch.Generator().manual_seed(seed)
    for parameter in made.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=draw)
    return made


def set_rate(optimizer, rate):
    for group in optimizer.param_groups:
        group["lr"] = rate


@pytest.mark.parametrize("shape", [(3, 5, 5), (2, 4, 9), (1, 1, 7)])
def test_orthogonalised_keeps_the_directions_and_evens_out_their_lengths(shape):
    matrices = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    left, sizes, right = torch.linalg.svd(matrices, full_matrices=False)
    made = orthogonalised(matrices)
    along = (left.mT @ made @ right.mT).diagonal(dim1=1, dim2=2)
    torch.testing.assert_close(left @ torch.diag_embed(along) @ right, made)
    # The iteration's own bounds, for directions that were at least 1 % of the longest.
    assert ((along > 0.3) & (along < 1.3))[sizes > 0.01 * sizes[:, :1]].all()


def test_a_gradient_of_zeros_moves_nothing():
    assert not orthogonalised(torch.zeros(2, 3, 4)).any()


@pytest.mark.parametrize("small", [1e-10, 1e-11, 1e-18, 1e-20, 1e-40])
def test_what_is_next_to_nothing_is_nothing_to_multiply(small):
    matrices = torch.randn(2, 4, 9, generator=torch.Generator().manual_seed(1))
    nothing = matrices.clone()
    nothing[:, 1] = 0
    next_to_nothing = matrices.clone()
    next_to_nothing[:, 1] *= small
    assert torch.equal(orthogonalised(next_to_nothing), orthogonalised(nothing))


def test_a_unit_that_dies_is_forgotten_before_its_numbers_are_too_small_for_fast_arithmetic():
    weight = nn.Parameter(torch.randn(3, 5))
    optimizer = Muon([weight], [], times_rate=2.0)
    set_rate(optimizer, 1e-3)
    for step in range(2_500):
        weight.grad = torch.randn(3, 5)
        weight.grad[0] = 0 if step else 1
        optimizer.step()
        momentum = optimizer.state[weight]["momentum"]
        square = momentum.double().square()
        too_small = (momentum != 0) & (square < torch.finfo(torch.float32).tiny)
        assert not too_small.any(), step
    assert not momentum[0].any()
    assert (momentum[1:].abs() > 1e-6).all()


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch has Muon since 2.9")
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_matrices_move_as_torchs_muon_moves_them(decay):
    ours = [nn.Parameter(torch.randn(s)) for s in ((4, 6), (6, 4), (5, 5), (4, 6))]
    theirs = [nn.Parameter(p.detach().clone()) for p in ours]
    mine = Muon(ours, [], times_rate=2.0, decay=decay)
    torchs = torch.optim.Muon(theirs, lr=0.2, weight_decay=decay)
    set_rate(mine, 0.1)
    for seed in range(3):
        draw = torch.Generator().manual_seed(seed)
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn(a.shape, generator=draw)
            b.grad = a.grad.clone()
        mine.step()
        torchs.step()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0.02)  # torch's is done in bfloat16


def test_everything_else_moves_as_adam_moves_it():
    ours, theirs = with_gradients(model()), with_gradients(model())
    mine, torchs = muon(ours), adam(theirs)
    set_rate(mine, 0.01)
    set_rate(torchs, 0.01)
    for _ in range(3):
        mine.step()
        torchs.step()
    linear = {f"{name}.weight" for name, m in ours.named_modules() if isinstance(m, nn.Linear)}
    assert linear
    reference = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        assert torch.equal(parameter, reference[name]) == (name not in linear), name


def test_vocabulary_tables_are_adams_even_where_a_linear_layer_shares_them():
    tied = nn.ModuleDict({"embedding": nn.Embedding(7, 4), "head": nn.Linear(4, 7, bias=False)})
    tied["head"].weight = tied["embedding"].weight
    groups = muon(tied).param_groups
    assert [group["times_rate"] for group in groups] == [0.0]
    assert len(groups[0]["params"]) == 1


def test_gradients_are_there_after_the_step_and_parameters_without_one_stay():
    made = with_gradients(model())
    optimizer = muon(made)
    set_rate(optimizer, 0.01)
    frozen = made.encoder.layers[0].feed_forward.linear1.weight
    frozen.grad, before = None, frozen.detach().clone()
    kept = {name: p.grad for name, p in made.named_parameters()}
    optimizer.step()
    assert {name: p.grad for name, p in made.named_parameters()} == kept
    assert torch.equal(frozen, before)


def test_a_saved_state_goes_on_as_if_never_stopped():
    made = with_gradients(model())
    optimizer = muon(made)
    set_rate(optimizer, 0.01)
    optimizer.step()
    twin = copy.deepcopy(made)
    resumed = muon(twin)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for each, stepping in ((made, optimizer), (twin, resumed)):
        with_gradients(each, seed=5)
        stepping.step()
    for a, b in zip(made.parameters(), twin.parameters(), strict=True):
        assert torch.equal(a, b)


def test_only_matrices_are_muons():
    with pytest.raises(ValueError, match=r"moves matrices; got a parameter of shape \(3,\)"):
        Muon([nn.Parameter(torch.ones(3))], [], 1.0)
