"""What the parts of a simulation hand to each other once the plan is made."""

from dataclasses import dataclass

import numpy as np

from ingestion.simulate.app_log import Log, Script
from ingestion.simulate.orders import Orders
from ingestion.simulate.people import Users
from ingestion.simulate.visits import Visits


@dataclass(frozen=True, slots=True)
class Period:
    """The users, their visits, and what the app saw of them."""

    people: Users
    visits: Visits
    script: Script
    log: Log
    orders: Orders
    user_ids: np.ndarray
    """Of users by their index."""
    session_ids: np.ndarray
    """Of visits by their index."""
