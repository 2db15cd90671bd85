"""What a user is doing in the app: the log of what it tells, and its fold."""
