"""What was, over years: roll-ups and questions answered from them, and the copy in InfluxDB."""
