from tests.api.telling import meera, time

__all__ = ["meera", "time"]
