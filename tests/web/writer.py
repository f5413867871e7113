"""The one writer, as a thread: it carries out what is left in the inbox of a school's store.

Rule: it ends with the test, and what it could not carry out fails the test.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from threading import Event, Thread

from safetyd.errands import Errands
from safetyd.service import Service
from safetyd.store.database import open_for_reading, open_for_writing
from tests.web.school import School


@contextmanager
def writer(school: School) -> Iterator[None]:
    """Have commands carried out while this lasts."""
    over, begun = Event(), Event()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            with (
                closing(open_for_writing(school.url)) as mine,
                closing(open_for_reading(school.url)) as reader,
            ):
                service = Service(mine, school.site, "safetyd", datetime.now(UTC))

                def commit() -> None:
                    with service.writing():
                        errands.write_answers(mine)
                        service.commit(datetime.now(UTC))
                    errands.are_answered()

                errands = Errands(service, reader, commit)
                begun.set()
                while not over.wait(0.02):
                    errands.tend(datetime.now(UTC))
        except BaseException as error:
            failed.append(error)
            begun.set()

    thread = Thread(target=work)
    thread.start()
    try:
        begun.wait()
        yield
    finally:
        over.set()
        thread.join()
    assert not failed, failed[0]
