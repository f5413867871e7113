"""All tables there are, whichever module describes them."""

from safetyd.store import (  # noqa: F401 - their tables join the same metadata
    account_schema,
    assignment_schema,
    chain_schema,
    notice_schema,
    rollup_schema,
    schema,
)

metadata = schema.metadata
