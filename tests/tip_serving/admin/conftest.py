"""An admin process without its sockets, its clock in the test's hand; a test file may have one of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.admin import ANA, PASSWORD, Clock, opened

from tip_serving.admin.assembly import Admin
from tip_serving.admin.service.users import Role


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def admin(tmp_path: Path, clock: Clock) -> Iterator[Admin]:
    made = opened(tmp_path, clock)
    yield made
    made.close()


@pytest.fixture
def with_password(admin: Admin) -> Admin:
    admin.people.add(ANA, "pia", Role.VIEWER, PASSWORD)
    return admin
