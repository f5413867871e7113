"""The promise: safetyd.toml and the environment are read whole or not at all, and no secret is ever shown."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from safetyd.configuration import PLACES, Loaded, find_config, load
from safetyd.faults import ConfigurationError, Fault, did_you_mean

SITE = 'name = "A District"\ntimezone = "America/Los_Angeles"\n[[buildings]]\nid = "lincoln"\n'
SECRET = "correct-horse-battery"

Read = Callable[..., Loaded]
Faults = Callable[..., list[str]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write a safetyd.toml (and a site file beside it), and load them."""

    def write_and_load(text: str = 'site = "site.toml"', **environ: str) -> Loaded:
        (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
        (tmp_path / "safetyd.toml").write_text(text, encoding="utf-8")
        return load(tmp_path / "safetyd.toml", environ)

    return write_and_load


@pytest.fixture
def faults(read: Read, tmp_path: Path) -> Faults:
    """Load what is faulty, and return its faults without the folder."""

    def told(text: str = 'site = "site.toml"', **environ: str) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            read(text, **environ)
        lines = str(caught.value).splitlines()
        assert len(lines) == len(caught.value.faults)
        return [line.replace(f"{tmp_path}/", "") for line in lines]

    return told


def mqtt(*lines: str) -> str:
    return "\n".join(['site = "site.toml"', "[mqtt]", *lines])


def test_what_is_left_out_has_the_documented_default(read, tmp_path):
    settings = read().settings
    assert (settings.mqtt.host, settings.mqtt.port, settings.mqtt.client_id) == ("127.0.0.1", 1883, "safetyd")
    assert (settings.mqtt.root, settings.mqtt.protocol, settings.mqtt.tls) == ("safetyd", 5, False)
    assert settings.store.path == tmp_path / "var/safetyd.db"
    assert settings.store.commit_every == timedelta(seconds=1)
    assert (settings.store.keep_raw, settings.store.keep_rollups) == (None, None)
    assert (settings.web.listen, settings.log.level, settings.log.format) == (
        "127.0.0.1:8914",
        "info",
        "logfmt",
    )
    assert (settings.influx, settings.heartbeat, settings.mqtt.password) == (None, None, None)


def test_the_environment_wins_over_the_file(read):
    text = mqtt('host = "broker.example.org"', "port = 1884")
    mqtt_settings = read(text, SAFETYD_MQTT__HOST="10.0.0.9", SAFETYD_MQTT__TLS="on").settings.mqtt
    assert (mqtt_settings.host, mqtt_settings.port, mqtt_settings.tls) == ("10.0.0.9", 1884, True)


def test_the_environment_alone_is_enough_where_the_file_says_little(read):
    environ = {"SAFETYD_SITE": "site.toml", "SAFETYD_MQTT__PORT": "1999", "SAFETYD_STORE__COMMIT_EVERY": "5s"}
    settings = read("", **environ).settings
    assert (settings.mqtt.port, settings.store.commit_every) == (1999, timedelta(seconds=5))
    assert settings.site == ("site.toml",)


def test_the_environment_handed_over_is_the_one_that_counts(read, monkeypatch):
    monkeypatch.setenv("SAFETYD_MQTT__HOST", "not.this.one")
    assert read().settings.mqtt.host == "127.0.0.1"


def test_what_is_heard_too_is_a_list_or_words_with_commas(read):
    assert read().settings.mqtt.also == ()
    assert read(mqtt('also = ["tele/#", "zigbee2mqtt/+"]')).settings.mqtt.also == ("tele/#", "zigbee2mqtt/+")
    assert read(SAFETYD_MQTT__ALSO="tele/#,zigbee2mqtt/+").settings.mqtt.also == ("tele/#", "zigbee2mqtt/+")


def test_an_empty_variable_is_no_variable(read):
    assert read(SAFETYD_MQTT__HOST="").settings.mqtt.host == "127.0.0.1"


def test_a_byte_order_mark_is_no_fault(read):
    assert read("\ufeff" + mqtt("port = 7")).settings.mqtt.port == 7


@pytest.mark.parametrize("url", ["sqlite:////var/lib/safetyd/safetyd.db", "sqlite:///var/safetyd.db"])
def test_four_slashes_are_absolute_and_three_relative_to_the_file(read, tmp_path, url):
    store = read(f'site = "site.toml"\n[store]\nurl = "{url}"').settings.store
    expected = Path("/var/lib/safetyd/safetyd.db") if "////" in url else tmp_path / "var/safetyd.db"
    assert store.path == expected
    assert store.url == f"sqlite:///{expected}"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["port = 0"], "mqtt.port: 0 is out of range; expected a whole number from 1 to 65535"),
        (['port = "x"'], "mqtt.port: 'x' is not a whole number; expected"),
        (["port = true"], "mqtt.port: true is not a whole number; expected"),
        (["protocol = 3"], "mqtt.protocol: 3 is out of range; expected a whole number from 4 to 5"),
        (['host = "a host"'], "mqtt.host: 'a host' is not a host; expected"),
        (['root = "a/b"'], "mqtt.root: 'a/b' is not one level of a topic; expected"),
        (['root = "a+"'], "mqtt.root: 'a+' has a wildcard; expected"),
        (['also = ["tele/x+"]'], "mqtt.also: 'tele/x+' has a wildcard within a level; expected"),
        (["also = []"], "mqtt.also: no list of anything stands here; expected"),
        (['client_id = ""'], "mqtt.client_id: '' is not a topic; expected"),
        (['tls = "maybe"'], "mqtt.tls: 'maybe' is neither true nor false; expected"),
        (['keepalive = "0s"'], "mqtt.keepalive: '0s' is no time at all; expected"),
        (['keepalive = "2d"'], "mqtt.keepalive: it is too long for MQTT; expected"),
        (['hsot = "x"'], "; did you mean 'host'?"),
        (['password_file = "nowhere"'], "mqtt.password_file: no file is at 'nowhere'; expected a file"),
        (["tls = true", 'ca_file = "no.pem"'], "mqtt.ca_file: no file is at 'no.pem'; expected a file"),
        (["tls = true", 'key_file = "site.toml"'], "mqtt.cert_file: a key without its certificate"),
        (['ca_file = "site.toml"'], "mqtt.ca_file: it is of no use without TLS; expected tls = true"),
        (
            ["protocol = 4", 'password_file = "site.toml"'],
            "mqtt.password_file: 'site.toml' holds no single line",
        ),
    ],
)
def test_each_faulty_key_of_mqtt_is_told_with_what_was_expected(faults, lines, told):
    (line,) = faults(mqtt(*lines))
    assert line.startswith("safetyd.toml: mqtt.")
    assert told in line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[store]\nurl = "mysql://x/y"', "store.url: mysql is not in this release; expected sqlite:///PATH"),
        ('[store]\nurl = "sqlite://"', "store.url: what stands here is not an address"),
        ('[store]\nurl = "sqlite:///:memory:"', "store.url: this address names no file"),
        ('[store]\nurl = "var/safetyd.db"', "store.url: what stands here is not an address"),
        ('[store]\ncommit_every = "1 s"', "store.commit_every: '1 s' is not a duration"),
        ('[store]\nkeep_raw = "239h"', "store.keep_raw: '239h' is too short; expected at least \"10d\""),
        ('[store]\nkeep_rollups = "0s"', "store.keep_rollups: '0s' is too short"),
        ('[web]\nlisten = "8914"', "web.listen: '8914' is nowhere to listen; expected host:port"),
        ('[influx]\nurl = "http://i:8086"', "influx.bucket: nothing stands here; expected a value"),
        (
            '[influx]\nurl = "http://i"\nbucket = "b"\nusername = "u"',
            "influx.password_file: a name without its password; expected the file",
        ),
        (
            '[influx]\nurl = "http://i"\nbucket = "b"\nca_file = "site.toml"',
            "influx.ca_file: it is of no use without TLS; expected https:// in url",
        ),
        ('[heartbeat]\nevery = "60s"', "heartbeat.url: nothing stands here"),
        ('[web]\npublic_url = "school.example"', "web.public_url: "),
        ('[web]\npublic_url = "https://a:b@x.example"', "web.public_url: a name or password stands in this"),
        ('[web]\npublic_url = "https://x.example/?q=1"', "web.public_url: this address ends in a query"),
        ("[last_resort]", "last_resort.url: neither a web hook nor a mail server stands here; expected url"),
        ('[last_resort]\nurl = "ftp://x"', "last_resort.url: ftp is not the web; expected http"),
        (
            '[last_resort]\nsmtp_host = "mail.example"\nsmtp_from = "a@example"',
            "last_resort.smtp_to: nothing stands here; expected a mail address",
        ),
        (
            '[last_resort]\nurl = "https://x.example"\nsmtp_port = 587',
            "last_resort.url: a web hook and a mail server stand here; expected one of them",
        ),
        (
            '[last_resort]\nsmtp_host = "mail.example"\nsmtp_from = "Ann <a@x>"\nsmtp_to = "b@x"',
            "last_resort.smtp_from: what stands here is no mail address (not shown); expected name@host",
        ),
        (
            '[last_resort]\nurl = "https://x.example"\nafter = "0s"',
            "last_resort.after: ",
        ),
        ('[heartbeat]\nurl = "ftp://x"', "heartbeat.url: ftp is not the web; expected http"),
        ('[log]\nlevel = "eror"', "log.level: no level is called 'eror'; expected"),
        ("[log]\nlevel = 3", "log.level: no level is called 3"),
        ('[log]\nformat = "jsno"', "log.format: no form is called 'jsno'; expected"),
        ("[moqtt]", "moqtt: nobody knows this key; expected"),
        ("mqtt = 5", "mqtt: 5 is not a table; expected a table: [mqtt]"),
    ],
)
def test_each_faulty_key_elsewhere_is_told_with_what_was_expected(faults, text, told):
    (line,) = faults(f'site = "site.toml"\n{text}')
    assert line.startswith(f"safetyd.toml: {told}")


