from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.base import OnDelete
from piccolo.columns.base import OnUpdate
from piccolo.columns.column_types import BigSerial
from piccolo.columns.column_types import ForeignKey
from piccolo.columns.column_types import Varchar
from piccolo.columns.indexes import IndexMethod
from piccolo.constraints import Unique
from piccolo.table import Table


class Bundle(Table, tablename="payments_bundle", schema=None):
    id = BigSerial(
        null=False,
        primary_key=True,
        unique=False,
        index=False,
        index_method=IndexMethod.btree,
        choices=None,
        db_column_name=None,
        secret=False,
    )


ID = "2026-11-25T23:21:32:844015"
VERSION = "1.38.0"
DESCRIPTION = "several payables on one page of Stripe"


class RawTable(Table):
    """Only to run statements."""


async def _let_go_of_the_old_key() -> None:
    """The line's name was the primary key; Piccolo adds the new one but cannot take the old one away."""
    await RawTable.raw("alter table payments_stripe_line drop constraint payments_stripe_line_pkey")


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="payments", description=DESCRIPTION
    )

    manager.add_raw(_let_go_of_the_old_key)

    manager.add_column(
        table_class_name="StripeAttempt",
        tablename="payments_stripe_attempt",
        column_name="bundle",
        db_column_name="bundle",
        column_class_name="ForeignKey",
        column_class=ForeignKey,
        params={
            "references": Bundle,
            "on_delete": OnDelete.restrict,
            "on_update": OnUpdate.cascade,
            "target_column": None,
            "null": True,
            "primary_key": False,
            "unique": False,
            "index": True,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    manager.add_column(
        table_class_name="StripeLine",
        tablename="payments_stripe_line",
        column_name="id",
        db_column_name="id",
        column_class_name="BigSerial",
        column_class=BigSerial,
        params={
            "null": False,
            "primary_key": True,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    manager.alter_column(
        table_class_name="StripeAttempt",
        tablename="payments_stripe_attempt",
        column_name="session",
        db_column_name="session",
        params={"unique": False},
        old_params={"unique": True},
        column_class=Varchar,
        old_column_class=Varchar,
        schema=None,
    )

    manager.alter_column(
        table_class_name="StripeAttempt",
        tablename="payments_stripe_attempt",
        column_name="intent",
        db_column_name="intent",
        params={"unique": False},
        old_params={"unique": True},
        column_class=Varchar,
        old_column_class=Varchar,
        schema=None,
    )

    manager.alter_column(
        table_class_name="StripeDispute",
        tablename="payments_stripe_dispute",
        column_name="dispute",
        db_column_name="dispute",
        params={"unique": False},
        old_params={"unique": True},
        column_class=Varchar,
        old_column_class=Varchar,
        schema=None,
    )

    manager.alter_column(
        table_class_name="StripeLine",
        tablename="payments_stripe_line",
        column_name="line",
        db_column_name="line",
        params={"primary_key": False},
        old_params={"primary_key": True},
        column_class=Varchar,
        old_column_class=Varchar,
        schema=None,
    )

    manager.add_constraint(
        table_class_name="StripeAttempt",
        tablename="payments_stripe_attempt",
        constraint_name="payments_stripe_attempt_intent_once",
        constraint_class=Unique,
        params={"columns": ["intent", "payable"], "nulls_distinct": True},
        schema=None,
    )

    manager.add_constraint(
        table_class_name="StripeAttempt",
        tablename="payments_stripe_attempt",
        constraint_name="payments_stripe_attempt_session_once",
        constraint_class=Unique,
        params={"columns": ["session", "payable"], "nulls_distinct": True},
        schema=None,
    )

    manager.add_constraint(
        table_class_name="StripeDispute",
        tablename="payments_stripe_dispute",
        constraint_name="payments_stripe_dispute_once",
        constraint_class=Unique,
        params={"columns": ["dispute", "attempt"], "nulls_distinct": True},
        schema=None,
    )

    manager.add_constraint(
        table_class_name="StripeLine",
        tablename="payments_stripe_line",
        constraint_name="payments_stripe_line_once",
        constraint_class=Unique,
        params={"columns": ["line", "payable"], "nulls_distinct": True},
        schema=None,
    )

    return manager
