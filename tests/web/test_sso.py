"""The district's single sign-on: who comes back from it, as whom, and who does not get in."""

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from joserfc.jwk import RSAKey

from safetyd.core.model import Role
from safetyd.setting_web import Grant, Oidc
from safetyd.store import accounts
from safetyd.store.database import open_for_writing
from safetyd.web.app import Application
from safetyd.web.pages.sso import granted_to
from tests.web.district import CLIENT, SECRET, District, district
from tests.web.school import Answer, Browser, School, school

GRANTS = (
    Grant("maple-custodians", Role.FACILITIES, ("maple",)),
    Grant("cedar-custodians", Role.FACILITIES, ("cedar",)),
    Grant("office", Role.DISTRICT, ()),
)
IDS = ("maple", "cedar")
TABLES = [{"group": g.group, "role": g.role, "buildings": list(g.buildings) or ["*"]} for g in GRANTS]


@pytest.fixture
def elsewhere() -> Iterator[District]:
    with district() as made:
        yield made


@pytest.fixture
def at_school(tmp_path: Path, elsewhere: District) -> Iterator[School]:
    """A school whose district has a login of its own."""
    with school(tmp_path) as made:
        oidc = Oidc(
            issuer=elsewhere.issuer,
            client_id=CLIENT,
            client_secret=SECRET,
            grants=TABLES,
        )
        made.application.close()
        made.house = made.house._replace(oidc=oidc, address="http://school.example")
        made.application = Application(made.house)
        yield made


def visit(browser: Browser, then: str = "/") -> Answer:
    """Go to the district's login, be logged in there, and come back."""
    left = browser.get(f"/sso?then={then}")
    assert left.status == 302, left.text
    there = urlsplit(left.headers["location"])
    connection = HTTPConnection(there.netloc, timeout=30)
    connection.request("GET", f"{there.path}?{there.query}")
    back = urlsplit(connection.getresponse().headers["Location"])
    connection.close()
    waiting = left.headers["set-cookie"].partition(";")[0]
    return browser.get(f"{back.path}?{back.query}", {"cookie": waiting})


def test_the_login_offers_it(at_school: School) -> None:
    assert "District login" in Browser(at_school).get("/login").text


def test_who_comes_back_is_who_the_district_says_with_what_their_group_gets(
    at_school: School, elsewhere: District
) -> None:
    browser = Browser(at_school)
    answer = visit(browser, "/buildings/maple")
    assert (answer.status, answer.headers["location"]) == (303, "/buildings/maple")
    found = browser.account
    assert (found.name, found.role, found.buildings) == ("Pat Quill", Role.FACILITIES, ("maple",))
    elsewhere.claims |= {"name": "Pat Quill-Ray", "groups": ["office"]}
    visit(Browser(at_school))
    assert (browser.account.name, browser.account.role) == ("Pat Quill-Ray", Role.DISTRICT), (
        "at the next login"
    )


def test_who_is_in_no_group_of_ours_is_nobody_here(at_school: School, elsewhere: District) -> None:
    for groups in (["students"], [], None, 7, "cedar-custodians "):
        elsewhere.claims["groups"] = groups
        answer = visit(Browser(at_school))
        assert answer.status == 403 and "none of your groups" in answer.text


def test_nobody_becomes_somebody_who_logs_in_by_a_password(at_school: School, elsewhere: District) -> None:
    at_school.token(Role.ADMINISTRATOR, name="Pat Quill")
    answer = visit(Browser(at_school))
    assert answer.status == 403 and "as somebody else" in answer.text
    with closing(open_for_writing(at_school.url)) as connection:
        assert accounts.named(connection, "Pat Quill").role is Role.ADMINISTRATOR


@pytest.mark.parametrize(
    "spoil", [{"nonce": "another"}, {"aud": "another"}, {"iss": "http://other.example"}, {"exp": 1}]
)
def test_a_token_for_somebody_else_or_of_another_time_lets_nobody_in(
    at_school: School, elsewhere: District, spoil: dict[str, object]
) -> None:
    elsewhere.spoil = spoil
    browser = Browser(at_school)
    assert visit(browser).status in (403, 503)
    assert browser.get("/account").status == 303