SERVER = "postgresql+psycopg://safetyd@db.example.org:5433/district"


def test_a_store_may_be_in_a_postgresql(read):
    store = read(
        f'site = "site.toml"\n[store]\nurl = "{SERVER}?options=-csearch_path%3Dnorth"'
    ).settings.store
    assert store.path is None
    assert store.place == "postgresql://db.example.org:5433/district (schema north)"


def test_the_password_of_a_store_stands_in_a_file_of_its_own(read, tmp_path):
    (tmp_path / "pw").write_text(f"{SECRET}\n", encoding="utf-8")
    store = read(f'site = "site.toml"\n[store]\nurl = "{SERVER}"\npassword_file = "pw"').settings.store
    assert store.password is not None and store.password.get_secret_value() == SECRET
    assert SECRET not in store.url and str(tmp_path / "pw") in unquote(store.url)
    assert SECRET not in repr(store)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://safetyd:{SECRET}@db.example.org/district",
        f"postgresql+psycopg://safetyd@db.example.org/district?password={SECRET}",
    ],
)
def test_a_password_in_the_address_of_a_store_is_refused_and_not_shown(faults, url):
    (line,) = faults(f'site = "site.toml"\n[store]\nurl = "{url}"')
    assert "store.url: a password does not stand in an address" in line
    assert "password_file" in line and "SAFETYD_STORE__PASSWORD" in line
    assert SECRET not in line


