"""Where Piccolo looks for its engine and its apps; the order of the apps is the order of the floors."""

from pathlib import Path

from piccolo.conf.apps import AppRegistry

from core.db import ENGINE

DB = ENGINE

FLOORS = ("core", "agencies", "payments", "market", "contracts", "grading")
_HERE = Path(__file__).parent

APP_REGISTRY = AppRegistry(
    apps=[f"{floor}.piccolo_app" for floor in FLOORS if (_HERE / floor / "piccolo_app.py").exists()]
)
