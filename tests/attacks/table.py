"""The attacks. Each edits a notebook whose answers are wrong, and hopes for more than they earn.

What strains the machine is bounded here as well, in time, in size and in number, and traffic stays
on this machine's loopback: a sandbox that fails must not take the machine with it.
"""

import base64
from collections.abc import Callable

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from tests.attacks.wrong_notebook import (
    RIGHT,
    answer_cell,
    cell,
    run_before_check,
    run_first,
    run_last,
)
from workbook.home import root

MARK = "left-by-an-attack"
PIECES = ("softmax", "attend", "project_qkv", "scaled_dot_product_attention", "SelfAttention")
ATTACKS: dict[str, Callable[[NotebookNode], None]] = {}

Attack = Callable[[NotebookNode], None]


def attack(function: Attack) -> Attack:
    """Put an attack into the table, under its name."""
    ATTACKS[function.__name__] = function
    return function


def _treasures(*names: str) -> list[str]:
    """Files of the course that hold answers; sought where they are, or the attack would be none."""
    paths = [root() / name for name in names]
    assert all(path.is_file() for path in paths), names
    return [str(path) for path in paths]


def _steal(notebook: NotebookNode, reading: str) -> None:
    """Use whatever `reading` (code that binds `texts`, a list of sources) finds as the answers."""
    run_before_check(
        notebook,
        "softmax",
        f"texts = []\ntry:\n{_indented(reading)}\nexcept BaseException as error:\n"
        "    print('nothing:', error)\n"
        "for text in texts:\n"
        "    try:\n"
        "        stolen = {'__name__': '__main__'}\n"
        "        exec(text, stolen)\n"
        "        softmax = stolen['softmax']\n"
        "        softmax.__module__ = '__main__'\n"
        "    except BaseException as error:\n"
        "        print('no use:', error)\n",
    )


def _indented(code: str) -> str:
    return "\n".join(f"    {line}" for line in code.strip().splitlines())


# ---- forging results ---------------------------------------------------------------------------


@attack
def outputs_with_full_marks(notebook):
    """The check cells already hold the outputs that nbgrader would read."""
    for name in PIECES:
        cell(notebook, name).outputs = [
            new_output("execute_result", data={"text/plain": "9.0"}, execution_count=1)
        ]


@attack
def more_points_in_the_metadata(notebook):
    for name in PIECES:
        cell(notebook, name).metadata.nbgrader.update(points=500, locked=False)


@attack
def check_cells_rewritten(notebook):
    for name in PIECES:
        cell(notebook, name).source = "print('✓ passed')\n9.0"


@attack
def check_cells_turned_into_answers(notebook):
    for name in PIECES:
        cell(notebook, name).metadata.nbgrader.update(solution=True, grade=True)


@attack
def checks_deleted(notebook):
    notebook.cells = [
        each
        for each in notebook.cells
        if each.metadata.get("nbgrader", {}).get("grade_id") not in PIECES
    ]


@attack
def another_check(notebook):
    run_first(
        notebook,
        "import autograder\n"
        "autograder.check = lambda name: 9.0\n"
        "check = lambda name: 9.0\n"
        "autograder.CheckFailed = SystemExit\n",
    )


@attack
def cells_blanked_by_a_transformer(notebook):
    run_first(
        notebook,
        "get_ipython().input_transformers_cleanup.append(\n"
        "    lambda lines: [] if any('check(' in line for line in lines) else lines)",
    )


@attack
def asserts_stripped_by_a_transformer(notebook):
    run_first(
        notebook,
        "import ast\n"
        "class NoAsserts(ast.NodeTransformer):\n"
        "    def visit_Assert(self, node):\n"
        "        return ast.Pass()\n"
        "    visit_Raise = visit_Assert\n"
        "get_ipython().ast_transformers.append(NoAsserts())",
    )


@attack
def hooks_around_every_cell(notebook):
    run_first(
        notebook,
        "shell = get_ipython()\n"
        "shell.events.register('pre_run_cell', lambda info: shell.user_ns.update(softmax=max))\n"
        "shell.run_cell = lambda *args, **kwargs: type('Result', (), dict(\n"
        "    error_before_exec=None, error_in_exec=None, success=True))()",
    )


@attack
def the_end_of_a_process_that_passed(notebook):
    """The exit codes by which a worker says that all went well."""
    for name, code in zip(PIECES, (0, 113, 113, 0, 113), strict=True):
        kind = "class" if name == "SelfAttention" else "def"
        answer_cell(notebook, name).source = (
            f"import os\n{kind} {name}({'nn.Module' if kind == 'class' else '*args, **kwargs'}):\n"
            + (
                f"    def __init__(self, d_model, d_k, d_v):\n        os._exit({code})\n"
                if kind == "class"
                else f"    os._exit({code})\n"
            )
        )


@attack
def exceptions_that_mean_success(notebook):
    run_before_check(
        notebook,
        "softmax",
        "def softmax(scores, dim):\n"
        "    raise type('Passed', (SystemExit, StopIteration), {})('✓ 5 of 5 points')\n",
    )


# ---- patching ----------------------------------------------------------------------------------


