"""GraphQL over HTTP, and the explorer page."""
