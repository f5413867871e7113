"""A broker by the files of deploy/mosquitto and the scripts beside them, with ports and paths of its own.

Rule: what is replaced in a file must stand there, so that no test runs by other words than those shipped.
"""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.journeys.servers import LOOPBACK, ROOT, Broker, free_port, program, until

FILES = ROOT / "deploy" / "mosquitto"
DEVICE_SECONDS = 20


def replaced(text: str, words: dict[str, str]) -> str:
    """Return a text with words replaced; fail if they are not there."""
    for old, new in words.items():
        assert old in text, f"{old!r} does not stand in the file"
        text = text.replace(old, new)
    return text


def script(name: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a script of deploy/mosquitto as a technician would."""
    command = [str(FILES / name), *map(str, arguments)]
    path = Path(program("mosquitto_passwd")).parent
    search = f"/usr/local/bin:/usr/bin:/bin:{path}"
    return subprocess.run(command, check=False, capture_output=True, text=True, env={"PATH": search})


def done(said: "subprocess.CompletedProcess[str]") -> str:
    """Return what a script printed; fail unless it succeeded."""
    assert said.returncode == 0, said.stderr
    return said.stdout


class Shipped(Broker):
    """Two listeners, one of them with TLS; nobody without an account."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        folder.mkdir()
        folder.chmod(0o755)
        self.tls_port = free_port()
        self.passwords: dict[str, str] = {}
        self.words: dict[str, str] = {}  # what a technician has changed in the file
        self.bridge = ""
        self.certs = folder / "certs"
        self.ca_file = self.certs / "ca.pem"
        done(self.certify("server", "localhost", LOOPBACK))
        self.add("safetyd")

    def certify(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return script("certificates.sh", "-d", self.certs, *arguments)

    def account(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return script("account.sh", "-d", self.folder, *arguments)

    def add(self, name: str, *topics: str) -> None:
        """Give somebody an account."""
        self.passwords[name] = done(self.account("add", name, *topics)).strip()

    def configuration(self) -> str:
        words = {
            **self.words,
            "listener 1883 127.0.0.1\n": f"listener {self.port} {LOOPBACK}\n",
            "listener 8883\n": f"listener {self.tls_port} {LOOPBACK}\n",
            "/etc/mosquitto/": f"{self.folder}/",
            "autosave_interval 30\n": "autosave_interval 1\n",
        }
        # What Debian's own file says; the user is of effect for root only, else one who cannot write here.
        own = f"user root\npersistence true\npersistence_location {self.folder}/\n"
        return own + replaced((FILES / "gateway.conf").read_text("utf-8"), words) + self.bridge

    def bridge_to(self, district: "Shipped", account: str, more: dict[str, str] | None = None) -> None:
        """Pass on to a district's broker what the shipped bridge passes on."""
        self.bridge = replaced(
            (FILES / "district.conf").read_text("utf-8"),
            {
                "broker.district.example:8883": f"{LOOPBACK}:{district.tls_port}",
                "/etc/mosquitto/ca_certificates/district.pem": str(district.ca_file),
                "as-printed-by-account.sh": district.passwords[account],
                "restart_timeout 5 60": "restart_timeout 1",
                **(more or {}),
            },
        )

    def log_says(self, words: str) -> None:
        log = self.folder / "mosquitto.log"
        until(f"the broker's log says {words!r}", lambda: words.encode() in log.read_bytes())

    def wrote(self, words: bytes) -> bool:
        """Whether the broker's own file holds what would survive a power cut."""
        file = self.folder / "mosquitto.db"
        return file.exists() and words in file.read_bytes()

    # devices in the building

    def device(
        self, account: str, topic: str, *more: object, says: Iterable[str] = (), **other: object
    ) -> "subprocess.CompletedProcess[str]":
        """Let a device speak over TLS, by its account or as `other` says; return what became of it."""
        asked = {
            "host": LOOPBACK,
            "port": self.tls_port,
            "cafile": self.ca_file,
            "username": account,
            "pw": self.passwords.get(account, "none"),
            **other,
        }
        command = [program("mosquitto_pub"), "-V", "5", "-q", "1", "-t", topic]
        for option, value in asked.items():
            command += [f"--{option}", str(value)] if value is not None else []
        lines = list(says)
        command += ["-l"] if lines else []
        command += [str(each) for each in more]
        text = "".join(f"{line}\n" for line in lines) if lines else None
        return subprocess.run(
            command, check=False, capture_output=True, text=True, input=text, timeout=DEVICE_SECONDS
        )

    def says(self, account: str, topic: str, *payloads: str, qos: int = 1) -> None:
        """Let a device say each of these; fail unless the broker takes all."""
        said = self.device(account, topic, "-q", qos, says=payloads)
        assert said.returncode == 0 and "Not authorized" not in said.stderr, said.stderr
