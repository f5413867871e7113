"""The copy in a real InfluxDB: every row once, whatever fails; names come back as they were."""

from safetyd.core.quality import flaws_of_values  # noqa: F401
