"""A supervising process for tests: up, one line on stdout, then wait for SIGTERM."""

import asyncio
import signal
import sys
from pathlib import Path

from oms_platform import LocalPlatform, TopicSpec


async def main(run_dir: Path, keep_data: bool) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    topics = [TopicSpec("oms.order.v1", "order", (), 1, 6)]
    async with LocalPlatform(run_dir, topics=topics, keep_data=keep_data):
        print("up", flush=True)
        await ended.wait()


asyncio.run(main(Path(sys.argv[1]), keep_data="keep" in sys.argv))
