"""An index of the rows whose main date is wider than a day.

With it a search between two dates reads neither everything before nor everything after them.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

WIDE = (
    'CREATE INDEX "{name}_wide" ON "{name}" (tenant, date_low, date_high) '
    "WHERE date_high - date_low > 86400000000"  # microseconds: a day
)


def upgrade() -> None:
    """Make the index for every resource type."""
    connection = op.get_bind()
    types = [name for (name,) in connection.exec_driver_sql("SELECT name FROM resource_type ORDER BY number")]
    statements = [WIDE.format(name=table_name(one)) for one in types]
    for statement in ["; ".join(statements)] if connection.dialect.name == "postgresql" else statements:
        connection.exec_driver_sql(statement)


def table_name(resource_type: str) -> str:
    """Return `medication_request` for `MedicationRequest`."""
    first, rest = resource_type[0], resource_type[1:]
    return first.lower() + "".join(f"_{c.lower()}" if c.isupper() else c for c in rest)
