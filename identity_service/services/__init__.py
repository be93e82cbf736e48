"""Use cases. They own the transaction boundary; the clock is passed in."""
