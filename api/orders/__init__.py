"""What the app tells of its orders, and what it answers to the changes agents ask for."""
