"""A shop, its bank and its carrier. What each of them did is written to out/ledger.txt, line by line."""

from pathlib import Path

LEDGER = Path("out/ledger.txt")


def write(line):
    LEDGER.parent.mkdir(exist_ok=True)
    with LEDGER.open("a", encoding="utf-8") as ledger:
        ledger.write(line + "\n")


def reserve(order):
    write(f"reserve {order}")
    return {"order": order, "items": 3, "price": 42}


def release(result):
    write(f"release {result['order']}")


def pay(ctx, goods, busy):
    if ctx.node.attempt <= busy:
        raise ConnectionError("the bank is busy")
    write(f"pay {goods['price']}")
    return {"amount": goods["price"]}


def refund(result):
    write(f"refund {result['amount']}")


def print_label(goods, printer):
    if not printer:
        raise OSError("the printer is out of paper")
    return f"printed: {goods['order']}"


def write_label(goods, printer):
    return f"by hand: {goods['order']}"


def pack(goods, label):
    write(f"pack {goods['items']} items")
    return {"items": goods["items"], "label": label}


def unpack(result):
    write(f"unpack {result['items']} items")


def ship(parcel, answer, carrier):
    if answer != "yes":
        raise PermissionError("somebody said no")
    if carrier == "strike":
        raise RuntimeError("the carrier is on strike")
    write(f"ship by {carrier}")
    return {"carrier": carrier, "label": parcel["label"]}


def call_back(result):
    write(f"call back from {result['carrier']}")


def tell(text):
    write(f"tell: {text}")
