"""The evidence packet of a ticket: one archive of all that is on record of it, that anybody can check."""
