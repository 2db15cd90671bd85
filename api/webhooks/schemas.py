from pydantic import Field

from api.wire import Wire


class WebhookAnswer(Wire):
    """The event is on disk; it is applied by itself."""

    is_new: bool = Field(description="False if the same event had come before.")
