"""Right answers to lesson 01."""

import math

import torch
from torch import nn

from tests.exercises.correct import variant

# ---- rnn_step


@variant("rnn_step", "the formula")
def rnn_step(x_t, h, W_xh, W_hh, b):
    return torch.tanh(x_t @ W_xh + h @ W_hh + b)


@variant("rnn_step", "one product of everything side by side")
def _(x_t, h, W_xh, W_hh, b):
    both = torch.cat([x_t, h], dim=-1) @ torch.cat([W_xh, W_hh], dim=0)
    return (both + b).tanh()


@variant("rnn_step", "einsum, and tanh by its exponentials")
def _(x_t, h, W_xh, W_hh, b):
    total = torch.einsum("bi,ih->bh", x_t, W_xh) + torch.einsum("bg,gh->bh", h, W_hh) + b
    return 1 - 2 / (torch.exp(2 * total) + 1)


@variant("rnn_step", "nn.functional.linear")
def _(x_t, h, W_xh, W_hh, b):
    return torch.tanh(nn.functional.linear(x_t, W_xh.T) + nn.functional.linear(h, W_hh.T, b))


@variant("rnn_step", "sentence by sentence")
def _(x_t, h, W_xh, W_hh, b):
    rows = [torch.tanh(word @ W_xh + state @ W_hh + b) for word, state in zip(x_t, h, strict=True)]
    return torch.stack(rows)


# ---- RNN


