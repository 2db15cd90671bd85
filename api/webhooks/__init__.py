"""What chat platforms tell us: verified, stored and answered at once; applied by a loop."""
