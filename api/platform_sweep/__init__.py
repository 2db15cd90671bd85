"""What watches over the webhooks: a sweep that brings what never arrived, and alarms."""
