"""The gateway's interface: endpoints and codes as tables, one place that does HTTP, one method an endpoint."""
