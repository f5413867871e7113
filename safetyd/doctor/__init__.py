"""What a technician would look at on a gateway, looked at in one go, with what to do about each finding."""
