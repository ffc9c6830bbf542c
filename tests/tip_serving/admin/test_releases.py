"""The routes of releases, on real ones: followed by viewers, approved and rolled back by admins with a reason."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.admin import ANA, VERA, Browser, Clock, opened, signed_in
from support.releases import QUICK, START, House

from tip_serving.admin.assembly import Admin
from tip_serving.lake import layout
from tip_serving.releasing.advancing import advance_all
from tip_serving.releasing.proposing import propose
from tip_serving.releasing.state import Phase, state

ASKING = QUICK.model_copy(update={"auto_approve": False})


class Place:
    """An admin process on the lake of a release, and hands that move the release on."""

    def __init__(self, home: Path) -> None:
        self.house = House(home)
        self.clock = Clock()
        self.at = START
        self.admin: Admin = opened(home, self.clock)
        self.proposal = propose(
            self.house.lake, self.house.candidate().candidate_id, "ada", self.at, ASKING, "Look at it."
        ).proposal_id  # fmt: skip

    def go_on(self, n: int = 1, rate: float = 0.5) -> None:
        """Let people live with it, and advance."""
        for _ in range(n):
            advance_all(self.house.lake, self.house.sources, self.at)
            found = state(self.house.lake, self.proposal)
            self.house.live(self.at, 26, 3_000, {found.turn.arm.name: rate} if found.has_begun else 0.4)
            self.at += dt.timedelta(hours=30)
            self.clock.now = self.at.timestamp()
        advance_all(self.house.lake, self.house.sources, self.at)

    def browser(self, user: Any = ANA) -> Browser:
        """Signed in."""
        return signed_in(self.admin, user)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.house.store.close()
    made.admin.close()


def test_a_release_is_followed_from_proposal_to_the_word_of_a_person(place: Place) -> None:
    vera = place.browser(VERA)
    [row] = vera.get("/api/releases").json()["items"]
    assert (row["proposal_id"], row["phase"], row["is_open"], row["by"]) == (place.proposal, "queued", True, "ada")
    place.go_on(1)
    found = vera.get(f"/api/releases/{place.proposal}").json()
    assert found["row"]["phase"] == "approval"
    assert [step["kind"] for step in found["steps"]] == ["begun", "gate passed", "shadow passed"]
    assert (found["may_approve"], found["may_roll_back"], found["note"]) == (True, False, "Look at it.")
    assert {finding["name"] for finding in found["steps"][2]["findings"]} >= {"errors", "latency", "agreement"}
    assert [card["title"] for card in found["cards"]] == ["Reward model", "Tip policy"]


def test_an_admin_approves_and_rolls_back_and_it_is_in_the_log(place: Place) -> None:
    place.go_on(1)
    ana = place.browser()
    url = f"/api/releases/{place.proposal}"
    approved = ana.post(f"{url}/approve", json={"reason": "Card looked at."})
    assert approved.status_code == 200, approved.text
    step = approved.json()["steps"][-1]
    assert (step["kind"], step["by"]) == ("approved", "ana")
    assert "Card looked at." in step["reason"]
    place.go_on(1)
    assert state(place.house.lake, place.proposal).phase is Phase.ROLLOUT
    assert len(place.house.manifest.live) == 2
    back = place.browser().post(f"{url}/rollback", json={"reason": "Tips at night."}).json()
    assert back["row"]["phase"] == "rolled back"
    assert "Tips at night." in back["steps"][-1]["reason"]
    assert len(place.house.manifest.live) == 1, "what was served before is served at once"
    entries = [entry for entry in place.admin.audit.entries(ANA).items if entry.subject == place.proposal]
    assert [(entry.action, entry.user) for entry in entries] == [("rollback", "ana"), ("approve", "ana")]
    assert entries[0].detail["reason"] == "Tips at night."


def test_what_the_release_does_not_wait_for_is_a_conflict_and_changes_nothing(place: Place) -> None:
    ana = place.browser()
    steps = len(place.house.lake.find(layout.RELEASE_STEPS))
    for word in ("approve", "rollback"):
        answer = ana.post(f"/api/releases/{place.proposal}/{word}", json={"reason": "now"})
        assert answer.status_code == 409
        assert "it is queued" in answer.json()["detail"]
    assert len(place.house.lake.find(layout.RELEASE_STEPS)) == steps
    assert place.admin.audit.entries(ANA, "approve").items == []


def test_a_rollback_needs_a_reason_and_nobody_may_write_a_novel(place: Place) -> None:
    place.go_on(1)
    ana = place.browser()
    url = f"/api/releases/{place.proposal}"
    empty = ana.post(f"{url}/rollback", json={"reason": "  "})
    assert (empty.status_code, empty.json()["faults"][0]["field"]) == (422, "reason")
    assert ana.post(f"{url}/approve", json={"reason": "x" * 501}).status_code == 422


def test_viewers_read_and_have_no_say(place: Place) -> None:
    place.go_on(1)
    vera = place.browser(VERA)
    for word in ("approve", "rollback"):
        answer = vera.post(f"/api/releases/{place.proposal}/{word}", json={"reason": "please"})
        assert answer.status_code == 403
    assert state(place.house.lake, place.proposal).phase is Phase.APPROVAL


def test_between_two_steps_the_guardrails_are_seen_and_nothing_is_decided(place: Place) -> None:
    place.go_on(1)
    place.browser().post(f"/api/releases/{place.proposal}/approve", json={"reason": "go"})
    place.go_on(1, rate=0.45)
    n_steps = len(state(place.house.lake, place.proposal).steps)
    place.house.live(place.at, 1, 400, 0.4)
    place.clock.now = (place.at + dt.timedelta(hours=3)).timestamp()
    seen = place.browser(VERA).get(f"/api/releases/{place.proposal}/watch").json()
    assert {finding["name"] for finding in seen["findings"]} >= {"reward", "errors", "dismissed", "sample ratio"}
    reward = next(finding for finding in seen["findings"] if finding["name"] == "reward")
    assert {"margin", "harm_at_least", "harm_at_most"} <= set(reward["numbers"])
    assert len(state(place.house.lake, place.proposal).steps) == n_steps


def test_a_card_is_read_in_three_forms_and_runs_nothing(place: Place) -> None:
    vera = place.browser(VERA)
    found = vera.get(f"/api/releases/{place.proposal}").json()["cards"][0]
    url = f"/api/releases/cards/{found['name']}/{found['version']}"
    assert found["href"] == f"{url}?form=html"
    as_json = vera.get(url)
    assert as_json.json()["purpose"] == "To rank tips."
    types = {form: vera.get(url, params={"form": form}) for form in ("md", "html")}
    assert types["md"].headers["content-type"].startswith("text/markdown")
    page = types["html"]
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    again = vera.get(url, headers={"If-None-Match": as_json.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["none", "none/watch", "cards/tip-policy/none", "..%2F..%2Fsecret"])
def test_what_is_not_there_is_told_so(place: Place, path: str) -> None:
    answer = place.browser(VERA).get(f"/api/releases/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_open_releases_stand_first_and_lists_are_paged_with_etags(place: Place) -> None:
    place.go_on(1)
    second = propose(place.house.lake, place.house.candidate(2).candidate_id, "bo", place.at, ASKING)
    vera = place.browser(VERA)
    whole = vera.get("/api/releases")
    assert whole.json()["n_total"] == 2
    queued = next(row for row in whole.json()["items"] if row["proposal_id"] == second.proposal_id)
    assert queued["next"].startswith(f"waits for {place.proposal}")
    page = vera.get("/api/releases", params={"limit": 1}).json()
    assert (len(page["items"]), page["next_offset"]) == (1, 1)
    assert vera.get("/api/releases", headers={"If-None-Match": whole.headers["etag"]}).status_code == 304


def test_a_damaged_history_is_told_and_is_no_defect(place: Place) -> None:
    place.go_on(1)
    place.house.lake.write(layout.release_step(1), b"{}")
    answer = place.browser(VERA).get("/api/releases")
    assert answer.status_code == 503
    assert "is no step of a release" in answer.json()["detail"]
