from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import SmallInt
from piccolo.columns.indexes import IndexMethod
from piccolo.constraints import Unique

ID = "2026-11-25T17:39:41:784774"
VERSION = "1.38.0"
DESCRIPTION = "a bond asked again after its release is the next round of it"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="market", description=DESCRIPTION
    )

    manager.add_column(
        table_class_name="Bond",
        tablename="market_bond",
        column_name="round",
        db_column_name="round",
        column_class_name="SmallInt",
        column_class=SmallInt,
        params={
            "default": 1,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    manager.drop_constraint(
        table_class_name="Bond",
        tablename="market_bond",
        constraint_name="market_bond_once",
        schema=None,
    )

    manager.add_constraint(
        table_class_name="Bond",
        tablename="market_bond",
        constraint_name="market_bond_once_a_round",
        constraint_class=Unique,
        params={"columns": ["award", "kind", "round"], "nulls_distinct": True},
        schema=None,
    )

    return manager
