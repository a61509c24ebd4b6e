"""How results look: renderers, elevation properties, the result group."""
