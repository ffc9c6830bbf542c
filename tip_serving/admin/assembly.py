"""Everything of the admin process, put together from the settings: what routes and pages are given."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tip_serving.admin.auth.accounts import Accounts
from tip_serving.admin.auth.attempts import Attempts
from tip_serving.admin.auth.audit import DatabaseAudit
from tip_serving.admin.auth.database import Database
from tip_serving.admin.auth.doorman import Doorman
from tip_serving.admin.auth.openid import OpenID
from tip_serving.admin.auth.secret import Secret
from tip_serving.admin.auth.sessions import Sessions
from tip_serving.admin.auth.setup import Setup
from tip_serving.admin.auth.tokens import Tokens
from tip_serving.admin.auth.webhooks import Webhooks
from tip_serving.admin.service.bench import Bench
from tip_serving.admin.service.drawer import Drawer
from tip_serving.admin.service.judging import Judging
from tip_serving.admin.service.people import People
from tip_serving.admin.service.releases import Releases
from tip_serving.admin.service.rewards import Rewards
from tip_serving.admin.service.scores import Scores
from tip_serving.admin.service.tips import Candidates, Tips
from tip_serving.admin.service.watch import Watch
from tip_serving.bench.overview import Overview
from tip_serving.bench.workshop import Workshop
from tip_serving.settings import Settings


@dataclass(frozen=True)
class Admin:
    """What one admin process works with."""

    settings: Settings
    database: Database
    accounts: Accounts
    audit: DatabaseAudit
    doorman: Doorman
    openid: OpenID
    setup: Setup
    webhooks: Webhooks
    bench: Bench
    judging: Judging
    people: People
    releases: Releases
    rewards: Rewards
    scores: Scores
    tips: Tips
    watch: Watch

    @classmethod
    def open(cls, settings: Settings, clock: Callable[[], float] = time.time) -> "Admin":
        """What the settings describe; makes the secret and the tables unless they are there.

        Raises:
            SecretError: the secret file cannot be used.
            CatalogError: the file of models cannot be used.
        """
        folder = settings.admin_directory
        secret = Secret.under(folder)
        url = settings.tip_admin_database
        database = Database(url, clock) if url else Database.under(folder, clock)
        accounts, tokens, webhooks = Accounts(database), Tokens(database), Webhooks(database, secret)
        attempts, audit = Attempts(), DatabaseAudit(database)
        workshop = Workshop.open(settings)
        overview = Overview(workshop.lake, workshop.catalog, workshop.limits.lease_ttl_s)
        bench = Bench(workshop, overview, audit)
        candidates, drawer = Candidates(bench), Drawer(database)
        scores = Scores(bench, candidates, drawer, audit)
        is_secure = (settings.tip_admin_url or "").startswith("https://")
        sessions = Sessions(database, secret, settings.tip_session_s)
        return cls(
            settings=settings,
            database=database,
            accounts=accounts,
            audit=audit,
            doorman=Doorman(accounts, sessions, tokens, attempts, audit, is_secure=is_secure),
            openid=OpenID(settings, secret),
            setup=Setup(database, accounts, folder),
            webhooks=webhooks,
            bench=bench,
            judging=Judging(bench, candidates, drawer, scores),
            people=People(accounts, tokens, webhooks, attempts, audit),
            releases=Releases(workshop.lake, settings, audit, clock),
            rewards=Rewards(workshop.lake),
            scores=scores,
            tips=Tips(bench, candidates),
            watch=Watch(bench, scores, clock),
        )

    def close(self) -> None:
        """Let go of the database."""
        self.database.engine.dispose()
