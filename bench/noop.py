"""The floor: the tracker's own server, which reads every request and answers 204."""

import asyncio
import gc
import sys

from tracker_server.exchange import Answer
from tracker_server.meter import ServerMeter
from tracker_server.serving import Server, bind

if __name__ == "__main__":
    server = Server(
        lambda connection, _request: connection.answer(Answer(204)),
        lambda _: 4_096,
        lambda: None,
        lambda _: None,
        ServerMeter(),
    )
    gc.collect()
    gc.freeze()  # As the tracker does.
    asyncio.run(server.serve(bind("127.0.0.1", int(sys.argv[1])), lambda: None))
