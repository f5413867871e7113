"""Where the head of the record goes is read whole, goes over TLS, and shows no secret."""

import shutil
import subprocess
from pathlib import Path

import pytest

from safetyd.configuration import Loaded, load
from safetyd.faults import ConfigurationError
from safetyd.site_words import site_words

SITE = 'timezone = "America/Los_Angeles"\nbuildings = [{ id = "maple" }]\n'
HEAD = 'head_url = "https://heads.district.example/mulberry?key=heron"\n'
STAMP = 'timestamp_url = "http://tsa.example/mulberry"\ntimestamp_ca_file = "ca.pem"\n'


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    assert shutil.which("openssl"), "openssl is missing; on Debian: apt-get install openssl"
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ours"
    named = ["-keyout", tmp_path / "key", "-out", tmp_path / "ca.pem"]
    subprocess.run(["openssl", *made.split(), *named], check=True, capture_output=True)
    (tmp_path / "token").write_text("heron-7\n")


def read(folder: Path, audit: str, **environ: str) -> Loaded:
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    (folder / "safetyd.toml").write_text(f'site = "site.toml"\n[audit]\n{audit}', encoding="utf-8")
    return load(folder / "safetyd.toml", environ)


def test_paths_are_relative_to_the_file_and_the_head_file_need_not_be_there_yet(tmp_path: Path) -> None:
    audit = read(tmp_path, f'head_file = "heads.txt"\n{STAMP}').settings.audit
    assert (audit.head_file, audit.timestamp_ca_file) == (tmp_path / "heads.txt", tmp_path / "ca.pem")


def test_the_token_is_in_a_file_or_a_variable(tmp_path: Path) -> None:
    first = read(tmp_path, HEAD + 'head_token_file = "token"\n').settings.audit.head_token
    second = read(tmp_path, HEAD, SAFETYD_AUDIT__HEAD_TOKEN="heron-7").settings.audit.head_token
    assert first == second and first is not None and first.get_secret_value() == "heron-7"


def test_check_says_where_it_goes_and_no_secret(tmp_path: Path) -> None:
    loaded = read(tmp_path, HEAD + 'head_token_file = "token"\n' + STAMP)
    words = "\n".join(site_words(loaded))
    assert "Posts the head of the record each day to heads.district.example." in words
    assert "Has the head of the record stamped each day by tsa.example." in words
    for hidden in ("mulberry", "heron"):
        assert hidden not in words + repr(loaded.settings)


@pytest.mark.parametrize(
    ("audit", "told"),
    [
        (
            'head_url = "http://heads.example/x"\n',
            "head_url: what is told would go over the network in the clear",
        ),
        ('head_url = "https://a:b@heads.example/x"\n', "head_url: a name or password stands in this address"),
        ('head_token_file = "token"\n', "head_url: a token without its address"),
        (HEAD + 'head_token_file = "none"\n', "head_token_file: no file is at 'none'"),
        (HEAD + 'head_token = "heron"\n', "head_token: a secret does not stand in this file"),
        ('timestamp_url = "https://tsa.example/"\n', "timestamp_ca_file: nothing stands here"),
        ('timestamp_url = "ftp://tsa.example/"\n', "timestamp_url: ftp is not the web"),
        (STAMP.replace("ca.pem", "none.pem"), "timestamp_ca_file: no file is at 'none.pem'"),
        (STAMP.replace("ca.pem", "token"), "timestamp_ca_file: no certificate is in this file"),
        ('head_uri = "https://heads.example/x"\n', "did you mean 'head_url'?"),
    ],
)
def test_what_is_faulty_is_named_with_its_key_and_no_secret(tmp_path: Path, audit: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, audit)
    (fault,) = str(caught.value).splitlines()
    assert told in fault and "heron" not in fault


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_a_program_on_this_machine_is_told_in_the_clear(tmp_path: Path, host: str) -> None:
    assert read(tmp_path, f'head_url = "http://{host}:8080/heads"\n').settings.audit.head_url
