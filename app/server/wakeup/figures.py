"""What the wake-up tells of itself to Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

CONNECTED = Gauge(
    "lading_wakeup_connected", "Whether messages of other processes are heard.", multiprocess_mode="livemin"
)
CONNECTIONS = Counter("lading_wakeup_connections_total", "Connections that were made to hear messages.")
MISSED = Counter("lading_wakeup_gaps_total", "Times that messages may have been missed.")
UNTOLD = Counter("lading_wakeup_untold_total", "Messages that could not be told.")
