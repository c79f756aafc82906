"""How the link to an agent can fail; everything hangs below `engine.errors.NetworkError`.

NetworkError
├── ConnectionFailed      nobody answers at an address
├── Timeout               no answer in time
├── MessageTooLarge       over a limit, said by the side that would have sent it
├── SerializationError    a value cannot travel; names the object
├── NetworkUnavailable    this machine has no usable interface
├── AgentUnavailable      offline, draining or unknown (NodeUnavailable is the same class)
├── Malformed             what arrived is no message of ours
└── UnknownError          anything else, with its cause
"""

from __future__ import annotations

from engine.errors import NetworkError


class ConnectionFailed(NetworkError):
    """Nobody answers at `address`, or it refused."""

    def __init__(self, address: str, why: str = "") -> None:
        super().__init__(f"cannot connect to {address}{': ' + why if why else ''}")
        self.address = address


class Timeout(NetworkError):
    """No answer within `seconds`."""

    def __init__(self, seconds: float, what: str = "no answer") -> None:
        super().__init__(f"{what} within {seconds:g} s")
        self.seconds = seconds


class MessageTooLarge(NetworkError):
    """Something of `size` bytes (or frames) is over `limit`; said by the sender, before anything leaves."""

    retryable = False

    def __init__(self, size: int, limit: int, what: str = "message", unit: str = "bytes") -> None:
        super().__init__(f"the {what} has {size:,} {unit}, and the limit is {limit:,}")
        self.size = size
        self.limit = limit


class SerializationError(NetworkError):
    """A value cannot travel; the text names the object and where it sits."""

    retryable = False


class NetworkUnavailable(NetworkError):
    """This machine has no usable interface or address for what was asked."""


class AgentUnavailable(NetworkError):
    """The agent is offline, draining or unknown."""

    def __init__(self, agent: str, why: str = "it is not connected") -> None:
        super().__init__(f"agent {agent!r} is not available: {why}")
        self.agent = agent


class UnknownError(NetworkError):
    """Anything else that went wrong on the way; the cause hangs on it (`__cause__`)."""


class Malformed(NetworkError):
    """Frames that are no parcel. `answer` is what their sender may be told, if anything."""

    retryable = False

    def __init__(self, text: str, answer: object = None) -> None:
        super().__init__(text)
        self.answer = answer


NodeUnavailable = AgentUnavailable  # the name that the design's first version gave it
