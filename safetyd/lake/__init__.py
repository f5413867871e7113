"""The history as Parquet files, by building and month, and what can be asked of them without the store."""
