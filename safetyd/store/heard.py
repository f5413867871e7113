"""What of an observation was heard before: the same reading counts once.

Rule: what is stored is looked up where it lies, from its own time on; nothing is searched from the beginning.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from safetyd.core.model import Observation, Quantity
from safetyd.store.moments import micros
from safetyd.store.readings import FIELDS, QUANTITY_OF, RETAINED, Kept, first_id_since
from safetyd.store.schema import reading


def heard_at(connection: Connection, number: int, observed_at: datetime) -> set[Quantity]:
    """Return which quantities of a sensor's reading of one moment are stored.

    A reading may arrive a little before the time it claims: the search begins a while earlier.
    """
    start = first_id_since(connection, observed_at - timedelta(minutes=3))
    wanted = select(reading.c.quantity).where(
        reading.c.id >= start,
        reading.c.sensor == number,
        reading.c.observed_at == micros(observed_at),
        reading.c.mark != RETAINED,
    )
    return {QUANTITY_OF[Kept(kept)] for kept in connection.execute(wanted).scalars()}


def unheard(connection: Connection, number: int, spoke: Observation) -> Observation | None:
    """Return what of an observation is not stored yet, None if all of it is: the same reading counts once."""
    return beyond(spoke, heard_at(connection, number, spoke.observed_at))


def said_in(observations: Iterable[Observation]) -> set[Quantity]:
    """Return which quantities observations hold a value of."""
    names = [(QUANTITY_OF[kept], name) for kept, name in FIELDS.items()]
    return {quantity for each in observations for quantity, name in names if getattr(each, name) is not None}


def beyond(spoke: Observation, heard: Collection[Quantity]) -> Observation | None:
    """Return what of an observation was not heard before, None if all of it was."""
    stored: dict[str, Any] = {name: None for kept, name in FIELDS.items() if QUANTITY_OF[kept] in heard}
    news = [getattr(spoke, name) for name in FIELDS.values() if name not in stored]
    return spoke._replace(**stored) if any(value is not None for value in news) else None