@pytest.mark.parametrize("url", ["postgresql+psycopg://safetyd@db.example.org", f"{SERVER}/more"])
def test_the_address_of_a_server_names_one_database(faults, url):
    (line,) = faults(f'site = "site.toml"\n[store]\nurl = "{url}"')
    assert "store.url: this address names no database; expected sqlite:///PATH" in line


BOTH = "postgresql+psycopg://safetyd@/district?host=db1.example.org:5433&host=db2.example.org"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        (f"{BOTH}&target_session_attrs=read-write", "db1.example.org:5433,db2.example.org:5432/district"),
        (f"{BOTH}&options=-csearch_path%3Dnorth", "db1.example.org:5433,db2.example.org:5432/district"),
        ("postgresql+psycopg://safetyd@/district?host=db1,db2&port=5433,5434", "db1:5433,db2:5434/district"),
        (
            "postgresql+psycopg://safetyd@/district?host=db1,::1&port=5433,5433",
            "db1:5433,[::1]:5433/district",
        ),
        ("postgresql+psycopg://safetyd@/district?host=/run/postgresql", "/run/postgresql:5432/district"),
    ],
)
def test_a_store_may_have_servers_that_stand_in_for_each_other(read, url, place):
    store = read(f'site = "site.toml"\n[store]\nurl = "{url}"').settings.store
    assert store.place.removesuffix(" (schema north)") == f"postgresql://{place}"
    assert store.place.endswith(" (schema north)") == ("search_path" in url)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("safetyd@db1:5432,db2:5432/district", "several hosts do not stand before the database"),
        ("safetyd@db1,db2/district", "several hosts do not stand before the database"),
        ("safetyd@db1/district?host=db2", "hosts stand before the database and behind it"),
        ("safetyd@/district?host=db1:x&host=db2", "this address names hosts that there cannot be"),
        ("safetyd@/district?host=[::1]:5432&host=db2", "this address names hosts that there cannot be"),
        ("safetyd@/district?host=db1,db2&port=5433", "this address names hosts that there cannot be"),
        ("safetyd@/district?host=db1:5432,db2:5433", "this address names hosts that there cannot be"),
        ("safetyd@/district?host=db1:99999&host=db2", "this address names hosts that there cannot be"),
        ("safetyd@/district?host=db1,db2,db3&port=1,2", "this address names hosts that there cannot be"),
        ("safetyd@/district?host=db1&host=db2&port=1,2", "this address names hosts that there cannot be"),
        (
            "safetyd@/district?host=db1&host=db2&target_session_attrs=any",
            "target_session_attrs lets us in where nothing can be written",
        ),
    ],
)
def test_servers_that_could_not_stand_in_are_refused_with_the_form_that_works(faults, url, what):
    (line,) = faults(f'site = "site.toml"\n[store]\nurl = "postgresql+psycopg://{url}"')
    assert f"store.url: {what}; expected postgresql+psycopg://user@/database?host=first:5432" in line
    assert "host=second:5432&target_session_attrs=read-write" in line


