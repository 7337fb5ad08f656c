"""Secrets and personal data in text: 200 planted secrets never reach a request, and clean documents raise no alarm."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from chat_server import Asked, ChatServer, Sent, said
from installed import Installed
from planted import MAKERS, planted

from docutune.sensitive import cleaned, masked, personal, secrets

SECTIONS = """
from docutune import ChatConfig, Registration, hookimpl
from docutune.records import Message, Sample, Task
from pydantic import BaseModel

class Config(ChatConfig):
    pass

class Answer(BaseModel):
    answer: str

class Reader:
    def __init__(self, config): pass
    def tasks(self, library):
        for section in library.sections():
            yield Task({"text": section.text}, (section.span,))
    async def run(self, task, context, complaint=None):
        reply = await context.chat.ask([Message("user", task.payload["text"])], Answer)
        asked = Message("user", f"What is {reply.answer}?")
        return [Sample((asked, Message("assistant", reply.answer)), "question-answer", reply.answer)]

@hookimpl
def docutune_generators():
    return [Registration("reader", 1, "Asks about each section", Config, "reader:Reader")]
"""


def project(installed: Installed, server: ChatServer, sections: list[str], **options: object) -> None:
    """A pipeline that asks the server about each of these sections, each in a document of its own."""
    installed.install("reader", {"reader.py": SECTIONS}, "reader = reader")
    (installed.work / "docs").mkdir()
    for number, section in enumerate(sections):
        (installed.work / f"docs/d{number:04}.md").write_text(f"# Section {number}\n\n{section}\n")
    asking = {"model": "openai:tested", "base_url": server.url, "concurrency": 32, **options}
    pipeline = {
        "version": 1,
        "project": "acme",
        "sources": [{"path": "docs"}],
        "generate": [{"uses": "reader", "with": asking}],
        "curate": [],
        "split": {"rephrased": 0, "validation": 0},
    }
    (installed.work / "pipeline.yaml").write_text(json.dumps(pipeline))


def numbered() -> Callable[[Asked], Sent]:
    """Replies that differ, so that no two samples are the same."""
    return lambda asked: said({"answer": hashlib.sha256(asked.raw).hexdigest()[:12]})


def test_planted_secrets_never_reach_a_request_and_clean_sections_do(
    environment: Installed, record_property: Callable[[str, object], None]
) -> None:
    """200 secrets and more, of over 20 kinds, counted on the server."""
    kinds = planted(seed=6, each=7)
    assert len(MAKERS) >= 20 and len(kinds) >= 200
    clean = [f"Parcel {number} goes from the depot to the door by the afternoon." for number in range(50)]
    with ChatServer(numbered()) as server:
        project(environment, server, [*(item.section for item in kinds), *clean])
        environment.answer("run")
        sent = [item for item in kinds if json.dumps(item.value, ensure_ascii=False)[1:-1].encode() in server.received]
        asked = sum(any(f"Parcel {number} goes" in one.content for one in server.asked) for number in range(50))
    by_kind = Counter(item.kind for item in sent)
    held = f"{len(kinds)} planted secrets of {len(MAKERS)} kinds: {len(kinds) - len(sent)} never sent"
    record_property("counts", f"{held}; sent: {dict(by_kind)}")
    assert len(sent) <= 0.05 * len(kinds), by_kind
    assert asked == len(clean)
    reasons = [json.loads(line)["reason"] for line in rejected(environment)]
    assert len(reasons) >= len(kinds) - len(sent) and {reason.partition(":")[0] for reason in reasons} == {
        "a secret must not be sent"
    }
    values = [item.value for item in kinds if any(item.value in reason for reason in reasons)]
    assert values == []


def rejected(environment: Installed) -> list[str]:
    return (environment.work / ".docutune/runs/latest/rejected.jsonl").read_text().splitlines()


def test_clean_sections_raise_hardly_any_alarm(record_property: Callable[[str, object], None]) -> None:
    """Of 2,000 sections of installed packages' documents, docstrings and code, and of configuration, at most 1 %."""
    sections = [*real_sections(1200), *configurations(800)]
    assert len(sections) == 2000
    secret = [section for section in sections if secrets(section)]
    private = [section for section in sections if personal(section)]
    kinds = Counter(finding.kind for section in sections for finding in (*secrets(section), *personal(section)))
    record_property(
        "counts", f"2,000 clean sections: {len(secret)} with a secret, {len(private)} with personal data; {dict(kinds)}"
    )
    assert len({*secret, *private}) <= 0.01 * len(sections), kinds


