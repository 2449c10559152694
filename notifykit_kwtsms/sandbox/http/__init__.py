"""The imitation on the wire: server, faults, guard, and the control API."""
