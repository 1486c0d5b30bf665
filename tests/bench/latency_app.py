# SPDX-License-Identifier: MIT
"""A small Django application with some 100,000 objects a worker, for latency.py: orders, of which a
request takes some, sums them up and renders them. It keeps each thousandth for a while, as services
do."""
import collections
import ctypes

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.template import Context, Engine
from django.urls import path

PR_SET_PTRACER = 0x59616D61
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)
ORDERS = 20000

# Fails, without harm, where any process of the same user may trace anyway.
ctypes.CDLL(None).prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="none", USE_TZ=True)
django.setup()


class Line:
    def __init__(self, article, amount):
        self.article = article
        self.amount = amount


class Order:
    def __init__(self, number):
        self.number = number
        self.lines = [Line("article %d" % (number + i), i + 1) for i in range(2)]

    def total(self):
        return sum(line.amount for line in self.lines)


orders = {number: Order(number) for number in range(ORDERS)}
recent = collections.deque(maxlen=1000)
page = Engine().from_string(
    "<table>{% for order in orders %}<tr><td>{{ order.number }}</td><td>{{ order.total }}</td>"
    "{% for line in order.lines %}<td>{{ line.article }}</td>{% endfor %}</tr>{% endfor %}</table>")


def list_orders(request, first):
    chosen = [orders[(first + i) % ORDERS] for i in range(20)]
    recent.append({"first": first, "total": sum(order.total() for order in chosen)})
    return HttpResponse(page.render(Context({"orders": chosen})))


urlpatterns = [path("orders/<int:first>", list_orders)]
application = get_wsgi_application()