def real_sections(count: int) -> list[str]:
    """What the packages installed here say of themselves, and their docstrings and code, in pieces of 1,500."""
    chance = random.Random(6)
    found: list[str] = []
    for about in sorted(metadata.distributions(), key=lambda item: item.metadata["Name"]):
        texts = [str(about.metadata.get_payload() or "")]
        modules = [file for file in about.files or () if file.suffix == ".py"]
        for file in chance.sample(modules, min(3, len(modules))):
            texts += [*_docstrings(Path(str(file.locate())))]
        pieces = [text[at : at + 1500] for text in texts for at in range(0, len(text), 1500)]
        chance.shuffle(pieces)
        found += [piece for piece in pieces if len(piece) >= 200][:40]
    chance.shuffle(found)
    return found[:count]


def _docstrings(path: Path) -> Iterator[str]:
    try:
        text = path.read_text()
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError):  # files of other times and machines
        return
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    yield from filter(None, (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, documented)))
    yield text[:6000]


def configurations(count: int) -> list[str]:
    """Files with placeholders, references, identifiers, hashes, images and example addresses, from a seed."""
    chance = random.Random(6)
    return [_configuration(chance) for _ in range(count)]


def _configuration(chance: random.Random) -> str:
    digest = hashlib.sha256(chance.randbytes(8)).hexdigest()
    image = base64.b64encode(chance.randbytes(chance.randrange(200, 900))).decode()
    number = uuid.UUID(int=chance.getrandbits(128), version=4)
    lines = [
        f"id: {number}",
        f"sha256: {digest}",
        f"checksum = '{digest[:32]}'",
        f"commit {digest[:40]}",
        f"![logo](data:image/png;base64,{image})",
        "password: ${DB_PASSWORD}",
        'api_key = os.environ["ACME_API_KEY"]',
        "client = Client(token=get_token(), secret=settings.SECRET_KEY)",
        "export API_KEY=<your-api-key>",
        "api_key: YOUR_API_KEY",
        'password = "********"',
        'secret_key = "change-me-please-123"',
        "token: {{ vault.token }}",
        "def login(user: str, password: str = 'secret', token_ttl: int = 3600) -> Token: ...",
        "The password must have at least 12 characters, the token expires after 3600 seconds.",
        "postgresql://user:password@localhost:5432/acme",
        "redis://:${REDIS_PASSWORD}@redis:6379/0",
        "https://example.com/reset?token=TOKEN&user=ada",
        "Write to support@acme.io or to ada@example.com.",
        "git clone git@github.com:acme/parcels.git && pip install acme==1.2.3",
        f"Call +1 415 555 0{chance.randrange(100, 200)} or 555-0199.",
        f"server: 192.0.2.{chance.randrange(255)} # and 2001:db8::{chance.randrange(9999):x}",
        f"timestamp: {chance.randrange(10**12, 2 * 10**12)} size: {chance.randrange(10**9, 10**12)}",
        f"order {chance.randrange(10**15, 10**16)} weighs {chance.random()!r} kg",
        f"integrity sha512-{base64.b64encode(chance.randbytes(64)).decode()}",
        "AKIA" + "IOSFODNN7EXAMPLE and the card 4242 4242 4242 4242",
        "密码：请联系管理员。令牌有效期为 3600 秒。",
        '{"password": "string", "secret": "foo", "token": "abc123"}',
        "| token | str | the token of the account |",
    ]
    return "\n".join(chance.sample(lines, 8))