@attack
def torch_finds_everything_close(notebook):
    run_first(
        notebook,
        "import torch\n"
        "for name in ('allclose', 'equal', 'is_same_size'):\n"
        "    setattr(torch, name, lambda *args, **kwargs: True)\n"
        "torch.isclose = lambda a, b, *args, **kwargs: torch.ones_like(a, dtype=torch.bool)\n"
        "torch.testing.assert_close = lambda *args, **kwargs: None\n"
        "torch.Tensor.__eq__ = lambda self, other: torch.ones(1, dtype=torch.bool)\n"
        "torch.Tensor.all = lambda self, *args: torch.ones((), dtype=torch.bool)\n",
    )


@attack
def numpy_finds_everything_close(notebook):
    run_first(
        notebook,
        "import numpy\n"
        "numpy.allclose = numpy.array_equal = lambda *args, **kwargs: True\n"
        "numpy.testing.assert_allclose = lambda *args, **kwargs: None\n",
    )


@attack
def builtins_that_lie(notebook):
    run_first(
        notebook,
        "import builtins\n"
        "builtins.all = builtins.any = builtins.bool = lambda *args: True\n"
        "builtins.isinstance = lambda *args: True\n"
        "builtins.len = lambda thing: 0\n",
    )


@attack
def torch_draws_the_same_numbers(notebook):
    """Inputs that are known beforehand, if it were this process that drew them."""
    run_first(
        notebook,
        "import torch\n"
        "for name in ('randn', 'rand', 'randperm', 'randint'):\n"
        "    setattr(torch, name, lambda *args, **kwargs: torch.zeros(3, 3))\n"
        "torch.manual_seed = lambda seed: None\n",
    )


@attack
def the_default_device_and_dtype(notebook):
    run_first(
        notebook,
        "import torch\n"
        "torch.set_default_dtype(torch.float16)\n"
        "torch.set_default_device('meta')\n"
        "torch.set_grad_enabled(False)\n",
    )


@attack
def the_wire_rewritten(notebook):
    run_first(
        notebook,
        "import autograder.channel.wire as wire, autograder.channel.worker as worker\n"
        "honest = wire.encode\n"
        "def forged(value):\n"
        "    return honest({'value': True, 'calls': [], 'passed': True, 'score': 9.0})\n"
        "wire.encode = worker.encode = forged\n",
    )


@attack
def the_bench_rewritten(notebook):
    run_first(
        notebook,
        "from autograder.channel.bench import Bench\n"
        "Bench.handle = lambda self, request: {'value': request.get('args'), 'calls': []}\n",
    )


@attack
def the_wire_reads_what_it_sent(notebook):
    """Answers with the questions' own tensors, as if they were the values asked for."""
    run_first(
        notebook,
        "from autograder.channel.bench import Bench\n"
        "from autograder.channel.wire import tensors_in\n"
        "def echo(self, request):\n"
        "    given = tensors_in(list(request.get('args', ())))\n"
        "    value = given[0] if given else None\n"
        "    return {'value': value, 'calls': [], 'inputs': given,\n"
        "            'gradients': {'inputs': given, 'weights': {}}}\n"
        "Bench.handle = echo\n",
    )


@attack
def the_recorder_of_calls_silenced(notebook):
    run_first(
        notebook,
        "import autograder.channel.bench as bench\n"
        "bench._called_by_the_course = lambda: True\n"
        "bench.CallRecorder.__torch_function__ = (\n"
        "    lambda self, func, types, args=(), kwargs=None: func(*args, **(kwargs or {})))\n",
    )
    answer_cell(
        notebook, "softmax"
    ).source = "def softmax(scores, dim):\n    return torch.softmax(scores, dim).nan_to_num(0.0)\n"


@attack
def torch_called_behind_the_recorder(notebook):
    answer_cell(notebook, "softmax").source = (
        "def helper(scores, dim):\n"
        "    with torch._C.DisableTorchFunction():\n"
        "        return getattr(torch, 'softmax')(scores, dim).nan_to_num(0.0)\n"
        "def softmax(scores, dim):\n"
        "    return helper(scores, dim)\n"
    )


@attack
def torch_called_in_a_thread(notebook):
    answer_cell(notebook, "softmax").source = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def softmax(scores, dim):\n"
        "    with ThreadPoolExecutor(1) as pool:\n"
        "        return pool.submit(nn.functional.softmax, scores, dim).result().nan_to_num(0.0)\n"
    )


@attack
def torch_under_another_name(notebook):
    answer_cell(notebook, "softmax").source = (
        "from torch.nn.functional import softmax as mine\n"
        "def softmax(scores, dim):\n"
        "    return mine(scores, dim).nan_to_num(0.0)\n"
    )


@attack
def torch_under_a_spelled_name(notebook):
    answer_cell(notebook, "softmax").source = (
        "def softmax(scores, dim):\n"
        "    return getattr(torch, 'soft' + 'max')(scores, dim).nan_to_num(0.0)\n"
    )


@attack
def torchs_own_function_as_the_answer(notebook):
    answer_cell(
        notebook, "softmax"
    ).source = "softmax = torch.nn.functional.softmax\nsoftmax.__module__ = '__main__'\n"