def test_a_file_of_sqlite_knows_no_password(faults):
    (line,) = faults('site = "site.toml"', SAFETYD_STORE__PASSWORD=SECRET)
    assert "store.password_file: a file of SQLite's knows no password" in line
    assert SECRET not in line


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("SAFETYD_MQTT__HSOT", "SAFETYD_MQTT__HOST"),
        ("SAFETYD_CONFG", "SAFETYD_CONFIG"),
        ("SAFETYD_MQTT_HOST", "SAFETYD_MQTT__HOST"),
    ],
)
def test_a_mistyped_variable_is_a_fault_even_at_the_top(faults, name, hint):
    (line,) = faults(**{name: SECRET})
    assert line.startswith(f"environment: {name}: no setting has this name; expected")
    assert line.endswith(f"; did you mean '{hint}'?")
    assert SECRET not in line


def test_a_faulty_variable_is_named_as_the_variable(faults):
    (line,) = faults(mqtt("port = 1883"), SAFETYD_MQTT__PORT="many")
    assert line.startswith("environment: SAFETYD_MQTT__PORT: 'many' is not a whole number; expected")


def test_the_variable_that_says_where_the_file_is_is_no_setting(read):
    assert read(SAFETYD_CONFIG="elsewhere.toml", SAFETY="x", PATH="/bin").settings.mqtt.host == "127.0.0.1"


def test_a_secret_is_read_from_its_file_without_the_end_of_its_line(read, tmp_path):
    (tmp_path / "pw").write_text(f"{SECRET}\r\n", encoding="utf-8")
    password = read(mqtt('username = "u"', 'password_file = "pw"')).settings.mqtt.password
    assert password is not None
    assert password.get_secret_value() == SECRET


def test_the_environments_secret_wins_over_the_file_of_one(read, tmp_path):
    (tmp_path / "pw").write_text("other\n", encoding="utf-8")
    settings = read(mqtt('password_file = "pw"'), SAFETYD_MQTT__PASSWORD=SECRET).settings
    assert settings.mqtt.password.get_secret_value() == SECRET


def test_a_password_in_the_file_is_refused_and_not_repeated(faults):
    (line,) = faults(mqtt(f'password = "{SECRET}"'))
    assert "expected password_file, or SAFETYD_MQTT__PASSWORD in the environment" in line
    assert SECRET not in line


def test_a_password_alone_is_nothing_mqtt_3_1_1_knows(faults):
    (line,) = faults(mqtt("protocol = 4"), SAFETYD_MQTT__PASSWORD=SECRET)
    assert "mqtt.username: a password without a name" in line


INFLUX = 'site = "site.toml"\n[influx]\nurl = "https://i:8086"\nbucket = "b"\n'


