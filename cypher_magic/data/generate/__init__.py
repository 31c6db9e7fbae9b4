"""Questions and queries made from a graph: what to ask (`meaning`), how to say it (`phrasing`), in which words."""
