"""How the graph is answered: reading, asking, writing and following. None of them knows a domain."""