@attack
def the_import_guard_removed(notebook):
    _steal(
        notebook,
        "import sys\n"
        "sys.meta_path[:] = [f for f in sys.meta_path if type(f).__name__ != 'Absent']\n"
        "sys.path_importer_cache.clear()\n"
        "import importlib\n"
        "importlib.invalidate_caches()\n"
        "from workbook.pieces import dot_product_attention as course\n"
        "course.softmax.__module__ = '__main__'\n"
        "softmax = course.softmax\n",
    )


@attack
def the_exercises_imported_by_path(notebook):
    paths = _treasures(
        "autograder/exercises/dot_product_attention/softmax.py",
        "workbook/pieces/dot_product_attention.py",
    )
    _steal(
        notebook,
        "import importlib.util\n"
        f"for path in {paths!r}:\n"
        "    spec = importlib.util.spec_from_file_location('stolen', path)\n"
        "    module = importlib.util.module_from_spec(spec)\n"
        "    spec.loader.exec_module(module)\n"
        "    softmax = module.softmax\n",
    )


@attack
def the_piece_borrowed(notebook):
    answer_cell(notebook, "softmax").source = 'softmax = borrow("softmax")'


# These give the right values, and no machine can tell by them that they aren't the student's own: a
# grader is told to read them.
HIDDEN = {
    "torch under a spelled name, in a thread": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def softmax(scores, dim):\n"
        "    with ThreadPoolExecutor(1) as pool:\n"
        "        return pool.submit(getattr(torch, 'soft' + 'max'), scores, dim).result()\n"
    ),
    "torch in an encoded text": (
        "import autograder.channel.bench as bench\n"
        "bench._called_by_the_course = lambda: True\n"
        "exec(bytes.fromhex("
        + repr(b"def softmax(scores, dim): return torch.softmax(scores, dim)".hex())
        + "))\n"
    ),
    "torch in another process": (
        "import subprocess, sys, json\n"
        "def softmax(scores, dim):\n"
        "    code = 'import torch, json, sys; print(torch.tensor(json.load(sys.stdin))'\n"
        "    code += f'.softmax({dim}).tolist())'\n"
        "    done = subprocess.run([sys.executable, '-c', code], text=True, capture_output=True,\n"
        "                          input=json.dumps(scores.tolist()))\n"
        "    return torch.tensor(json.loads(done.stdout), dtype=scores.dtype)\n"
    ),
    "torch with its recorder replaced": (
        "import autograder.channel.bench as bench\n"
        "bench.CallRecorder.__torch_function__ = None\n"
        "def softmax(scores, dim):\n"
        "    return vars(torch)['soft' + 'max'](scores, dim)\n"
    ),
}


# ---- values that lie ---------------------------------------------------------------------------


@attack
def a_tensor_that_agrees_with_everything(notebook):
    run_before_check(
        notebook,
        "softmax",
        "class Agreeable(torch.Tensor):\n"
        "    @classmethod\n"
        "    def __torch_function__(cls, func, types, args=(), kwargs=None):\n"
        "        if func.__name__ in ('allclose', 'isclose', 'equal', '__eq__', 'eq', 'all'):\n"
        "            return True\n"
        "        return super().__torch_function__(func, types, args, kwargs or {})\n"
        "wrong = softmax\n"
        "def softmax(scores, dim):\n"
        "    return wrong(scores, dim).as_subclass(Agreeable)\n",
    )


@attack
def an_object_that_equals_everything(notebook):
    run_before_check(
        notebook,
        "softmax",
        "class Equal(float):\n"
        "    shape = property(lambda self: Equal())\n"
        "    __eq__ = __ge__ = __le__ = lambda self, other: True\n"
        "    __ne__ = lambda self, other: False\n"
        "    __hash__ = float.__hash__\n"
        "    __getattr__ = lambda self, name: Equal()\n"
        "    __call__ = lambda self, *args, **kwargs: Equal()\n"
        "    __class__ = property(lambda self: torch.Tensor)\n"
        "def softmax(scores, dim):\n"
        "    return Equal()\n",
    )


@attack
def an_object_that_runs_code_when_it_is_unpickled(notebook):
    run_before_check(
        notebook,
        "softmax",
        "class Loaded:\n"
        "    def __reduce__(self):\n"
        f"        return (open, ('/tmp/{MARK}', 'w'))\n"
        "def softmax(scores, dim):\n"
        "    return Loaded()\n",
    )


@attack
def not_a_number_and_infinity(notebook):
    run_before_check(
        notebook,
        "softmax",
        "def softmax(scores, dim):\n    return scores * float('nan')\n",
    )
    run_before_check(
        notebook,
        "attend",
        "def attend(query, keys, values):\n"
        "    return values.sum(0) + float('inf'), keys.sum(1) * float('inf')\n",
    )


@attack
def strange_tensors(notebook):
    run_before_check(
        notebook,
        "softmax",
        "calls = []\n"
        "def softmax(scores, dim):\n"
        "    calls.append(1)\n"
        "    return [\n"
        "        scores.to_sparse(), scores.to('meta'), scores.to(torch.complex64),\n"
        "        torch.ones(1).expand(2**40), torch.quantize_per_tensor(torch.ones(2), 1.0, 0,\n"
        "        torch.qint8), torch.empty(0), scores.to(torch.float16),\n"
        "    ][len(calls) % 7]\n",
    )


