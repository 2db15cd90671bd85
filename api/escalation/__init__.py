"""When an incidence becomes somebody else's: by value, by cause, by time."""
