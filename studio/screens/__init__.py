"""What fills the terminal: welcome, editor, runs, and what lies over them."""
