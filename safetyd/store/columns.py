"""The kinds of columns, as each engine has them.

Rule: a time is 64 bits wide, and text is ordered byte by byte, whatever the locale of a server.
"""

from sqlalchemy import BigInteger, Integer, Text

Whole = Integer().with_variant(BigInteger(), "postgresql")
Words = Text().with_variant(Text(collation="C"), "postgresql")
