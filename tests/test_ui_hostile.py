"""What no browser would send to the page: raw requests against one `docutune ui`, and values that it never offered."""

from __future__ import annotations

import base64
import hashlib
import http.client
import itertools
import json
import re
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jobs
import pytest
from installed import Installed

PASSWORD = "open, sesame"
RIGHT = "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()
SECRET = "what-nobody-outside-may-read"
NEVER = re.compile(rf"{SECRET}|{PASSWORD}|root:x:0:|Traceback \(most recent|File \"/")
FILE = "/en/gradio_api/file="
JOIN, UPLOAD = "/en/gradio_api/queue/join", "/en/gradio_api/upload"
JSON = {"Content-Type": "application/json"}


NAMES = """
evil.example evil.example:{port} 127.0.0.1.evil.example 127.0.0.1.nip.example:{port} localhost:1 [:: 127.0.0.1:x
localhost.:{port} me@localhost:{port} localhost:{port}/en localhost%00 0x7f000001.example 2130706433.example
"""
ORIGINS = """
http://evil.example null http://127.0.0.1:{other} http://localhost:{port} http://127.0.0.1:{port}@evil.example
http://127.0.0.1:{port}.evil.example file:// http://127.0.0.1 ftp://127.0.0.1:{port} http://127.0.0.1:{port}/
"""
PATHS = r"""
{file}{secret} {up}/link {up}/up/secret.txt {up}/../../secret.txt {up}/./../../secret.txt {up}//..//..//secret.txt
{up}/%2e%2e/%2e%2e/secret.txt {up}/%252e%252e/%252e%252e/secret.txt {up}/%25252e%25252e/secret.txt
{up}/..%2f..%2fsecret.txt {up}/..%252f..%252fsecret.txt {up}/%c0%ae%c0%ae/%c0%ae%c0%ae/secret.txt
{up}/%e0%80%ae%e0%80%ae/secret.txt {up}/..\..\secret.txt {up}/..%5c..%5csecret.txt {up}/..;/..;/secret.txt
{up}/....//....//secret.txt {up}/%uff0e%uff0e/secret.txt {up}/%ef%bc%8e%ef%bc%8e/secret.txt {up}/.%00./.%00./secret.txt
{up}/out.txt%00/../../../secret.txt {up}/out.txt/../../../secret.txt {up}/OUT.TXT/../link {up}-beside/secret.txt
{up}/../exports-beside/secret.txt {up}/. {up}/.. {up} {up}/ {file}{work} {file}{work}/.env {file}{work}/pipeline.yaml
{file}{work}-beside/secret.txt {file}{secret}%00.txt {file}{cancelled} {file}{twice} {file}{long} {file}{deep}
{file}file://{secret} {file}file:{secret} {file}http://127.0.0.1:{port}/en/config {file}HTTP://localhost/ {file}//x
{file}//localhost{secret} {file}%2f%2flocalhost{secret} {file}\\localhost\c$\x {file}/etc/passwd {file}%2fetc%2fpasswd
{file}/proc/self/environ {file}/proc/self/cwd/.env {file}/proc/self/root{secret} {file}/dev/stdin {file}.env
{file}exports/../.env {file}~/.ssh/id_rsa {file} {file}/ {file}. {file}.. {file}%00 {file}%ff%fe {file}data:,x {file}C:\
/en/static/../../../../../../../..{secret} /en/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e{secret} /en/static/..%252f..{secret}
/en/static/..%2f..%2f..%2f..%2f..%2f..%2f..{secret} /en/assets//{secret} /en/assets/..\..\..{secret}
/en/assets/../app.py /en/assets/%2e%2e/app.py /en/gradio_api/file/{secret} /en/file={secret} /file={secret}
/en//gradio_api/file={secret} /en/./gradio_api/file={secret} /xx/../en/gradio_api/file={secret}
/EN/gradio_api/file={secret} /en/gradio_api/file%3d{secret} /en/gradio_api%2ffile={secret}x
"""
ELSEWHERE = """
{api}/proxy=http://127.0.0.1:1/ {api}/proxy=https://evil.hf.space/ {api}/openapi.json {api}/deep_link {api}/queue/status
/en/gradio_api/deep_link?session_hash=x {api}/component_server {api}/component_server/ {api}/stream/../1
{api}/stream/x/1/1/playlist.m3u8 {api}/runs {api}/run-history/buckets {api}/user {api}/token {api}/login_check
{api}/dev/reload {api}/vibe-code {api}/profiling/traces {api}/mcp/sse {api}/mcp/ {api}/mcp/schema {api}/call/x/y
/reports/../report.html /reports/20260101-000000/../../../secret.html /reports/0/report.html /reports/-/quality.html
/reports/%2e%2e/report.html /reports/20260101-000000/report.html/ /reports/20260101-000000/other.html
{api}/process_recording {api}/custom_component/x/client/y/z {api}/custom_component/x/client/../../../z /en/monitoring
/en/monitoring/summary /en/monitoring/x /en/login /en/logout /en/svelte/x /en/pwa_icon/1 /en/docs /en/redoc
/en/openapi.json /docs /openapi.json /gradio_api/queue/join /config /..%2f //en/config /en/config%00 /en/%0d%0aX:%20y
/fr/ /en/en/config http://evil.example/ * /.env /pipeline.yaml /.git/config
"""
FILES = r"""
a.txt ../../a.txt /etc/a.txt ..\..\a.txt .. . a/../../b %2e%2e%2fa .env pipeline.yaml C:\a.txt con -rf ${{HOME}}
$(id) `id`
"""


