"""The server of the page, over real sockets: who may connect, what is refused, and that nobody slow holds it up."""

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import numpy as np
import pytest
import uvicorn
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from device.cards.card import text_card
from device.glasses import Condition, Unplugged
from models.errors import GlintError
from sim.page.glasses import PageGlasses
from sim.page.messages import LARGEST
from sim.page.serve import _listen, web_server
from sim.page.server import NOT_WORN, REFUSED, TAKEN, Server

pytestmark = pytest.mark.real_time


class Running:
    def __init__(self, token="", any_host=False):
        self.glasses = PageGlasses()
        self._socket = _listen("127.0.0.1", 0)
        self.port = self._socket.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.put = []
        speak = lambda text: np.full(800, 0.5, np.float32)  # noqa: E731
        server = Server(self.glasses, token, lambda: {"state": "asleep"}, speak, self.put.append)
        self._server = uvicorn.Server(web_server(server.app(any_host)))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()

    def stop(self):
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()

    def open(self, origin=None, **options):
        return connect(f"ws://{self.address}/glasses", origin=origin or f"http://{self.address}", **options)

    @contextmanager
    def wear(self, **hello):
        with self.open() as socket:
            socket.send(json.dumps({"type": "hello", **hello}))
            assert json.loads(socket.recv(30))["type"] == "welcome"
            yield socket


@pytest.fixture
def running():
    server = Running()
    yield server
    server.stop()


def of_kind(socket, kind, timeout_s=30):
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        message = socket.recv(timeout_s)
        if isinstance(message, str) and json.loads(message)["type"] == kind:
            return json.loads(message)
    pytest.fail(f"no {kind} has come")


def until(true, timeout_s=30):
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def closed_with(socket, timeout_s=30):
    try:
        while True:
            socket.recv(timeout_s)
    except ConnectionClosed as closed:
        return closed.rcvd.code, closed.rcvd.reason


def test_the_page_and_its_files_load_nothing_from_elsewhere(running):
    for path in ("/", "/static/app.js", "/static/style.css", "/static/ear-worklet.js"):
        with urllib.request.urlopen(f"http://{running.address}{path}", timeout=30) as answer:
            assert answer.status == 200
            assert "default-src 'self'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            text = answer.read().decode()
            assert "//cdn" not in text
            assert "https://" not in text
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://{running.address}/static/../serve.py", timeout=30)


def test_another_sites_page_may_not_connect(running):
    with pytest.raises(InvalidStatus), running.open(origin="https://example.org"):
        pass
    with pytest.raises(InvalidStatus), connect(f"ws://{running.address}/glasses"):
        pass


