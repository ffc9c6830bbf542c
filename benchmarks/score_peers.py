"""What /score is held against: a bare FastAPI echo of the same body, and a bare ASGI application that says hello."""

from typing import Any

from fastapi import FastAPI

echo = FastAPI()


@echo.post("/score")
async def answer(body: dict[str, Any]) -> dict[str, Any]:
    """The body again."""
    return body


async def hello(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Read the body, say hello."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})
