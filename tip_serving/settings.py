"""Every setting that comes from the environment, read when asked for and never at import.

No other module touches `os.environ`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(ValueError):
    """Variables that cannot be meant; names every one of them."""


class Settings(BaseSettings):
    """Where things lie and how patient the gateway is; each field is the variable of the same name in capitals."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True, env_ignore_empty=True)

    tip_home: Path = Field(default=Path(".tip"), description="Local state: Dagster, MLflow, spools, the default lake.")
    tip_lake: str | None = Field(default=None, description="Any fsspec URL; without it, `lake` under tip_home.")
    mlflow_tracking_uri: str | None = Field(default=None, description="Without it, SQLite under tip_home.")
    tip_mlflow_ui: str = Field(default="http://127.0.0.1:5000", description="Where links to MLflow runs lead.")
    tip_dagster_ui: str = Field(default="http://127.0.0.1:3000", description="Where links to Dagster lead.")
    dagster_home: Path | None = Field(default=None, description="Without it, `dagster` under tip_home.")
    tip_model_catalog: Path | None = Field(default=None, description="TOML with sizes and prices of further models.")
    default_prompt_version: str = Field(default="v1", description="Served where a request names no prompt version.")
    tip_concurrency: PositiveInt = Field(default=64, description="Calls in flight at once, over all models.")
    tip_call_timeout_s: PositiveFloat = Field(default=60.0, description="Hard limit of one attempt, seconds.")
    tip_call_attempts: PositiveInt = Field(default=4, description="Attempts before a call counts as failed.")
    tip_lease_ttl_s: PositiveFloat = Field(default=15.0, description="A heartbeat older than this is a dead worker's.")
    tip_nats_url: str | None = Field(default=None, description="JetStream that takes events; without it, files do.")
    tip_event_store: str | None = Field(
        default=None, description="sqlite:///file or postgresql://; else under tip_home."
    )
    tip_wal_rotate_s: PositiveFloat = Field(default=300.0, description="A file of events is finished after this.")
    tip_ack_wait_s: PositiveFloat = Field(default=30.0, description="A message not acknowledged by then comes again.")
    tip_event_queue: PositiveInt = Field(default=10_000, description="Events that may wait in memory, per worker.")
    tip_retention_days: Annotated[int, Field(ge=1, le=36_500)] = Field(
        default=180, description="How long an event about a person is kept."
    )
    tip_event_clock: Literal["server", "request"] = Field(
        default="server", description="`request`: events happen when their request says, the same ones in every replay."
    )
    tip_service_tokens: str | None = Field(default=None, description="Callers: `name:sha256,...`; see `tip token`.")
    tip_max_body_bytes: PositiveInt = Field(default=1_048_576, description="Largest request body.")
    tip_body_timeout_s: PositiveFloat = Field(default=10.0, description="A request must have arrived within this.")
    tip_request_timeout_s: PositiveFloat = Field(default=130.0, description="And be answered within this.")
    tip_max_waiting: PositiveInt = Field(default=256, description="Requests in a worker beyond which it says 503.")
    tip_drain_s: NonNegativeFloat = Field(default=0.0, description="Served on after SIGTERM, unready, before it ends.")
    tip_log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Of the server.")
    tip_manifest_poll_s: PositiveFloat = Field(default=2.0, description="How often the server looks for a release.")
    tip_online_store: str | None = Field(
        default=None, description="sqlite:///file or redis://host:port/db of profiles."
    )
    tip_online_store_budget_s: PositiveFloat = Field(default=0.005, description="How long a request waits for it.")
    tip_shadow_queue: PositiveInt = Field(default=256, description="Requests that may wait for arms in the shadow.")
    tip_generate_model: str = Field(default="embedded/planner", description="Writes tips where no policy chose one.")
    tip_generate_fallback_model: str | None = Field(default=None, description="Asked where the first one fails.")
    tip_generate_temperature: NonNegativeFloat = Field(default=0.7, description="Of models that write tips.")
    tip_generate_budget_s: PositiveFloat = Field(default=8.0, description="Within which /generate answers.")

    tip_admin_url: str | None = Field(default=None, description="Public address of the admin process, where one is.")
    tip_admin_database: str | None = Field(default=None, description="SQLAlchemy URL; without it, SQLite in tip_home.")
    tip_session_s: PositiveFloat = Field(default=43_200.0, description="A signed-in browser is signed out after this.")
    tip_oidc_issuer: str | None = Field(default=None, description="OpenID provider by which people may sign in.")
    tip_oidc_client_id: str | None = Field(default=None, description="What this installation is called there.")
    tip_oidc_client_secret: SecretStr | None = Field(default=None, description="And its secret there.")
    tip_oidc_name_claim: str = Field(default="preferred_username", description="Claim that holds the user name.")
    tip_oidc_role_claim: str = Field(default="roles", description="Claim that holds admin, judge or viewer.")

    @property
    def home(self) -> Path:
        """The absolute form of tip_home."""
        return self.tip_home.expanduser().absolute()

    @property
    def lake_url(self) -> str:
        """The lake's URL or absolute path."""
        return self.tip_lake or str(self.home / "lake")

    @property
    def wal_directory(self) -> Path:
        """Where events wait that no broker has taken."""
        return self.home / "wal"

    @property
    def event_store(self) -> str:
        """The database of events."""
        return self.tip_event_store or f"sqlite:///{self.home / 'events.db'}"

    @property
    def admin_directory(self) -> Path:
        """Where the admin process keeps its secret, its database and the set-up link."""
        return self.home / "admin"

    @property
    def tracking_uri(self) -> str:
        """The MLflow server or database."""
        return self.mlflow_tracking_uri or f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def artifact_root(self) -> Path:
        """Where MLflow keeps artifacts when it is not a server of its own."""
        return self.home / "mlartifacts"

    @property
    def mlflow_ui(self) -> str:
        """The address of MLflow's pages: the tracking server, or the one that `tip up` starts."""
        return self.tracking_uri if self.tracking_uri.startswith("http") else self.tip_mlflow_ui

    @property
    def dagster_directory(self) -> Path:
        """Where the Dagster instance lies."""
        return (self.dagster_home or self.home / "dagster").expanduser().absolute()


def load() -> Settings:
    """The settings of this process as its environment stands now.

    Raises:
        SettingsError: a variable holds what it cannot mean; all of them. Values are not repeated: some are secret.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors()]
        raise SettingsError(f"The environment cannot be used: {'; '.join(faults)}") from None


def child_environment(**changes: str) -> dict[str, str]:
    """This process's environment with `changes`, for a program that it starts."""
    return {**os.environ, **changes}


def environment_of(home: Path) -> dict[str, str]:
    """This process's environment without any setting of an installation, for one that lives at `home` alone."""
    ours = {name.upper() for name in Settings.model_fields}
    return {**{name: value for name, value in os.environ.items() if name.upper() not in ours}, "TIP_HOME": str(home)}


def export(**values: str) -> None:
    """Set variables that libraries read from the environment, leaving those that the user has set."""
    for name, value in values.items():
        os.environ.setdefault(name, value)


@contextmanager
def kept(name: str) -> Iterator[None]:
    """The variable is afterwards what it was before, whatever a library makes of it meanwhile."""
    before = os.environ.get(name)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before


def is_set(name: str) -> bool:
    """Whether the environment holds a non-empty variable of this name (keys of providers, say)."""
    return bool(os.environ.get(name))


def value(name: str) -> str | None:
    """A provider's variable, where it is no secret."""
    return os.environ.get(name)
