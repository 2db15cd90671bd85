from tests.api.telling import api, api_on_each_engine, meera, time

__all__ = ["api", "api_on_each_engine", "meera", "time"]
