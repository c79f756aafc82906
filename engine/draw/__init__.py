"""What a workflow looks like, without a terminal: placement, routes, strokes, and pictures in five formats."""
