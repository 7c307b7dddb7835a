"""Registers the tables and migrations of grading."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="grading",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=table_finder(
        modules=[
            "grading.tables",
            "grading.tables.watching",
            "grading.tables.life",
            "grading.tables.supervision",
            "grading.tables.laboratory",
            "grading.tables.live",
            "grading.tables.conduct",
        ],
        exclude_imported=True,
    ),
    migration_dependencies=["core.piccolo_app", "agencies.piccolo_app"],
    commands=[],
)
