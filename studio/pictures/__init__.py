"""Pictures: what is known, as cells. Pure: no clock, no screen; colours are tokens of `studio.theme`."""
