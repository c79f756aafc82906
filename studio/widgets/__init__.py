"""Thin: each shows a picture of the state and turns keys and mouse into actions."""