def test_influx_takes_a_token_or_a_name_and_a_password(read, faults):
    named = read(INFLUX + 'username = "u"', SAFETYD_INFLUX__PASSWORD=SECRET).settings.influx
    assert named.authorization.get_secret_value() == f"u:{SECRET}"
    assert SECRET not in repr(named)
    assert (
        read(INFLUX, SAFETYD_INFLUX__TOKEN=SECRET).settings.influx.authorization.get_secret_value() == SECRET
    )
    assert read(INFLUX).settings.influx.authorization is None
    both = {"SAFETYD_INFLUX__TOKEN": SECRET, "SAFETYD_INFLUX__PASSWORD": SECRET}
    (line,) = faults(INFLUX + 'username = "u"', **both)
    assert "influx.token: a token and a name stand here" in line.replace(
        "SAFETYD_INFLUX__TOKEN", "influx.token"
    )
    (line,) = faults(INFLUX, SAFETYD_INFLUX__PASSWORD=SECRET)
    assert "influx.username: a password without a name; expected the name" in line


def test_a_secret_is_in_no_repr_and_in_no_text(read, tmp_path):
    (tmp_path / "token").write_text(SECRET, encoding="utf-8")
    text = (
        f'site = "site.toml"\n[heartbeat]\nurl = "https://hc.example.org/{SECRET}"\n'
        '[influx]\nurl = "http://i:8086"\nbucket = "b"\ntoken_file = "token"\n'
    )
    loaded = read(text, SAFETYD_MQTT__PASSWORD=SECRET)
    assert loaded.settings.heartbeat.url.get_secret_value().endswith(SECRET)
    assert loaded.settings.influx.token.get_secret_value() == SECRET
    for shown in (repr(loaded), str(loaded), str(loaded.settings), repr(loaded.settings.mqtt)):
        assert SECRET not in shown


