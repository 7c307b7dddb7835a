"""Roles, databases and default privileges: what the application may do with the owner's tables."""

from pathlib import Path

import psycopg
from psycopg import conninfo, sql

from core.postgres import faults

OWNER = "xinshi_owner"
APP = "xinshi_app"

_DEFAULTS = (
    "alter default privileges grant select, insert, update, delete on tables to {app}",
    "alter default privileges grant usage, select on sequences to {app}",
)
"""Every table made by the role that runs these; the trail's migration takes update and delete away again."""


def establish(owner_url: str, database: str, app_password: str, data: Path) -> None:
    """Create the application's role and database unless they exist; `owner_url` names another database.

    Also proves that the cluster can be read; raises `CannotStart` when it cannot.
    """
    try:
        with psycopg.connect(owner_url, autocommit=True) as link:
            _establish(link, owner_url, database, app_password)
    except psycopg.Error as error:
        raise faults.broken(data, str(error).strip().splitlines()[-1]) from error


def _establish(link: psycopg.Connection, owner_url: str, database: str, app_password: str) -> None:
    if link.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
        return
    if not link.execute("select 1 from pg_roles where rolname = %s", [APP]).fetchone():
        link.execute(sql.SQL("create role {} login password {}").format(sql.Identifier(APP), sql.Literal(app_password)))
    with psycopg.connect(owner_url, dbname="template1", autocommit=True) as template:
        grant_defaults(template, APP)
    link.execute(_creation(database, "template1"))


def grant_defaults(link: psycopg.Connection, app: str) -> None:
    """Let `app` use the tables and sequences that the connected role will create in this database."""
    for statement in _DEFAULTS:
        link.execute(sql.SQL(statement).format(app=sql.Identifier(app)))


def create_database(owner_url: str, name: str, template: str | None) -> None:
    """Create a database, copied from `template` (which nobody may be connected to)."""
    with psycopg.connect(owner_url, autocommit=True) as link:
        link.execute(_creation(name, template or "template1"))


def drop_database(owner_url: str, name: str) -> None:
    """Drop a database if it exists, disconnecting whoever uses it."""
    with psycopg.connect(owner_url, autocommit=True) as link:
        link.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def recreate_database(owner_url: str) -> None:
    """Drop the database that `owner_url` names and create it again, empty."""
    name = str(conninfo.conninfo_to_dict(owner_url)["dbname"])
    with psycopg.connect(owner_url, dbname="postgres", autocommit=True) as link:
        link.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        link.execute(_creation(name, "template1"))


def _creation(name: str, template: str) -> sql.Composed:
    return sql.SQL("create database {} owner {} template {}").format(
        sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
    )
