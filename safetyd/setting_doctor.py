"""`[doctor]` of safetyd.toml: what the doctor is to look at that the daemon itself does not use."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainValidator

from safetyd.setting_shapes import certificate_files


class Doctor(BaseModel):
    """`[doctor]`: certificates that others depend on, such as the one that a broker shows to sensors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    certificates: Annotated[tuple[str, ...], PlainValidator(certificate_files)] = ()

    def at(self, folder: Path) -> "Doctor":
        """Return the same with absolute paths."""
        here = folder.absolute()
        return self.model_copy(update={"certificates": tuple(str(here / each) for each in self.certificates)})
