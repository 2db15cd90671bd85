"""The commands of `./supportled`. Each is a thin function that calls the part that does the work."""
