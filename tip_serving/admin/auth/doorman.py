"""Recognises who sends a request: a browser by its session, a program by its token; and lets people sign in and out."""

from starlette.requests import HTTPConnection

from tip_serving.admin.auth.accounts import Accounts
from tip_serving.admin.auth.attempts import Attempts
from tip_serving.admin.auth.sessions import NewSession, Session, Sessions
from tip_serving.admin.auth.tokens import Tokens
from tip_serving.admin.service.audit import AuditLog
from tip_serving.admin.service.users import User

COOKIE, SECURE_COOKIE = "tip_session", "__Host-tip_session"
CSRF_HEADER = "X-CSRF-Token"
_BEARER = "bearer "


class SignInError(Exception):
    """No account has this name and this password; which of them is wrong is not said."""


class Doorman:
    """At the door of the routes and the pages.

    Args:
        accounts: of people.
        sessions: of their browsers.
        tokens: of their programs.
        attempts: counts those who fail.
        audit: takes down who came and who was refused.
        is_secure: whether browsers come through TLS.
    """

    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        tokens: Tokens,
        attempts: Attempts,
        audit: AuditLog,
        *,
        is_secure: bool,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._tokens = tokens
        self._attempts = attempts
        self._audit = audit
        self.is_secure = is_secure
        self.cookie_name = SECURE_COOKIE if is_secure else COOKIE

    def session(self, request: HTTPConnection) -> Session | None:
        """The session of the browser that sends this, as it stands now."""
        return self._sessions.find(request.cookies.get(self.cookie_name))

    def recognise(self, request: HTTPConnection) -> User | None:
        """The user of that session; None once it has ended."""
        session = self.session(request)
        return None if session is None else session.user

    def csrf_token(self, request: HTTPConnection) -> str:
        """What a write from that session must show; empty where there is none."""
        session = self.session(request)
        return "" if session is None else session.csrf

    def is_csrf_right(self, session: Session, shown: str | None) -> bool:
        """Whether a write showed the token of its session."""
        return self._sessions.is_csrf_right(session, shown)

    def bearer(self, request: HTTPConnection) -> str | None:
        """The token that the request shows, if it shows one."""
        shown = request.headers.get("authorization", "")
        return shown[len(_BEARER) :].strip() if shown[: len(_BEARER)].lower() == _BEARER else None

    def by_token(self, token: str) -> User | None:
        """The user as whom the bearer of a token acts."""
        return self._tokens.find(token)

    def sign_in(self, name: str, password: str, address: str) -> NewSession:
        """A session for whoever knows the password.

        Raises:
            TooManyError: too many attempts for this name or from this address.
            SignInError: no such name, or another password.
        """
        self._attempts.count(name, address)
        user = self._accounts.check(name, password)
        if user is None:
            self._audit.note(None, "sign-in-refused", name[:64], {"address": address})
            raise SignInError("No account has this name and this password.")
        self._attempts.forgive(name, address)
        return self.let_in(user, address)

    def let_in(self, user: User, address: str) -> NewSession:
        """A session for somebody who was recognised otherwise."""
        self._audit.note(user, "sign-in", user.name, {"address": address})
        return self._sessions.begin(user)

    def sign_out(self, request: HTTPConnection) -> None:
        """End the session of the browser that sends this."""
        self._sessions.end(request.cookies.get(self.cookie_name))
