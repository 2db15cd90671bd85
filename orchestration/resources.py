"""What the steps of a build share: one build under way, held from the first step to the last."""

from collections.abc import Callable, Iterator
from typing import cast

import dagster as dg

from orchestration.building import Building, begin
from store.settings import Settings

Log = Callable[[str], None]


def building_resource(settings: Settings, say: Log | None = None) -> dg.ResourceDefinition:
    """The build of a run: made when its first step starts, thrown away at its end unless it was published.

    It lives as long as the run because all steps of a run are in one process (`in_process_executor`).
    """

    @dg.resource(
        config_schema={
            "full_refresh": dg.Field(
                bool, default_value=False, description="Build from raw instead of the last version."
            )
        }
    )
    def building(context: dg.InitResourceContext) -> Iterator[Building]:
        log = context.log
        with begin(
            settings,
            full_refresh=context.resource_config["full_refresh"],
            say=say or (log.info if log else print),
        ) as under_way:
            yield under_way

    return building


def building_of(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Building:
    return cast("Building", context.resources.building)
