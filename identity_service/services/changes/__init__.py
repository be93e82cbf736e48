"""The ledger of changes, read and followed."""
