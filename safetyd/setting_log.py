"""`[log]` of safetyd.toml: what safetyd says of itself while it runs."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainValidator

from safetyd.setting_shapes import log_format, log_level


class Log(BaseModel):
    """`[log]`: how much is said, and in which form."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    level: Annotated[str, PlainValidator(log_level)] = "info"
    format: Annotated[str, PlainValidator(log_format)] = "logfmt"
