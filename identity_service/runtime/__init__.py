"""The managed local Neo4j: fetched once, started as a child process, stopped with its owner."""
