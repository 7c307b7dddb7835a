"""The console script `xinshi`: everything one machine does with Xinshi, one command each.

Nothing heavy is imported before a command needs it: `xinshi version` answers at once.
"""

from launch.commands import main

__all__ = ["main"]
