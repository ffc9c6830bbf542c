"""POST /signals: what people did with their tasks and the app. They leave as events, as decisions and reactions do."""

import datetime as dt

import msgspec
from fastapi import APIRouter, Request, Response

from tip_serving.api.schemas import SIGNALS, operation
from tip_serving.scoring.answers import SignalsAnswer
from tip_serving.scoring.signals import read_signals


def router(retention: dt.timedelta) -> APIRouter:
    """The route.

    Args:
        retention: how long a signal of a person is kept.
    """
    routes = APIRouter()

    @routes.post("/signals", openapi_extra=operation(SIGNALS, SignalsAnswer, (422,)), response_class=Response)
    async def signals(request: Request) -> Response:
        """Take down tasks that were added, done, moved or removed, sessions, and settings of accounts.

        A signal that is sent again under the same event id counts once.
        """
        told = read_signals(await request.body(), retention)
        for signal in told:
            request.app.state.services.log.append(signal)
        return Response(msgspec.json.encode(SignalsAnswer(n=len(told))), media_type="application/json")

    return routes
