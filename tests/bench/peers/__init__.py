"""The durable join, done by other frameworks and by hand; each module is a process of its own environment."""
