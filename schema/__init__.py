"""What may be asked: declarations of the graph, one room a domain. Nothing here reads, writes or waits."""
