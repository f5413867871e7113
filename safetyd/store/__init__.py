"""All SQL and nothing else: how decisions and readings are kept, never why."""
