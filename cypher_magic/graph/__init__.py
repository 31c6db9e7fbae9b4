"""The graph side: schema, connections, results."""
