"""A school that obeys physics simply, tells of it over real MQTT, and needs no building to do so.

Rule: what happens in the school is pure and repeatable; only `publisher` and `broker` touch the world.
"""
