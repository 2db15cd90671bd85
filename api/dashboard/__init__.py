"""The pages that people look at. They call the services of the other slices, never the tables."""