def spelt(table: str, **places: object) -> list[str]:
    """The words of a table with its places filled in."""
    return table.format(**places).split()


@dataclass
class Page:
    """A `docutune ui` at work in `work`; `outside` is the folder around that, and `asked` counts requests."""

    process: subprocess.Popen[str]
    port: int
    work: Path
    outside: Path
    asked: int = 0
    _sessions: Iterator[int] = field(default_factory=itertools.count)

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, source: str = "127.0.0.1", **headers: str
    ) -> tuple[int, str]:
        """Status and body of one request, its path as it stands; 0 when the connection was closed instead."""
        given = {"Authorization": RIGHT, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body is not None:
            given.setdefault("Content-Length", str(len(body)))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60, source_address=(source, 0))
        connection.putrequest(method, "/", skip_host="Host" in given, skip_accept_encoding=True)
        connection._buffer[0] = f"{method} {path} HTTP/1.1".encode("utf-8", "surrogateescape")  # type: ignore[attr-defined]
        for name, value in given.items():
            connection.putheader(name, value.encode("latin-1"))
        with suppress(ConnectionError, http.client.HTTPException):
            connection.endheaders(body)
        return self._read(connection)

    def raw(self, sent: bytes) -> bytes:
        """The beginning of what comes back for these very bytes."""
        with socket.create_connection(("127.0.0.1", self.port), 60) as connection:
            connection.sendall(sent)
            self.asked += 1
            found = connection.recv(65536)
        assert not NEVER.search(found.decode("utf-8", "replace")), sent
        return found

    def _read(self, connection: http.client.HTTPConnection) -> tuple[int, str]:
        self.asked += 1
        with suppress(ConnectionError, http.client.HTTPException):
            answer = connection.getresponse()
            text = answer.read(4_000_000).decode("utf-8", "replace")
            connection.close()
            assert not NEVER.search(text), text
            assert answer.status < 500 or answer.status == 507, (
                text,
                (self.outside / "stderr.log").read_text()[-3000:],
            )
            return answer.status, text
        return 0, ""

    def config(self, language: str = "en") -> dict[str, Any]:
        """What gradio tells its own page: components and what calls what."""
        found: dict[str, Any] = json.loads(self.ask(f"/{language}/config")[1])
        return found

    def session(self) -> str:
        return f"session{next(self._sessions)}"

    def call(self, function: int, data: Sequence[Any], session: str, **more: Any) -> str:
        """Call a function of the page as its own script does; all that comes back."""
        body = {"fn_index": function, "data": list(data), "session_hash": session, **more}
        status, told = self.ask(JOIN, "POST", json.dumps(body).encode(), **JSON)
        return self.ask(f"/en/gradio_api/queue/data?session_hash={session}")[1] if status == 200 else told

    def lives(self) -> bool:
        return self.process.poll() is None and self.ask("/en/")[0] == 200


