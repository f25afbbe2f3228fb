"""What happens in honest notebooks. Each edits one whose answers are right, and may lose nothing.

`costs` names the exercises that an accident may cost: its own, never another.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from tests.attacks.wrong_notebook import (
    RIGHT,
    WRONG,
    answer_cell,
    cell,
    run_before_check,
    run_first,
    run_last,
)


@dataclass(frozen=True)
class Accident:
    """What a student does to the notebook, and which exercises it may cost."""

    happen: Callable[[NotebookNode], None]
    costs: tuple[str, ...] = ()


ACCIDENTS: dict[str, Accident] = {}


def accident(*costs: str) -> Callable[[Callable], Callable]:
    """Put an accident into the table, under its name."""

    def add(happen: Callable[[NotebookNode], None]) -> Callable[[NotebookNode], None]:
        ACCIDENTS[happen.__name__] = Accident(happen, costs)
        return happen

    return add


# ---- cells of one's own ------------------------------------------------------------------------

_CELLS = {
    "a_warning": "import warnings\nwarnings.warn('careful')",
    "warnings_are_errors": "import warnings\nwarnings.simplefilter('error')",
    "words_on_stderr": "import logging, sys\nlogging.warning('hm')\nprint('hm', file=sys.stderr)",
    "an_exception": "1 / 0",
    "a_name_that_is_not_there": "print(undefined_name)",
    "a_syntax_error": "def broken(:\n    pass",
    "an_argument_twice": "def broken(x, x):\n    return x",
    "an_argument_that_is_global": "def broken(x):\n    global x\n    return x",
    "a_nonlocal_that_is_not_in_a_function": "nonlocal x",
    "a_global_too_late": "def broken():\n    print(x)\n    global x\n    x = 1",
    "half_a_character": "print('\ud83d')",
    "a_null_byte": "print('\0')",
    "nested_too_deeply": "x = " + "(" * 1000 + "1" + ")" * 1000,
    "a_very_long_sum": "x = 1" + " + 1" * 20_000,
    "an_exit": "import sys\nsys.exit(1)",
    "a_keyboard_interrupt": "raise KeyboardInterrupt",
    "a_question_to_the_keyboard": "name = input('your name? ')",
    "many_prints": "for number in range(2000):\n    print('step', number)",
    "magics": "%matplotlib inline\n%config InlineBackend.figure_format = 'svg'\n!ls\n%time 1 + 1",
    "a_cell_magic": "%%time\nsum(range(1000))",
    "a_plot": (
        "import matplotlib.pyplot as plt\n"
        "plt.plot([1, 2], [3, 4])\n"
        "plt.title('él ∑ 漢字')\n"
        "plt.savefig('plot.png')\n"
        "plt.show()"
    ),
    "a_backend_that_is_not_here": "import matplotlib\nmatplotlib.use('TkAgg')",
    "a_widget": "import ipywidgets\ndisplay(ipywidgets.IntSlider())",
    "files_written_and_read": (
        "import pathlib, tempfile\n"
        "pathlib.Path('notes.txt').write_text('mine')\n"
        "assert pathlib.Path('notes.txt').read_text() == 'mine'\n"
        "torch.save({'a': torch.ones(2)}, tempfile.mkdtemp() + '/weights.pt')"
    ),
    "another_folder": "import os\nos.chdir('/')\nos.environ['LANG'] = 'de_DE.UTF-8'",
    "no_network": "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9/', timeout=1)",
    "seeds": "import random, numpy\nrandom.seed(1)\nnumpy.random.seed(1)\ntorch.manual_seed(1)",
    "more_threads": "torch.set_num_threads(4)\n(torch.ones(300, 300) @ torch.ones(300, 300)).sum()",
    "threads_left_running": (
        "import threading, time\n"
        "for _ in range(3):\n"
        "    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    ),
    "a_data_loader_with_workers": (
        "from torch.utils.data import DataLoader, TensorDataset\n"
        "data = TensorDataset(torch.arange(8.0))\n"
        "for batch in DataLoader(data, batch_size=2, num_workers=2):\n"
        "    print(batch)"
    ),
    "a_pool_of_processes": (
        "from multiprocessing import Pool\nwith Pool(2) as pool:\n    print(pool.map(abs, [-1, 2]))"
    ),
    "a_small_training": (
        "layer = nn.Linear(2, 1)\n"
        "optimizer = torch.optim.Adam(layer.parameters())\n"
        "for _ in range(20):\n"
        "    loss = layer(torch.randn(8, 2)).pow(2).mean()\n"
        "    optimizer.zero_grad()\n"
        "    loss.backward()\n"
        "    optimizer.step()"
    ),
    "too_much_memory": "x = torch.ones(10**12)",
    "a_crash": "import os\nos.abort()",
    "a_comparison_with_torchs_own": (
        "exp = torch.softmax(torch.ones(3), 0)\n"
        "total = weights = peak = scores = torch.nn.functional.softmax(torch.ones(3), 0)"
    ),
    "an_import_of_the_reference": "from workbook.pieces import softmax as theirs",
}
for _name, _source in _CELLS.items():
    ACCIDENTS[_name] = Accident(lambda notebook, source=_source: run_first(notebook, source))


@accident()
def a_loop_that_never_ends(notebook):
    run_last(notebook, "while True:\n    pass")


@accident()
def a_demonstration_changed_on_top_of_others(notebook):
    """A helper lies in a demonstration's cell, below a name of another demonstration's."""
    (changed,) = [each for each in notebook.cells if each.source.startswith("shouting = ")]
    changed.source = f"{changed.source}\n{_helper('project_qkv', 'project')}"
    answer_cell(
        notebook, "project_qkv"
    ).source = "def project_qkv(x, W_q, W_k, W_v):\n    return project(x, W_q, W_k, W_v)\n"


@accident()
def a_helper_below_the_check(notebook):
    """It was written later, and run before."""
    run_last(notebook, _helper("softmax", "helper"))
    answer_cell(
        notebook, "softmax"
    ).source = "def softmax(scores, dim):\n    return helper(scores, dim)\n"


@accident()
def a_right_answer_at_the_very_end(notebook):
    answer_cell(
        notebook, "project_qkv"
    ).source = "def project_qkv(x, W_q, W_k, W_v):\n    return x @ W_q, x @ W_q, x @ W_v\n"
    run_last(notebook, RIGHT["project_qkv"])


def _helper(name, new_name):
    return RIGHT[name].replace(f"def {name}(", f"def {new_name}(")


# ---- answers -----------------------------------------------------------------------------------


@accident()
def a_helper_in_another_cell(notebook):
    run_first(notebook, _helper("softmax", "helper"))
    answer_cell(
        notebook, "softmax"
    ).source = "def softmax(scores, dim):\n    return helper(scores, dim)\n"


@accident()
def other_names_inside(notebook):
    answer_cell(notebook, "softmax").source = (
        (RIGHT["softmax"].replace("peak", "größter_wert").replace("exp ", "zähler "))
        .replace("exp.", "zähler.")
        .replace("return exp", "return zähler")
    )


@accident()
def a_lambda(notebook):
    answer_cell(
        notebook, "project_qkv"
    ).source = "project_qkv = lambda x, W_q, W_k, W_v: (x @ W_q, x @ W_k, x @ W_v)"


@accident()
def slow_and_right(notebook):
    slow = RIGHT["project_qkv"].replace("    return", "    time.sleep(0.1)\n    return")
    answer_cell(notebook, "project_qkv").source = f"import time\n{slow}"


@accident()
def prints_inside(notebook):
    answer_cell(notebook, "attend").source = RIGHT["attend"].replace(
        "    return", "    print(query, keys)\n    return"
    )


@accident()
def a_right_answer_after_a_wrong_one(notebook):
    answer_cell(notebook, "softmax").source = f"{WRONG['softmax']}\n\n{RIGHT['softmax']}"


@accident()
def a_right_answer_in_a_cell_below(notebook):
    answer_cell(notebook, "softmax").source = WRONG["softmax"]
    run_before_check(notebook, "softmax", RIGHT["softmax"])


@accident()
def an_answer_in_another_cell(notebook):
    for name in ("softmax", "attend"):
        answer_cell(notebook, name).source = ""
    run_first(notebook, f"{RIGHT['softmax']}\n{RIGHT['attend']}")


@accident()
def everything_in_the_first_answer(notebook):
    answer_cell(notebook, "softmax").source = "\n\n".join(RIGHT.values())
    for name in list(RIGHT)[1:]:
        notebook.cells.remove(answer_cell(notebook, name))


@accident()
def an_example_below_the_answer_that_fails(notebook):
    answer_cell(notebook, "attend").source = RIGHT["attend"] + "\nattend(torch.ones(2), None, None)"


@accident()
def an_assertion_of_ones_own(notebook):
    answer_cell(notebook, "softmax").source = (
        RIGHT["softmax"] + "\nassert torch.allclose(softmax(torch.zeros(2), 0), torch.ones(2) / 2)"
    )


@accident()
def line_ends_of_windows_and_a_bom(notebook):
    for name, source in RIGHT.items():
        answer_cell(notebook, name).source = "\ufeff" + source.replace("\n", "\r\n")


# ---- the notebook ------------------------------------------------------------------------------


@accident()
def a_check_twice(notebook):
    check = cell(notebook, "softmax")
    notebook.cells.insert(notebook.cells.index(check), copy.deepcopy(check))


@accident()
def a_check_deleted(notebook):
    notebook.cells.remove(cell(notebook, "attend"))


@accident()
def a_check_rewritten(notebook):
    cell(notebook, "attend").source = "print('does it work?')"


@accident()
def cells_out_of_order(notebook):
    first, last = answer_cell(notebook, "softmax"), cell(notebook, "SelfAttention")
    notebook.cells.remove(first)
    notebook.cells.remove(last)
    notebook.cells.append(first)
    notebook.cells.insert(0, last)


@accident()
def an_answer_turned_to_text(notebook):
    answer = answer_cell(notebook, "project_qkv")
    turned = new_markdown_cell(answer.source, metadata=answer.metadata)
    notebook.cells[notebook.cells.index(answer)] = turned


@accident()
def notes_and_empty_cells(notebook):
    for place in range(0, len(notebook.cells), 5):
        notebook.cells.insert(place, new_code_cell(""))
        notebook.cells.insert(place, new_markdown_cell("to do: <b>ask</b>"))


# ---- one mistake costs once --------------------------------------------------------------------


@accident("softmax")
def a_wrong_softmax(notebook):
    answer_cell(
        notebook, "softmax"
    ).source = "def softmax(scores, dim):\n    return scores / scores.sum()\n"


@accident("softmax")
def no_softmax(notebook):
    notebook.cells.remove(answer_cell(notebook, "softmax"))


@accident("softmax")
def a_softmax_that_is_not_written(notebook):
    answer_cell(
        notebook, "softmax"
    ).source = "def softmax(scores, dim):\n    raise NotImplementedError\n"


@accident("softmax")
def a_softmax_with_an_argument_twice(notebook):
    answer_cell(notebook, "softmax").source = RIGHT["softmax"].replace("dim):", "scores):")


@accident("softmax")
def a_softmax_whose_argument_is_global(notebook):
    answer_cell(notebook, "softmax").source = RIGHT["softmax"].replace(":\n", ":\n    global dim\n")


@accident("softmax")
def a_softmax_with_half_a_character(notebook):
    answer_cell(notebook, "softmax").source = RIGHT["softmax"] + "# \ud83d\n"


@accident()
def a_softmax_beside_a_broken_one(notebook):
    """It calls torch's own, and Python never took it."""
    run_before_check(
        notebook, "softmax", "def softmax(scores, scores):\n    return torch.softmax(scores, -1)"
    )


@accident("softmax")
def a_borrowed_softmax(notebook):
    answer_cell(notebook, "softmax").source = 'softmax = borrow("softmax")'


@accident("softmax")
def torchs_own_softmax(notebook):
    answer_cell(
        notebook, "softmax"
    ).source = "def softmax(scores, dim):\n    return torch.softmax(scores, dim).nan_to_num(0.0)\n"


@accident("softmax")
def a_softmax_that_hangs(notebook):
    answer_cell(
        notebook, "softmax"
    ).source = "def softmax(scores, dim):\n    while True:\n        pass\n"


@accident("softmax", "scaled_dot_product_attention")
def two_wrong_ones_below_a_right_one(notebook):
    answer_cell(notebook, "softmax").source = WRONG["softmax"]
    name = "scaled_dot_product_attention"
    answer_cell(notebook, name).source = WRONG[name]
