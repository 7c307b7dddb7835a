"""Registers the tables and migrations of contracts."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="contracts",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=table_finder(modules=["contracts.tables", "contracts.tables.supervision"], exclude_imported=True),
    migration_dependencies=[
        "core.piccolo_app",
        "agencies.piccolo_app",
        "payments.piccolo_app",
        "market.piccolo_app",
    ],
    commands=[],
)
