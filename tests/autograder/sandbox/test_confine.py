"""What a submission has of its own, and what it can't do, in the machine's real sandbox."""

import json

import psutil
import pytest

from autograder.sandbox.confine import HOME


def printed(inside, code, **more):
    error, output = inside(f"import json, os\n{code}", **more)
    assert error is None, error
    return json.loads(output.strip().splitlines()[-1])


def test_it_is_nobody_in_a_folder_of_its_own(inside):
    found = printed(
        inside,
        "print(json.dumps([os.getcwd(), os.environ['HOME'], os.getuid(), os.listdir('.')]))",
    )
    assert found[:2] == [HOME, HOME]
    assert found[2] != 0
    assert sorted(found[3]) == ["shared", "tmp"]


def test_it_has_no_privilege(inside):
    status = printed(inside, "print(json.dumps([x.split() for x in open('/proc/self/status')]))")
    found = {line[0]: line[1:] for line in status if line}
    for name in ("CapInh:", "CapPrm:", "CapEff:", "CapAmb:"):
        assert int(found[name][0], 16) == 0, name
    assert found["NoNewPrivs:"] == ["1"]
    assert found["Seccomp:"] == ["2"]


def test_it_sees_its_own_processes_only(inside):
    found = printed(inside, "print(json.dumps([x for x in os.listdir('/proc') if x.isdigit()]))")
    assert len(found) == 2  # the parent and itself
    assert len(psutil.pids()) > 2


def test_files_are_gone_with_it(inside):
    places = [HOME, f"{HOME}/tmp", "/dev/shm"]
    writing = f"for place in {places!r}: open(place + '/left', 'w').write('x')\nprint('[]')"
    assert printed(inside, writing) == []
    looking = f"print(json.dumps([os.path.exists(x + '/left') for x in {places!r}]))"
    assert printed(inside, looking) == [False, False, False]


def test_a_segment_of_shared_memory_is_gone_with_it(inside):
    make = "import ctypes\nprint(ctypes.CDLL(None).shmget(0x5EED, 4096, {flags}))"
    assert printed(inside, make.format(flags="0o1666")) >= 0
    assert printed(inside, make.format(flags="0o666")) == -1


def test_what_is_read_only_stays_so(inside):
    code = (
        "import sys, torch\nwritten = []\n"
        "for place in ('/', '/usr', '/etc', '/dev', '/proc', '/sys', sys.prefix, sys.base_prefix,\n"
        "              os.path.dirname(torch.__file__), os.environ['PYTHONPATH']):\n"
        "    try:\n"
        "        open(place + '/written', 'w').close()\n"
        "        written.append(place)\n"
        "    except OSError:\n"
        "        pass\n"
        "print(json.dumps(written))"
    )
    assert printed(inside, code) == []


@pytest.mark.parametrize(
    "code",
    [
        "bytearray(b'x') * 2**30",
        "import torch\ntorch.ones(2**30)",
        "open('large', 'wb').write(bytes(2**24))",
        "for number in range(30_000): open(f'f{number}', 'w').close()",
        "held = [open('/dev/null') for _ in range(100)]",
    ],
    ids=["memory", "a tensor", "disk", "files", "open files"],
)
def test_limits_are_errors_that_python_can_tell(inside, code):
    error, _ = inside(code)
    assert {"MemoryError", "OSError", "RuntimeError"} & set(error["bases"])


def test_a_fork_bomb_goes_off_in_a_box(inside):
    code = (
        "import time\nuntil = time.time() + 1\nstarted = 0\n"
        "for _ in range(200):\n"
        "    try:\n"
        "        if os.fork() == 0:\n"
        "            time.sleep(20)\n"
        "            os._exit(0)\n"
        "        started += 1\n"
        "    except OSError:\n"
        "        break\n"
        "print(json.dumps(started))"
    )
    before = len(psutil.Process().children(recursive=True))
    started = printed(inside, code)
    assert 5 < started <= 24
    assert len(psutil.Process().children(recursive=True)) == before


def test_processes_and_threads_that_honest_code_starts_are_fine(inside):
    code = (
        "import subprocess, sys, threading\nfrom multiprocessing import Pool\n"
        "with Pool(2) as pool:\n    squares = pool.map(abs, [-1, -2])\n"
        "thread = threading.Thread(target=squares.append, args=(3,))\n"
        "thread.start()\nthread.join()\n"
        "done = subprocess.run([sys.executable, '-S', '-c', 'print(4)'], capture_output=True)\n"
        "print(json.dumps([*squares, int(done.stdout)]))"
    )
    assert printed(inside, code) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "call",
    [
        "ctypes.CDLL(None).unshare(0x10000000)",
        "ctypes.CDLL(None).unshare(0x00020000)",
        "ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None)",
        "ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0)",
        "ctypes.CDLL(None).syscall(425, 8, 0)",
        "ctypes.CDLL(None).socket(40, 1, 0)",
        "ctypes.CDLL(None).setuid(0)",
    ],
)
def test_the_kernel_refuses(inside, call):
    assert printed(inside, f"import ctypes\nprint({call})") == -1
