"""What a person wrote, read for the screen: the project, its code, its fields. Nothing is imported or run."""
