"""All tables there are, whichever module describes them."""

from safetyd.store import notice_schema, rollup_schema, schema  # noqa: F401 - their tables join the same metadata

metadata = schema.metadata
