"""The desk: where agents work and supervisors look after the work."""
