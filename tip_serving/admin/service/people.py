"""Accounts, tokens and webhook keys, as admins manage them and as everybody manages their own."""

from tip_serving.admin.auth.accounts import Account, Accounts
from tip_serving.admin.auth.tokens import NewToken, TokenRow, Tokens
from tip_serving.admin.auth.webhooks import NewWebhook, WebhookRow, Webhooks
from tip_serving.admin.service.audit import AuditLog
from tip_serving.admin.service.errors import FaultsError, ForbiddenError, NotFoundError
from tip_serving.admin.service.users import ADMINS, EVERYBODY, Role, User, require
from tip_serving.bench.judging import intake
from tip_serving.bench.spec import Fault


class People:
    """Who may come in.

    Args:
        accounts: of people.
        tokens: of their programs.
        webhooks: of machines that judge.
        audit: takes down every change.
    """

    def __init__(self, accounts: Accounts, tokens: Tokens, webhooks: Webhooks, audit: AuditLog) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._webhooks = webhooks
        self._audit = audit

    def accounts(self, user: User) -> list[Account]:
        """Every account by name."""
        require(user, ADMINS, "see accounts")
        return self._accounts.all()

    def add(self, user: User, name: str, role: Role, password: str) -> Account:
        """A new account. Raises FaultsError, ConflictError."""
        require(user, ADMINS, "add accounts")
        added = self._accounts.add(name, role, password, user.name)
        self._audit.note(user, "add-user", name, {"role": role.value})
        return added

    def set_role(self, user: User, name: str, role: Role) -> None:
        """Another role; ends the sessions of that account. Raises NotFoundError, ConflictError."""
        require(user, ADMINS, "change roles")
        self._accounts.set_role(name, role)
        self._audit.note(user, "set-role", name, {"role": role.value})

    def set_password(self, user: User, name: str, password: str, current: str | None = None) -> None:
        """Another password; ends the sessions of that account.

        Args:
            user: an admin, or whose password it is.
            name: of the account.
            password: the new one.
            current: the old one, for one's own.

        Raises:
            ForbiddenError: somebody else's, or the current one is wrong.
            NotFoundError: there is no such account.
            FaultsError: the new one is none.
        """
        if user.name != name:
            require(user, ADMINS, "set the passwords of others")
        elif self._accounts.check(name, current or "") is None:
            raise ForbiddenError("The current password is not right.")
        self._accounts.set_password(name, password)
        self._audit.note(user, "set-password", name, {})

    def remove(self, user: User, name: str) -> None:
        """Delete an account with its sessions and tokens; what it judged stays. Raises NotFoundError, ConflictError."""
        require(user, ADMINS, "remove accounts")
        self._accounts.remove(name)
        self._audit.note(user, "remove-user", name, {})

    def tokens(self, user: User) -> list[TokenRow]:
        """The user's own tokens; an admin sees all."""
        require(user, EVERYBODY, "see tokens")
        return self._tokens.all(None if user.role is Role.ADMIN else user.name)

    def make_token(self, user: User, label: str, days: float | None) -> NewToken:
        """A token of the user, with their role as it stands when it is used."""
        require(user, EVERYBODY, "make tokens")
        made = self._tokens.make(user.name, label, days)
        self._audit.note(user, "make-token", made.row.token_id, {"label": label})
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
        if fault := intake.judge_fault(judge):
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