@attack
def deep_and_wide_structures(notebook):
    run_before_check(
        notebook,
        "softmax",
        "calls = []\n"
        "def softmax(scores, dim):\n"
        "    calls.append(1)\n"
        "    deep = []\n"
        "    for _ in range(900):\n"
        "        deep = [deep]\n"
        "    return [deep, [[]] * 10**6, {'x' * 10**6: 1}, 10**100_000, 'x' * 10**7][\n"
        "        len(calls) % 5]\n",
    )


@attack
def a_class_with_a_lying_description(notebook):
    run_before_check(
        notebook,
        "SelfAttention",
        "class Meta(type):\n"
        "    __instancecheck__ = __subclasscheck__ = lambda cls, other: True\n"
        "    __eq__ = lambda cls, other: True\n"
        "    __hash__ = type.__hash__\n"
        "class SelfAttention(nn.Module, metaclass=Meta):\n"
        "    def __init__(self, d_model, d_k, d_v):\n"
        "        super().__init__()\n"
        "    def named_parameters(self, *args, **kwargs):\n"
        "        for name in ('q_proj', 'k_proj', 'v_proj'):\n"
        "            yield f'{name}.weight', nn.Parameter(torch.zeros(3, 5))\n"
        "    def forward(self, x, mask=None):\n"
        "        return x, x\n",
    )


# ---- the channel -------------------------------------------------------------------------------

_EVERY_DESCRIPTOR = """\
import os, struct, threading, time
from autograder.channel.frames import frame
from autograder.channel.wire import encode
def everywhere(data):
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, data)
        except OSError:
            pass
"""


@attack
def forged_answers_in_the_channel(notebook):
    run_before_check(
        notebook,
        "softmax",
        _EVERY_DESCRIPTOR + "def softmax(scores, dim):\n"
        "    for _ in range(20):\n"
        "        everywhere(frame(encode({'value': torch.full_like(scores, 0.25), 'calls': [],\n"
        "                   'passed': True})))\n"
        "    return scores\n",
    )


@attack
def forged_answers_from_another_cell(notebook):
    run_first(
        notebook,
        _EVERY_DESCRIPTOR
        + "everywhere(frame(encode({'value': True, 'calls': [], 'score': 9.0})) * 50)\n",
    )


@attack
def garbage_in_the_channel(notebook):
    run_before_check(
        notebook,
        "attend",
        _EVERY_DESCRIPTOR + "def attend(query, keys, values):\n"
        "    everywhere(b'\\xff' * 1000)\n"
        "    return query, keys\n",
    )


@attack
def a_message_without_end(notebook):
    run_before_check(
        notebook,
        "attend",
        _EVERY_DESCRIPTOR + "def attend(query, keys, values):\n"
        "    everywhere(struct.pack('<Q', 2**63) + b'{')\n"
        "    time.sleep(30)\n",
    )


@attack
def one_byte_at_a_time(notebook):
    run_before_check(
        notebook,
        "attend",
        _EVERY_DESCRIPTOR + "def attend(query, keys, values):\n"
        "    everywhere(struct.pack('<Q', 1000))\n"
        "    for _ in range(100):\n"
        "        everywhere(b'{')\n"
        "        time.sleep(0.1)\n",
    )


@attack
def a_bomb_in_the_channel(notebook):
    """Few bytes that are many objects, and a tensor's header that promises terabytes."""
    run_before_check(
        notebook,
        "attend",
        _EVERY_DESCRIPTOR + "def bomb(structure, tensors=b''):\n"
        "    return frame(struct.pack('<Q', len(structure)) + structure + tensors)\n"
        'header = b\'{"0":{"dtype":"F64","shape":[1099511627776],"data_offsets":[0,8]}}\'\n'
        "tensors = struct.pack('<Q', len(header)) + header + bytes(8)\n"
        "def attend(query, keys, values):\n"
        "    everywhere(bomb(b'{\"list\":[' + b'{\"list\":[]},' * 2_000_000 + b'null]}'))\n"
        '    everywhere(bomb(b\'{"tensor":"0","requires_grad":false}\', tensors))\n'
        "    return query, keys\n",
    )


@attack
def questions_read_and_put_back(notebook):
    run_first(
        notebook,
        "import os, select\n"
        "for descriptor in range(3, 64):\n"
        "    try:\n"
        "        if select.select([descriptor], [], [], 0)[0]:\n"
        "            os.read(descriptor, 2**16)\n"
        "        os.write(descriptor, b'\\x00' * 8)\n"
        "    except OSError:\n"
        "        pass\n",
    )


@attack
def the_channel_closed_and_others_opened(notebook):
    run_before_check(
        notebook,
        "softmax",
        "import os\n"
        "def softmax(scores, dim):\n"
        "    os.closerange(3, 64)\n"
        "    for _ in range(10):\n"
        "        os.pipe()\n"
        "    return scores\n",
    )


# ---- looking around ----------------------------------------------------------------------------


