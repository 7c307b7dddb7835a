"""Where Piccolo looks for its engine and its apps; the order of the apps is the order of the floors."""

from piccolo.conf.apps import AppRegistry

from core.db import ENGINE

DB = ENGINE

APP_REGISTRY = AppRegistry(
    apps=[
        "core.piccolo_app",
        "agencies.piccolo_app",
        "payments.piccolo_app",
        "market.piccolo_app",
        "contracts.piccolo_app",
        "grading.piccolo_app",
    ]
)
