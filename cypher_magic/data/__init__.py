"""Examples: reading them, checking them before any training second is spent, splitting, generating from a graph."""
