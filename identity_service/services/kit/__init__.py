"""What use cases share: time, ids, caches, threads."""
