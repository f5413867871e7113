"""Old loggers' files: read, judged by the rules of their time, and taken into history."""
