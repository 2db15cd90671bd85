"""How facts come in: the extract of the operational store, files through declared mappings, chat platforms, the demo city."""
