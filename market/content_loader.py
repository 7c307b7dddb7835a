"""What `app.fill_content()` calls after migrating."""

from market.services.catalogue import load_content

__all__ = ["load_content"]
