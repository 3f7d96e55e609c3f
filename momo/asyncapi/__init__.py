"""The AsyncAPI document: every queue, message and header, for programs and, as a page, for people."""
