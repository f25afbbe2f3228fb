"""Lesson 01: the recurrent network, how far its gradients reach, and attention as the first cure.

Sources: Elman, "Finding structure in time" (1990); Schuster and Paliwal, "Bidirectional recurrent
neural networks" (1997); Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent
neural networks" (2013); Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning
to align and translate" (2015); Bai, Kolter and Koltun, "An empirical evaluation of generic
convolutional and recurrent networks for sequence modeling" (2018).
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn


def rnn_step(x_t: Tensor, h: Tensor, W_xh: Tensor, W_hh: Tensor, b: Tensor) -> Tensor:
    """One step of a vanilla recurrent network: tanh(x_t W_xh + h W_hh + b).

    x_t (batch, input), h (batch, hidden), W_xh (input, hidden), W_hh (hidden, hidden),
    b (hidden,) -> the new hidden state (batch, hidden).
    """
    return torch.tanh(x_t @ W_xh + h @ W_hh + b)


class RNN(nn.Module):
    """A vanilla recurrent network, read from left to right, from a hidden state of zeros.

    Parameters `W_xh` (input, hidden), `W_hh` (hidden, hidden), `b` (hidden,). As in `nn.RNN`, all
    start uniform between -1/sqrt(hidden) and 1/sqrt(hidden).
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.W_xh = nn.Parameter(torch.empty(input_size, hidden_size))
        self.W_hh = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.b = nn.Parameter(torch.empty(hidden_size))
        bound = 1 / math.sqrt(hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x (batch, length, input), lengths (batch,) -> outputs (batch, length, hidden), last.

        Without `lengths`, every sequence is `length` long. Outputs past a sequence's end are zero;
        `last` (batch, hidden) is each sequence's own last real step (zeros for a length of 0).
        """
        if lengths is not None:
            real = _real_steps(x, lengths)
            x = x.masked_fill(~real, 0.0)
        # The inputs' share of every step needs no earlier step, so it is one matrix product.
        from_inputs = x @ self.W_xh + self.b  # (B, T, hidden)
        h = from_inputs.new_zeros(x.size(0), self.W_hh.size(0))
        states = []
        for step in from_inputs.unbind(1):
            h = torch.tanh(step + h @ self.W_hh)
            states.append(h)
        outputs = torch.stack(states, dim=1)
        if lengths is None:
            return outputs, h
        outputs = outputs.masked_fill(~real, 0.0)
        final = real.sum(1, keepdim=True) - 1  # (B, 1, 1)
        last = torch.take_along_dim(outputs, final.clamp(min=0), dim=1).squeeze(1)
        return outputs, last


class BidirectionalRNN(nn.Module):
    """Two networks over one sequence: `forward_rnn` from its start, `backward_rnn` from its end."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.forward_rnn = RNN(input_size, hidden_size)
        self.backward_rnn = RNN(input_size, hidden_size)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """x (batch, length, input), lengths (batch,) -> (batch, length, 2 * hidden).

        The first half is `forward_rnn`'s, the second `backward_rnn`'s, which starts at each
        sequence's own end. Outputs past a sequence's end are zero.
        """
        ahead, _ = self.forward_rnn(x, lengths)
        order = _reversed_steps(x, lengths)  # (B, T, 1)
        behind, _ = self.backward_rnn(torch.take_along_dim(x, order, dim=1), lengths)
        # Reversing twice is doing nothing: the same order puts every output back in its place.
        return torch.cat([ahead, torch.take_along_dim(behind, order, dim=1)], dim=-1)


def gradient_reach(rnn: nn.Module, x: Tensor) -> Tensor:
    """How strongly each input still moves the last hidden state.

    rnn: called on (batch, length, input), it returns (outputs, last), as `RNN` does, and as
    `nn.GRU(..., batch_first=True)` of one layer does. x (1, length, input) -> (length,), for every
    t the Frobenius norm of the Jacobian of `last` with respect to x_t. No `.grad` is touched.
    """
    with torch.enable_grad():
        hidden = rnn(x)[1].numel()
        # One copy of the sequence for each component of `last`: a single backward pass of the
        # whole batch then gives all rows of the Jacobian.
        copies = x.detach().repeat(hidden, 1, 1).requires_grad_()
        last = rnn(copies)[1].reshape(hidden, hidden)
        (jacobian,) = torch.autograd.grad(last.diagonal().sum(), copies)  # (hidden, T, input)
    return torch.linalg.vector_norm(jacobian, dim=(0, 2))


def clip_gradients_(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    """Scale all gradients in place, by one factor, so that their joint norm is at most `max_norm`.

    parameters: any iterable, a generator too; those whose `.grad` is None are skipped. Returns the
    norm before clipping, a scalar. As in torch, the factor is max_norm / (norm + 1e-6).
    """
    return nn.utils.clip_grad_norm_(list(parameters), max_norm)


def additive_attention(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    W_q: Tensor,
    W_k: Tensor,
    v: Tensor,
    mask: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Bahdanau's attention: the score of a key is v . tanh(query W_q + key W_k).

    query (batch, d_q), keys (batch, n, d_k), values (batch, n, d_v), W_q (d_q, d_a),
    W_k (d_k, d_a), v (d_a,), mask (batch, n), True where it may attend
    -> context (batch, d_v), weights (batch, n). A fully masked row gives zeros.
    """
    hidden = torch.tanh((query @ W_q).unsqueeze(1) + keys @ W_k)  # (B, n, d_a)
    scores = hidden @ v  # (B, n)
    if mask is None:
        weights = scores.softmax(-1)
    else:
        # The lowest finite number, and not -inf, keeps a fully masked row and its gradient finite.
        lowest = torch.finfo(scores.dtype).min
        weights = scores.masked_fill(~mask, lowest).softmax(-1).masked_fill(~mask, 0.0)
    context = (weights.unsqueeze(1) @ values).squeeze(1)
    return context, weights


def path_length(distance: int, model: str, kernel_size: int = 3) -> int:
    """The steps or layers that connect two words `distance` apart.

    model: "rnn", distance; "conv", ceil(distance / (kernel_size - 1)); "dilated conv", whose
    dilation doubles, the least L with (kernel_size - 1) (2^L - 1) >= distance; "attention", 1.
    Raises ValueError for any other model, a negative distance or a kernel narrower than 2.
    """
    if distance < 0:
        raise ValueError(f"distance counts words, so it is 0 or more; got {distance}")
    if kernel_size < 2:
        raise ValueError(f"a kernel of {kernel_size} connects no two words; give 2 or more")
    reach = kernel_size - 1
    if model == "rnn":
        return distance
    if model == "conv":
        return math.ceil(distance / reach)
    if model == "dilated conv":
        return math.ceil(distance / reach).bit_length()
    if model == "attention":
        return 1
    raise ValueError(f'model is one of "rnn", "conv", "dilated conv", "attention"; got {model!r}')


def _real_steps(x: Tensor, lengths: Tensor) -> Tensor:
    """(batch, length, 1) boolean: True for the steps before each sequence's end."""
    lengths = torch.as_tensor(lengths, device=x.device)
    steps = torch.arange(x.size(1), device=x.device)
    return (steps < lengths.unsqueeze(1)).unsqueeze(-1)


def _reversed_steps(x: Tensor, lengths: Tensor | None) -> Tensor:
    """(batch, length, 1) indices that turn each sequence round and leave its padding in place."""
    steps = torch.arange(x.size(1), device=x.device)
    if lengths is None:
        return steps.flip(0).view(1, -1, 1)
    turned = torch.as_tensor(lengths, device=x.device).unsqueeze(1) - 1 - steps
    return torch.where(turned >= 0, turned, steps).unsqueeze(-1)
