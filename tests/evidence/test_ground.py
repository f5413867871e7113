"""What a packet stands on beyond the readings: how far a sensor may be off, and the stamp of an authority."""

import io
import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from safetyd import stamping
from safetyd.evidence.packet import write_packet
from safetyd.replay import read_recording, replay
from safetyd.site import read_site
from safetyd.store import anchors, chain
from safetyd.store.anchors import Way
from safetyd.store.database import open_for_writing
from tests.authority import Authority
from tests.evidence.packets import OVER, SITE, TICKET, Told, packet, parts_of, recorded
from tests.stores import store_url

SILL = """
[[buildings.sensors]]
id = "sill"
topic = "own/sill"
room = "12"
format = "json"
unit = "F"
values = { temperature = "t" }
tolerance = { temperature_f = 0.9, humidity = 3 }
"""


def text_of(content: bytes) -> str:
    pages = PdfReader(io.BytesIO(parts_of(content)["ticket.pdf"])).pages
    return " ".join(word for page in pages for word in page.extract_text().split())


def document(content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(parts_of(content)["ticket.json"])
    return found


def test_a_sensor_says_how_far_it_may_be_off_where_the_site_file_does(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(SITE.replace("[[people]]", SILL + "[[people]]", 1), encoding="utf-8")
    site = read_site([file], {}, faults := [])
    assert site is not None and not faults
    said = [
        {"at": f"2026-12-01T17:{minute:02}:00Z", "topic": topic, "payload": json.dumps({key: 55.0})}
        for minute in range(0, 50, 5)
        for topic, key in (("own/sill", "t"), ("safetyd/readings/maple/12", "temperature_f"))
    ]
    lines = read_recording([json.dumps(each) for each in said], "said")
    made = io.BytesIO()
    with closing(open_for_writing(store_url(tmp_path))) as connection:
        replay(lines, site, store=connection)
        connection.commit()
        write_packet(connection, site, "safetyd", TICKET, made)
    bands = {
        each["id"]: (each["error_band_f"], each["error_band_humidity"])
        for each in document(made.getvalue())["sensors"]
    }
    assert bands == {"sill": (0.9, 3.0), "12": (None, None)}
    assert "± 0.9 °F ± 3 % humidity" in text_of(made.getvalue())
    assert "not stated" in text_of(made.getvalue())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stamps") / "authority")


@pytest.fixture(scope="module")
def stamped(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> bytes:
    """The packet of a store whose chain was stamped at its end of then."""
    folder = tmp_path_factory.mktemp("stamped")
    url, _ = recorded(folder)
    with closing(open_for_writing(url)) as connection:
        head = chain.head(connection)
        assert head is not None
        anchors.owe(connection, [Way.STAMP], "2026-12-03", head, OVER)
        given = authority.stamp(stamping.question(chain.made_of(connection, head.number)).body)
        anchors.finish(connection, 1, OVER, "2026-12-03T09:01:02Z CN=Stamps", given)
        connection.commit()
    return packet(folder, url)


def test_a_stamp_of_the_chain_goes_with_the_packet_and_openssl_agrees(
    stamped: bytes, authority: Authority, tmp_path: Path
) -> None:
    stamp = document(stamped)["stamp"]
    assert (stamp["at"], stamp["by"], stamp["path"]) == ("2026-12-03T09:01:02Z", "CN=Stamps", "stamp.tsr")
    answer = tmp_path / "stamp.tsr"
    answer.write_bytes(parts_of(stamped)["stamp.tsr"])
    assert authority.agrees(answer, stamp["hash"])
    assert not authority.agrees(answer, stamp["hash"][::-1])
    told = parts_of(stamped)["README.txt"].decode()
    assert f"openssl ts -verify -digest {stamp['hash']} -in stamp.tsr" in told
    assert f"--head {stamp['hash']}@{stamp['number']}" in told
    assert "by CN=Stamps: stamp.tsr" in text_of(stamped)


def test_the_packet_fits_the_row_that_was_stamped(stamped: bytes, tmp_path: Path) -> None:
    stamp, file = document(stamped)["stamp"], tmp_path / "packet.zip"
    file.write_bytes(stamped)
    (tmp_path / "verify.py").write_bytes(parts_of(stamped)["verify.py"])
    for hash, code in ((stamp["hash"], 0), (stamp["hash"][::-1], 1)):
        asked = ["verify.py", file.name, "--head", f"{hash}@{stamp['number']}"]
        told = subprocess.run([sys.executable, *asked], check=False, cwd=tmp_path, capture_output=True)
        assert told.returncode == code, told.stdout


def test_a_stamp_that_was_changed_is_found(stamped: bytes, tmp_path: Path) -> None:
    answer = parts_of(stamped)["stamp.tsr"]
    changed = stamped.replace(answer, answer[:-1] + bytes([answer[-1] ^ 1]))
    assert not Told(tmp_path, stamped).faults
    assert any("stamp.tsr" in each for each in Told(tmp_path, changed).faults)


def test_without_a_stamp_nothing_is_said_of_one(tmp_path: Path) -> None:
    url, _ = recorded(tmp_path)
    made = packet(tmp_path, url)
    assert document(made)["stamp"] is None and "stamp.tsr" not in parts_of(made)
    assert "openssl" not in parts_of(made)["README.txt"].decode()