PEOPLE = {
    "e-mail address": "Write to jana.novak@parcel-service.cz or wang.wei@163.com, kowalska@poczta.pl.",
    "phone number": "Call +49 30 90 18 20 or (415) 626-9173; 手机 139" + "10538726.",
    "card number": "Charge 4539 1488" + " 0343 6467 today.",
    "IBAN": "Pay to DE02 1203" + " 0000 0000 2020 51.",
    "resident identity number": "身份证号 110101" + "199003077715。",
}
NOBODY = (
    "Write to support@parcel-service.cz, security@acme.io, ada@example.org or root@localhost.",
    "# Copyright 2020 Jana Novak <jana.novak@parcel-service.cz>",
    "Call 555-0123, (415) 555-0132 or +1 212 555 0199.",
    "The id is 13910538726, after 1700000000000 ms.",
    "Pay with 4242 4242 4242 4242 or to GB82 WEST 1234 5698 7654 32; 身份证号 11010519491231002X。",
    "image@2x.png, a @ b, user@host, pkg@1.2.3, `matrix@self.T`, 2024-01-15 10:30:00, 3.14159265358979",
    "Hosts 10.0.0.1, 203.0.113.7 and 2001:db8::1 answer.",
)


@pytest.mark.parametrize("kind", PEOPLE)
def test_personal_data_is_found_whole(kind: str) -> None:
    text = PEOPLE[kind]
    findings = personal(text)
    assert {finding.kind for finding in findings} == {kind}
    assert not any(character.isdigit() for character in masked(text, findings)) and "@" not in masked(text, findings)


@pytest.mark.parametrize("text", NOBODY)
def test_examples_roles_and_authors_are_nobody(text: str) -> None:
    assert personal(text) == []


def test_people_are_masked_before_anything_is_sent_and_the_section_is_not_lost(environment: Installed) -> None:
    with ChatServer(numbered()) as server:
        project(environment, server, list(PEOPLE.values()))
        environment.answer("run")
        contents = " ".join(asked.content for asked in server.asked)
        assert len(server.asked) == len(PEOPLE)
        assert "Write to <e-mail address> or <e-mail address>, <e-mail address>." in contents
        assert not any(part in contents for part in ("novak", "90 18", "10538726", "0343", "2020 51", "19900307"))


def test_people_are_sent_where_the_pipeline_says_so(environment: Installed) -> None:
    with ChatServer(numbered()) as server:
        project(environment, server, [PEOPLE["e-mail address"]], personal_data="send")
        environment.answer("run")
        assert "jana.novak@parcel-service.cz" in server.asked[0].content


def test_a_marked_line_is_not_looked_at() -> None:
    value = "Falcon" + "4711!"
    assert secrets(f"password = '{value}'  # pragma: allowlist secret") == []
    assert len(secrets(f"x = 1  # pragma: allowlist secret\npassword = '{value}'")) == 1


def test_what_is_masked_is_gone_and_what_is_around_stays() -> None:
    for item in planted(seed=7, each=3):
        text = masked(item.section, secrets(item.section))
        first, _, last = (part for part in item.section.partition("\n\n"))
        assert item.value not in text and text.startswith(first) and text.endswith(last.rpartition("\n\n")[2])
        assert cleaned(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        "password=",
        "secret_",
        "eyJ",
        "sk-",
        "xoxb-1-",
        "a@b.",
        "+1 ",
        "password=" + "Kqzvwmlxjrtp" * 20 + "! ",
        "-----BEGIN PRIVATE KEY-----",
        "://a:",
        "a",
    ],
)
def test_the_longest_line_comes_to_an_end(piece: str) -> None:
    """Patterns that double their work with each character would not."""
    line = piece * (60_000 // len(piece))
    assert isinstance(secrets(line), list) and isinstance(personal(line), list)
