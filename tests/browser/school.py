"""A school whose daemon serves pages: what is said over its broker is on them."""

from tests.journeys.served import Served
from tests.journeys.servers import LOOPBACK, Client, House


class School(Served):
    """Two buildings: `maple` with the rooms `12` and `lab`, `cedar` with the room `1`."""

    def __init__(self, house: House, port: int, client: Client) -> None:
        super().__init__(house, port)
        self.url = f"http://{LOOPBACK}:{port}"
        self.client = client

    def hears(self, room: str, **values: object) -> None:
        """Let a sensor of `building/room` report, and return once the broker has it."""
        self.client.tell(f"safetyd/readings/{room}", values)
