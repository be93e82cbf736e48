"""The rules of identity: pure functions and small types, no I/O and no clock."""