def test_a_token_signed_by_somebody_else_lets_nobody_in(at_school: School, elsewhere: District) -> None:
    elsewhere.signs_with = RSAKey.generate_key(2048, parameters={"kid": "k1"}, private=True)
    assert visit(Browser(at_school)).status in (403, 503)


def test_an_answer_that_nobody_waits_for_lets_nobody_in(at_school: School) -> None:
    answer = Browser(at_school).get("/sso/back?code=code-1&state=x")
    assert answer.status == 400 and "begin it again" in answer.text


def test_a_login_that_does_not_answer_says_so(at_school: School, elsewhere: District) -> None:
    elsewhere.close()
    answer = Browser(at_school).get("/sso")
    assert answer.status == 503 and "does not answer" in answer.text


def test_the_first_grant_that_fits_says_the_role_and_all_of_that_role_the_buildings() -> None:
    oidc = Oidc(
        issuer="https://login.example",
        client_id="x",
        grants=TABLES,
    )
    assert oidc.grants == GRANTS
    both = ["office", "cedar-custodians", "maple-custodians"]
    assert granted_to(oidc, both, IDS) == (Role.FACILITIES, ("maple", "cedar"))
    assert granted_to(oidc, ["office"], IDS) == (Role.DISTRICT, ())
    assert granted_to(oidc, "office", IDS) == (Role.DISTRICT, ())
    assert granted_to(oidc, ["offices"], IDS) is None


def test_one_grant_is_for_a_group_of_each_building() -> None:
    tables = [
        {"group": "sd-{building}-office", "role": "administrator"},
        {"group": "office", "role": "district", "buildings": ["*"]},
    ]
    oidc = Oidc(issuer="https://login.example", client_id="x", grants=tables)
    assert granted_to(oidc, ["sd-maple-office"], IDS) == (Role.ADMINISTRATOR, ("maple",))
    assert granted_to(oidc, ["sd-maple-office", "sd-cedar-office"], IDS) == (
        Role.ADMINISTRATOR,
        ("maple", "cedar"),
    )
    assert granted_to(oidc, ["sd-elm-office", "office"], IDS) == (Role.DISTRICT, ()), "no such building"
    for groups in (
        ["sd-elm-office"],
        ["sd--office"],
        ["sd-{building}-office"],
        ["sd-maple-office "],
        [["x"]],
    ):
        assert granted_to(oidc, groups, IDS) is None
    assert granted_to(oidc, ["sd-maple-office"], ()) is None, "and never every building"


def test_a_grant_names_its_buildings_once() -> None:
    twice = [{"group": "{building}-office", "role": "district", "buildings": ["*"]}]
    with pytest.raises(ValueError, match="names buildings twice"):
        Oidc(issuer="https://login.example", client_id="x", grants=twice)


def test_what_a_browser_brings_back_is_one_line_of_the_log_without_its_words(
    at_school: School, caplog: pytest.LogCaptureFixture
) -> None:
    browser = Browser(at_school)
    left = browser.get("/sso")
    waiting = left.headers["set-cookie"].partition(";")[0]
    said = "/sso/back?error=access_denied&error_description=no%0A2026-12-01 ERROR all is well%1b[2J"
    assert browser.get(said, {"cookie": waiting}).status == 403
    (line,) = [each.getMessage() for each in caplog.records if each.name == "safetyd.web"]
    assert line.isprintable() and "access_denied" in line and "all is well" not in line


@pytest.mark.parametrize(
    ("issuer", "is_taken"),
    [
        ("https://login.example", True),
        ("http://127.0.0.1:9000", True),
        ("http://[::1]:9000", True),
        ("http://localhost:9000", True),
        ("http://login.example", False),
        ("http://10.20.0.5", False),
        ("http://localhost.example", False),
    ],
)
def test_who_somebody_is_is_never_asked_in_the_clear(issuer: str, is_taken: bool) -> None:
    given = {"issuer": issuer, "client_id": "x", "grants": TABLES}
    if is_taken:
        assert Oidc(**given).issuer == issuer
    else:
        with pytest.raises(ValueError, match="in the clear"):
            Oidc(**given)
