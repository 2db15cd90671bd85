"""How a message of the outbox becomes requests: one module for each destination."""