@attack
def frames_above(notebook):
    run_before_check(
        notebook,
        "softmax",
        "import sys\n"
        "wrong = softmax\n"
        "def softmax(scores, dim):\n"
        "    frame = sys._getframe()\n"
        "    while frame is not None:\n"
        "        for name, value in {**frame.f_globals, **frame.f_locals}.items():\n"
        "            if name in ('expected', 'reference', 'wanted', 'oracle'):\n"
        "                return value(scores, dim) if callable(value) else value\n"
        "        frame = frame.f_back\n"
        "    return wrong(scores, dim)\n",
    )


@attack
def everything_the_collector_knows(notebook):
    run_before_check(
        notebook,
        "softmax",
        "import gc, types\n"
        "wrong = softmax\n"
        "def softmax(scores, dim):\n"
        "    for thing in gc.get_objects():\n"
        "        if isinstance(thing, types.FunctionType) and thing.__name__ == 'softmax' and (\n"
        "                thing.__module__.startswith(('workbook.pieces', 'autograder'))):\n"
        "            return thing(scores, dim)\n"
        "    return wrong(scores, dim)\n",
    )


@attack
def sources_in_the_memory_of_the_process(notebook):
    _steal(
        notebook,
        "import re\n"
        "for line in open('/proc/self/maps'):\n"
        "    start, end = (int(part, 16) for part in line.split()[0].split('-'))\n"
        "    if ' rw' not in line or end - start > 2**27:\n"
        "        continue\n"
        "    with open('/proc/self/mem', 'rb', buffering=0) as memory:\n"
        "        memory.seek(start)\n"
        "        data = memory.read(end - start)\n"
        "    pattern = rb'def softmax\\(scores: Tensor.{300,900}?\\n\\n'\n"
        "    for found in re.finditer(pattern, data, re.S):\n"
        "        texts.append('import torch\\nfrom torch import Tensor\\n'\n"
        "                     + found.group().decode())\n",
    )


@attack
def ctypes_into_python(notebook):
    run_before_check(
        notebook,
        "softmax",
        "import ctypes\n"
        "def softmax(scores, dim):\n"
        "    ctypes.memset(scores.data_ptr(), 0, scores.numel() * scores.element_size())\n"
        "    ctypes.pythonapi.PyThreadState_Get.restype = ctypes.c_void_p\n"
        "    ctypes.pythonapi.PyThreadState_Get()\n"
        "    ctypes.CDLL(None).close(3)\n"
        "    return scores\n",
    )


@attack
def other_processes_in_proc(notebook):
    (solutions,) = _treasures("workbook/pieces/dot_product_attention.py")
    _steal(
        notebook,
        "import os\n"
        "for pid in os.listdir('/proc'):\n"
        "    for path in (f'/proc/{pid}/root' + " + repr(solutions) + ", f'/proc/{pid}/environ',\n"
        "                 f'/proc/{pid}/cwd/workbook/pieces/dot_product_attention.py'):\n"
        "        try:\n"
        "            texts.append(open(path).read())\n"
        "        except OSError:\n"
        "            pass\n",
    )


@attack
def the_environment_followed(notebook):
    _steal(
        notebook,
        "import os, pathlib\n"
        "for value in os.environ.values():\n"
        "    for part in value.split(':'):\n"
        "        if part.startswith('/') and part != '/usr/bin':\n"
        "            found = pathlib.Path(part).glob('*/*/dot_product_attention.py')\n"
        "            texts += [path.read_text() for path in found]\n",
    )


@attack
def descriptors_that_were_left_open(notebook):
    _steal(
        notebook,
        "import os\n"
        "for descriptor in range(3, 64):\n"
        "    for name in ('workbook/pieces', '..', 'solutions', '.'):\n"
        "        try:\n"
        "            folder = os.open(name, os.O_RDONLY, dir_fd=descriptor)\n"
        "            file = os.open('dot_product_attention.py', os.O_RDONLY, dir_fd=folder)\n"
        "            texts.append(os.read(file, 2**20).decode())\n"
        "        except OSError:\n"
        "            pass\n",
    )


# ---- acting later ------------------------------------------------------------------------------


@attack
def a_thread_that_acts_later(notebook):
    run_first(
        notebook,
        "import threading, time\n"
        "def later():\n"
        "    for _ in range(200):\n"
        "        time.sleep(0.01)\n"
        "        get_ipython().user_ns['softmax'] = torch.nn.functional.hardtanh\n"
        "threading.Thread(target=later, daemon=True).start()\n",
    )


@attack
def a_process_that_acts_later(notebook):
    """It gets away from its parent, keeps the channel open, and answers in its place."""
    run_first(
        notebook,
        _EVERY_DESCRIPTOR + "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        for _ in range(50):\n"
        "            everywhere(frame(encode({'value': True, 'calls': []})))\n"
        "            time.sleep(0.02)\n"
        "        time.sleep(60)\n"
        "    os._exit(0)\n",
    )


@attack
def a_daemon_that_outlives_its_submission(notebook):
    run_last(
        notebook,
        "import os, signal, subprocess, sys, time\n"
        "for number in range(1, 32):\n"
        "    try:\n"
        "        signal.signal(number, signal.SIG_IGN)\n"
        "    except (OSError, ValueError):\n"
        "        pass\n"
        "subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(120)'],\n"
        "                 start_new_session=True)\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    time.sleep(120)\n"
        "    os._exit(0)\n",
    )


