"""When things run by themselves: a build every quarter of an hour and when files arrive, the report on Monday mornings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from ingestion.files import pending_landing_files
from orchestration.delivery import DELIVERIES, REPORT, week_before
from orchestration.locks import build_is_running
from orchestration.runs import end_dead_runs, forget_old_runs
from store.settings import Settings

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

Automation = dg.ScheduleDefinition | dg.SensorDefinition

BUILD = "build"
REPORT_JOB = "weekly_report"


def jobs() -> "list[UnresolvedAssetJobDefinition]":
    """`build` makes and publishes a version, `weekly_report` tells of the published one."""
    report = dg.AssetSelection.assets(REPORT, DELIVERIES)
    return [
        dg.define_asset_job(
            BUILD,
            selection=dg.AssetSelection.all() - report,
            description="From the operational store and var/landing to a published version.",
        ),
        dg.define_asset_job(
            REPORT_JOB, selection=report, description="Write the weekly friction report and deliver it."
        ),
    ]


def automations(settings: Settings) -> Sequence[Automation]:
    @dg.schedule(
        job_name=BUILD,
        cron_schedule="*/15 * * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="A new version every quarter of an hour.",
    )
    def build_every_15_minutes(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if build_is_running(settings):
            return dg.SkipReason("A build is running; the next quarter of an hour takes its turn.")
        end_dead_runs(context.instance, BUILD)
        forget_old_runs(context.instance, settings, BUILD)
        return dg.RunRequest()

    @dg.schedule(
        job_name=REPORT_JOB,
        cron_schedule="0 9 * * 1",
        execution_timezone="Asia/Kolkata",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Monday 09:00 in India: the report of the week that ended.",
    )
    def report_on_mondays(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        week = week_before(context.scheduled_execution_time)
        config = {"config": {"week": week}}
        return dg.RunRequest(run_config={"ops": {key.to_python_identifier(): config for key in (REPORT, DELIVERIES)}})

    @dg.sensor(
        job_name=BUILD,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Files dropped into var/landing start a build, which imports them.",
    )
    def files_arrive(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        arrived = landing_state(settings)
        if not arrived or arrived == context.cursor:
            return dg.SkipReason("Nothing new in var/landing.")
        if build_is_running(settings):
            return dg.SkipReason("A build is running; the files wait for the next look.")
        end_dead_runs(context.instance, BUILD)
        context.update_cursor(arrived)
        return dg.RunRequest()

    return [build_every_15_minutes, report_on_mondays, files_arrive]


def landing_state(settings: Settings) -> str:
    """Which files wait in `var/landing`, and how big they are: empty when there are none."""
    return " ".join(f"{path.name}:{path.stat().st_size}" for path in pending_landing_files(settings))
