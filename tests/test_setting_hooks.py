"""The hooks of safetyd.toml are read whole, go over TLS, and show no secret."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from safetyd.configuration import Loaded, load
from safetyd.core.engine import _EVENTS
from safetyd.faults import ConfigurationError
from safetyd.setting_hooks import EVENTS
from safetyd.site_words import site_words
from tests.receiver import SECRET

SITE = 'timezone = "America/Los_Angeles"\nbuildings = [{ id = "maple" }, { id = "cedar" }]\n'
CORE = Path(__file__).resolve().parent.parent / "safetyd" / "core"
URL = 'url = "https://desk.district.example/hooks/mulberry"\n'
FILE = 'secret_file = "secret"\n'


def read(folder: Path, *hooks: str, **environ: str) -> Loaded:
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    (folder / "secret").write_text(SECRET + "\n", encoding="utf-8")
    (folder / "short").write_text("whsec_c2hvcnQ=\n", encoding="utf-8")
    text = 'site = "site.toml"\n' + "".join(f"[[webhook]]\n{each}\n" for each in hooks)
    (folder / "safetyd.toml").write_text(text, encoding="utf-8")
    return load(folder / "safetyd.toml", environ)


def test_without_any_nobody_is_told(tmp_path: Path) -> None:
    assert read(tmp_path).settings.webhook == ()


def test_a_hook_has_its_secret_from_a_file_or_a_variable(tmp_path: Path) -> None:
    other = 'url = "http://127.0.0.1:9000/x"\nsecret_env = "DESK"\nevents = ["opened"]\nbuildings = ["cedar"]'
    first, second = read(tmp_path, URL + FILE, other, DESK=SECRET).settings.webhook
    assert first.key == second.key == b"herons stand in the river at dawn"
    assert (first.name, first.buildings, first.events) == ("desk.district.example", (), ())
    assert (second.name, second.buildings, second.events) == ("127.0.0.1:9000", ("cedar",), ("opened",))


def test_two_of_one_host_have_names_of_their_own(tmp_path: Path) -> None:
    hooks = [f'url = "https://desk.example/{n}"\n{FILE}' for n in range(3)]
    names = [each.name for each in read(tmp_path, *hooks).settings.webhook]
    assert names == ["desk.example", "desk.example (2)", "desk.example (3)"]


def test_check_says_what_goes_where_and_no_secret(tmp_path: Path) -> None:
    loaded = read(tmp_path, URL + FILE + 'events = ["opened", "dispute_withdrawn"]\nbuildings = ["maple"]')
    words = "\n".join(site_words(loaded))
    said = "Posts opened and dispute withdrawn of maple to the web hook at desk.district.example, signed."
    assert said in words
    assert "Posts every ticket event to" in "\n".join(site_words(read(tmp_path, URL + FILE)))
    for hidden in ("mulberry", SECRET, SECRET[6:]):
        assert hidden not in words + repr(loaded.settings)


@pytest.mark.parametrize(
    ("hook", "key", "hint"),
    [
        (FILE, "webhook[0].url", "https://host/path"),
        ('url = "http://desk.example/x"\n' + FILE, "webhook[0].url", "in the clear"),
        ('url = "ftp://desk.example/x"\n' + FILE, "webhook[0].url", "https://"),
        ('url = "https://a:b@desk.example/x"\n' + FILE, "webhook[0].url", "a name or password"),
        ('url = "http://127.0.0.1.desk.example/x"\n' + FILE, "webhook[0].url", "in the clear"),
        (URL, "webhook[0].secret_file", "secret_env"),
        (URL + 'secret_file = "nowhere"', "webhook[0].secret_file", "cannot be read"),
        (URL + 'secret_file = "short"', "webhook[0].secret_file", "24 to 64 bytes"),
        (URL + f'secret = "{SECRET}"', "webhook[0].secret", "does not stand in this file"),
        (URL + 'secret_env = "NOBODY"', "webhook[0].secret_env", "the environment has no 'NOBODY'"),
        (URL + 'secret_env = "SHORT"', "webhook[0].secret_env", "not shown"),
        (URL + FILE + 'secret_env = "SHORT"', "webhook[0].secret_env", "one of them"),
        (URL + FILE + 'events = ["opend"]', "webhook[0].events[0]", "did you mean 'opened'"),
        (URL + FILE + 'buildings = ["mapel"]', "webhook[0].buildings", "did you mean 'maple'"),
        (URL + FILE + 'urls = "x"', "webhook[0].urls", "nobody knows this key"),
        (URL + FILE + f"[[webhook]]\n{URL}{FILE}", "webhook[1].url", "stands here twice"),
    ],
)
def test_a_faulty_hook_is_told_with_its_key_and_no_secret(
    tmp_path: Path, hook: str, key: str, hint: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, hook, SHORT="whsec_c2hvcnQ=")
    (fault,) = caught.value.faults
    assert fault.key == key and hint in str(fault)
    for hidden in ("mulberry", SECRET, "c2hvcnQ"):
        assert hidden not in str(fault)


def test_a_single_table_is_no_list_of_hooks(tmp_path: Path) -> None:
    read(tmp_path)
    (tmp_path / "safetyd.toml").write_text(f'site = "site.toml"\n[webhook]\n{URL}', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"\[\[webhook\]\]"):
        load(tmp_path / "safetyd.toml", {})


def recorded() -> Iterator[str]:
    """Every event that the core writes down by its name."""
    for path in CORE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("record", "telling.record"):
                yield from (each.value for each in node.args[3:4] if isinstance(each, ast.Constant))


def test_every_event_that_the_core_writes_down_may_be_asked_for() -> None:
    found = {*recorded(), *_EVENTS.values()}
    assert len(found) > 20 and found <= EVENTS
