"""What all tables are made of."""

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Base of all tables."""


db = SQLAlchemy(model_class=Base)

# SQLite's row id is 64 bits wide whatever the type says, and only INTEGER makes an alias of it.
RowId = BigInteger().with_variant(Integer, "sqlite")
# Sorted by code point, as SQLite does, whatever language the server was set up for.
Word = String().with_variant(String(collation="C"), "postgresql")
NO_ROW_ID = {"sqlite_with_rowid": False}