@variant("RNN", "a loop, a mask, and the last real step by index")
class RNN(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        bound = 1 / math.sqrt(hidden_size)
        self.W_xh = nn.Parameter(torch.rand(input_size, hidden_size) * 2 * bound - bound)
        self.W_hh = nn.Parameter(torch.rand(hidden_size, hidden_size) * 2 * bound - bound)
        self.b = nn.Parameter(torch.zeros(hidden_size))

    def forward(self, x, lengths=None):
        batch, length, _ = x.shape
        h = x.new_zeros(batch, self.b.shape[0])
        outputs = []
        for t in range(length):
            h = rnn_step(x[:, t], h, self.W_xh, self.W_hh, self.b)
            outputs.append(h)
        outputs = torch.stack(outputs, dim=1)
        if lengths is None:
            return outputs, h
        lengths = lengths.to(x.device)
        real = torch.arange(length, device=x.device)[None, :] < lengths[:, None]
        last = outputs[torch.arange(batch, device=x.device), lengths - 1]
        return outputs * real.unsqueeze(-1), last


@variant("RNN", "a state that stands still where a sentence has ended")
class _(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.b = nn.Parameter(torch.randn(hidden_size) * 0.01)
        self.W_hh = nn.Parameter(nn.init.orthogonal_(torch.empty(hidden_size, hidden_size)))
        self.W_xh = nn.Parameter(nn.init.xavier_uniform_(torch.empty(input_size, hidden_size)))

    def forward(self, x, lengths=None):
        h = torch.zeros(x.size(0), self.hidden_size, dtype=x.dtype, device=x.device)
        outputs = []
        for t, x_t in enumerate(x.unbind(dim=1)):
            new = rnn_step(x_t, h, self.W_xh, self.W_hh, self.b)
            if lengths is None:
                h = new
                outputs.append(h)
            else:
                real = (t < lengths.to(x.device)).unsqueeze(1)
                h = torch.where(real, new, h)
                outputs.append(torch.where(real, h, torch.zeros_like(h)))
        return torch.stack(outputs, 1), h


@variant("RNN", "sentence by sentence, each as long as it is")
class _(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.W_xh = nn.Parameter(torch.randn(input_size, hidden_size) / math.sqrt(input_size))
        self.W_hh = nn.Parameter(torch.randn(hidden_size, hidden_size) / math.sqrt(hidden_size))
        self.b = nn.Parameter(torch.zeros(hidden_size))

    def forward(self, x, lengths=None):
        batch, length, _ = x.shape
        lengths = [length] * batch if lengths is None else lengths.tolist()
        outputs = x.new_zeros(batch, length, len(self.b))
        last = []
        for row, n in enumerate(lengths):
            h = x.new_zeros(1, len(self.b))
            for t in range(n):
                h = rnn_step(x[row : row + 1, t], h, self.W_xh, self.W_hh, self.b)
                outputs[row, t] = h[0]
            last.append(h[0])
        return outputs, torch.stack(last)


@variant("RNN", "all input products first, gather, nn.init in a loop")
class _(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.W_xh = nn.Parameter(torch.empty(input_size, hidden_size))
        self.W_hh = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.b = nn.Parameter(torch.empty(hidden_size))
        for weight in self.parameters():
            nn.init.uniform_(weight, -1 / hidden_size**0.5, 1 / hidden_size**0.5)

    def forward(self, x, lengths=None):
        shares = x @ self.W_xh + self.b
        h = torch.zeros_like(shares[:, 0])
        states = []
        for t in range(x.shape[1]):
            h = (shares[:, t] + h @ self.W_hh).tanh()
            states += [h]
        outputs = torch.stack(states, dim=1)
        if lengths is not None:
            lengths = torch.as_tensor(lengths, device=x.device)
            index = (lengths - 1).view(-1, 1, 1).expand(-1, 1, outputs.shape[-1])
            h = outputs.gather(1, index).squeeze(1)
            past = torch.arange(x.shape[1], device=x.device) >= lengths.unsqueeze(1)
            outputs = outputs.masked_fill(past[..., None], 0.0)
        return outputs, h


# ---- BidirectionalRNN


@variant("BidirectionalRNN", "each sentence turned round by an index, and back by the same")
class BidirectionalRNN(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.forward_rnn = RNN(input_size, hidden_size)
        self.backward_rnn = RNN(input_size, hidden_size)

    def forward(self, x, lengths=None):
        batch, length, _ = x.shape
        if lengths is None:
            lengths = torch.full((batch,), length)
        steps = torch.arange(length, device=x.device).expand(batch, -1)
        ends = lengths.to(x.device)[:, None]
        order = torch.where(steps < ends, ends - 1 - steps, steps)
        rows = torch.arange(batch, device=x.device)[:, None]
        ahead, _ = self.forward_rnn(x, lengths)
        behind, _ = self.backward_rnn(x[rows, order], lengths)
        return torch.cat([ahead, behind[rows, order]], dim=-1)


@variant("BidirectionalRNN", "flip the real part of each row, joined with its padding")
class _(BidirectionalRNN):
    def forward(self, x, lengths=None):
        def turned(tensor):
            if lengths is None:
                return tensor.flip(1)
            rows = []
            for row, n in zip(tensor, lengths.tolist(), strict=True):
                rows.append(torch.cat([row[:n].flip(0), row[n:]], dim=0))
            return torch.stack(rows)

        ahead = self.forward_rnn(x, lengths)[0]
        behind = turned(self.backward_rnn(turned(x), lengths)[0])
        return torch.cat((ahead, behind), 2)


@variant("BidirectionalRNN", "its own loop from right to left, zeros until a sentence begins")
class _(BidirectionalRNN):
    def forward(self, x, lengths=None):
        net = self.backward_rnn
        ahead, last = self.forward_rnn(x, lengths)
        h = torch.zeros_like(last)
        behind = []
        for t in reversed(range(x.size(1))):
            h = torch.tanh(x[:, t] @ net.W_xh + h @ net.W_hh + net.b)
            if lengths is not None:
                h = h * (t < lengths.to(x.device))[:, None]
            behind.insert(0, h)
        return torch.cat([ahead, torch.stack(behind, dim=1)], dim=-1)


@variant("BidirectionalRNN", "the whole batch flipped, then rolled so that each row begins at 0")
class _(BidirectionalRNN):
    def forward(self, x, lengths=None):
        length = x.shape[1]
        ns = [length] * x.shape[0] if lengths is None else lengths.tolist()

        def turn(tensor):
            pairs = zip(tensor.flip(1), ns, strict=True)
            return torch.stack([row.roll(n - length, dims=0) for row, n in pairs])

        behind = turn(self.backward_rnn(turn(x), lengths)[0])
        return torch.concat([self.forward_rnn(x, lengths)[0], behind], dim=-1)


# ---- gradient_reach


@variant("gradient_reach", "autograd.grad for each hidden number")
def gradient_reach(rnn, x):
    x = x.detach().clone().requires_grad_()
    _, last = rnn(x)
    total = torch.zeros(x.shape[1], dtype=x.dtype)
    for i in range(last.shape[1]):
        (slopes,) = torch.autograd.grad(last[0, i], x, retain_graph=True)
        total += (slopes[0] ** 2).sum(dim=-1)
    return total.sqrt()


@variant("gradient_reach", "torch's jacobian")
def _(rnn, x):
    jacobian = torch.autograd.functional.jacobian(lambda each: rnn(each)[1][0], x)
    return jacobian[:, 0].pow(2).sum(dim=(0, 2)).sqrt()


@variant("gradient_reach", "a new forward pass for each number, stacked")
def _(rnn, x):
    rows = []
    for i in range(rnn(x)[1].shape[-1]):
        words = x.detach().requires_grad_()
        rows.append(torch.autograd.grad(rnn(words)[1][0, i], [words])[0].squeeze(0))
    return torch.linalg.vector_norm(torch.stack(rows), dim=(0, 2))


@variant("gradient_reach", "all rows at once by is_grads_batched")
def _(rnn, x):
    words = x.detach().requires_grad_()
    last = rnn(words)[1][0]
    (rows,) = torch.autograd.grad(
        last, words, grad_outputs=torch.eye(len(last), dtype=x.dtype), is_grads_batched=True
    )
    return rows[:, 0].norm(dim=(0, 2))


@variant("gradient_reach", "backward on x, the weights' gradients put back")
def _(rnn, x):
    words = x.detach().clone().requires_grad_()
    kept = [p.grad for p in rnn.parameters()]
    rnn.zero_grad()  # else backward would add to what is kept, in place
    squares = 0
    for each in rnn(words)[1].flatten():
        words.grad = None
        each.backward(retain_graph=True)
        squares = squares + words.grad[0].square().sum(-1)
    for p, gradient in zip(rnn.parameters(), kept, strict=True):
        p.grad = gradient
    return squares.sqrt()


# ---- clip_gradients_


@variant("clip_gradients_", "a list, a norm of norms, a factor never above 1")
def clip_gradients_(parameters, max_norm):
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.linalg.vector_norm(torch.stack([g.norm() for g in gradients]))
    for gradient in gradients:
        gradient.mul_(torch.clamp(max_norm / (norm + 1e-6), max=1.0))
    return norm


@variant("clip_gradients_", "squares in a loop, only where it is too long, a float back")
def _(parameters, max_norm):
    parameters = list(parameters)
    total = 0.0
    for p in parameters:
        if p.grad is not None:
            total += (p.grad**2).sum().item()
    norm = total**0.5
    if norm > max_norm:
        for p in parameters:
            if p.grad is not None:
                p.grad *= max_norm / norm
    return norm


@variant("clip_gradients_", "one long vector")
def _(parameters, max_norm):
    held = [p for p in parameters if p.grad is not None]
    norm = torch.cat([p.grad.flatten() for p in held]).norm()
    if norm > max_norm:
        for p in held:
            p.grad = p.grad / norm * max_norm
    return norm


@variant("clip_gradients_", "copy_ and math.sqrt")
def _(parameters, max_norm):
    gradients = [p.grad.data for p in parameters if p.grad is not None]
    norm = math.sqrt(sum(float(torch.dot(g.reshape(-1), g.reshape(-1))) for g in gradients))
    factor = min(1.0, max_norm / max(norm, 1e-12))
    for g in gradients:
        g.copy_(g * factor)
    return torch.tensor(norm)


# ---- additive_attention


@variant("additive_attention", "unsqueeze, the lowest number, zero afterwards")
def additive_attention(query, keys, values, W_q, W_k, v, mask=None):
    hidden = torch.tanh((query @ W_q).unsqueeze(1) + keys @ W_k)
    scores = hidden @ v
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = torch.softmax(scores, dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0.0)
    return (weights.unsqueeze(1) @ values).squeeze(1), weights


@variant("additive_attention", "key by key, −1e9 then times the mask")
def _(query, keys, values, W_q, W_k, v, mask=None):
    asked = query @ W_q
    scores = [
        (torch.tanh(asked + keys[:, i] @ W_k) * v).sum(-1, keepdim=True)
        for i in range(keys.shape[1])
    ]
    scores = torch.cat(scores, dim=1)
    if mask is not None:
        scores = torch.where(mask, scores, torch.full_like(scores, -1e9))
    weights = nn.functional.softmax(scores, dim=1)
    if mask is not None:
        weights = weights * mask.to(weights.dtype)
    return (weights[:, :, None] * values).sum(dim=1), weights


@variant("additive_attention", "einsum, exp times mask over the sum")
def _(query, keys, values, W_q, W_k, v, mask=None):
    hidden = torch.einsum("bq,qa->ba", query, W_q)[:, None] + torch.einsum("bnk,ka->bna", keys, W_k)
    scores = torch.einsum("bna,a->bn", hidden.tanh(), v)
    if mask is not None:
        scores = scores.masked_fill(mask == 0, torch.finfo(scores.dtype).min / 2)
    powers = (scores - scores.amax(-1, keepdim=True).detach()).exp()
    if mask is not None:
        powers = powers * mask
    weights = powers / powers.sum(-1, keepdim=True).clamp(min=1e-30)
    return torch.einsum("bn,bnv->bv", weights, values), weights


@variant("additive_attention", "sentence by sentence, the real words alone")
def _(query, keys, values, W_q, W_k, v, mask=None):
    contexts, rows = [], []
    for b in range(len(query)):
        kept = torch.arange(keys.shape[1], device=keys.device)
        if mask is not None:
            kept = kept[mask[b]]
        scores = torch.tanh(query[b] @ W_q + keys[b, kept] @ W_k) @ v
        weights = torch.zeros_like(keys[b, :, 0]).index_put((kept,), torch.softmax(scores, 0))
        contexts.append(weights @ values[b])
        rows.append(weights)
    return torch.stack(contexts), torch.stack(rows)


# ---- path_length


@variant("path_length", "the formulas")
def path_length(distance, model, kernel_size=3):
    if model == "rnn":
        return distance
    if model == "conv":
        return math.ceil(distance / (kernel_size - 1))
    if model == "dilated conv":
        return math.ceil(math.log2(distance / (kernel_size - 1) + 1))
    if model == "attention":
        return 1
    raise ValueError(f"no model is called {model!r}")


@variant("path_length", "counting layers")
def _(distance, model, kernel_size=3):
    growth = {"rnn": (1, 1), "conv": (kernel_size - 1, 1), "dilated conv": (kernel_size - 1, 2)}
    if model == "attention":
        return 1
    if model not in growth:
        raise ValueError(model)
    step, factor = growth[model]
    layers = reached = 0
    while reached < distance:
        reached += step
        step *= factor
        layers += 1
    return layers


@variant("path_length", "match, negative floor division, a loop over powers")
def _(distance, model, kernel_size=3):
    match model:
        case "rnn":
            return distance
        case "attention":
            return 1
        case "conv":
            return -(-distance // (kernel_size - 1))
        case "dilated conv":
            layers = 0
            while (kernel_size - 1) * (2**layers - 1) < distance:
                layers += 1
            return layers
        case _:
            raise ValueError("unknown model: " + str(model))


@variant("path_length", "a dictionary of functions, a float made an int")
def _(distance, model, kernel_size=3):
    ways = {
        "rnn": lambda: distance,
        "conv": lambda: int(torch.ceil(torch.tensor(distance / (kernel_size - 1)))),
        "dilated conv": lambda: math.ceil(distance / (kernel_size - 1)).bit_length(),
        "attention": lambda: 1,
    }
    if model not in ways:
        raise ValueError(f"model should be one of {sorted(ways)}")
    return ways[model]()
