"""Registers the market's tables and migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="market",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=table_finder(
        modules=["market.tables", "market.tables.watching", "market.tables.signals", "market.tables.guards"],
        exclude_imported=True,
    ),
    migration_dependencies=["core.piccolo_app", "agencies.piccolo_app"],
    commands=[],
)
