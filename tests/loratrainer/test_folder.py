"""The broker of a local installation, written and read by many at once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from kombu import Connection, Queue
from kombu.transport import filesystem

from loratrainer import embedded, folder

MESSAGES = 100
WRITERS = 4


def broker(var: Path) -> Connection:
    options = embedded.broker_options(var) | {"polling_interval": 0.001}
    return Connection("folder://localhost", transport_options=options)


def test_no_reader_ever_finds_half_a_message(tmp_path, monkeypatch):
    # The transport locks between creating a file and filling it: where it does, readers get time.
    monkeypatch.setattr(filesystem, "lock", lambda *_args: time.sleep(0.005))
    queue = Queue("bells")
    with broker(tmp_path) as connection:
        queue(connection.default_channel).declare()

    def write() -> None:
        with broker(tmp_path) as connection, connection.Producer() as producer:
            for number in range(MESSAGES):
                producer.publish({"number": number, "long": "x" * 20_000}, routing_key="bells")

    writers = [threading.Thread(target=write) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    heard = []
    with broker(tmp_path) as connection, connection.SimpleQueue(queue) as bells:
        while len(heard) < MESSAGES * WRITERS:
            message = bells.get(timeout=20)
            heard.append(message.payload["number"])
            message.ack()
    for writer in writers:
        writer.join()
    assert sorted(heard) == sorted([*range(MESSAGES)] * WRITERS)


def test_a_table_that_is_just_being_written_is_waited_for(tmp_path):
    table = Path(embedded.broker_options(tmp_path)["control_folder"]) / "bells.exchange"
    table.touch()
    threading.Timer(0.2, table.write_text, ["[]"]).start()
    with broker(tmp_path) as connection:
        Queue("bells", exchange="bells")(connection.default_channel).declare()
        assert table.read_text() != "[]"


def test_the_settings_broker_is_this_one():
    with Connection("folder://localhost") as connection:
        assert connection.get_transport_cls() is folder.Transport
