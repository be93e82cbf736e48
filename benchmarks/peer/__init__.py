"""The peer of ingest: PostgreSQL behind a small ASGI application."""
