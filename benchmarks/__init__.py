"""The figures the product holds itself to, each one command."""
