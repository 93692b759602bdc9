"""From flags to images and traces."""
