"""Cast shadows in one image, from colour alone. Knows arrays, no files."""