def state(folder: Path, but: Path) -> dict[str, str]:
    """Every file around the workspace, but what Python compiles, and a digest of it."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_relative_to(but) and path.suffix != ".pyc"
    }


@pytest.fixture(scope="module")
def page(shared_environment: Installed) -> Iterator[Page]:
    """One page for all tests; what is around the workspace must be the same after them."""
    work, outside = shared_environment.work, shared_environment.work.parent
    jobs.prepare(shared_environment)
    (work / "docs").mkdir()
    (work / "docs/guide.md").write_text("# Guide\n\nCall `acme.send`.\n")
    (outside / "secret.txt").write_text(SECRET)
    (outside / "work-beside").mkdir()
    (outside / "work-beside/secret.txt").write_text(SECRET)
    (work / "exports").mkdir()
    (work / "exports/out.txt").write_text("an export")
    (work / "exports/page.html").write_text("<script>alert(1)</script>")
    (work / "exports/link").symlink_to(outside / "secret.txt")
    (work / "exports/up").symlink_to(outside)
    (work / "exports-beside").mkdir()
    (work / "exports-beside/secret.txt").write_text(SECRET)
    (work / ".env").write_text(SECRET)
    (outside / "tmp").mkdir()
    before = state(outside, work)
    environment = {**jobs.variables(shared_environment), "UI_PASSWORD": PASSWORD, "TMPDIR": str(outside / "tmp")}
    with (outside / "stderr.log").open("w") as errors:
        process = subprocess.Popen(
            [*jobs.COMMAND, "ui", "--port", "0", "--password-env", "UI_PASSWORD"],
            cwd=work,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        assert process.stdout is not None
        found = Page(process, int(process.stdout.readline().split(":")[-1].strip("/\n")), work, outside)
        yield found
        assert found.lives()
        process.terminate()
        assert process.wait(60) == 0
    jobs.end(shared_environment)
    (outside / "stderr.log").unlink()
    assert state(outside, work) == before, (
        "something was written outside of the workspace, or left in the temporary folder"
    )


def test_only_who_knows_the_password_gets_in(page: Page) -> None:
    assert page.ask("/en/")[0] == 200
    for wrong in ("Basic !!", "Basic " + base64.b64encode(b"me:wrong").decode(), f"Bearer {PASSWORD}"):
        assert page.ask("/en/", source="127.0.0.2", Authorization=wrong)[0] == 401, wrong
    for path in ("/", "/en/", "/en/config", JOIN, UPLOAD, f"{FILE}{page.work}/exports/out.txt", "/nowhere"):
        assert page.ask(path, source="127.0.0.2", Authorization="")[0] in (401, 429), path


def test_passwords_cannot_be_tried_out(page: Page) -> None:
    wrong = "Basic " + base64.b64encode(b"me:guess").decode()
    found = [page.ask("/en/", source="127.0.0.3", Authorization=wrong)[0] for _ in range(12)]
    assert found == [401] * 10 + [429] * 2
    assert page.ask("/en/", source="127.0.0.3")[0] == 429, "not even the right one, or it could be found"
    assert page.ask("/en/")[0] == 200, "others are not kept out"


def test_other_sites_and_other_names_are_refused(page: Page) -> None:
    port = page.port
    names = spelt(NAMES, port=port)
    for host in (*names, "", f"localhost:{port}, evil.example", "\xe9vil.example"):
        assert page.ask("/en/", Host=host)[0] in (400, 421), host
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"):
        assert page.ask("/en/config", Host=host)[0] == 200, host
    foreign = spelt(ORIGINS, port=port, other=port + 1)
    for origin in (*foreign, ""):
        assert page.ask("/en/config", Origin=origin)[0] == 403, origin
        assert page.ask(JOIN, "POST", b"{}", Origin=origin, **JSON)[0] == 403, origin
        assert page.ask("/en/config", "OPTIONS", Origin=origin, Access_Control_Request_Method="POST")[0] == 403
    for site in ("cross-site", "same-site", "x"):
        assert page.ask("/en/config", Sec_Fetch_Site=site)[0] == 403, site
    assert page.ask("/en/config", Origin=f"http://127.0.0.1:{port}")[0] == 200
    for name in ("X_Forwarded_Host", "X_Gradio_Server", "X_Forwarded_Proto", "Forwarded", "Referer"):
        for value in ("evil.example", "http://[", "::::", "https", "\x7f"):
            headers = {name: value}
            page.ask("/en/config", "GET", None, **headers)
    assert page.lives()


def test_no_file_but_exports_is_read_in_any_spelling(page: Page) -> None:
    work, secret = page.work, page.outside / "secret.txt"
    assert page.ask(f"{FILE}{work}/exports/out.txt") == (200, "an export")
    up = f"{FILE}{work}/exports"
    cancelled = f"{page.outside}/%2e%2e{quote(str(work), safe='')}%2fexports%2fx/../secret.txt"
    long = {"long": "a" * 5000, "deep": "/a" * 5000, "twice": cancelled.replace("%", "%25")}
    paths = spelt(PATHS, file=FILE, up=up, work=work, secret=secret, port=page.port, cancelled=cancelled, **long)
    assert len(paths) > 70
    for path in paths:
        status, _ = page.ask(path)
        assert status in (400, 403, 404), (status, path)
    assert page.lives()


def test_an_exported_page_has_no_script_and_no_origin(page: Page) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=60)
    connection.request("GET", f"{FILE}{page.work}/exports/page.html", headers={"Authorization": RIGHT})
    headers = connection.getresponse().headers
    connection.close()
    assert headers.get_all("Content-Security-Policy") == ["sandbox; default-src 'none'"]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_what_the_page_does_not_use_is_not_there(page: Page) -> None:
    api = "/en/gradio_api"
    for path in (*spelt(ELSEWHERE, api=api), "/en/\xff"):
        assert page.ask(path)[0] in (400, 404), path
        assert page.ask(path, "POST", b"{}", **JSON)[0] in (400, 404, 405), path
    for name in ("no_such_name", "../x", "_save", "predict", "lambda", "__init__", "%2e%2e", "a" * 3000):
        for way in ("call", "call/v2", "run", "api"):
            assert page.ask(f"{api}/{way}/{name}", "POST", b'{"data": []}', **JSON)[0] == 404, (way, name)
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "BREW"):
        assert page.ask("/en/config", method)[0] in (400, 405), method
    assert page.ask("/en/?deep_link=../../x")[0] == 200
    assert page.ask("/en/config?page=../../x&deep_link=..%2f..%2fx")[0] == 200
    upgrade = (
        f"GET /en/gradio_api/queue/join HTTP/1.1\r\nHost: localhost:{page.port}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert b" 101 " not in page.raw(upgrade.encode())


BODIES = (
    *(b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"\xef\xbb\xbf{}", b"{}{}", b"9" * 10_000),
    *(b"[" * 100_000, b'{"a":' * 50_000, b'{"data": []}', b'{"api_name": "/predict", "data": []}'),
    *(
        b'{"data": [], "session_hash": "x", "fn_index": 0, %s}' % more
        for more in (
            *(b'"fn_index": 99999', b'"fn_index": -1', b'"fn_index": "x"', b'"fn_index": 1e999', b'"fn_index": null'),
            *(b'"data": {}', b'"data": [1, 2, 3, 4, 5, 6, 7, 8, 9]', b'"session_hash": ["x"]', b'"oauth_token": 1'),
            *(b'"session_hash": "../../x"', b'"session_hash": "\\ud800"', b'"event_data": {"path": "/etc/passwd"}'),
            b'"trigger_id": 999999, "batched": true, "simple_format": true',
        )
    ),
)
MALFORMED = (
    *(b"Content-Length: -1\r\n\r\n", b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", b" folded: x\r\n\r\n"),
    *(b"X: " + b"a" * 200_000 + b"\r\n\r\n", b"Host: evil.example\r\n\r\n", b"X\x00: y\r\n\r\n", b"no colon\r\n\r\n"),
    *(b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}", b"Transfer-Encoding: gzip\r\n\r\n{}"),
)
NO_REQUESTS = (
    *(b"GET /en/ HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET /en/ HTTP/9.9\r\nHost: x\r\n\r\n"),
    *(b"GET  /en/ HTTP/1.1\r\nHost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
)


def test_broken_bodies_leave_the_page_as_it_was(page: Page) -> None:
    for body in BODIES:
        for path in (JOIN, "/en/gradio_api/cancel", "/en/gradio_api/reset"):
            assert page.ask(path, "POST", body, **JSON)[0] in (200, 400, 422), (path, body[:80])
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x", ""):
        assert page.ask(JOIN, "POST", b'{"data": []}', Content_Type=kind)[0] in (400, 415, 422), kind
    for name in ("a" * 10_000, "..", "%00", "x/../y", "%ff", "\xe9"):
        assert page.ask(f"/en/gradio_api/heartbeat/{name}%2f")[0] in (400, 404), name
        page.ask(f"/en/gradio_api/queue/data?session_hash={name}")
    assert page.ask("/en/gradio_api/queue/data")[0] == 422
    large = json.dumps({"fn_index": 0, "data": ["x" * 5 * 1024**2], "session_hash": "x"}).encode()
    assert page.ask(JOIN, "POST", large, **JSON)[0] in (0, 413)
    head = f"POST {JOIN} HTTP/1.1\r\nHost: localhost:{page.port}\r\nAuthorization: {RIGHT}\r\n".encode()
    chunked = head + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b" 413 " in page.raw(chunked + b"500000\r\n" + b" " * 0x500000 + b"\r\n0\r\n\r\n")
    for sent in (*(head + more for more in MALFORMED), *NO_REQUESTS):
        assert page.raw(sent).split()[1][:1] == b"4", sent[:200]
    assert page.lives()


def part(name: str, filename: str | None, content: bytes = b"x") -> bytes:
    """A multipart body of one part."""
    file = f'; filename="{filename}"' if filename is not None else ""
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n--b--\r\n"


def test_uploads_stay_in_their_folder_and_within_their_size(page: Page) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    uploads = next((page.outside / "tmp").glob("docutune-ui-*"))
    for name in (*spelt(FILES), "", "a\x00b", "a\nb", "\xe9", "a" * 4000):
        status, told = page.ask(UPLOAD, "POST", part("files", name), **kind)
        assert status in (200, 400), (status, name)
        for path in json.loads(told) if status == 200 else ():
            assert Path(path).resolve().is_relative_to(uploads.resolve()), name
    broken = (
        *(b"", b"--b", b"--b\r\n\r\n", b"x" * 10_000, b"--b\r\n" + b"X: " + b"y" * 20_000, part("files", "x") * 3),
        *(part("files", None), part("other", "x"), part("", "x"), part("files", "x")[:-9], part("files", "x")[20:]),
    )
    for body in broken:
        assert page.ask(UPLOAD, "POST", body, **kind)[0] in (0, 200, 400, 413), body[:60]
    form = "multipart/form-data"
    for other in (form, f"{form}; boundary=", f"{form}; boundary={'b' * 300}", "text/plain", ""):
        assert page.ask(UPLOAD, "POST", part("files", "x"), Content_Type=other)[0] in (200, 400), other
    for size in (200 * 1024**2 + 1, 10**12, 10**18):
        assert page.ask(UPLOAD, "POST", None, Content_Length=str(size), **kind)[0] == 413
    assert page.ask(f"{UPLOAD}_progress?upload_id=../../x")[0] == 404
    for path in page.outside.rglob("a.txt"):
        assert path.is_relative_to(uploads), path
    full = uploads / "full"
    with full.open("wb") as sparse:
        sparse.truncate(1024**3)
    assert page.ask(UPLOAD, "POST", part("files", "more.txt"), **kind)[0] == 507
    full.unlink()
    assert page.ask(UPLOAD, "POST", part("files", "more.txt"), **kind)[0] == 200


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """A server that nobody may be sent to."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        found.setblocking(False)
        yield found


