"""The widgets of the screens: each draws lines of text itself, and repaints only the lines that changed."""
