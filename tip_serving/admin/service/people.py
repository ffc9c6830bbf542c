"""Accounts, tokens and webhook keys, as admins manage them and as everybody manages their own."""

from typing import NamedTuple

from tip_serving.admin.auth.accounts import Account, Accounts
from tip_serving.admin.auth.attempts import Attempts
from tip_serving.admin.auth.tokens import NewToken, TokenRow, Tokens
from tip_serving.admin.auth.webhooks import NewWebhook, WebhookRow, Webhooks
from tip_serving.admin.service.audit import AuditLog
from tip_serving.admin.service.errors import ConflictError, FaultsError, ForbiddenError, NotFoundError
from tip_serving.admin.service.rows import Page
from tip_serving.admin.service.users import ADMINS, EVERYBODY, Role, User, require
from tip_serving.bench.judging import intake
from tip_serving.bench.spec import Fault

MAX_OWN_TOKENS = 100


class Own(NamedTuple):
    """What somebody has here."""

    account: Account
    tokens: Page[TokenRow]


class People:
    """Who may come in.

    Args:
        accounts: of people.
        tokens: of their programs.
        webhooks: of machines that judge.
        attempts: counts wrong passwords.
        audit: takes down every change.
    """

    def __init__(
        self, accounts: Accounts, tokens: Tokens, webhooks: Webhooks, attempts: Attempts, audit: AuditLog
    ) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._webhooks = webhooks
        self._attempts = attempts
        self._audit = audit

    def accounts(self, user: User, offset: int = 0, limit: int = 100) -> Page[Account]:
        """The accounts by name."""
        require(user, ADMINS, "see accounts")
        return self._accounts.listed(offset, limit)

    def own(self, user: User) -> Own:
        """The user's own account and tokens."""
        require(user, EVERYBODY, "see their account")
        return Own(self._accounts.account(user.name), self._tokens.listed(user.name, 0, MAX_OWN_TOKENS))

    def add(self, user: User, name: str, role: Role, password: str) -> Account:
        """A new account. Raises FaultsError, ConflictError."""
        require(user, ADMINS, "add accounts")
        if name in {row.judge for row in self._webhooks.all()}:
            raise ConflictError(f"{name} is a machine that judges; what both judged could not be told apart.")
        added = self._accounts.add(name, role, password, user.name)
        self._audit.note(user, "add-user", name, {"role": role.value})
        return added

    def set_role(self, user: User, name: str, role: Role) -> None:
        """Another role; ends the sessions of that account. Raises NotFoundError, ConflictError."""
        require(user, ADMINS, "change roles")
        self._accounts.set_role(name, role)
        self._audit.note(user, "set-role", name, {"role": role.value})

    def set_password(self, user: User, name: str, password: str) -> None:
        """Another password; ends the sessions of that account. Raises NotFoundError, FaultsError."""
        require(user, ADMINS, "set passwords")
        self._accounts.set_password(name, password)
        self._audit.note(user, "set-password", name, {})

    def change(self, user: User, name: str, role: Role | None, password: str | None) -> None:
        """Another role, another password, or both. Raises as `set_role` and `set_password`."""
        require(user, ADMINS, "change accounts")
        if password is not None:
            self.set_password(user, name, password)
        if role is not None:
            self.set_role(user, name, role)

    def set_own_password(self, user: User, current: str, new: str) -> None:
        """Another password for oneself; ends all of one's sessions.

        Raises:
            ForbiddenError: the current one is wrong.
            FaultsError: the new one is none.
            TooManyError: too many attempts.
        """
        require(user, EVERYBODY, "change their password")
        self._attempts.count(user.name, "own password")
        if self._accounts.check(user.name, current) is None:
            raise ForbiddenError("The current password is not right.")
        self._attempts.forgive(user.name, "own password")
        self._accounts.set_password(user.name, new)
        self._audit.note(user, "set-password", user.name, {})

    def remove(self, user: User, name: str) -> None:
        """Delete an account with its sessions and tokens; what it judged stays. Raises NotFoundError, ConflictError."""
        require(user, ADMINS, "remove accounts")
        self._accounts.remove(name)
        self._audit.note(user, "remove-user", name, {})

    def tokens(self, user: User, offset: int = 0, limit: int = 100) -> Page[TokenRow]:
        """The user's own tokens; an admin sees all."""
        require(user, EVERYBODY, "see tokens")
        return self._tokens.listed(None if user.role is Role.ADMIN else user.name, offset, limit)

    def make_token(self, user: User, label: str, days: float | None) -> NewToken:
        """A token of the user, with their role as it stands when it is used."""
        require(user, EVERYBODY, "make tokens")
        made = self._tokens.make(user.name, label, days)
        self._audit.note(user, "make-token", made.row.token_id, {"label": label})
        return made

    def make_token_of(self, user: User, name: str, label: str, days: float | None) -> NewToken:
        """A token of somebody else. Raises NotFoundError."""
        require(user, ADMINS, "make tokens of others")
        if self._accounts.find(name) is None:
            raise NotFoundError(f"There is no account {name!r:.90}.")
        made = self._tokens.make(name, label, days)
        self._audit.note(user, "make-token", made.row.token_id, {"label": label, "of": name})
        return made

    def revoke_token(self, user: User, token_id: str) -> None:
        """Revoke one of the user's own tokens; an admin may revoke any. Raises NotFoundError."""
        require(user, EVERYBODY, "revoke tokens")
        if not self._tokens.revoke(token_id, None if user.role is Role.ADMIN else user.name):
            raise NotFoundError(f"There is no token {token_id!r:.40} of {user.name}.")
        self._audit.note(user, "revoke-token", token_id, {})

    def webhooks(self, user: User) -> list[WebhookRow]:
        """Every key of a machine that judges."""
        require(user, ADMINS, "see webhook keys")
        return self._webhooks.all()

    def make_webhook(self, user: User, judge: str) -> NewWebhook:
        """A key with which a machine hands in judgements as `judge`. Raises FaultsError."""
        require(user, ADMINS, "make webhook keys")
        fault = intake.judge_fault(judge)
        if fault is None and self._accounts.find(judge) is not None:
            fault = "is the name of a person here; what both judged could not be told apart"
        if fault:
            raise FaultsError("No key was made.", [Fault("judge", fault)])
        made = self._webhooks.make(judge, user.name)
        self._audit.note(user, "make-webhook", made.row.key_id, {"judge": judge})
        return made

    def revoke_webhook(self, user: User, key_id: str) -> None:
        """Revoke a key. Raises NotFoundError."""
        require(user, ADMINS, "revoke webhook keys")
        if not self._webhooks.revoke(key_id):
            raise NotFoundError(f"There is no webhook key {key_id!r:.40}.")
        self._audit.note(user, "revoke-webhook", key_id, {})
