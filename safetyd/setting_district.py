"""`[district]` of safetyd.toml: into how many shards the buildings are grouped that several workers share.

Rule: the number of shards is the same in each worker's file; the database refuses another than its first.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainValidator

from safetyd.setting_shapes import whole_or_word

MOST_SHARDS = 999


class District(BaseModel):
    """`[district]`: how many shards there are, and of which one a command is to tell."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    shards: Annotated[int, PlainValidator(whole_or_word(1, MOST_SHARDS))]
    shard: Annotated[int, PlainValidator(whole_or_word(0, MOST_SHARDS - 1))] | None = None
