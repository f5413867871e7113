"""What each ecosystem's messages look like, one data file each."""