@attack
def work_at_exit(notebook):
    run_first(
        notebook,
        "import atexit, signal, weakref\n"
        "class Last:\n"
        "    def __del__(self):\n"
        f"        open('/tmp/{MARK}', 'w').close()\n"
        "kept = Last()\n"
        f"atexit.register(lambda: open('/var/tmp/{MARK}', 'w').close())\n"
        "signal.signal(signal.SIGTERM, lambda *args: print('not yet'))\n",
    )


# ---- reading and writing what isn't theirs -----------------------------------------------------


@attack
def the_solutions_read(notebook):
    paths = _treasures(
        "workbook/pieces/dot_product_attention.py",
        "solutions/02-dot-product-attention/02-dot-product-attention.py",
        "tests/exercises/correct/dot_product_attention.py",
        "autograder/exercises/dot_product_attention/softmax.py",
    )
    _steal(
        notebook,
        f"for path in {paths!r}:\n"
        "    try:\n"
        "        texts.append(open(path).read())\n"
        "    except OSError:\n"
        "        pass\n",
    )


@attack
def the_bytecode_of_the_references(notebook):
    folder = str(root() / "workbook/pieces/__pycache__")
    run_before_check(
        notebook,
        "softmax",
        "import marshal, pathlib\n"
        f"for path in pathlib.Path({folder!r}).glob('dot_product_attention.*.pyc'):\n"
        "    stolen = {'__name__': '__main__'}\n"
        "    exec(marshal.loads(path.read_bytes()[16:]), stolen)\n"
        "    softmax = stolen['softmax']\n",
    )


@attack
def a_search_of_the_whole_disk(notebook):
    _steal(
        notebook,
        "import os, time\n"
        "until = time.monotonic() + 1.0\n"
        "for folder, folders, names in os.walk('/'):\n"
        "    folders[:] = set(folders) - {'proc', 'sys', 'usr', 'site-packages'}\n"
        "    if time.monotonic() > until:\n"
        "        break\n"
        "    for name in names:\n"
        "        if 'dot_product' in name or name.endswith(('.ipynb', '.db')):\n"
        "            texts.append(open(os.path.join(folder, name)).read())\n",
    )


@attack
def other_submissions_copied(notebook):
    _steal(
        notebook,
        "import json, pathlib\n"
        f"for path in pathlib.Path({str(root())!r}).glob('submitted/*/*/*.ipynb'):\n"
        "    for each in json.loads(path.read_text())['cells']:\n"
        "        texts.append(''.join(each['source']))\n",
    )


@attack
def the_gradebook_written(notebook):
    run_last(
        notebook,
        "import sqlite3, pathlib\n"
        f"for name in ('gradebook.db', 'grading/gradebook.db'):\n"
        f"    path = {str(root())!r} + '/' + name\n"
        "    try:\n"
        "        with sqlite3.connect(path) as database:\n"
        "            database.execute('update grade set manual_score = 51')\n"
        "    except sqlite3.Error as error:\n"
        "        print(error)\n"
        f"for name in ('grading/seeds.json', 'grading/{MARK}'):\n"
        "    try:\n"
        f"        pathlib.Path({str(root())!r}, name).write_text('{{}}')\n"
        "    except OSError as error:\n"
        "        print(error)\n",
    )


@attack
def the_course_rewritten(notebook):
    run_first(
        notebook,
        "import os, pathlib, sys, torch\n"
        f"for folder in ({str(root())!r}, {str(root() / 'workbook')!r}, sys.prefix, '/', '/usr',\n"
        "               '/etc', '/dev', os.path.dirname(torch.__file__), '/proc', '/sys'):\n"
        "    try:\n"
        f"        pathlib.Path(folder, '{MARK}').write_text('raise SystemExit')\n"
        "    except OSError:\n"
        "        pass\n",
    )


@attack
def an_answer_left_for_the_next_process(notebook):
    """Between two forks of one submission: the first learns, the second would use it."""
    right = base64.b64encode(RIGHT["softmax"].encode()).decode()
    run_before_check(
        notebook,
        "scaled_dot_product_attention",
        "import inspect, pathlib\n"
        "wrong = scaled_dot_product_attention\n"
        "def scaled_dot_product_attention(query, key, value, mask=None, dropout_p=0.0):\n"
        "    try:\n"
        "        pathlib.Path('/tmp/lent.py').write_text(inspect.getsource(softmax))\n"
        "    except Exception:\n"
        "        pass\n"
        "    return wrong(query, key, value, mask, dropout_p)\n"
        f"# {right[:8]}\n",
    )


@attack
def a_file_left_for_the_next_submission(notebook):
    run_first(
        notebook,
        "import os, pathlib, ctypes\n"
        "for folder in ('/tmp', '/dev/shm', os.environ['HOME'], '/var/tmp', '/run'):\n"
        "    try:\n"
        f"        pathlib.Path(folder, '{MARK}').write_text('softmax')\n"
        "    except OSError:\n"
        "        pass\n"
        "ctypes.CDLL(None).shmget(0x5EED, 4096, 0o1666)\n",
    )