def test_another_name_for_this_machine_is_not_answered(running):
    request = urllib.request.Request(f"http://{running.address}/", headers={"Host": "rebound.example.org"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request, timeout=30)


def test_a_token_is_asked_for_where_others_reach_it():
    with pytest.raises(ValueError, match="token"):
        Server(PageGlasses()).app(any_host=True)
    server = Running(token="right", any_host=True)
    try:
        for hello in ({"token": "wrong"}, {}, {"token": "ri\u00e9ht"}):
            with server.open() as socket:
                socket.send(json.dumps({"type": "hello", **hello}))
                assert closed_with(socket) == (REFUSED, "token")
        with server.open() as socket:
            socket.send('{"type": "press"}')
            assert closed_with(socket) == (REFUSED, "token")
        with server.wear(token="right"):
            pass
    finally:
        server.stop()


def test_a_first_message_that_is_garbage_is_refused(running):
    with running.open() as socket:
        socket.send("hello?")
        code, why = closed_with(socket)
        assert code == REFUSED
        assert "could not be understood" in why


def test_garbage_is_refused_in_words_and_the_page_stays_worn(running):
    with running.wear() as socket:
        for message in ("{",
                        '{"type": "explode"}', b"", b"\x09garbage", b"\x01\x80\x3e\x00\x00\x01",
                        '{"type": "sensor", "name": "nose", "on": true}',
                        '{"type": "fault", "name": "sun", "on": true}',
                        '{"type": "gauges", "battery": 7, "celsius": 20}', '{"type": "say", "text": "  "}',
                        b"\x02\x01\x00\x00\x00\xff\xd8\xff\xe0 no picture"):  # fmt: skip
            socket.send(message)
            assert of_kind(socket, "refused")["text"].endswith((".", ". "))
        socket.send('{"type": "press"}')
        until(running.glasses.pressed)


def test_a_message_that_is_too_large_ends_the_connection_and_nothing_else(running):
    with pytest.raises(ConnectionClosed) as closed:
        _send_too_much(running)
    # What is still on its way when the server hangs up may reset the connection before its reason is read.
    assert closed.value.rcvd is None or closed.value.rcvd.code == 1009
    until(lambda: running.glasses.tab is None)
    with running.wear():
        pass


def _send_too_much(running):
    with running.wear() as socket:
        socket.send(b"\x02" + b"x" * (LARGEST + 10))
        while True:
            socket.recv(30)


def test_one_page_is_worn_and_another_can_take_it_over(running):
    with running.wear() as first:
        with running.open() as second:
            second.send('{"type": "hello"}')
            assert closed_with(second)[0] == NOT_WORN
        with running.wear(take=True) as third:
            assert closed_with(first)[0] == TAKEN
            running.glasses.show([text_card("You", "Hello")])
            assert of_kind(third, "cards")
    until(lambda: running.glasses.tab is None)
    with pytest.raises(Unplugged):
        running.glasses.microphone.read(0.1)


def test_buttons_sliders_and_faults_arrive(running):
    glasses = running.glasses
    with running.wear() as socket:
        socket.send('{"type": "gauges", "battery": 0.1, "celsius": 50}')
        until(lambda: running.put == [Condition(0.1, 50)])
        socket.send('{"type": "sensor", "name": "microphone", "on": false, "why": "It is off."}')
        until(lambda: glasses.ear.why_not == "It is off.")
        socket.send('{"type": "fault", "name": "radio", "on": true}')
        until(lambda: glasses.radio_down)
        socket.send('{"type": "fault", "name": "radio", "on": false}')
        until(lambda: not glasses.radio_down)
        assert of_kind(socket, "state")["text"] == "asleep"


def test_a_question_that_is_typed_is_heard(running):
    with running.wear() as socket:
        socket.send('{"type": "say", "text": "What is this?"}')
        until(running.glasses.pressed)
        heard = [running.glasses.microphone.read(1.0) for _ in range(20)]
        assert max(chunk.max() for chunk in heard if chunk is not None) == 0.5


def test_a_page_that_reads_nothing_holds_nobody_up(running):
    with running.open(max_queue=1) as slow:
        slow.send('{"type": "hello"}')
        until(lambda: running.glasses.tab is not None)
        for _ in range(200):
            running.glasses.speaker.play(np.zeros(22_050, np.float32), 22_050)
            running.glasses.show([text_card("Glint", "A long answer.")])
        with urllib.request.urlopen(f"http://{running.address}/", timeout=30) as answer:
            assert answer.status == 200
        with running.wear(take=True) as other:
            running.glasses.show([text_card("You", "Hello")])
            assert of_kind(other, "cards")
        slow.close_socket()


def test_a_port_that_is_taken_and_a_certificate_that_is_none(running, tmp_path):
    with pytest.raises(GlintError, match=f"port {running.port} .* choose another --port"):
        _listen("127.0.0.1", running.port)
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(GlintError, match=r"certificate .* cannot be used"):
        web_server(lambda *_: None, (tmp_path / "bad.pem", tmp_path / "bad.pem"))


@pytest.mark.slow
def test_the_command_ends_at_once_and_says_what_is_wrong(running):
    command = [sys.executable, "-m", "device", "sim", "--offline", "--port", str(running.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "choose another --port" in done.stderr
    assert "Traceback" not in done.stderr
    process = subprocess.Popen([*command[:-1], "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "http://127.0.0.1:" in process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(2)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in errors
