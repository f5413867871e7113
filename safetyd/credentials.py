"""Where the file of a secret is: beside the configuration, or where systemd hands it to a service.

Rule: one name for both. The unit says `LoadCredential=secrets:/etc/safetyd/secrets`; so what a configuration
calls `secrets/mqtt` is `secrets_mqtt` to the daemon, which may not read that folder, and the file to root.
"""

from collections.abc import Mapping
from os.path import isfile  # False, too, of what we may not look at
from pathlib import Path

VARIABLE = "CREDENTIALS_DIRECTORY"


def located(folder: Path, told: str | Path, environ: Mapping[str, str]) -> Path:
    """Return the absolute path of a file that a configuration in this folder names."""
    handed = environ.get(VARIABLE)
    if handed and isfile(given := Path(handed) / str(told).replace("/", "_")):
        return given
    return folder.absolute() / told
