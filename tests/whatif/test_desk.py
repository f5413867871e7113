"""Questions of several people: one at a time, the newest of each, none of them stored."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from safetyd.configuration import load
from safetyd.site import Site
from safetyd.whatif.answer import Answer, Question
from safetyd.whatif.apart import Errand, Order, Tell
from safetyd.whatif.desk import FRESH_S, Desk, Dropped, Going, Refused
from safetyd.whatif.figures import WhatIfError

ANN, BEN = 1, 2
BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
WITHIN_S = 20.0


class Slow:
    """Work that takes until the test lets it end."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self._may_end = threading.Event()
        self._is_stopped = False

    def answer(self, tell: Tell) -> Answer:
        tell(0.25)
        assert self._may_end.wait(WITHIN_S)
        if self._is_stopped:
            raise WhatIfError("it was stopped")
        return Answer(self.order.question, "worked out", ("a", "b"), ())

    def stop(self) -> None:
        self._is_stopped = True
        self._may_end.set()

    def end(self) -> None:
        self._may_end.set()


class Scene:
    """A desk whose clock and work are the test's."""

    def __init__(self, site: Site) -> None:
        self.site, self.now_s = site, 0.0
        self.begun: list[Slow] = []
        self._has_begun = threading.Condition()
        self.desk = Desk(self._begin, lambda: self.now_s)

    def _begin(self, order: Order) -> Slow:
        with self._has_begun:
            self.begun.append(Slow(order))
            self._has_begun.notify_all()
            return self.begun[-1]

    def work(self, number: int) -> Slow:
        """Return a piece of work once it is begun."""
        with self._has_begun:
            assert self._has_begun.wait_for(lambda: len(self.begun) >= number, WITHIN_S)
            return self.begun[number - 1]

    def ask(self, who: int, cold: int, *, again: bool = False) -> object:
        return self.desk.ask(who, "sqlite:///nowhere.db", question(cold), self.site, is_again=again)


def question(cold: int) -> Question:
    return Question(BEGIN, BEGIN + timedelta(days=7), (f"rules.cold.below_f={cold}",), ("maple",))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "safetyd.toml").write_text('site = ["site.toml"]\n')
    (tmp_path / "site.toml").write_text(
        'timezone = "America/Los_Angeles"\n[[buildings]]\nid = "maple"\nrooms = [{ id = "12" }]\n'
        "[calendar]\nclosed = [2026-11-26]\n"
    )
    return load(tmp_path / "safetyd.toml", {}).site


@pytest.fixture
def scene(site: Site) -> Scene:
    return Scene(site)


def test_who_asks_waits_for_nothing_and_is_told_the_answer_later(scene: Scene) -> None:
    assert isinstance(scene.ask(ANN, 62), Going)
    scene.work(1).end()
    assert scene.desk.rest(WITHIN_S)
    assert isinstance(scene.ask(ANN, 62, again=True), Answer)
    assert isinstance(scene.ask(BEN, 62), Answer), "what was worked out is not worked out again"
    assert len(scene.begun) == 1


def test_an_answer_is_given_again_until_it_is_stale(scene: Scene) -> None:
    scene.ask(ANN, 62)
    scene.work(1).end()
    assert scene.desk.rest(WITHIN_S)
    scene.now_s = FRESH_S - 1
    assert isinstance(scene.ask(ANN, 62), Answer)
    scene.now_s = FRESH_S
    assert isinstance(scene.ask(ANN, 62), Going)
    assert scene.desk.kept(question(62), scene.site) is not None, "a file may still be had of it"
    scene.work(2).end()


def test_a_second_question_of_the_same_person_replaces_the_first(scene: Scene) -> None:
    scene.ask(ANN, 62)
    scene.work(1)
    assert isinstance(scene.ask(ANN, 63), Going)
    assert scene.work(2).order.question == question(63)
    assert scene.ask(ANN, 62, again=True) == Dropped(), "another page of theirs does not take it back"
    scene.work(2).end()
    assert scene.desk.rest(WITHIN_S)
    assert isinstance(scene.ask(ANN, 63, again=True), Answer)


def test_people_wait_for_each_other_and_replace_only_their_own(scene: Scene) -> None:
    scene.ask(ANN, 62)
    scene.work(1)
    assert scene.ask(BEN, 64) == Going(0.0, 1)
    assert scene.ask(BEN, 65) == Going(0.0, 1)
    scene.work(1).end()
    assert scene.work(2).order.question == question(65)
    scene.work(2).end()
    assert scene.desk.rest(WITHIN_S)
    assert len(scene.begun) == 2, "one that was replaced while it waited was never begun"


def test_what_nobody_waits_for_any_more_is_not_begun(scene: Scene) -> None:
    scene.ask(ANN, 62)
    scene.work(1)
    scene.ask(BEN, 64)
    scene.now_s = 61
    scene.work(1).end()
    assert scene.desk.rest(WITHIN_S)
    assert len(scene.begun) == 1


def test_once_it_is_closed_all_is_let_go_of(scene: Scene) -> None:
    scene.ask(ANN, 62)
    scene.work(1)
    scene.desk.close()
    assert scene.desk.rest(WITHIN_S)
    assert scene.desk.kept(question(62), scene.site) is None


# The process itself.


def test_a_store_that_is_not_there_is_told_in_a_sentence(site: Site, tmp_path: Path) -> None:
    desk, nowhere = Desk(), f"sqlite:///{tmp_path}/none.db"
    desk.ask(ANN, nowhere, question(62), site)
    assert desk.rest(WITHIN_S)
    told = desk.ask(ANN, nowhere, question(62), site, is_again=True)
    assert isinstance(told, Refused) and "there is none yet" in told.words


def test_what_takes_too_long_is_ended_and_told(site: Site) -> None:
    errand = Errand(Order("sqlite:///none.db", site, question(62)), within_s=0.0)
    with pytest.raises(WhatIfError, match="it takes longer than 0 minutes"):
        errand.answer(lambda share: None)


def test_a_process_that_is_ended_from_outside_leaves_no_answer(site: Site) -> None:
    errand = Errand(Order("sqlite:///none.db", site, question(62)))
    errand.stop()
    with pytest.raises(WhatIfError, match="has ended"):
        errand.answer(lambda share: None)
