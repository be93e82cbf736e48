"""What senders send, read into events: bytes in, observations out. Pure, no I/O and no clock."""
