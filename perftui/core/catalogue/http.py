"""Metrics of http sources; what their JSON says is declared by the user, source by source."""

from perftui.core.metric import Metric, gauge

HTTP: tuple[Metric, ...] = (
    gauge("http.up", "1", "1 when the answer's status is within `expect`, else 0", bad="down"),
    gauge("http.client.request.duration", "s", "From sending the request to the last byte of the answer", bad="up"),
    gauge("http.response.status_code", "1", "Status code of the answer"),
    gauge("http.client.response.body.size", "By", "Size of the body that was read"),
)
