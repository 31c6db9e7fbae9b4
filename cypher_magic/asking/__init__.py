"""From a question to a checked query and its rows."""
