"""Reports over a season: facts read from the store, tables made of them, and files that show the tables."""
