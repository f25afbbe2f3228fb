"""Published files, from a small server on this machine that breaks off and lies."""

import hashlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from workbook.download import CannotFetch
from workbook.weights.fetching import File, Model, fetch_weights, model, models

CONTENT = bytes(range(256)) * 300


class Answers(BaseHTTPRequestHandler):
    """Serves `server.files`; the first answer breaks off after `server.breaks` bytes, if any."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.asked.append((self.path, asked))
        if self.path not in server.files:
            self.send_error(404)
            return
        content = server.files[self.path]
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        until = start + server.breaks.pop() if server.breaks else len(content)
        self.wfile.write(content[start:until])
        if until < len(content):
            self.close_connection = True

    def log_message(self, *given):
        pass


@pytest.fixture
def net(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.files, server.breaks, server.asked = {"/w.bin": CONTENT}, [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    said = []

    def wanted(*paths):
        digest = hashlib.sha256(CONTENT).hexdigest()
        addresses = tuple(address + path for path in paths)
        file = File("w.bin", len(CONTENT), digest, addresses)
        return Model("small", "A small model", "MIT", "https://example.org", "us", (file,))

    yield SimpleNamespace(server=server, wanted=wanted, said=said, folder=tmp_path)
    server.shutdown()
    server.server_close()
    thread.join()


def left(wanted):
    return sorted(path.name for path in wanted.folder.iterdir())


def test_a_file_is_brought_checked_and_nothing_else_is_left(net):
    wanted = net.wanted("/w.bin")
    assert not wanted.is_here
    folder = fetch_weights(wanted, net.said.append, progress=False)
    assert (folder / "w.bin").read_bytes() == CONTENT
    assert left(wanted) == ["w.bin"]
    assert wanted.is_here
    assert "MIT" in net.said[1]


def test_a_second_time_nothing_is_fetched(net):
    fetch_weights(net.wanted("/w.bin"), net.said.append, progress=False)
    fetch_weights(net.wanted("/w.bin"), net.said.append, progress=False)
    assert len(net.server.asked) == 1
    assert "here already" in net.said[-1]


def test_a_file_that_is_not_whole_is_fetched_again(net):
    wanted = net.wanted("/w.bin")
    wanted.folder.mkdir(parents=True)
    (wanted.folder / "w.bin").write_bytes(CONTENT[:-1])
    assert not wanted.is_here
    folder = fetch_weights(wanted, net.said.append, progress=False)
    assert (folder / "w.bin").read_bytes() == CONTENT
    assert "w.bin has 76,799 bytes instead of 76,800, and is fetched again." in net.said
    assert wanted.is_here
    assert left(wanted) == ["w.bin"]


def test_a_connection_that_breaks_off_is_taken_up_again(net):
    net.server.breaks = [5000]
    fetch_weights(net.wanted("/w.bin"), net.said.append, progress=False)
    assert [asked for _, asked in net.server.asked] == [None, "bytes=4096-"]  # whole blocks


def test_the_second_address_serves_where_the_first_has_another_file(net):
    net.server.files["/other.bin"] = b"another"
    wanted = net.wanted("/other.bin", "/none.bin", "/w.bin")
    folder = fetch_weights(wanted, net.said.append, progress=False)
    assert (folder / "w.bin").read_bytes() == CONTENT
    assert any("another file than was published" in line for line in net.said)
    assert any("404" in line for line in net.said)


def test_what_an_earlier_download_left_of_another_file_is_not_joined(net):
    wanted = net.wanted("/w.bin")
    wanted.folder.mkdir(parents=True)
    name = hashlib.sha256(wanted.files[0].addresses[0].encode()).hexdigest()[:12]
    (wanted.folder / f".{name}.part").write_bytes(b"x" * 100)
    folder = fetch_weights(wanted, net.said.append, progress=False)
    assert (folder / "w.bin").read_bytes() == CONTENT


def test_offline_it_says_what_to_do(net):
    wanted = net.wanted("/w.bin")
    net.server.shutdown()
    net.server.server_close()
    with pytest.raises(CannotFetch, match="with a browser on any machine") as refused:
        fetch_weights(wanted, net.said.append, progress=False)
    assert str(wanted.folder) in str(refused.value)
    assert wanted.files[0].addresses[0] in str(refused.value)


def test_every_model_says_where_from_what_and_under_which_licence():
    for known in models().values():
        assert known.licence
        assert known.attribution
        assert known.folder.parts[-3:] == ("datasets", "fetched", known.name)
        for file in known.files:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert file.size > 0
            assert len(file.addresses) >= 2
            assert all(address.startswith("https://") for address in file.addresses)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(KeyError, match="there is bert-base-uncased"):
        model("bert-huge")


@pytest.mark.parametrize("text", ["[a\n", "[a]\ntitle = 1\n"])
def test_a_damaged_list_is_named(tmp_path, monkeypatch, text):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "weights.toml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"weights\.toml should list"):
        models()
