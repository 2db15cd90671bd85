"""Users and agents of the demo: common first names, numbers that no telephone has."""

from dataclasses import dataclass

import numpy as np

FIRST_NAMES = [
    "Aarav",
    "Aditi",
    "Aditya",
    "Aisha",
    "Ajay",
    "Akash",
    "Amit",
    "Amrita",
    "Ananya",
    "Anil",
    "Anita",
    "Anjali",
    "Arjun",
    "Asha",
    "Ashok",
    "Bhavna",
    "Chitra",
    "Deepa",
    "Deepak",
    "Dev",
    "Divya",
    "Farhan",
    "Fatima",
    "Gaurav",
    "Gauri",
    "Geeta",
    "Harish",
    "Harpreet",
    "Hema",
    "Imran",
    "Isha",
    "Jaya",
    "Jyoti",
    "Kabir",
    "Kamala",
    "Karan",
    "Kavita",
    "Kiran",
    "Lakshmi",
    "Lata",
    "Madhu",
    "Mahesh",
    "Manish",
    "Manoj",
    "Maya",
    "Meena",
    "Meera",
    "Mohan",
    "Mukesh",
    "Nandini",
    "Naveen",
    "Neha",
    "Nikhil",
    "Nisha",
    "Pooja",
    "Pradeep",
    "Prakash",
    "Priya",
    "Rahul",
    "Rajesh",
    "Ramesh",
    "Rani",
    "Ravi",
    "Reena",
    "Rekha",
    "Ritu",
    "Rohan",
    "Rohit",
    "Sachin",
    "Sameer",
    "Sandeep",
    "Sangeeta",
    "Sanjay",
    "Sarita",
    "Seema",
    "Shalini",
    "Shanti",
    "Shilpa",
    "Shreya",
    "Simran",
    "Sneha",
    "Sonal",
    "Sunil",
    "Sunita",
    "Suresh",
    "Swati",
    "Tara",
    "Tanvi",
    "Uma",
    "Usha",
    "Varun",
    "Vidya",
    "Vijay",
    "Vikram",
    "Vinod",
    "Vivek",
    "Yash",
    "Zara",
    "Zoya",
]
LANGUAGES = ("en", "hi", "ta", "te", "mr")
LANGUAGE_SHARES = (0.50, 0.41, 0.03, 0.03, 0.03)
TIERS = ("BRONZE", "SILVER", "GOLD")
TIER_SHARES = (0.62, 0.28, 0.10)


@dataclass(frozen=True, slots=True)
class Users:
    """Columns of equal length, one entry a user. `language` and `tier` index LANGUAGES and TIERS."""

    user_id: list[str]
    name: list[str]
    phone: list[str]
    language: np.ndarray
    tier: np.ndarray
    prior_order_count: np.ndarray
    activity: np.ndarray
    """How often the user opens the app, compared with the others."""


@dataclass(frozen=True, slots=True)
class Agent:
    agent_id: str
    name: str
    levels: tuple[str, ...]
    open_limit: int
    breaks_rules: bool


def make_users(rng: np.random.Generator, prefix: str, count: int) -> Users:
    tier = rng.choice(len(TIERS), count, p=TIER_SHARES)
    prior = np.where(rng.random(count) < 0.45, 0, rng.poisson(1.0 + 2.0 * tier, count))
    names = rng.integers(0, len(FIRST_NAMES), count)
    return Users(
        user_id=[f"{prefix}{n:05d}" for n in range(1, count + 1)],
        name=[FIRST_NAMES[n] for n in names.tolist()],
        phone=[f"+91 00000 {n % 100_000:05d}" for n in range(1, count + 1)],
        language=rng.choice(len(LANGUAGES), count, p=LANGUAGE_SHARES),
        tier=tier,
        prior_order_count=prior,
        activity=rng.gamma(2.5, 1.0, count) * (1.0 + 0.4 * tier),
    )


def make_agents(rng: np.random.Generator, prefix: str, count: int = 40) -> list[Agent]:
    """Mostly first-line agents; one in five senior, a small tech team, three supervisors. Four of the first line break
    rules."""
    names = rng.permutation(len(FIRST_NAMES))[:count]
    first_line = count - 14
    breakers = set(rng.permutation(first_line)[:4].tolist())
    agents = []
    for n in range(count):
        if n < first_line:
            levels: tuple[str, ...] = ("AGENT",)
        elif n < count - 6:
            levels = ("AGENT", "SENIOR_AGENT")
        elif n < count - 3:
            levels = ("TECH_TEAM",)
        else:
            levels = ("SENIOR_AGENT", "SUPERVISOR")
        name = FIRST_NAMES[int(names[n])]
        agents.append(Agent(f"{prefix.removesuffix('u')}agent{n + 1:02d}", name, levels, 5, n in breakers))
    return agents
