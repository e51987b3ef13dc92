"""The checker used after crashes sees each way in which the tables can disagree."""

from __future__ import annotations

import pytest
import sqlalchemy

from tests.store.consistency import disagreements
from tests.store.making import deletion, write

DAMAGES = {
    "a change is gone": ("DELETE FROM change WHERE version = 2", "not in change"),
    "a change too many": ("UPDATE change SET version = 9 WHERE version = 1 AND id = 'b'", "in change and not stored"),
    "a version of history is gone": ("DELETE FROM history WHERE version = 1", "history holds"),
    "a current row is gone": ("DELETE FROM patient WHERE id = 'a'", "no current row"),
    "an end is wrong": ("UPDATE history SET ended = ended + 1 WHERE version = 2", "end when none begins"),
}


@pytest.fixture
async def written(store):
    for step in (write(), write(id="b"), write(version=2), deletion(version=3)):
        await store.tenant(1).write([step])


def do(database_url: str, statement: str) -> None:
    engine = sqlalchemy.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_seen(database_url, damage):
    assert disagreements(database_url) == []
    statement, sentence = DAMAGES[damage]
    do(database_url, statement)
    assert any(sentence in found for found in disagreements(database_url))


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # PostgreSQL keeps the tail in the row
def test_a_tail_without_its_index_is_seen(database_url):
    do(database_url, "DELETE FROM patient_ix WHERE h = 3")
    assert any("tail" in found for found in disagreements(database_url))
