"""One module for each vendor: from operations to requests, from an answer to outcomes."""
