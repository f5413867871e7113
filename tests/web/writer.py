"""The one writer behind a school's application: it carries out what is left in the inbox, as a daemon does.

Rule: it is the real service on the school's store; only the broker is not there.
"""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from threading import Event, Thread

from safetyd.errands import answer_to
from safetyd.service import Service
from safetyd.store import inbox
from safetyd.store.database import open_for_reading, open_for_writing
from tests.web.school import School

_LOOK_S = 0.005


@contextmanager
def writer(school: School) -> Iterator[None]:
    """Have commands carried out meanwhile."""
    is_over, faults = Event(), []

    def work() -> None:
        with closing(open_for_writing(school.url)) as own, closing(open_for_reading(school.url)) as reader:
            service = Service(own, school.site, "safetyd", school.now)
            while not is_over.wait(_LOOK_S):
                for number in inbox.unanswered(reader):
                    said = inbox.body(reader, number)
                    reader.rollback()
                    at = datetime.now(UTC)
                    try:
                        answer = answer_to(service, json.loads(said or "{}"), at)
                    except Exception as fault:
                        faults.append(fault)
                        answer = json.dumps({"refused": f"the writer failed: {fault!r}"})
                    service.commit(at)
                    inbox.answer(own, number, answer)
                    own.commit()
                reader.rollback()

    thread = Thread(target=work, name="writer")
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
    assert not faults, faults
