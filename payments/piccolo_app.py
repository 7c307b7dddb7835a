"""Registers the tables and migrations of payments."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="payments",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=table_finder(
        modules=[
            "payments.tables",
            "payments.tables.ledger",
            "payments.tables.bank",
            "payments.tables.stripe",
            "payments.tables.custody",
        ],
        exclude_imported=True,
    ),
    migration_dependencies=["core.piccolo_app"],
    commands=[],
)
