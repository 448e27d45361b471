"""Metrics of the agent itself: what watching costs."""

from perftui.core.metric import Metric, gauge, rate, ratio

AGENT: tuple[Metric, ...] = (
    ratio("agent.cpu.utilization", "CPU the agent uses, as a share of one core", bad="up"),
    gauge("agent.memory.usage", "By", "Resident memory of the agent", bad="up"),
    gauge("agent.loop.lag", "s", "How late the agent's event loop ran, worst since the last poll", bad="up"),
    rate("agent.commands", "{command}/s", "Commands the agent sends to a source", bad="up"),
    gauge("agent.poll.duration", "s", "How long the last poll of a source took", bad="up"),
    gauge("agent.series", "{series}", "Series the agent keeps"),
    gauge("source.failing", "s", "How long the polls of a source have failed; 0 while they succeed", bad="up"),
    gauge("source.stale", "s", "For how long a source's figures have been too old; 0 while fresh", bad="up"),
    gauge("agent.consoles", "{console}", "Consoles attached to the agent"),
)
