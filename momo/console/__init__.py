"""The operators' console: what is slow, stuck or dead, why, and the button that mends it."""
