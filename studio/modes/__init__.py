"""What keys and the mouse mean for a while: connecting, adding, moving, selecting, naming. Pure: (mode, event) -> turn."""
