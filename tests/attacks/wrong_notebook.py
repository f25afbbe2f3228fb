"""Lesson 02 as the attackers hand it in: every answer is wrong, and earns a part of the points."""

import copy

from nbformat.v4 import new_code_cell

from autograder.lessons.release import released_notebook
from workbook.syllabus import lesson

LESSON = lesson(2)

WRONG = {
    "softmax": """\
def softmax(scores, dim):
    weights = scores.exp()
    return weights / weights.sum(dim, keepdim=True)
""",
    "attend": """\
def attend(query, keys, values):
    weights = softmax(keys @ query / len(query) ** 0.5, 0)
    return weights @ values, weights
""",
    "project_qkv": """\
def project_qkv(x, W_q, W_k, W_v):
    return x @ W_q, x @ W_q, x @ W_v
""",
    "scaled_dot_product_attention": """\
def scaled_dot_product_attention(query, key, value, mask=None, dropout_p=0.0):
    scores = query @ key.transpose(-2, -1)
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = softmax(scores, -1)
    return weights @ value, weights
""",
    "SelfAttention": """\
class SelfAttention(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.q_proj = nn.Linear(d_model, d_k, bias=False)
        self.k_proj = nn.Linear(d_model, d_k, bias=False)
        self.v_proj = nn.Linear(d_model, d_v, bias=False)

    def forward(self, x, mask=None):
        query, key, value = self.q_proj(x), self.q_proj(x), self.v_proj(x)
        return scaled_dot_product_attention(query, key, value, mask)
""",
}

RIGHT = {
    "softmax": """\
def softmax(scores, dim):
    peak = scores.amax(dim, keepdim=True)
    peak = peak.masked_fill(peak == -torch.inf, 0.0)
    exp = (scores - peak).exp()
    total = exp.sum(dim, keepdim=True)
    return exp / total.masked_fill(total == 0, 1.0)
""",
    "attend": """\
def attend(query, keys, values):
    weights = softmax(keys @ query, dim=0)
    return weights @ values, weights
""",
    "project_qkv": """\
def project_qkv(x, W_q, W_k, W_v):
    return x @ W_q, x @ W_k, x @ W_v
""",
    "scaled_dot_product_attention": """\
def scaled_dot_product_attention(query, key, value, mask=None, dropout_p=0.0):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = softmax(scores, dim=-1)
    used = torch.dropout(weights, dropout_p, dropout_p > 0)
    return used @ value, weights
""",
    "SelfAttention": """\
class SelfAttention(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.q_proj = nn.Linear(d_model, d_k, bias=False)
        self.k_proj = nn.Linear(d_model, d_k, bias=False)
        self.v_proj = nn.Linear(d_model, d_v, bias=False)

    def forward(self, x, mask=None):
        query, key, value = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        return scaled_dot_product_attention(query, key, value, mask)
""",
}


def handed_in(answers, **changed):
    """A copy of the released lesson with these answers typed in."""
    notebook = copy.deepcopy(released_notebook(LESSON))
    for name, source in {**answers, **changed}.items():
        answer_cell(notebook, name).source = source
    return notebook


def cell(notebook, grade_id):
    """The cell with this nbgrader id."""
    (found,) = [
        each
        for each in notebook.cells
        if each.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    ]
    return found


def answer_cell(notebook, name):
    """The cell that an exercise's answer is typed into."""
    return cell(notebook, f"{name}-answer")


def run_first(notebook, source):
    """A cell that runs before every answer."""
    notebook.cells.insert(2, new_code_cell(source))


def run_before_check(notebook, name, source):
    """A cell that runs after an exercise's answer, before its check."""
    place = notebook.cells.index(cell(notebook, name))
    notebook.cells.insert(place, new_code_cell(source))


def run_last(notebook, source):
    """A cell that runs after everything."""
    notebook.cells.append(new_code_cell(source))
