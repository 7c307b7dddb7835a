"""Registers the tables and migrations of agencies."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="agencies",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=table_finder(
        modules=["agencies.tables", "agencies.tables.people", "agencies.tables.suspensions"], exclude_imported=True
    ),
    migration_dependencies=["core.piccolo_app"],
    commands=[],
)
