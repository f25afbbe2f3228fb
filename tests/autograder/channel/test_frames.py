"""Messages over a pair of pipes."""

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.channel.frames import EndOfFrames, FrameTooLong, read_frame, write_frame

quick = settings(derandomize=True, deadline=None, max_examples=50)


class Drip(io.RawIOBase):
    """A pipe that gives a little at a time, as pipes do."""

    def __init__(self, content, most):
        self.rest, self.most = content, most

    def read(self, count=-1):
        count = min(count, self.most)
        part, self.rest = self.rest[:count], self.rest[count:]
        return part


def sent(*messages):
    pipe = io.BytesIO()
    for message in messages:
        write_frame(pipe, message)
    return pipe.getvalue()


@quick
@given(st.lists(st.binary(max_size=50), max_size=4), st.integers(1, 60))
def test_messages_arrive_in_order_however_they_are_cut(messages, most):
    pipe = Drip(sent(*messages), most)
    assert [read_frame(pipe, longest=50) for _ in messages] == messages
    with pytest.raises(EndOfFrames):
        read_frame(pipe, longest=50)


@quick
@given(st.binary(min_size=1, max_size=30), st.data())
def test_an_end_in_the_middle_of_a_message_is_an_end(message, data):
    cut = sent(message)[: data.draw(st.integers(0, len(message) + 7))]
    with pytest.raises(EndOfFrames):
        read_frame(Drip(cut, 100), longest=100)


def test_what_is_too_long_is_refused_before_it_is_read():
    pipe = Drip(struct.pack("<Q", 2**62) + b"x", 100)
    with pytest.raises(FrameTooLong, match="at most 10 are allowed"):
        read_frame(pipe, longest=10)
    assert pipe.rest == b"x"


def test_a_message_of_the_greatest_length_is_read():
    assert read_frame(Drip(sent(b"x" * 10), 100), longest=10) == b"x" * 10
