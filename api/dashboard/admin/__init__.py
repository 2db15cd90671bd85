"""What admins look after: rules, people, keys, and what could not be delivered."""
