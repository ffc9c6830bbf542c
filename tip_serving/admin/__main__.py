"""`python -m tip_serving.admin`: the admin API and the panel, until Ctrl-C."""

import sys

import click
import uvicorn

from tip_serving import settings as environment
from tip_serving.admin.app import create_site
from tip_serving.admin.assembly import Admin
from tip_serving.admin.auth.secret import SecretError
from tip_serving.generation.catalog import CatalogError

_GOODBYE_S = 3  # streams of changes never end by themselves


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; behind TLS if not on loopback.")
@click.option("--port", default=3100, show_default=True, type=click.IntRange(1, 65_535))
def main(host: str, port: int) -> None:
    """Serve the admin API and the panel. Without any account it prints a link that makes the first one."""
    try:
        chosen = environment.load()
        admin = Admin.open(chosen)
    except (environment.SettingsError, SecretError, CatalogError) as error:
        raise click.ClickException(str(error)) from None
    address = chosen.tip_admin_url or f"http://{host}:{port}"
    link = admin.setup.issue(address)
    click.echo(f"The admin panel: {address}")
    if link is not None:
        click.echo(f"Make the first account, once and within a day: {link}")
    sys.stdout.flush()
    uvicorn.run(
        create_site(admin),
        host=host,
        port=port,
        log_level=chosen.tip_log_level,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GOODBYE_S,
    )


if __name__ == "__main__":
    main()
