"""The line to a worker, with and without threads: an answer in time, or a reason why not."""

import os
import struct
import threading
import time

import pytest

from autograder.channel.frames import EndOfFrames, FrameTooLong, frame, read_frame
from autograder.channel.polled import PolledLine
from autograder.channel.threaded import ThreadedLine
from autograder.channel.working import KEPT_OUTPUT, Ending, Silence, TooMuchOutput

ENDLESS = 20.0


class Fake:
    """The judge's ends of a worker's pipes, and the worker's, which a test plays."""

    def __init__(self):
        asks, self._requests = os.pipe()
        self._replies, tells = os.pipe()
        self._output, shows = os.pipe()
        self.requests = os.fdopen(self._requests, "wb")
        self.replies = os.fdopen(self._replies, "rb")
        self.output = os.fdopen(self._output, "rb")
        self.asked = os.fdopen(asks, "rb", buffering=0)
        self.told = os.fdopen(tells, "wb", buffering=0)
        self.shown = os.fdopen(shows, "wb", buffering=0)
        self.ended = 0

    def end(self, patience=0.0):
        self.ended += 1
        for pipe in (self.asked, self.told, self.shown):
            pipe.close()
        return Ending()


@pytest.fixture(params=[PolledLine, ThreadedLine])
def line(request):
    fake = Fake()
    made = request.param(fake, 2**20, 100_000)
    made.fake = fake
    yield made
    fake.end()
    made.close()


def play(line, part):
    thread = threading.Thread(target=part, args=(line.fake,), daemon=True)
    thread.start()
    return thread


def test_an_answer_follows_its_question(line):
    def echo(fake):
        for _ in range(3):
            fake.told.write(frame(read_frame(fake.asked, 2**20)[::-1]))

    play(line, echo)
    assert [line.exchange(word, ENDLESS) for word in (b"abc", b"", b"de")] == [b"cba", b"", b"ed"]


def test_large_messages_pass_in_both_directions(line):
    def echo(fake):
        message = frame(read_frame(fake.asked, 2**20))
        while message:
            message = message[fake.told.write(message) :]

    play(line, echo)
    message = os.urandom(2**20)
    assert line.exchange(message, ENDLESS) == message


def test_silence_ends_with_the_time(line):
    before = time.monotonic()
    with pytest.raises(Silence):
        line.exchange(b"hello", 0.2)
    assert time.monotonic() - before < ENDLESS


def test_a_worker_that_reads_nothing_is_silent(line):
    with pytest.raises(Silence):
        line.exchange(bytes(2**19), 0.2)


def test_half_an_answer_is_silence(line):
    line.fake.told.write(frame(b"all of it")[:-1])
    with pytest.raises(Silence):
        line.exchange(b"hello", 0.2)


@pytest.mark.parametrize("before", [b"", b"\x10\0\0\0\0\0\0\0half"])
def test_a_closed_pipe_is_the_end(line, before):
    line.fake.told.write(before)
    line.fake.told.close()
    with pytest.raises(EndOfFrames):
        line.exchange(b"hello", ENDLESS)


def test_an_answer_too_long_is_refused_before_it_is_read(line):
    line.fake.told.write(struct.pack("<Q", 2**63))
    with pytest.raises(FrameTooLong):
        line.exchange(b"hello", ENDLESS)


def test_prints_are_kept_up_to_a_length_and_counted(line):
    def print_and_answer(fake):
        fake.shown.write(b"x" * 50_000)
        read_frame(fake.asked, 2**20)
        fake.told.write(frame(b"done"))

    play(line, print_and_answer)
    assert line.exchange(b"hello", ENDLESS) == b"done"
    deadline = time.monotonic() + ENDLESS
    while len(line.output) < KEPT_OUTPUT and time.monotonic() < deadline:
        time.sleep(0.01)
    assert line.output == b"x" * KEPT_OUTPUT


def test_too_many_prints_are_told(line):
    def flood(fake):
        try:
            while True:
                fake.shown.write(b"x" * 4096)
        except (OSError, ValueError):
            fake.told.close()

    play(line, flood)
    with pytest.raises(TooMuchOutput):
        line.exchange(b"hello", ENDLESS)


def test_closing_twice_and_after_the_end_is_fine(line):
    line.fake.end()
    line.close()
    line.close()
    assert line.output == b""
