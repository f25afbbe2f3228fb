"""The command `workbook`: what it prints where, and how it ends."""

import io
import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.setup.conftest import make_lesson
from tests.workbook.translator import test_making
from workbook import cli
from workbook.cli import main
from workbook.corpus import fetching, sources, tatoeba
from workbook.download import CannotFetch
from workbook.syllabus import LESSONS
from workbook.toolbox import save
from workbook.training import Budget
from workbook.translator import making, presets, saved
from workbook.translator.credits import credits, in_a_terminal


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A course of its own with a corpus of a few sentences and a very small preset."""
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    monkeypatch.delenv("WORKBOOK_DATA", raising=False)
    record = SimpleNamespace(gathered=[], budgets=[], root=tmp_path)

    def gather(choice, fetch, say, drawn):
        record.gathered.append((choice, fetch))
        return test_making.corpus()

    def find():
        raise tatoeba.NoTatoeba("nowhere")

    monkeypatch.setattr(making.mixture, "gather", gather)
    monkeypatch.setattr(tatoeba, "find", find)
    for name in ("tiny", "small"):
        monkeypatch.setitem(
            presets.PRESETS, name, replace(test_making.MINUTE, name=name, tokens=20_000)
        )
    return record


# progress


def test_progress_counts_what_is_yours(capsys):
    save("softmax", "def softmax(scores, dim):\n    return scores\n")
    assert main(["progress"]) == 0
    out = capsys.readouterr().out
    assert "✓ softmax" in out
    assert "1 of " in out
    assert main(["progress", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["softmax"] is True


def test_progress_counts_what_can_be_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    make_lesson(tmp_path / "lessons", LESSONS[0].name)
    for piece in LESSONS[0].pieces:
        save(piece, "")
    assert main(["progress"]) == 0
    out = capsys.readouterr().out
    assert "7 of 7 pieces are yours." in out
    assert out.count("(not released yet)") == len(LESSONS) - 1
    assert "log_mel" not in out
    assert main(["progress", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == dict.fromkeys(LESSONS[0].pieces, True)


# fetch


@pytest.fixture
def nothing_fetched(monkeypatch, tmp_path):
    """No Tatoeba file anywhere."""
    real = sources.source("tatoeba")
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "course"))
    monkeypatch.delenv("WORKBOOK_DATA", raising=False)
    known = {real.name: real}
    monkeypatch.setattr(sources, "sources", lambda: known)


def test_fetch_takes_the_file_that_workbook_data_points_to(
    nothing_fetched, monkeypatch, tmp_path, capsys
):
    (tmp_path / "spa.txt").write_text("Go.\tVe.\nGo.\tVete.\n", encoding="utf-8")
    monkeypatch.setenv("WORKBOOK_DATA", str(tmp_path))
    monkeypatch.setattr(fetching, "fetch", lambda source: pytest.fail("the net was asked"))
    assert main(["fetch", "tatoeba"]) == 0
    out = capsys.readouterr().out
    assert f"is here already: {tmp_path / 'spa.txt'}" in out
    assert "2 sentence pairs" in out


def test_fetch_says_that_workbook_data_points_to_nothing(
    nothing_fetched, monkeypatch, tmp_path, capsys
):
    def fail(source):
        raise CannotFetch("no server can be reached")

    monkeypatch.setenv("WORKBOOK_DATA", str(tmp_path))
    monkeypatch.setattr(fetching, "fetch", fail)
    assert main(["fetch"]) == 1
    assert f"WORKBOOK_DATA is {tmp_path}, and no spa.txt is there" in capsys.readouterr().out


def test_fetch_brings_the_file_and_says_how_much_is_in_it(
    nothing_fetched, monkeypatch, tmp_path, capsys
):
    path = tmp_path / "spa.txt"
    path.write_text("Go.\tVe.\nGo.\tVete.\n", encoding="utf-8")
    monkeypatch.setattr(fetching, "fetch", lambda source: path)
    assert main(["fetch", "tatoeba"]) == 0
    assert "2 sentence pairs" in capsys.readouterr().out


def test_fetch_without_a_network_says_what_to_do_and_fails(nothing_fetched, monkeypatch, capsys):
    def fail(source):
        raise CannotFetch("no server can be reached")

    monkeypatch.setattr(fetching, "fetch", fail)
    assert main(["fetch"]) == 1
    assert capsys.readouterr().err == "no server can be reached\n"


def test_fetch_of_a_broken_file_names_the_line(nothing_fetched, monkeypatch, tmp_path, capsys):
    path = tmp_path / "spa.txt"
    path.write_text("Go. Ve.\n", encoding="utf-8")
    monkeypatch.setattr(fetching, "fetch", lambda source: path)
    assert main(["fetch"]) == 1
    assert "line 1" in capsys.readouterr().err


def test_fetch_of_something_else_names_what_there_is(capsys):
    assert main(["fetch", "europarl"]) == 2
    assert f"there is {', '.join(sources.sources())}" in capsys.readouterr().err


# translator and translate


def test_translate_trains_once_and_answers_on_stdout_alone(place, capsys):
    assert main(["translate", "the lion is sad", "--preset", "tiny"]) == 0
    out, told = capsys.readouterr()
    assert out == "el león es triste\n"
    assert "What to expect" in told
    assert place.gathered == [("auto", True)]
    assert main(["translate", "The lion is sad.", "My cat is old.", "--beam", "1"]) == 0
    out, told = capsys.readouterr()
    assert out == "El león es triste.\nMi gato es viejo.\n"
    assert told == ""
    assert len(place.gathered) == 1


def test_translate_reads_lines_when_it_is_given_no_sentence(place, capsys, monkeypatch):
    main(["translator", "--preset", "tiny"])
    capsys.readouterr()
    monkeypatch.setattr(sys, "stdin", io.StringIO("the lion is sad\n\nMy dog is white\n"))
    assert main(["translate"]) == 2  # the empty line has no answer
    out, told = capsys.readouterr()
    assert out == "el león es triste\n\nMi perro es blanco\n"  # a line for a line
    assert "(2: there is nothing to translate" in told
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert main(["translate"]) == 2
    assert "type an English sentence" in capsys.readouterr().err


def test_a_line_is_answered_before_the_next_one_comes(place, capsys, monkeypatch):
    main(["translator", "--preset", "tiny"])
    capsys.readouterr()
    heard = []

    def typing():
        yield "the lion is sad\n"
        heard.append(capsys.readouterr().out)

    class Terminal:
        isatty = staticmethod(lambda: True)
        __iter__ = staticmethod(typing)

    monkeypatch.setattr(sys, "stdin", Terminal())
    assert main(["translate"]) == 0
    assert heard == ["el león es triste\n"]


def test_words_without_quotes_are_one_sentence(place, capsys):
    main(["translator", "--preset", "tiny"])
    capsys.readouterr()
    assert main(["translate", "the", "lion", "is", "sad"]) == 0
    assert capsys.readouterr().out == "el león es triste\n"


def test_a_reader_who_has_enough_is_no_traceback(place, capsys, monkeypatch):
    main(["translator", "--preset", "tiny"])

    class Closed(io.StringIO):
        def flush(self):
            raise BrokenPipeError

        def fileno(self):
            return away.fileno()

    with (place.root / "away").open("w") as away:
        monkeypatch.setattr(sys, "stdout", Closed())
        assert main(["translate", "the lion is sad"]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_what_a_students_piece_prints_is_no_answer(place, capsys):
    main(["translator", "--preset", "tiny"])
    save("greedy_decode", "from workbook.pieces import greedy_decode as theirs\n\n\n"
         "def greedy_decode(*given, **more):\n    print('decoding')\n"
         "    return theirs(*given, **more)\n")  # fmt: skip
    capsys.readouterr()
    assert main(["translate", "--mine", "--beam", "1", "the lion is sad"]) == 0
    out, told = capsys.readouterr()
    assert out == "el león es triste\n"
    assert "decoding" in told


def test_a_training_that_is_interrupted_before_translating_answers_nothing(
    place, capsys, monkeypatch
):
    from workbook.training import live_progress

    monkeypatch.setattr(live_progress, "live", lambda: test_making.interrupt_after(5))
    assert main(["translate", "the lion is sad", "--preset", "tiny"]) == 130
    out, told = capsys.readouterr()
    assert out == ""
    assert "No translator is saved yet, so one is trained first." in told
    assert "To go on with this training" in told


@pytest.mark.parametrize("text", ["", "😀", "где мой кот", "x" * 6_000])
def test_what_cannot_be_translated_ends_with_2_and_a_sentence(place, capsys, text):
    main(["translator", "--preset", "tiny"])
    capsys.readouterr()
    assert main(["translate", text]) == 2
    out, told = capsys.readouterr()
    assert out == ""
    assert told.startswith("(")


def test_json_is_json_and_nothing_else(place, capsys):
    assert main(["translate", "the lion is blue", "", "--preset", "tiny", "--json"]) == 2
    rows = json.loads(capsys.readouterr().out)
    assert rows[0]["source"] == "the lion is blue"
    assert rows[0]["translation"]
    assert rows[0]["notes"] == ["not met in training: blue"]
    assert rows[1]["translation"] is None
    assert main(["translator", "--preset", "tiny", "--mine", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["corpus"], told["share"]) == ("phrasebook", 1.0)
    assert told["mine"] == dict.fromkeys(in_a_terminal(trained=True), False)


def test_mine_uses_your_pieces_with_the_weights_that_are_there(place, capsys):
    main(["translator", "--preset", "tiny"])
    save("Transformer", "from workbook.pieces.translator import Transformer as Theirs\n\n\n"
         "class Transformer(Theirs):\n    pass\n")  # fmt: skip
    capsys.readouterr()
    assert main(["translate", "--mine", "the lion is sad"]) == 0
    out, told = capsys.readouterr()
    assert out == "el león es triste\n"
    assert "Your pieces, with the weights of the course's translator." in told
    assert str(credits(in_a_terminal(trained=False))) in told
    assert "1 of the 20 pieces at work in this translator is yours, 19 borrowed." in told
    assert len(place.gathered) == 1


def test_a_broken_piece_is_named_and_not_a_traceback(place, capsys):
    save("Transformer", "def Transformer(:\n")
    assert main(["translator", "--mine", "--preset", "tiny"]) == 1
    told = capsys.readouterr().err
    assert "Transformer.py" in told
    assert "Traceback" not in told


def test_offline_fetches_nothing(place):
    main(["translator", "--preset", "tiny", "--offline", "--data", "phrasebook"])
    assert place.gathered == [("phrasebook", False)]


def test_small_is_trained_where_no_size_is_asked_for(place):
    assert main(["translator"]) == 0
    assert (place.root / "models" / "small-phrasebook.safetensors").is_file()


def test_minutes_are_a_budget_of_seconds(place, monkeypatch):
    seen = []

    def record(*given, budget, **more):
        seen.append(budget)
        raise ValueError("that will do")

    monkeypatch.setattr(making, "translator", record)
    assert main(["translator", "--minutes", "1.5"]) == 1
    assert main(["translator"]) == 1
    assert seen == [Budget(seconds=90.0), None]
    # As goes_on shows them, they are the same budget.
    assert main(["translator", "--minutes", "0.333333333"]) == 1
    shown = saved._command("tiny", "phrasebook", False, seen[-1]).split()[-1]
    assert main(["translator", "--minutes", shown]) == 1
    assert seen[-1] == seen[-2]


def test_an_interrupted_training_ends_with_1_and_is_told_when_it_is_used(
    place, capsys, monkeypatch
):
    from workbook.training import live_progress

    monkeypatch.setattr(live_progress, "live", lambda: test_making.interrupt_after(5))
    assert main(["translator", "--preset", "tiny"]) == 1
    command = "workbook translator --preset tiny --data phrasebook"
    assert f"To go on with this training: {command}\n" in capsys.readouterr().err
    main(["translate", "the lion is sad"])
    told = capsys.readouterr().err
    assert "interrupted at" in told
    assert f"(To go on with it: {command})\n" in told


def test_ones_own_unfinished_weights_give_way_to_the_courses_finished_ones(
    place, capsys, monkeypatch
):
    from workbook.training import live_progress

    monkeypatch.setattr(live_progress, "live", lambda: test_making.interrupt_after(5))
    main(["translator", "--preset", "tiny", "--mine"])
    assert "--mine" in capsys.readouterr().err
    main(["translate", "--mine", "the lion is sad"])
    assert "interrupted at" in capsys.readouterr().err
    monkeypatch.setattr(live_progress, "live", lambda: lambda moment: None)
    main(["translator", "--preset", "tiny"])
    capsys.readouterr()
    main(["translate", "--mine", "the lion is sad"])
    told = capsys.readouterr().err
    assert "with the weights of the course's translator" in told
    assert "interrupted at" not in told


def test_each_command_says_what_it_does_without_a_size(capsys):
    told = {}
    for command in ("translator", "translate"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        told[command] = " ".join(capsys.readouterr().out.split())
    assert "by default small, or what makes most of --minutes" in told["translator"]
    assert "--minutes" not in told["translate"]
    assert "by default the best that is saved, else small" in told["translate"]
    assert "With nothing saved, it first fetches sentences" in told["translate"]
    assert "twenty minutes" in told["translate"]


@pytest.mark.parametrize(
    "arguments",
    [[], ["translate", "--preset", "huge"], ["translator", "--minutes", "0"], ["sing"]],
)
def test_a_wrong_use_ends_with_2(arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_an_interruption_outside_of_training_is_no_traceback(place, monkeypatch, capsys):
    def interrupt(*given, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(making.mixture, "gather", interrupt)
    assert main(["translator"]) == 130
    assert capsys.readouterr().err == "\nStopped.\n"


def test_letters_that_a_console_or_a_pipe_lacks_are_no_traceback(place, capsys, monkeypatch):
    main(["translator", "--preset", "tiny"])
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    typed = io.TextIOWrapper(io.BytesIO(b"the lion is sad \xff\n"), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", narrow)
    monkeypatch.setattr(sys, "stdin", typed)
    assert main(["translate"]) == 0
    narrow.flush()
    assert narrow.buffer.getvalue().startswith(b"el le?n es triste")


@pytest.mark.parametrize("beam", ["0", "1000000", "wide"])
def test_a_beam_out_of_bounds_ends_with_2(beam, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["translate", "cat", "--beam", beam])
    assert caught.value.code == 2
    assert "expected a number of beginnings, 1 to 64" in capsys.readouterr().err


def test_the_sizes_and_data_that_can_be_asked_for_are_those_there_are():
    from workbook.corpus.mixture import CHOICES
    from workbook.translator.presets import PRESETS

    parser = cli._parser()
    for size in PRESETS:
        for data in CHOICES:
            asked = parser.parse_args(["translate", "a", "--preset", size, "--data", data])
            assert (asked.preset, asked.data) == (size, data)


def test_asking_for_help_brings_no_heavy_package(tmp_path):
    import subprocess

    code = (
        "import sys\nfrom workbook.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(*sorted({'torch', 'tokenizers', 'matplotlib', 'sacrebleu'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""
