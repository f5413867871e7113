"""InfluxDB as the long memory: a copy of the record that follows it, and is read where ours is gone.

Rule: the store is the record. A copy that fails keeps its place on disk, and the watch does not notice.
"""
