"""The sandbox's own interface: one desk for each thing that it is about, one method for each route."""
