"""What Prometheus is told, as it is documented, and that no alert waits for a figure that nobody gives."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from safetyd.certificates import Certificate
from safetyd.core.model import Condition, TroubleKind, Verdict
from safetyd.core.ticket import Status
from safetyd.web.app import Application
from tests.web.school import HERE, School

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| ([^|]*)\|", re.M)
NAME = re.compile(r"\b(?:safetyd|process)_\w+")
MATCHER = re.compile(r'(\w+)="([^"]*)"')
GROUPED = re.compile(r"\b(?:by|on) \(([^)]*)\)")
KNOWN = {
    "condition": {each.value for each in Condition},
    "kind": {each.value for each in TroubleKind},
    "status": {each.value for each in Status},
    "verdict": {each.value for each in Verdict},
    "job": {"safetyd"},
}


def documented() -> dict[str, tuple[str, set[str]]]:
    """Return kind and labels of each metric in the table."""
    table = (FOLDER / "metrics.md").read_text("utf-8")
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROW.findall(table)}


def given(school: School) -> dict[str, tuple[str, set[str]]]:
    """Return kind and labels of each metric that a school with tickets and troubles gives."""
    told = school.ask("/metrics", address=HERE).text
    found = {}
    for family in text_string_to_metric_families(told):
        name = family.name + ("_total" if family.type == "counter" else "")
        found[name] = family.type, {label for sample in family.samples for label in sample.labels}
    return found


def rules() -> Iterator[dict[str, Any]]:
    content = yaml.safe_load((FOLDER / "safetyd.rules.yml").read_text("utf-8"))
    for group in content["groups"]:
        yield from group["rules"]


def test_what_is_documented_is_given_and_nothing_else(at_school: School) -> None:
    table, seen = documented(), given(at_school)
    assert {name: kind for name, (kind, _) in seen.items()} == {
        name: kind for name, (kind, _) in table.items()
    }


def test_labels_are_as_documented(at_school: School) -> None:
    table = documented()
    labelled = {name: labels for name, (_, labels) in given(at_school).items() if labels}
    assert {"safetyd_tickets", "safetyd_rooms", "safetyd_deadlines_overdue"} <= set(labelled)
    assert labelled == {name: table[name][1] for name in labelled}


def test_until_when_certificates_hold_is_told_anew_each_time_and_one_that_cannot_be_read_is_over(
    at_school: School,
) -> None:
    read = [Certificate("gone", wrong="it cannot be read", file="/certs/gone.pem")]
    at_school.application.close()
    at_school.application = Application(at_school.house._replace(certificates=lambda: read))
    for ends_at in (datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 2, 1, tzinfo=UTC)):
        read[1:] = [Certificate("s", datetime(2026, 1, 1, tzinfo=UTC), ends_at, file="/certs/server.pem")]
        families = text_string_to_metric_families(at_school.ask("/metrics", address=HERE).text)
        (found,) = (each for each in families if "certificate" in each.name)
        assert {each.labels["file"]: each.value for each in found.samples} == {
            "/certs/gone.pem": 0.0,
            "/certs/server.pem": ends_at.timestamp(),
        }


def test_every_alert_goes_by_figures_labels_and_words_that_exist() -> None:
    table = documented()
    for rule in rules():
        names = NAME.findall(rule["expr"])
        assert names or re.match(r"up\b", rule["expr"]), rule["alert"]
        assert [name for name in names if name not in table] == [], rule["alert"]
        labels = {"instance", "job"}.union(*(table[name][1] for name in names))
        grouped = {word.strip() for found in GROUPED.findall(rule["expr"]) for word in found.split(",")}
        assert grouped <= labels, rule["alert"]
        for label, value in MATCHER.findall(rule["expr"]):
            assert label in labels and value in KNOWN[label], rule["alert"]


def test_every_alert_says_what_it_is_how_grave_and_what_to_do() -> None:
    found = list(rules())
    assert len({rule["alert"] for rule in found}) == len(found) > 10
    for rule in found:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}
        told = " ".join(rule["annotations"].values())
        shown = set(re.findall(r"\$labels\.(\w+)", told))
        grouped = {word.strip() for found in GROUPED.findall(rule["expr"]) for word in found.split(",")}
        assert shown <= (grouped or {"instance", "job"}), rule["alert"]
        assert "safetyd" in rule["alert"].lower()
