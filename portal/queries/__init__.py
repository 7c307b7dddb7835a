"""Reads of the front doors. Everything here is public, except the desk, which is the reader's own."""
