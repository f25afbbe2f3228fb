"""Fetching, against a small server on this machine that breaks off, lies and refuses."""

import hashlib
import io
import threading
import zipfile
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from workbook.corpus import fetching
from workbook.corpus.fetching import fetch
from workbook.corpus.sources import Archive, Source
from workbook.download import CannotFetch

TEXT = "".join(f"word {n}\tpalabra {n * n}\n" for n in range(9000)).encode()


def zipped(text=TEXT, member="spa-eng/spa.txt", compression=zipfile.ZIP_STORED):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        archive.writestr("_about.txt", "about")
        archive.writestr(member, text)
    return made.getvalue()


def damaged(member="spa-eng/spa.txt"):
    """A zip file whose list of members is intact, and the compressed text of one is not."""
    content = bytearray(zipped(member=member, compression=zipfile.ZIP_DEFLATED))
    text = content.index(member.encode()) + len(member)
    content[text] |= 0b110  # a kind of block that deflate doesn't have
    return bytes(content)


class Answers(BaseHTTPRequestHandler):
    """Serves `server.files`; `server.breaks` are the bytes after which each answer breaks off."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers.get("Range"), self.headers["User-Agent"]))
        if self.path not in server.files:
            self.send_error(404)
            return
        content, version = server.files[self.path]
        start, status = 0, 200
        asked = self.headers.get("Range")
        fits = self.headers.get("If-Range") in (None, version)
        if asked and server.resumes and fits:
            start, status = int(asked.removeprefix("bytes=").rstrip("-")), 206
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        if version:
            self.send_header("ETag", version)
        self.end_headers()
        until = start + server.breaks.pop(0) if server.breaks else len(content)
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
    server.files, server.breaks, server.asked, server.resumes = {}, [], [], True
    server.files["/spa-eng.zip"] = (zipped(), '"one"')
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    said = []

    def source(*archives):
        return Source(
            name="tatoeba",
            title="Pairs",
            file="spa.txt",
            sha256=hashlib.sha256(TEXT).hexdigest(),
            edition="2018-05-13",
            licence="CC BY 2.0 FR",
            licence_text="https://example.org/licence",
            attribution="tatoeba.org",
            archives=archives or (Archive(f"{address}/spa-eng.zip", "spa-eng/spa.txt"),),
        )

    yield SimpleNamespace(server=server, address=address, source=source, said=said)
    server.shutdown()
    server.server_close()
    thread.join()


def left(source):
    """The files beside the fetched one."""
    return sorted(path.name for path in source.fetched.parent.iterdir())


def test_the_text_is_unpacked_and_nothing_else_is_left(net):
    source = net.source()
    path = fetch(source, net.said.append, progress=False)
    assert path == source.fetched
    assert path.read_bytes() == TEXT
    assert left(source) == ["spa.txt"]


def test_licence_and_attribution_are_said_before_anything_is_fetched(net):
    def say(line):
        net.said.append(line)
        if "CC BY 2.0 FR" in line:
            assert net.server.asked == []
            assert "tatoeba.org" in line

    fetch(net.source(), say, progress=False)
    assert any("CC BY 2.0 FR" in line for line in net.said)


def test_a_second_time_nothing_is_fetched(net):
    fetch(net.source(), net.said.append, progress=False)
    asked = len(net.server.asked)
    fetch(net.source(), net.said.append, progress=False)
    assert len(net.server.asked) == asked
    assert "here already" in net.said[-1]


def test_a_connection_that_breaks_is_taken_up_where_it_broke(net):
    net.server.breaks = [65_536, 40_960]
    source = net.source()
    fetch(source, net.said.append, progress=False)
    assert source.fetched.read_bytes() == TEXT
    ranges = [asked for _, asked, _ in net.server.asked]
    assert ranges[0] is None
    assert [int(asked[6:-1]) for asked in ranges[1:]] == [65_536, 106_496]


def test_a_download_that_was_given_up_goes_on_the_next_time(net):
    net.server.breaks = [40_960, 4_096, 4_096, 4_096]
    source = net.source()
    with pytest.raises(CannotFetch) as caught:
        fetch(source, net.said.append, progress=False)
    assert "53,248 bytes that came are kept" in str(caught.value)
    assert not source.fetched.exists()
    fetch(source, net.said.append, progress=False)
    assert net.server.asked[-1][1] == "bytes=53248-"
    assert source.fetched.read_bytes() == TEXT
    assert left(source) == ["spa.txt"]


def test_halves_of_two_versions_are_never_joined(net):
    net.server.breaks = [40_960, 0, 0, 0]
    source = net.source()
    with pytest.raises(CannotFetch):
        fetch(source, net.said.append, progress=False)
    net.server.files["/spa-eng.zip"] = (zipped(member="spa-eng/spa.txt") + b"", '"two"')
    fetch(source, net.said.append, progress=False)
    assert source.fetched.read_bytes() == TEXT


def test_a_server_without_versions_that_changed_its_file_is_asked_again_from_the_start(net):
    net.server.files["/spa-eng.zip"] = (zipped(TEXT[::-1]), "")
    net.server.breaks = [40_960, 0, 0, 0]
    source = net.source()
    with pytest.raises(CannotFetch):
        fetch(source, net.said.append, progress=False)
    net.server.files["/spa-eng.zip"] = (zipped(), "")
    fetch(source, net.said.append, progress=False)
    assert source.fetched.read_bytes() == TEXT
    assert net.server.asked[-1][1] is None


def test_a_server_that_cannot_resume_sends_everything_again(net):
    net.server.resumes = False
    net.server.breaks = [40_960]
    source = net.source()
    fetch(source, net.said.append, progress=False)
    assert source.fetched.read_bytes() == TEXT


def test_a_file_that_came_whole_before_a_kill_is_used(net):
    source = net.source()
    address = source.archives[0].address
    name = hashlib.sha256(address.encode()).hexdigest()[:12]
    source.fetched.parent.mkdir(parents=True)
    (source.fetched.parent / f".{name}.part").write_bytes(zipped())
    fetch(source, net.said.append, progress=False)
    assert source.fetched.read_bytes() == TEXT


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<html>Log in to the hotel's network</html>", "no intact zip file"),
        (zipped()[:-30], "no intact zip file"),
        (damaged(), "no intact zip file"),
        (zipped(TEXT + b"more\n"), "sha256"),
        (zipped(member="other.txt"), "no spa-eng/spa.txt"),
    ],
)
def test_what_is_not_the_file_is_refused_and_the_next_address_asked(net, content, told):
    net.server.files["/bad.zip"] = (content, '"bad"')
    source = net.source(
        Archive(f"{net.address}/bad.zip", "spa-eng/spa.txt"),
        Archive(f"{net.address}/gone.zip", "spa-eng/spa.txt"),
        Archive(f"{net.address}/spa-eng.zip", "spa-eng/spa.txt"),
    )
    fetch(source, net.said.append, progress=False)
    assert source.fetched.read_bytes() == TEXT
    assert any("bad.zip" in line and told in line for line in net.said)
    assert any("gone.zip" in line and "404" in line for line in net.said)
    assert left(source) == ["spa.txt"]


def test_damaged_text_is_found_by_what_unpacks_it():
    with zipfile.ZipFile(io.BytesIO(damaged())) as archive, pytest.raises(zlib.error):
        archive.read("spa-eng/spa.txt")


def test_a_resumed_file_whose_text_is_damaged_is_fetched_once_more_from_the_start(net):
    source = net.source()
    name = hashlib.sha256(source.archives[0].address.encode()).hexdigest()[:12]
    source.fetched.parent.mkdir(parents=True)
    (source.fetched.parent / f".{name}.part").write_bytes(damaged()[:-40])
    net.server.files["/spa-eng.zip"] = (zipped(compression=zipfile.ZIP_DEFLATED), '"one"')
    fetch(source, net.said.append, progress=False)
    assert source.fetched.read_bytes() == TEXT
    assert [asked for _, asked, _ in net.server.asked][-1] is None


def test_a_wrong_file_everywhere_leaves_nothing_half_written(net):
    net.server.files["/spa-eng.zip"] = (zipped(b"other\totro\n"), '"x"')
    source = net.source()
    with pytest.raises(CannotFetch, match="no address gave the file"):
        fetch(source, net.said.append, progress=False)
    assert left(source) == []


def test_a_changing_archive_is_taken_as_it_is_and_said_to_be_another_edition(net):
    net.server.files["/new.zip"] = (zipped(b"new\tnuevo\tauthors\n", "spa.txt"), '"n"')
    source = net.source(Archive(f"{net.address}/new.zip", "spa.txt", changing=True))
    fetch(source, net.said.append, progress=False)
    assert source.fetched.read_bytes() == b"new\tnuevo\tauthors\n"
    assert any("edition of today" in line for line in net.said)


def test_an_archive_that_unpacks_to_far_too_much_is_refused(net, monkeypatch):
    monkeypatch.setattr(fetching, "_LARGEST", 1000)
    with pytest.raises(CannotFetch):
        fetch(net.source(), net.said.append, progress=False)
    assert any("would unpack to" in line for line in net.said)


def test_without_a_network_the_message_says_what_to_do(net):
    net.server.shutdown()
    net.server.server_close()
    with pytest.raises(CannotFetch) as caught:
        fetch(net.source(), net.said.append, progress=False)
    told = str(caught.value)
    assert "none of its servers can be reached" in told
    assert "WORKBOOK_DATA" in told
    assert f"{net.address}/spa-eng.zip" in told


def test_the_server_sees_a_browser(net):
    fetch(net.source(), net.said.append, progress=False)
    assert net.server.asked[0][2].startswith("Mozilla/5.0")


def test_progress_is_shown_when_asked_for(net, capfd):
    fetch(net.source(), net.said.append, progress=True)
    assert "spa-eng.zip" in capfd.readouterr().err
