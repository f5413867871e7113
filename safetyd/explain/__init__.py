"""From raw payload to verdict and ticket, in sentences."""
