"""The HTTP side: what people and programs ask over the network, in a thread beside the watch.

Rule: it reads with connections of its own and acts by leaving commands in the inbox; a fault in here is
answered, logged, and nobody else's.
"""