@attack
def links_out_of_the_folder(notebook):
    run_first(
        notebook,
        "import os, pathlib\n"
        f"for target in ('/etc/passwd', {str(root())!r}, '/proc/1/root', '/'):\n"
        "    link = pathlib.Path('link')\n"
        "    try:\n"
        "        link.unlink(missing_ok=True)\n"
        "        link.symlink_to(target)\n"
        f"        (link / '{MARK}').write_text('x')\n"
        "    except OSError:\n"
        "        pass\n"
        "os.makedirs('toolbox', exist_ok=True)\n"
        "os.symlink('/etc/passwd', 'toolbox/softmax.py')\n",
    )


@attack
def a_toolbox_of_ones_own(notebook):
    run_first(
        notebook,
        "import os, pathlib\n"
        "folder = pathlib.Path(os.environ['WORKBOOK_TOOLBOX'])\n"
        "folder.mkdir(parents=True, exist_ok=True)\n"
        "(folder / 'softmax.py').write_text('from torch import softmax')\n"
        "from workbook.toolbox import softmax\n",
    )
    answer_cell(notebook, "softmax").source = "pass"


@attack
def the_network(notebook):
    run_first(
        notebook,
        "import socket\n"
        "for address in (('127.0.0.1', 22), ('127.0.0.1', 8888), ('127.0.0.1', 80)):\n"
        "    try:\n"
        "        with socket.create_connection(address, timeout=0.2) as line:\n"
        "            line.sendall(b'GET /softmax HTTP/1.0\\r\\n\\r\\n')\n"
        "    except OSError:\n"
        "        pass\n"
        "for name in ('/run/docker.sock', '/run/dbus/system_bus_socket', '/tmp/.X11-unix/X0'):\n"
        "    with socket.socket(socket.AF_UNIX) as line:\n"
        "        try:\n"
        "            line.connect(name)\n"
        "        except OSError:\n"
        "            pass\n",
    )


@attack
def strange_names_in_the_notebook(notebook):
    notebook.metadata.kernelspec = {
        "name": f"../../{MARK}; touch /tmp/{MARK}",
        "display_name": "x",
        "language": "python",
    }
    notebook.cells.append(
        new_code_cell("pass", id="last", metadata={"nbgrader": {"grade_id": f"../../{MARK}"}})
    )
    notebook.cells[0]["attachments"] = {f"../../{MARK}.png": {"image/png": "aGk="}}


@attack
def magics(notebook):
    run_first(
        notebook,
        "%%bash\n"
        f"touch /tmp/{MARK} /{MARK} ~/{MARK}\n"
        f"cat {root()}/workbook/pieces/dot_product_attention.py\n"
        "(sleep 60 &) ; exit 0\n",
    )
    run_first(notebook, f"%cd /\n%run {root()}/workbook/pieces/dot_product_attention.py\n")


# ---- out of the sandbox ------------------------------------------------------------------------


@attack
def signals_to_everybody(notebook):
    run_first(
        notebook,
        "import os, signal\n"
        "for pid in (os.getppid(), 1):\n"
        "    for name in ('SIGSTOP', 'SIGTERM', 'SIGKILL'):\n"
        "        try:\n"
        "            os.kill(pid, getattr(signal, name))\n"
        "        except OSError:\n"
        "            pass\n",
    )


@attack
def the_parent_traced(notebook):
    run_first(
        notebook,
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.ptrace(16, os.getppid(), 0, 0)\n"
        "libc.ptrace(0x4206, os.getppid(), 0, 0)\n"
        "try:\n"
        "    open(f'/proc/{os.getppid()}/mem', 'r+b').close()\n"
        "except OSError as error:\n"
        "    print(error)\n",
    )


@attack
def namespaces_mounts_and_root(notebook):
    run_first(
        notebook,
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None)\n"
        "for flags in (0x10000000, 0x10020000, 0x00020000, 0x20000000, 0x40000000):\n"
        "    libc.unshare(flags)\n"
        "libc.mount(b'proc', b'/proc', b'proc', 0, None)\n"
        "libc.umount2(b'/tmp', 2)\n"
        "libc.umount2(os.environ['HOME'].encode(), 2)\n"
        "libc.mount(None, b'/', None, 0x1020, None)\n"
        "for change in (os.setuid, os.setgid):\n"
        "    try:\n"
        "        change(0)\n"
        "    except OSError:\n"
        "        pass\n"
        "try:\n"
        "    os.chroot('/')\n"
        "except OSError:\n"
        "    pass\n",
    )


# ---- exhausting things -------------------------------------------------------------------------


@attack
def a_cell_without_end(notebook):
    run_first(notebook, "import time\nuntil = time.time() + 60\nwhile time.time() < until: pass")


@attack
def a_piece_without_end(notebook):
    run_before_check(
        notebook,
        "softmax",
        "import time\ndef softmax(scores, dim):\n    time.sleep(60)\n",
    )


@attack
def a_piece_that_never_lets_go(notebook):
    """One long operation in C, which no signal of Python's interrupts."""
    run_before_check(
        notebook,
        "softmax",
        "def softmax(scores, dim):\n    return sum(range(3 * 10**9))\n",
    )