def test_no_file_and_no_address_that_a_value_names_is_opened(page: Page, listener: socket.socket) -> None:
    """gradio itself would copy such a file to where it can be downloaded, and fetch such an address."""
    lists = {item["id"] for item in page.config()["components"] if item["type"] == "dropdown"}
    one = next(found["id"] for found in functions(page) if len(found["inputs"]) == 1 and found["inputs"][0] in lists)
    mark = {"_type": "gradio.FileData"}
    secret, there = str(page.outside / "secret.txt"), f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    paths: tuple[Any, ...] = (
        f"{page.outside}/tmp/../secret.txt",
        secret,
        ".env",
        "/dev/stdin",
        there,
        "",
        None,
        ["x"],
        {},
    )
    for path in paths:
        value = {"path": path, "url": there, "orig_name": "x", "meta": mark}
        for within in (value, [value], {"deep": [value]}):
            assert "was not uploaded" in page.call(one, [within], page.session()), within
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_values_that_the_page_never_offered(page: Page, listener: socket.socket) -> None:
    secret, there = str(page.outside / "secret.txt"), f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    values: list[Any] = [
        *(
            secret,
            "../secret.txt",
            there,
            [secret],
            {"path": secret},
            "\0",
            "<script>alert(1)</script>",
            None,
            -1,
            "",
            {},
        ),
        *([there, "../../x"], "a\nb: c", 10**30, [], True, 1.5, "x" * 100_000, [None], {"value": secret}, "/etc"),
    ]
    found = [function for function in functions(page) if function["inputs"]]
    assert len(found) > 50
    for number, function in enumerate(found):
        rotated = itertools.islice(itertools.cycle(values), number, number + len(function["inputs"]))
        page.call(function["id"], list(rotated), page.session())
    with pytest.raises(BlockingIOError):
        listener.accept()
    text = (page.work / "pipeline.yaml").read_text()
    assert "secret" not in text and "/etc" not in text and ".." not in text
    assert page.lives()


