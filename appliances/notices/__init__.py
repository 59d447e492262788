"""Telling people: events become letters, and messages to hooks."""
