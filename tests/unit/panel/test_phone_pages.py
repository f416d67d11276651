"""A phone is tried on a page: each step as it happens, and the mend of the one that fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.agents import PhoneMode
from app.model import Trunk
from app.phone_trials import PhoneTrial, TrialProblem, TrialStep
from app.store import audit, phones
from app.store.people import Role
from app.store.phones import Phone
from app.units import AgentId, TrunkId
from tests.unit.panel.site import Site
from tests.unit.panel.test_signing_in import token_of

PAGE = "/phones/agent-101/trial"


class Trials:
    """A telephone network whose trials stand where a test puts them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.now: PhoneTrial | None = None

    def begin_trial(self, endpoint: str, language: str) -> None:
        """Keep it."""
        self.asked.append((endpoint, language))
        self.now = PhoneTrial(endpoint=endpoint)

    def trial(self, endpoint: str) -> PhoneTrial | None:
        """Where it stands."""
        return self.now if self.now is not None and self.now.endpoint == endpoint else None

    def stands(self, step: TrialStep, problem: TrialProblem | None = None, **news: object) -> None:
        """Put it there."""
        assert self.now is not None
        self.now = replace(self.now, step=step, problem=problem, **news)  # type: ignore[arg-type]


@pytest.fixture
def trials(site: Site) -> Trials:
    """The site's network can try phones."""
    site.agents._phone_trials = made = Trials()
    return made


async def test_a_trunk_is_not_rung_as_a_phone(site: Site, trials: Trials) -> None:
    """It would be called with no number."""
    await site.operations.save_trunk(Trunk(id=TrunkId("way"), endpoint="my-provider", prefixes=("+",)))
    async with site.browser(role=Role.AGENT) as http:
        form = {"csrf_token": token_of(await (await http.get(PAGE)).text())}
        refused = await http.post("/phones/my-provider/trial", data=form)
        assert (refused.status, "my-provider is a trunk, not a phone" in await refused.text()) == (409, True)
    assert trials.asked == []


async def test_each_step_is_shown_as_it_happens(site: Site, trials: Trials) -> None:
    async with site.browser(role=Role.AGENT) as http:
        page = await (await http.get(PAGE)).text()
        assert "Ring this phone" in page
        assert "data-again" not in page
        form = {"csrf_token": token_of(page)}
        page = await (await http.post(PAGE, data=form)).text()
        assert trials.asked == [("agent-101", "en")]
        assert "data-again" in page
        assert 'is-now" aria-current="step"' in page
        assert "Ring again" not in page
        trials.stands(TrialStep.VOICE, has_rung=True, key="5")
        page = await (await http.get(PAGE)).text()
        assert page.count('<li class="is-done"') == 2
        assert "It rings." in page
        assert "Key 5 arrived." in page
        trials.stands(TrialStep.DONE, talked_s=2)
        page = await (await http.get(PAGE)).text()
        assert page.count('<li class="is-done"') == 4
        assert "Speech: 2 s of 3." in page
        assert "The phone works." in page
        assert "Ring again" in page
        assert "data-again" not in page
    (entry, *_) = (await site.store.read(audit.audit_page)).entries
    assert (entry.what, entry.subject) == ("tried phone", "phone agent-101")


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("problem", list(TrialProblem))
async def test_whatever_goes_wrong_has_its_mend(
    site: Site, trials: Trials, problem: TrialProblem, language: str
) -> None:
    trials.begin_trial("agent-101", "en")
    trials.stands(TrialStep.KEY, problem, told="Allocation failed")
    async with site.browser() as http:
        http.cookie_jar.update_cookies({"outring_language": language})
        page = await (await http.get(PAGE)).text()
    assert '<li class="is-wrong"' in page
    mend = page.split('<p class="note note-alarm" role="alert">', 1)[1].split("</p>", 1)[0]
    assert len(mend) > 30
    assert ("Allocation failed" in mend) == (problem is TrialProblem.ASTERISK)
    assert (language == "ru") == any("а" <= letter <= "я" for letter in mend.lower())


async def test_somebody_elses_phone_is_left_alone(site: Site, trials: Trials) -> None:
    zoe = await site.add_user("zoe", Role.AGENT)
    await site.store.write(phones.put_phone, Phone(endpoint="agent-101", agent_id=AgentId(zoe.id)))
    async with site.browser(role=Role.AGENT) as http:
        token = token_of(await (await http.get("/nothing")).text())
        answer = await http.post(PAGE, data={"csrf_token": token})
        assert answer.status == 403
        assert "this phone is somebody else&#39;s" in await answer.text()
    async with site.browser("boss", Role.ADMIN) as http:
        token = token_of(await (await http.get("/nothing")).text())
        assert trials.asked == []
        assert (await http.post(PAGE, data={"csrf_token": token})).status == 200
    assert len(trials.asked) == 1


async def test_a_phone_somebody_works_at_is_not_rung(site: Site, trials: Trials) -> None:
    zoe = await site.add_user("zoe", Role.AGENT)
    await site.agents.sign_in(zoe, endpoint="agent-101", phone_mode=PhoneMode.PER_CALL, campaigns_served=())
    async with site.browser() as http:
        form = {"csrf_token": token_of(await (await http.get(PAGE)).text())}
        answer = await http.post(PAGE, data=form)
        assert answer.status == 409
        assert "zoe works at this phone now; try it after their shift" in await answer.text()
    assert trials.asked == []


async def test_a_network_without_phones_and_a_name_that_is_none_are_told(site: Site) -> None:
    async with site.browser() as http:
        form = {"csrf_token": token_of(await (await http.get(PAGE)).text())}
        answer = await http.post(PAGE, data=form)
        assert answer.status == 409
        assert "phones cannot be tried on this telephone network" in await answer.text()
        assert (await http.get("/phones/a%3Bb/trial")).status == 404