def functions(page: Page) -> list[dict[str, Any]]:
    """What a page can let the server do."""
    return [found for found in page.config()["dependencies"] if found["backend_fn"]]


def test_sources_outside_of_the_workspace_are_not_taken(
    page: Page, record_property: Callable[[str, object], None]
) -> None:
    """The list of what was found is the page's own; what it does not hold is not written."""
    config = page.config()
    marks = {item["id"]: item["props"].get("elem_id") for item in config["components"]}
    label = {item["id"]: item["props"].get("value") for item in config["components"]}
    save = next(
        item for item in config["dependencies"] if any(label.get(to[0]) == "Save sources" for to in item["targets"])
    )
    look = next(item for item in config["dependencies"] if "sources" in [marks[to] for to in item["outputs"]])
    before = (page.work / "pipeline.yaml").read_bytes()
    for names in (["/etc"], [str(page.outside), "../"], ["acme.py", "exports/up"]):
        session = page.session()
        page.call(look["id"], [], session)
        page.call(save["id"], [names, None], session)
    assert (page.work / "pipeline.yaml").read_bytes() == before
    session = page.session()
    page.call(look["id"], [], session)
    page.call(save["id"], [["docs"], None], session)
    assert b"docs" in (page.work / "pipeline.yaml").read_bytes(), "what it does hold is"
    record_property("counts", f"{page.asked} requests that no page sends: no file but exports, no crash")
