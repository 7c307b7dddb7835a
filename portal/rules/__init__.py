"""Pure rules of the front doors: how a desk is ordered, which months a chart shows."""
