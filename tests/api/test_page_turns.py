import asyncio
from itertools import pairwise

from api.dashboard.pages import Turns


def test_pages_that_come_together_let_others_in_between_one_after_the_other() -> None:
    async def begun_after_each_turn() -> list[list[int]]:
        turns, begun, seen = Turns(), [], [[]]

        async def page(number: int) -> None:
            await turns.wait()
            begun.append(number)

        pages = [asyncio.create_task(page(number)) for number in range(4)]
        while not all(page.done() for page in pages):
            await asyncio.sleep(0)
            seen.append([*begun])
        return seen

    seen = asyncio.run(begun_after_each_turn())
    assert seen[-1] == [0, 1, 2, 3]
    assert all(len(after) - len(before) <= 1 for before, after in pairwise(seen))
