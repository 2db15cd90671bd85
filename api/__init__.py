"""The live layer: the API that apps, agents and analysts call."""