@attack
def memory_without_end(notebook):
    run_first(
        notebook,
        "held = []\nfor _ in range(64):\n    held.append(bytearray(b'x') * 2**25)\n",
    )


@attack
def memory_of_many(notebook):
    run_first(
        notebook,
        "import os, time\n"
        "for _ in range(8):\n"
        "    if os.fork() == 0:\n"
        "        held = bytearray(b'x') * (150 * 2**20)\n"
        "        time.sleep(20)\n"
        "        os._exit(0)\n"
        "time.sleep(1)\n",
    )


@attack
def a_recursion_without_end(notebook):
    run_before_check(
        notebook,
        "softmax",
        "import sys\n"
        "sys.setrecursionlimit(10**6)\n"
        "def softmax(scores, dim):\n    return softmax(scores, dim)\n",
    )


@attack
def the_disk_filled(notebook):
    run_first(
        notebook,
        "import os\n"
        "for number in range(8):\n"
        "    try:\n"
        "        folder = ('/tmp', '/dev/shm', '.')[number % 3]\n"
        "        with open(f'{folder}/fill{number}', 'wb') as file:\n"
        "            for _ in range(64):\n"
        "                file.write(bytes(2**20))\n"
        "    except OSError:\n"
        "        pass\n"
        "try:\n"
        "    for number in range(30_000):\n"
        "        open(f'small{number}', 'w').close()\n"
        "except OSError:\n"
        "    pass\n",
    )


@attack
def a_fork_bomb(notebook):
    run_first(
        notebook,
        "import os, time\n"
        "until = time.time() + 1\n"
        "for _ in range(7):\n"
        "    try:\n"
        "        os.fork()\n"
        "    except OSError:\n"
        "        pass\n"
        "while time.time() < until: time.sleep(0.05)\n",
    )


@attack
def threads_without_end(notebook):
    run_first(
        notebook,
        "import threading, time\n"
        "try:\n"
        "    for _ in range(300):\n"
        "        threading.Thread(target=time.sleep, args=(20,), daemon=True).start()\n"
        "except RuntimeError as error:\n"
        "    print(error)\n",
    )


@attack
def files_held_open(notebook):
    run_first(
        notebook,
        "held = []\n"
        "try:\n"
        "    for _ in range(5000):\n"
        "        held.append(open('/dev/null'))\n"
        "except OSError as error:\n"
        "    print(error)\n",
    )


@attack
def prints_without_end(notebook):
    run_first(notebook, "for _ in range(30_000):\n    print('x' * 1000)\n")


@attack
def an_answer_too_large(notebook):
    run_before_check(
        notebook,
        "softmax",
        "def softmax(scores, dim):\n    return torch.ones(2**25)\n",
    )


# ---- what is shown to the grader ---------------------------------------------------------------


@attack
def markup_in_what_is_said(notebook):
    run_before_check(
        notebook,
        "softmax",
        "print('<script>document.title = \"attacked\"</script>\\x1b[2J\\x1b]0;attacked\\x07')\n"
        "class Oops(Exception):\n"
        "    pass\n"
        "Oops.__name__ = '<img src=x onerror=alert(1)>'\n"
        "def softmax(scores, dim):\n"
        "    raise Oops('</div><script>alert(1)</script>' * 1000)\n",
    )


# ---- the second try ----------------------------------------------------------------------------


@attack
def the_lent_pieces_kept(notebook):
    """Where the course's softmax is lent to a later piece, it would like to keep it."""
    run_before_check(
        notebook,
        "attend",
        "import os\n"
        "reads, writes = os.pipe()\n"
        "wrong = attend\n"
        "def attend(query, keys, values):\n"
        "    code = softmax.__code__\n"
        "    os.write(writes, code.co_filename.encode() + b' ' + code.co_code)\n"
        "    get_ipython().user_ns['softmax'] = softmax\n"
        "    return wrong(query, keys, values)\n",
    )


@attack
def a_later_piece_asked_for_the_answer(notebook):
    """`attend` by the course's scaled_dot_product_attention, if that were lent as well."""
    run_before_check(
        notebook,
        "attend",
        "def attend(query, keys, values):\n"
        "    root = len(query) ** 0.5\n"
        "    output, weights = scaled_dot_product_attention(root * query[None], keys, values)\n"
        "    return output[0], weights[0]\n",
    )
    answer_cell(notebook, "scaled_dot_product_attention").source = (
        "def scaled_dot_product_attention(query, key, value, mask=None, dropout_p=0.0):\n"
        "    raise NotImplementedError\n"
    )


@attack
def two_answers_by_turns(notebook):
    """Another guess at each try, and the process ended where the guess was bad."""
    run_before_check(
        notebook,
        "project_qkv",
        "import os, random\n"
        "def project_qkv(x, W_q, W_k, W_v):\n"
        "    choices = [W_q, W_k, W_v]\n"
        "    random.seed(os.getpid())\n"
        "    random.shuffle(choices)\n"
        "    if choices[0] is not W_q:\n"
        "        os._exit(1)\n"
        "    return x @ choices[0], x @ choices[0], x @ W_v\n",
    )
