"""The PostgreSQL we start ourselves: found, initialised, kept alive and stopped.

Life-cycle: created (initdb, roles) -> running (a thread of ours is its parent) -> stopped. When our process
dies in any way, PostgreSQL goes with it; when PostgreSQL dies alone, it is started again.
"""

from core.postgres.cluster import Cluster, Urls
from core.postgres.lock import FolderLock

__all__ = ["Cluster", "FolderLock", "Urls"]
