"""Sign-in through a real OpenID provider on loopback: who comes in as what, and every token that does not hold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from httpx import Response
from joserfc.jwk import RSAKey
from support import openid_provider
from support.admin import ANA, Browser, client, opened
from support.openid_provider import CLIENT, SECRET, Provider

from tip_serving.admin.assembly import Admin
from tip_serving.admin.service.users import Role, User


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with openid_provider.running() as found:
        yield found


@pytest.fixture
def provider(running: Provider) -> Provider:
    running.claims, running.signing_key, running.metadata, running.keys = {}, None, {}, None
    return running


@pytest.fixture
def admin(tmp_path: Path, provider: Provider) -> Iterator[Admin]:
    named = {"tip_oidc_issuer": provider.issuer, "tip_oidc_client_id": CLIENT, "tip_oidc_client_secret": SECRET}
    made = opened(tmp_path, **named)
    yield made
    made.close()


def _come(browser: Browser, provider: Provider, to: str = "/judge") -> Response:
    begun = browser.get("/openid/begin", params={"next": to})
    assert begun.status_code == 303
    back = urlsplit(provider.authorize(begun.headers["location"]))
    return browser.get(f"{back.path}?{back.query}")


def _refused(answer: Response) -> bool:
    return answer.headers["location"] == "/sign-in?fault=openid" and "tip_session" not in str(answer.headers)


def test_who_is_vouched_for_comes_in_with_the_role_that_the_provider_tells(admin: Admin, provider: Provider) -> None:
    browser = client(admin)
    assert _come(browser, provider).headers["location"] == "/judge"
    told = browser.get("/api/session").json()
    assert (told["name"], told["role"]) == ("olga", "viewer")
    provider.claims = {"roles": ["judge", "admin", "something else"]}
    _come(browser, provider)
    assert browser.get("/api/session").json()["role"] == "admin", "the strongest of them"
    assert admin.accounts.find("olga") == User("olga", Role.ADMIN)
    assert not next(one for one in admin.accounts.listed().items if one.name == "olga").has_password
    provider.claims = {"roles": "judge", "preferred_username": "olga-renamed"}
    _come(browser, provider)
    assert browser.get("/api/session").json() | {"csrf": "", "expires_at": ""} == {
        "name": "olga", "role": "judge", "csrf": "", "expires_at": ""
    }, "the same person under the same name, whatever they are called now"  # fmt: skip


def test_a_person_without_a_password_cannot_sign_in_by_one(admin: Admin, provider: Provider) -> None:
    _come(client(admin), provider)
    for password in ("", "None", "null"):
        answer = client(admin).post("/api/session", json={"name": "olga", "password": password})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"aud": "another client"},
        {"iss": "https://another.example"},
        {"exp": 1},
        {"sub": None},
        {"roles": []},
        {"roles": None},
        {"roles": "superuser"},
        {"roles": 7},
        {"roles": {"admin": True}},
        {"sub": {}},
        {"preferred_username": "no name!"},
        {"preferred_username": None},
        {"preferred_username": "ana", "sub": "43"},
    ],
    ids=str,
)
def test_a_token_that_does_not_hold_or_gives_no_role_lets_nobody_in(
    admin: Admin, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    browser = client(admin)
    assert _refused(_come(browser, provider))
    assert browser.get("/api/session").status_code == 401
    assert admin.audit.entries(ANA, "openid-refused").n_total == 1
    assert admin.accounts.find("ana") == ANA, "nobody takes over an account by its name"


def test_a_token_that_somebody_else_signed_lets_nobody_in(admin: Admin, provider: Provider) -> None:
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "one"})
    assert _refused(_come(client(admin), provider))


def test_a_sign_in_counts_only_in_the_browser_that_began_it(admin: Admin, provider: Provider) -> None:
    browser, other = client(admin), client(admin)
    begun = browser.get("/openid/begin")
    back = urlsplit(provider.authorize(begun.headers["location"]))
    assert _refused(other.get(f"{back.path}?{back.query}"))
    other.get("/openid/begin")
    assert _refused(other.get(f"{back.path}?{back.query}")), "its own state is another one"
    assert browser.get(f"{back.path}?{back.query}").headers["location"] == "/"
    assert _refused(browser.get(f"{back.path}?{back.query}")), "a code counts once"


@pytest.mark.parametrize(
    ("metadata", "keys"),
    [
        ({"jwks_uri": None}, None),
        ({"token_endpoint": 7}, None),
        ({"token_endpoint": "file:///etc/passwd"}, None),
        ({"issuer": "https://another.example"}, None),
        ({}, {"keys": "none"}),
        ({}, {"keys": [{"kty": "RSA"}]}),
        ({}, {"nothing": []}),
    ],
    ids=str,
)
def test_a_provider_that_answers_nonsense_lets_nobody_in_and_is_no_defect(
    admin: Admin, provider: Provider, metadata: dict[str, Any], keys: dict[str, Any] | None
) -> None:
    browser = client(admin)
    begun = browser.get("/openid/begin")
    provider.metadata, provider.keys = metadata, keys
    back = urlsplit(provider.authorize(begun.headers["location"]))
    assert _refused(browser.get(f"{back.path}?{back.query}"))
    assert browser.get("/api/session").status_code == 401


def test_a_provider_without_a_page_to_go_to_leads_back_to_the_door(admin: Admin, provider: Provider) -> None:
    provider.metadata = {"authorization_endpoint": None}
    assert _refused(client(admin).get("/openid/begin"))


def test_the_providers_own_query_stays_in_the_address(admin: Admin, provider: Provider) -> None:
    provider.metadata = {"authorization_endpoint": f"{provider.issuer}/authorize?tenant=tips"}
    led = urlsplit(client(admin).get("/openid/begin").headers["location"])
    assert led.query.startswith("tenant=tips&response_type=code&")


def test_a_provider_that_is_down_or_not_configured_leads_back_to_the_door(tmp_path: Path) -> None:
    for number, named in enumerate(({}, {"tip_oidc_issuer": "http://127.0.0.1:9", "tip_oidc_client_id": CLIENT})):
        admin = opened(tmp_path / str(number), **named)
        assert admin.openid.is_configured == bool(named)
        assert _refused(client(admin).get("/openid/begin"))
        admin.close()


def test_nobody_is_led_away_after_signing_in(admin: Admin, provider: Provider) -> None:
    assert _come(client(admin), provider, "https://evil.example").headers["location"] == "/"
