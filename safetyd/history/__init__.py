"""What a safety committee can look at: roll-ups of the readings, and questions answered from them."""
