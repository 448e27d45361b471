"""The one catalogue of metrics: formatting, rules and `perftui metrics` all read it.

A metric that is not declared here (or by the user, for an `http` source) does not exist.
"""

from perftui.core.catalogue.agent import AGENT
from perftui.core.catalogue.http import HTTP
from perftui.core.catalogue.mysql import MYSQL
from perftui.core.catalogue.queue import QUEUE
from perftui.core.catalogue.redis import REDIS
from perftui.core.catalogue.service import SERVICE
from perftui.core.catalogue.system import SYSTEM
from perftui.core.metric import Metric

CATALOGUE: dict[str, Metric] = {
    metric.name: metric for table in (SYSTEM, REDIS, QUEUE, MYSQL, HTTP, SERVICE, AGENT) for metric in table
}