@pytest.mark.parametrize(
    "text",
    [
        f'{SECRET} = "x"\n[mqtt]\npassowrd = "SECRET"',
        '[influx]\nurl = "http://u:SECRET@i"\nbucket = "b"',
        '[influx]\nurl = "http://i"\nbucket = "b"\ntoken = "SECRET"',
        '[heartbeat]\nurl = "hc.example.org/SECRET"',
        '[mqtt]\nhost = "mqtt://u:SECRET@h"',
        '[mqtt]\nusername = "u:SECRET@h\\n"',
    ],
)
def test_a_secret_in_the_wrong_place_is_in_no_fault_and_no_traceback(read, text):
    hidden = "s3cr3t-of-mine"
    with pytest.raises(ConfigurationError) as caught:
        read('site = "site.toml"\n' + text.replace("SECRET", hidden))
    error: BaseException | None = caught.value
    while error is not None:
        assert hidden not in repr(error) + str(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("off", ["false", '"off"', '"false"'])
def test_it_may_listen_nowhere(read, off):
    assert read(f'site = "site.toml"\n[web]\nlisten = {off}').settings.web.listen is None


def test_broken_toml_is_told_with_its_line(faults):
    (line,) = faults('site = "site.toml"\n[mqtt\nhost = "x"')
    assert line.startswith("safetyd.toml: line 2: this is not TOML: ")


def test_broken_toml_still_lets_the_environment_speak(faults):
    lines = faults("site = ", SAFETYD_MQTT__PORT="x", SAFETYD_MQQT="y")
    assert [line.split(": ")[1] for line in lines] == ["SAFETYD_MQQT", "line 1", "SAFETYD_MQTT__PORT"]


def test_a_file_that_is_not_text_is_told_with_its_line(tmp_path):
    (tmp_path / "safetyd.toml").write_bytes(b'site = "site.toml"\n# caf\xe9\n')
    with pytest.raises(ConfigurationError, match=r"safetyd.toml: line 2: a character is not UTF-8"):
        load(tmp_path / "safetyd.toml", {})


def test_a_file_that_is_not_there_is_a_fault_and_no_traceback(tmp_path):
    with pytest.raises(ConfigurationError, match="it cannot be read: no such file or directory"):
        load(tmp_path / "safetyd.toml", {})


@pytest.mark.parametrize("text", ["", "site = []", "site = 3", 'site = [""]'])
def test_no_site_is_a_fault(faults, text):
    (line,) = faults(text)
    assert line.startswith("safetyd.toml: site: ")


@pytest.mark.parametrize("pattern", ["nowhere.toml", "nowhere/*.toml"])
def test_a_site_that_matches_no_file_is_a_fault(faults, pattern):
    (line,) = faults(f'site = ["site.toml", "{pattern}"]')
    assert (
        line
        == f"safetyd.toml: site: no file is at '{pattern}'; expected paths or globs, relative to this file"
    )


def test_every_fault_of_every_file_and_of_the_environment_comes_at_once(faults, tmp_path):
    (tmp_path / "second.toml").write_text('[[buildings]]\nid = "X"\n', encoding="utf-8")
    (tmp_path / "third.toml").write_text("[[", encoding="utf-8")
    lines = faults(
        'site = ["site.toml", "second.toml", "third.toml", "no.toml"]\ncolour = 1\n'
        '[mqtt]\nport = 0\npassword_file = "no"\n[store]\nurl = "mysql://h/d"\n',
        SAFETYD_MQTT__HSOT="x",
        SAFETYD_MQTT__TLS="x",
    )
    assert sorted(line.split(": ")[0] + " " + line.split(": ")[1] for line in lines) == [
        "environment SAFETYD_MQTT__HSOT",
        "environment SAFETYD_MQTT__TLS",
        "safetyd.toml colour",
        "safetyd.toml mqtt.password_file",
        "safetyd.toml mqtt.port",
        "safetyd.toml site",
        "safetyd.toml store.url",
        "second.toml buildings[0].id",
        "third.toml line 1",
    ]


def test_a_fault_is_one_sentence_on_one_line():
    fault = Fault("site.toml", "buildings[0].rooms[3].id", "'Room 4' is not an id", "a-z, 0-9 and -")
    assert str(fault) == "site.toml: buildings[0].rooms[3].id: 'Room 4' is not an id; expected a-z, 0-9 and -"


def test_an_unknown_key_with_a_line_break_in_it_stays_on_one_line(faults):
    assert len(faults('site = "site.toml"\n"a\\nb" = 1')) == 1


def test_only_a_near_word_is_suggested():
    assert did_you_mean("hsot", ["host", "port"]) == "; did you mean 'host'?"
    assert did_you_mean("elephant", ["host", "port"]) == ""


class TestWhereTheConfigurationIs:
    def look(self, places: list[Path], explicit: str | None = None, environ: Mapping[str, str] | None = None):
        return find_config(explicit, environ or {}, places)

    def test_asked_for_wins_over_the_environment_and_that_over_the_usual_places(self, tmp_path):
        for name in ("asked", "environ", "usual", "last"):
            (tmp_path / name).write_text("", encoding="utf-8")
        places = [tmp_path / "usual", tmp_path / "last"]
        environ = {"SAFETYD_CONFIG": str(tmp_path / "environ")}
        assert self.look(places, str(tmp_path / "asked"), environ) == tmp_path / "asked"
        assert self.look(places, None, environ) == tmp_path / "environ"
        assert self.look(places) == tmp_path / "usual"
        (tmp_path / "usual").unlink()
        assert self.look(places) == tmp_path / "last"

    def test_asked_for_and_absent_is_a_fault_even_if_another_is_there(self, tmp_path):
        (tmp_path / "usual").write_text("", encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"command line: --config: no file is at 'nix'"):
            self.look([tmp_path / "usual"], "nix")
        with pytest.raises(ConfigurationError, match=r"environment: SAFETYD_CONFIG: no file is at 'nix'"):
            self.look([tmp_path / "usual"], None, {"SAFETYD_CONFIG": "nix"})

    def test_nowhere_names_every_place(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        places = (Path("config/safetyd.toml"), tmp_path / "etc" / "safetyd.toml")
        with pytest.raises(ConfigurationError) as caught:
            find_config(None, {}, places)
        for place in (*map(str, places), "--config", "SAFETYD_CONFIG"):
            assert place in str(caught.value)
        assert (Path("config/safetyd.toml"), Path("/etc/safetyd/safetyd.toml")) == PLACES


def test_a_ups_of_this_machine_is_a_witness_of_a_known_building(read, faults):
    ups = '[ups]\nname = "{}"\nbuilding = "{}"'
    settings = read('site = "site.toml"\n' + ups.format("gateway", "lincoln")).settings
    assert settings.ups is not None
    assert (settings.ups.host, settings.ups.port) == ("127.0.0.1", 3493)
    (fault,) = faults('site = "site.toml"\n' + ups.format("gateway", "lincon"))
    assert (
        fault == "safetyd.toml: ups.building: no building is called 'lincon'; expected lincoln; "
        "did you mean 'lincoln'?"
    )
    (fault,) = faults('site = "site.toml"\n' + ups.format("the ups", "lincoln"))
    assert "'the ups' is no name of a UPS" in fault
