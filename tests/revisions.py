"""A revision of the tables that is made up, so that there is something to be upgraded to."""

REVISION = '''
"""Made up: makes one table anew, adds one, moves rows."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "{revision}", "{before}"

def upgrade() -> None:
    op.create_table("mood", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute("INSERT INTO mood (id) SELECT id FROM path")
    with op.batch_alter_table("path", recreate="always") as table:
        table.add_column(sa.Column("mood_id", sa.Integer(), nullable=True))
    op.execute("UPDATE path SET mood_id = id")
    {more}
'''
"""The text of its file; `more` are further statements."""
