"""safetyd applies a teachers' contract's room-temperature and electricity clauses to sensor readings."""

__version__ = "0.1.0"
