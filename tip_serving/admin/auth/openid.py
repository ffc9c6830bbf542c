"""Sign-in through an OpenID provider: authorization code with PKCE, an ID token that is checked, a role from a claim.

State, nonce and verifier travel in a signed cookie that holds for ten minutes, so a callback counts only in the
browser that began.
"""

import secrets
import time
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from itsdangerous import BadSignature, URLSafeTimedSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tip_serving.admin.auth.secret import Secret
from tip_serving.admin.service.errors import ForbiddenError, UnavailableError
from tip_serving.admin.service.users import Role
from tip_serving.settings import Settings

_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
_HOLDS_S = 600
_LEEWAY_S = 60
_TIMEOUT_S = 10.0
_STRONGEST_FIRST = (Role.ADMIN, Role.JUDGE, Role.VIEWER)


class Journey(NamedTuple):
    """A sign-in that began."""

    url: str
    """Where the browser goes."""
    cookie: str
    """What it must bring back."""


class Vouched(NamedTuple):
    """Whom the provider vouches for."""

    name: str
    role: Role
    issuer: str
    subject: str
    came_from: str


class OpenID:
    """The provider that the settings name.

    Args:
        settings: with issuer, client and claims.
        secret: signs the cookie of a journey.
    """

    def __init__(self, settings: Settings, secret: Secret) -> None:
        self._settings = settings
        self._serializer = URLSafeTimedSerializer(secret.key("openid"), salt="openid")

    @property
    def is_configured(self) -> bool:
        """Whether there is a provider."""
        return bool(self._settings.tip_oidc_issuer and self._settings.tip_oidc_client_id)

    def begin(self, redirect_uri: str, came_from: str) -> Journey:
        """Send a browser to the provider. Raises UnavailableError."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "response_type": "code",
            "client_id": self._settings.tip_oidc_client_id or "",
            "redirect_uri": redirect_uri,
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        carried = {"state": state, "nonce": nonce, "verifier": verifier, "came_from": came_from}
        page = self._end("authorization_endpoint")
        url = f"{page}{'&' if '?' in page else '?'}{urlencode(asked)}"
        return Journey(url, str(self._serializer.dumps(carried)))

    def finish(self, cookie: str, state: str, code: str, redirect_uri: str) -> Vouched:
        """Whom the provider sent back.

        Raises:
            ForbiddenError: another browser, a token that does not hold, or a person without a role here.
            UnavailableError: the provider does not answer.
        """
        try:
            carried = self._serializer.loads(cookie, max_age=_HOLDS_S)
        except BadSignature:
            raise ForbiddenError("This sign-in did not begin in this browser, or too long ago.") from None
        if not secrets.compare_digest(carried["state"].encode(), state.encode()):
            raise ForbiddenError("This sign-in does not belong to the one that began in this browser.")
        claims = self._claims(self._id_token(code, carried["verifier"], redirect_uri), carried["nonce"])
        name = str(claims.get(self._settings.tip_oidc_name_claim) or claims.get("email") or "").lower()
        return Vouched(name, self._role(claims), str(claims["iss"]), str(claims["sub"]), carried["came_from"])

    def _id_token(self, code: str, verifier: str, redirect_uri: str) -> str:
        secret = self._settings.tip_oidc_client_secret
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self._settings.tip_oidc_client_id or "",
        }
        if secret is not None:
            form["client_secret"] = secret.get_secret_value()
        answer = self._call("POST", self._end("token_endpoint"), data=form)
        if "id_token" not in answer:
            raise ForbiddenError("The provider sent no ID token.")
        return str(answer["id_token"])

    def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        published = self._call("GET", self._end("jwks_uri"))
        must_be = {
            "iss": {"essential": True, "value": self._settings.tip_oidc_issuer},
            "aud": {"essential": True, "value": self._settings.tip_oidc_client_id},
        }
        try:
            keys = KeySet.import_key_set(published)  # type: ignore[arg-type]
            token = jwt.decode(id_token, keys, algorithms=_ALGORITHMS)
            expected = {"nonce": nonce, "client_id": self._settings.tip_oidc_client_id}
            CodeIDToken(token.claims, token.header, must_be, expected).validate(int(time.time()), _LEEWAY_S)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:  # whatever a provider may send
            raise ForbiddenError(f"The provider's ID token does not hold: {type(error).__name__}.") from None
        return dict(token.claims)

    def _role(self, claims: dict[str, Any]) -> Role:
        said = claims.get(self._settings.tip_oidc_role_claim)
        told = {said} if isinstance(said, str) else set(map(str, said)) if isinstance(said, list) else set()
        for role in _STRONGEST_FIRST:
            if role.value in told:
                return role
        raise ForbiddenError(
            f"The provider gives no role here: claim {self._settings.tip_oidc_role_claim!r} holds none of "
            f"{', '.join(Role)}."
        )

    def _end(self, name: str) -> str:
        """One of the provider's addresses."""
        found = self._metadata().get(name)
        if not isinstance(found, str) or not found.startswith(("https://", "http://")):
            raise UnavailableError(f"The OpenID provider tells no {name}.")
        return found

    def _metadata(self) -> dict[str, Any]:
        issuer = (self._settings.tip_oidc_issuer or "").rstrip("/")
        found = self._call("GET", f"{issuer}/.well-known/openid-configuration")
        if found.get("issuer") != self._settings.tip_oidc_issuer:
            raise UnavailableError("The OpenID provider names another issuer than TIP_OIDC_ISSUER.")
        return found

    def _call(self, method: str, url: str, data: dict[str, str] | None = None) -> dict[str, Any]:
        try:
            answer = httpx.request(method, url, data=data, timeout=_TIMEOUT_S)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise UnavailableError(f"The OpenID provider gave no usable answer: {type(error).__name__}.") from None
        if not isinstance(found, dict):
            raise UnavailableError("The OpenID provider's answer is no JSON object.")
        return found
