"""Secrets in the form that each service gives them, made from a seed, in sections as documents have them.

Every value is put together here, so that whoever scans this file finds none. The shapes are those that the services
publish; nothing of the detector is used.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass

_ALNUM = string.ascii_letters + string.digits
_UPPER = string.ascii_uppercase + string.digits
_LOWER = string.ascii_lowercase + string.digits
_HEX = "0123456789abcdef"
_URL = _ALNUM + "-_"
_WORDS = (
    "amber",
    "river",
    "stone",
    "falcon",
    "maple",
    "orbit",
    "harbor",
    "velvet",
    "copper",
    "meadow",
    "cobalt",
    "ember",
)


@dataclass(frozen=True)
class Planted:
    """A section of a document with a secret of this kind; `value` must not leave the machine."""

    kind: str
    value: str
    section: str


Maker = Callable[[random.Random], tuple[str, str]]


def planted(seed: int, each: int) -> list[Planted]:
    """`each` sections of every kind."""
    found = []
    for kind, make in MAKERS.items():
        chance = random.Random(f"{seed} {kind}")
        for _ in range(each):
            value, text = make(chance)
            found.append(Planted(kind, value, f"{_prose(chance)}\n\n{text}\n\n{_prose(chance)}"))
    return found


def _prose(chance: random.Random) -> str:
    words = chance.choices([*_WORDS, "the", "a", "to", "of", "client", "server", "request", "sends", "reads"], k=30)
    return f"{' '.join(words).capitalize()}."


def _some(chance: random.Random, letters: str, length: int) -> str:
    return "".join(chance.choices(letters, k=length))


def _password(chance: random.Random) -> str:
    """As people choose them and as generators make them."""
    first, second = chance.sample(_WORDS, 2)
    number = chance.randrange(10, 9999)
    return chance.choice(
        (
            f"{first.capitalize()}{number}{chance.choice('!#%*')}",
            f"{first}-{number}-{second}",
            f"{first}{number}{second.capitalize()}",
            _some(chance, _ALNUM, 14) + str(number),
            f"{_some(chance, _ALNUM, 9)}{chance.choice('!#%*')}{number}",
        )
    )


def _shown(chance: random.Random, name: str, value: str) -> str:
    """A value as documents show it."""
    return chance.choice(
        (
            f"Use {value} for the first call.",
            f"```bash\nexport {name}={value}\n```",
            f"```python\nclient = Client({name.lower()}='{value}')\n```",
            f'```json\n{{"name": "acme", "{name.lower()}": "{value}"}}\n```',
            f"```yaml\n{name.lower()}: {value}\n```",
            f"| setting | value |\n| --- | --- |\n| {name} | `{value}` |",
            f'```bash\ncurl -H "Authorization: Bearer {value}" https://api.acme.dev/v1/parcels\n```',
        )
    )


def _token(name: str, make: Maker | Callable[[random.Random], str]) -> Maker:
    def made(chance: random.Random) -> tuple[str, str]:
        value = str(make(chance))
        return value, _shown(chance, name, value)

    return made


def _assigned(name: str, make: Callable[[random.Random], str], *forms: str) -> Maker:
    def made(chance: random.Random) -> tuple[str, str]:
        value = make(chance)
        return value, chance.choice(forms).replace("NAME", name).replace("VALUE", value)

    return made


def _private_key(chance: random.Random) -> tuple[str, str]:
    lines = [_some(chance, _ALNUM + "+/", 64) for _ in range(12)]
    what = chance.choice(("RSA ", "EC ", "OPENSSH ", ""))
    key = "\n".join([f"-----BEGIN {what}PRIVATE " + "KEY-----", *lines, f"-----END {what}PRIVATE " + "KEY-----"])
    return lines[5], f"```\n{key}\n```"


def _service_account(chance: random.Random) -> tuple[str, str]:
    lines = [_some(chance, _ALNUM + "+/", 64) for _ in range(12)]
    key = "\n".join(["-----BEGIN PRIVATE " + "KEY-----", *lines, "-----END PRIVATE " + "KEY-----", ""])
    account = {"type": "service_account", "project_id": "acme-parcels", "private_key": key, "client_id": "1"}
    return lines[5], f"```json\n{json.dumps(account, indent=2)}\n```"


def _jwt(chance: random.Random) -> str:
    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    claims = {"sub": str(chance.randrange(10**8)), "iat": chance.randrange(10**9, 2 * 10**9), "name": "Ada"}
    head = json.dumps({"alg": "HS256", "typ": "JWT"}).encode()
    return ".".join((part(head), part(json.dumps(claims).encode()), part(chance.randbytes(32))))


def _address(*schemes: str) -> Maker:
    def made(chance: random.Random) -> tuple[str, str]:
        value = _password(chance).replace("#", "-")
        address = f"{chance.choice(schemes)}://{chance.choice(_WORDS)}:{value}@db{chance.randrange(9)}.acme.internal/x"
        return value, chance.choice((f"Connect to {address} first.", f"```\nURL={address}\n```", f'url = "{address}"'))

    return made


def _discord(chance: random.Random) -> str:
    first = base64.urlsafe_b64encode(str(chance.randrange(10**17, 10**18)).encode()).decode().rstrip("=")
    return f"{first}.{_some(chance, _URL, 6)}.{_some(chance, _URL, 27)}"


_ENV = (
    "```bash\nNAME=VALUE\n```",
    "```\n# .env\nDEBUG=1\nNAME=VALUE\nPORT=8080\n```",
    '```bash\nexport NAME="VALUE"\n```',
)
_YAML = ("```yaml\nserver:\n  NAME: VALUE\n```", "```yaml\nserver:\n  NAME: 'VALUE'\n  port: 80\n```", "NAME: VALUE")
_CODE = ('```python\nNAME = "VALUE"\n```', "client.connect(user='ada', NAME='VALUE')", 'String NAME = "VALUE";')

_COMMANDS = (
    "```bash\ncurl -u ada:VALUE https://api.acme.dev/v1/parcels\n```",
    "```bash\nacme login --user ada --NAME VALUE\n```",
    "```bash\nPGPASSWORD=VALUE psql -h db1 acme\n```",
    "requests.get(url, auth=('ada', 'VALUE'))",
    "```xml\n<user>ada</user>\n<NAME>VALUE</NAME>\n```",
)

MAKERS: dict[str, Maker] = {
    "AWS access key id": _token("AWS_ACCESS_KEY_ID", lambda c: "AKI" + "A" + _some(c, _UPPER[:26] + "234567", 16)),
    "AWS secret key": _assigned(
        "aws_secret_access_key", lambda c: _some(c, _ALNUM + "+/", 40), "```ini\n[default]\nNAME = VALUE\n```", *_CODE
    ),
    "Google API key": _token("GOOGLE_API_KEY", lambda c: "AI" + "za" + _some(c, _URL, 34) + "w"),
    "Google service account": _service_account,
    "Azure storage key": _assigned(
        "AccountKey",
        lambda c: _some(c, _ALNUM + "+/", 86) + "==",
        "```\nDefaultEndpointsProtocol=https;AccountName=acme;NAME=VALUE;EndpointSuffix=core.windows.net\n```",
    ),
    "GitHub classic": _token("GITHUB_TOKEN", lambda c: "gh" + "p_" + _some(c, _ALNUM, 36)),
    "GitHub fine-grained": _token(
        "GITHUB_TOKEN", lambda c: "github_" + "pat_" + _some(c, _ALNUM, 22) + "_" + _some(c, _ALNUM, 59)
    ),
    "GitLab": _token("GITLAB_TOKEN", lambda c: "gl" + "pat-" + _some(c, _URL, 19) + "x"),
    "Slack token": _token(
        "SLACK_TOKEN",
        lambda c: "xo" + f"xb-{c.randrange(10**11, 10**12)}-{c.randrange(10**12, 10**13)}-{_some(c, _ALNUM, 24)}",
    ),
    "Slack webhook": _token(
        "SLACK_URL",
        lambda c: (
            "https://hooks.slack"
            + f".com/services/T{_some(c, _UPPER, 9)}/B{_some(c, _UPPER, 9)}/{_some(c, _ALNUM, 24)}"
        ),
    ),
    "Stripe": _token("STRIPE_KEY", lambda c: c.choice("sr") + "k_li" + "ve_" + _some(c, _ALNUM, 24)),
    "Twilio": _assigned("TWILIO_AUTH_TOKEN", lambda c: _some(c, _HEX, 32), *_ENV, *_CODE),
    "SendGrid": _token("SENDGRID_KEY", lambda c: "S" + f"G.{_some(c, _URL, 22)}.{_some(c, _URL, 43)}"),
    "npm": _assigned(
        "_authToken", lambda c: "np" + "m_" + _some(c, _ALNUM, 36), "```\n//registry.npmjs.org/:NAME=VALUE\n```", *_ENV
    ),
    "PyPI": _token("TWINE_PASSWORD", lambda c: "py" + "pi-AgEIcHlwaS5vcmc" + _some(c, _URL, 120)),
    "Hugging Face": _token("HF_TOKEN", lambda c: "h" + "f_" + _some(c, _ALNUM, 34)),
    "OpenAI": _token(
        "OPENAI_API_KEY", lambda c: "s" + "k-proj-" + _some(c, _URL, 60) + "T3Blbk" + "FJ" + _some(c, _URL, 60)
    ),
    "Anthropic": _token("ANTHROPIC_API_KEY", lambda c: "s" + "k-ant-api03-" + _some(c, _URL, 92) + "AA"),
    "private key": _private_key,
    "JSON Web Token": _token("SESSION", _jwt),
    "password in an address": _address("https", "ftp", "http"),
    "connection string": _address("postgresql", "mysql+pymysql", "mongodb+srv", "redis", "amqp"),
    "ADO connection string": _assigned(
        "Password",
        _password,
        "`Server=db1;Database=acme;User Id=ada;NAME=VALUE;Encrypt=yes`",
        '"Data Source=x;NAME=VALUE;"',
    ),
    ".env": _assigned("DB_PASSWORD", _password, *_ENV),
    "YAML": _assigned("password", _password, *_YAML),
    "code": _assigned("client_secret", _password, *_CODE),
    "command line": _assigned("password", _password, *_COMMANDS),
    "Alibaba Cloud": _token("ALIYUN_ACCESS_KEY_ID", lambda c: "LT" + "AI5t" + _some(c, _ALNUM, 18)),
    "Tencent Cloud": _token("SECRET_ID", lambda c: "AK" + "ID" + _some(c, _ALNUM, 32)),
    "Telegram": _token("BOT", lambda c: f"{c.randrange(10**9, 10**10)}:" + "AA" + _some(c, _URL, 32) + "k"),
    "Discord": _token("BOT", _discord),
    "Chinese prose": _assigned(
        "密码", _password, "登录时使用的NAME是`VALUE`。", "NAME：VALUE", "| NAME | VALUE |\n| --- | --- |"
    ),
}
