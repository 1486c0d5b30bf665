# SPDX-License-Identifier: MIT
"""What the order service deals in."""


class Customer:
    def __init__(self, number):
        self.number = number
        self.name = "customer %d" % number
        self.orders = []


class OrderLine:
    __slots__ = "article", "quantity", "price"

    def __init__(self, article, quantity, price):
        self.article = article
        self.quantity = quantity
        self.price = price


class Order:
    def __init__(self, number, customer, lines):
        self.number = number
        self.customer = customer
        self.lines = lines
        self.state = {"paid": False, "history": []}

    def total(self):
        return sum(line.quantity * line.price for line in self.lines)
